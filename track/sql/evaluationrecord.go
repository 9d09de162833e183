package sql

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/xtrepro/xt/track"
)

// PutEvaluationRecords implements [track.Evaluations].
func (s *Store) PutEvaluationRecords(ctx context.Context, id string, records []track.NewEvaluationRecord) (inserted, updated int, err error) {
	err = s.change(ctx, func(t *tx) error {
		d, err := t.evaluation(id)
		if err != nil {
			return err
		}
		inserted, updated = 0, 0
		user := ""
		for i := range records {
			isNew, err := t.putEvaluationRecord(&d, &records[i])
			if err != nil {
				return err
			}
			if isNew {
				inserted++
			} else {
				updated++
			}
			if records[i].User != "" {
				user = records[i].User
			}
		}
		d.Schema.Grow(records)
		schema, err := json.Marshal(&d.Schema)
		if err != nil {
			return err
		}
		_, err = t.exec("UPDATE evaluations SET field_types = ?, records = records + ?, digest = ?, updated = ?, updated_by = ? WHERE id = ?",
			string(schema), int64(inserted), track.EvaluationDigest(d.Name, t.now), t.now, user, d.row)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	return inserted, updated, nil
}

// putEvaluationRecord adds a record, or merges it into one with its inputs.
func (t *tx) putEvaluationRecord(d *evaluationRow, n *track.NewEvaluationRecord) (isNew bool, err error) {
	row, old, err := t.oldEvaluationRecord(d.row, n.InputsDigest)
	if errors.Is(err, sql.ErrNoRows) {
		return true, t.addEvaluationRecord(d, n)
	}
	if err != nil {
		return false, err
	}
	if n.Outputs != nil {
		old.Outputs = *n.Outputs
	}
	if len(n.Expectations) > 0 {
		old.Expectations = old.Expectations.Merge(n.Expectations)
	}
	if len(n.Tags) > 0 {
		old.Tags = old.Tags.Merge(n.Tags)
	}
	if n.User != "" {
		old.UpdatedBy = n.User
	}
	_, err = t.exec("UPDATE evaluation_records SET outputs = ?, expectations = ?, tags = ?, updated = ?, updated_by = ? WHERE id = ?",
		clean(old.Outputs), fieldsText(old.Expectations), fieldsText(old.Tags), t.now, old.UpdatedBy, row)
	return false, err
}

// oldEvaluationRecord reads what may change in a record.
func (t *tx) oldEvaluationRecord(dataset int64, digest string) (row int64, old track.EvaluationRecord, err error) {
	var expectations, tags string
	err = t.row("SELECT id, outputs, expectations, tags, updated_by FROM evaluation_records WHERE evaluation = ? AND inputs_digest = ?",
		[]any{dataset, digest}, &row, &old.Outputs, &expectations, &tags, &old.UpdatedBy)
	if err == nil {
		old.Expectations, err = parseFields(expectations)
	}
	if err == nil {
		old.Tags, err = parseFields(tags)
	}
	return row, old, err
}

func (t *tx) addEvaluationRecord(d *evaluationRow, n *track.NewEvaluationRecord) error {
	outputs := "{}"
	if n.Outputs != nil {
		outputs = *n.Outputs
	}
	_, err := t.exec(`INSERT INTO evaluation_records (record_id, evaluation, inputs_digest, inputs, outputs, expectations, tags, source_type, source_id, source_data, created, updated, created_by, updated_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		track.NewEvaluationRecordID(), d.row, n.InputsDigest, fieldsText(n.Inputs), clean(outputs), fieldsText(n.Expectations), fieldsText(n.Tags),
		n.Source.Type, clean(n.Source.ID), fieldsText(n.Source.Data), t.now, t.now, n.User, n.User)
	return err
}

// fieldsText is how the tables have fields; "" if there is no object.
func fieldsText(f track.Fields) string {
	if f == nil {
		return ""
	}
	b, _ := json.Marshal(f) // of texts it can't fail
	return string(b)
}

// parseFields reads what [fieldsText] writes.
func parseFields(text string) (f track.Fields, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &f)
	}
	return f, err
}

// EvaluationRecords implements [track.Evaluations].
func (s *Store) EvaluationRecords(ctx context.Context, q track.RecordQuery) (page track.Page[track.EvaluationRecord], err error) {
	if err := track.CheckMax(q.Max, maxPage); err != nil {
		return page, err
	}
	after, err := parseRecordToken(q.PageToken)
	if err != nil {
		return page, err
	}
	const query = `SELECT r.id, r.record_id, r.inputs, r.outputs, r.expectations, r.tags, r.source_type, r.source_id, r.source_data, r.created, r.updated, r.created_by, r.updated_by
		FROM evaluations v JOIN evaluation_records r ON r.evaluation = v.id WHERE v.dataset_id = ? AND r.id > ? ORDER BY r.id LIMIT ?`
	err = s.view(ctx, func(c *conn) error {
		page = track.Page[track.EvaluationRecord]{}
		last := int64(0)
		return c.each(query, []any{q.Dataset, after, int64(q.Max) + 1}, func(scan func(...any) error) error {
			row, r, err := scanEvaluationRecord(scan)
			if len(page.Items) == q.Max {
				page.Next = recordToken(last)
				return err
			}
			r.Dataset, last = q.Dataset, row
			page.Items = append(page.Items, r)
			return err
		})
	})
	return page, err
}

func scanEvaluationRecord(scan func(...any) error) (row int64, r track.EvaluationRecord, err error) {
	var inputs, expectations, tags, data string
	err = scan(&row, &r.ID, &inputs, &r.Outputs, &expectations, &tags, &r.Source.Type, &r.Source.ID, &data, &r.Created, &r.Updated, &r.CreatedBy, &r.UpdatedBy)
	for _, f := range []struct {
		to   *track.Fields
		text string
	}{{&r.Inputs, inputs}, {&r.Expectations, expectations}, {&r.Tags, tags}, {&r.Source.Data, data}} {
		if err == nil {
			*f.to, err = parseFields(f.text)
		}
	}
	return row, r, err
}

// recordToken is the token of the page after a record.
func recordToken(row int64) string {
	return base64.StdEncoding.EncodeToString(strconv.AppendInt(nil, row, 10))
}

func parseRecordToken(token string) (row int64, err error) {
	if token == "" {
		return 0, nil
	}
	b, err := base64.StdEncoding.DecodeString(token)
	if err == nil {
		row, err = strconv.ParseInt(string(b), 10, 64)
	}
	if err != nil {
		return 0, track.Errorf(track.InvalidParameter, "Invalid page token")
	}
	return row, nil
}

// DeleteEvaluationRecords implements [track.Evaluations].
func (s *Store) DeleteEvaluationRecords(ctx context.Context, id string, records []string) (n int, err error) {
	err = s.change(ctx, func(t *tx) error {
		d, err := t.evaluation(id)
		if track.CodeOf(err) == track.NotFound {
			n = 0
			return nil // as if they had been deleted with it
		}
		if err != nil {
			return err
		}
		deleted, err := t.exec("DELETE FROM evaluation_records WHERE evaluation = ? AND "+t.inTexts("record_id"), d.row, t.texts(records))
		if err == nil && deleted > 0 {
			_, err = t.exec("UPDATE evaluations SET records = records - ? WHERE id = ?", deleted, d.row)
		}
		n = int(deleted)
		return err
	})
	return n, err
}
