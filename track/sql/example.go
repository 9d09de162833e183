package sql

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/track"
)

// fields is an object in JSON.
type fields = map[string]json.RawMessage

// canonical returns JSON in one form: without spaces, and with sorted keys.
func canonical(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", track.Errorf(track.InvalidParameter, "an example has something that is no JSON: %v", err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var any any
	if err := dec.Decode(&any); err != nil {
		return "", track.Errorf(track.InvalidParameter, "an example has something that is no JSON: %v", err)
	}
	b, err = json.Marshal(any)
	return clean(string(b)), err
}

// textOf returns JSON as the table has it.
func textOf(v any, none bool) (string, error) {
	if none {
		return "", nil
	}
	return canonical(v)
}

// schema is what the examples of a collection have, and of which types.
type schema struct {
	Inputs       map[string]string `json:"inputs"`
	Outputs      any               `json:"outputs"` // a type, or the types of fields
	Expectations map[string]string `json:"expectations"`
	Version      string            `json:"version"`
}

func parseSchema(text string) *schema {
	s := &schema{}
	if text != "" {
		_ = json.Unmarshal([]byte(text), s) // this package wrote it
	}
	if s.Inputs == nil {
		s.Inputs = map[string]string{}
	}
	if s.Expectations == nil {
		s.Expectations = map[string]string{}
	}
	if s.Outputs == nil {
		s.Outputs = map[string]any{}
	}
	s.Version = "1.0"
	return s
}

// typeOf returns the type of a value in JSON, as MLflow calls it.
func typeOf(v json.RawMessage) string {
	v = bytes.TrimSpace(v)
	switch {
	case len(v) == 0 || v[0] == 'n':
		return "null"
	case v[0] == 't' || v[0] == 'f':
		return "boolean"
	case v[0] == '"':
		return "string"
	case v[0] == '[':
		return "array"
	case v[0] == '{':
		return "object"
	case bytes.ContainsAny(v, ".eE"):
		return "float"
	}
	return "integer"
}

// add adds what an example has.
func (s *schema) add(x *track.Example) {
	for into, from := range map[*map[string]string]fields{&s.Inputs: x.Inputs, &s.Expectations: x.Expectations} {
		for key, v := range from {
			if _, ok := (*into)[key]; !ok {
				(*into)[key] = typeOf(v)
			}
		}
	}
	if x.Outputs == nil {
		return
	}
	known, ok := s.Outputs.(map[string]any)
	if !ok {
		return
	}
	var out fields
	if typeOf(x.Outputs) == "object" && json.Unmarshal(x.Outputs, &out) == nil {
		for key, v := range out {
			if _, ok := known[key]; !ok {
				known[key] = typeOf(v)
			}
		}
	} else if len(known) == 0 {
		s.Outputs = typeOf(x.Outputs)
	}
}

const selectExamples = "SELECT id, example_id, inputs, outputs, expectations, tags, source, created, updated, created_by, updated_by FROM examples"

func scanExample(scan func(...any) error) (row int64, x track.Example, err error) {
	var inputs, outputs, expectations, tags, source string
	if err := scan(&row, &x.ID, &inputs, &outputs, &expectations, &tags, &source, &x.Created, &x.Updated, &x.CreatedBy, &x.UpdatedBy); err != nil {
		return 0, x, err
	}
	for text, into := range map[*string]*fields{&inputs: &x.Inputs, &expectations: &x.Expectations, &tags: &x.Tags} {
		if *text != "" {
			err = errors.Join(err, json.Unmarshal([]byte(*text), into))
		}
	}
	for text, into := range map[*string]*json.RawMessage{&outputs: &x.Outputs, &source: &x.Source} {
		if *text != "" {
			*into = json.RawMessage(*text)
		}
	}
	return row, x, err
}

// PutExamples implements [track.EvalDatasets].
func (s *Store) PutExamples(ctx context.Context, id string, examples []track.Example) (added, merged int, err error) {
	err = s.changeEvalDataset(ctx, id, func(t *tx, d *evalRow) error {
		added, merged = 0, 0
		user, types := "", parseSchema(d.Schema)
		for i := range examples {
			x := examples[i]
			x.UpdatedBy = exampleUser(x.Tags)
			if x.UpdatedBy != "" {
				user = x.UpdatedBy
			}
			types.add(&x)
			isNew, err := t.putExample(d.row, &x)
			if err != nil {
				return err
			}
			if isNew {
				added++
			} else {
				merged++
			}
		}
		text, err := canonical(types)
		if err == nil {
			_, err = t.exec("UPDATE eval_datasets SET fields = ?, digest = ?, updated = ?, updated_by = ? WHERE id = ?", text, evalDigest(d.Name, t.now), t.now, user, d.row)
		}
		return err
	})
	return added, merged, err
}

func exampleUser(tags fields) (name string) {
	_ = json.Unmarshal(tags[track.UserTag], &name) // "" if it is no text
	return name
}

// putExample adds an example, or merges it into the one with the same inputs.
func (t *tx) putExample(dataset int64, x *track.Example) (added bool, err error) {
	if x.Inputs == nil {
		x.Inputs = fields{}
	}
	inputs, err := canonical(x.Inputs)
	if err != nil {
		return false, err
	}
	digest := hash.Bytes([]byte(inputs)).String()
	row, old, err := scanExample(func(dest ...any) error {
		return t.row(selectExamples+" WHERE dataset = ? AND digest = ?", []any{dataset, digest}, dest...)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return true, t.addExample(dataset, digest, inputs, x)
	case err != nil:
		return false, err
	}
	return false, t.mergeExample(row, &old, x)
}

// jsonOf returns outputs, expectations, tags and source as the table has them.
func jsonOf(x *track.Example) (texts [4]string, err error) {
	for i, part := range []struct {
		v    any
		none bool
	}{{x.Outputs, x.Outputs == nil}, {x.Expectations, x.Expectations == nil}, {x.Tags, x.Tags == nil}, {x.Source, x.Source == nil}} {
		if texts[i], err = textOf(part.v, part.none); err != nil {
			return texts, err
		}
	}
	return texts, nil
}

func (t *tx) addExample(dataset int64, digest, inputs string, x *track.Example) error {
	texts, err := jsonOf(x)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO examples (dataset, example_id, digest, inputs, outputs, expectations, tags, source, created, updated, created_by, updated_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		dataset, "dr-"+track.NewRunID(), digest, inputs, texts[0], texts[1], texts[2], texts[3], t.now, t.now, x.UpdatedBy, x.UpdatedBy)
	return err
}

func (t *tx) mergeExample(row int64, old, x *track.Example) error {
	if x.Outputs != nil {
		old.Outputs = x.Outputs
	}
	if x.UpdatedBy != "" {
		old.UpdatedBy = x.UpdatedBy
	}
	for into, from := range map[*fields]fields{&old.Expectations: x.Expectations, &old.Tags: x.Tags} {
		if *into == nil {
			*into = fields{}
		}
		maps.Copy(*into, from)
	}
	texts, err := jsonOf(old)
	if err != nil {
		return err
	}
	_, err = t.exec("UPDATE examples SET outputs = ?, expectations = ?, tags = ?, updated = ?, updated_by = ? WHERE id = ?", texts[0], texts[1], texts[2], t.now, old.UpdatedBy, row)
	return err
}

// Examples implements [track.EvalDatasets].
func (s *Store) Examples(ctx context.Context, id string, max int, pageToken string) (page track.Page[track.Example], err error) {
	if err := track.CheckMax(max, maxPage); err != nil {
		return page, err
	}
	after, err := track.ParseOffset(pageToken) // here it is the row of the last one before
	if err != nil {
		return page, err
	}
	err = s.view(ctx, func(c *conn) error {
		page = track.Page[track.Example]{}
		d, err := c.evalDataset(id)
		if err != nil {
			return err
		}
		last := int64(0)
		return c.each(selectExamples+" WHERE dataset = ? AND id > ? ORDER BY id LIMIT ?", []any{d.row, int64(after), int64(max) + 1}, func(scan func(...any) error) error {
			row, x, err := scanExample(scan)
			if len(page.Items) == max {
				page.Next = track.OffsetToken(int(last))
				return err
			}
			page.Items, last = append(page.Items, x), row
			return err
		})
	})
	return page, err
}

// DeleteExamples implements [track.EvalDatasets].
func (s *Store) DeleteExamples(ctx context.Context, id string, examples []string) (n int, err error) {
	err = s.changeEvalDataset(ctx, id, func(t *tx, d *evalRow) error {
		gone, err := t.exec("DELETE FROM examples WHERE dataset = ? AND "+t.inTexts("example_id"), d.row, t.texts(examples))
		if n = int(gone); err == nil && n > 0 {
			_, err = t.exec("UPDATE eval_datasets SET digest = ?, updated = ? WHERE id = ?", evalDigest(d.Name+" less", t.now), t.now, d.row)
		}
		return err
	})
	return n, err
}
