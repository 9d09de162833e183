package sql

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/xtrepro/xt/track"
)

// evaluationRow is a dataset for evaluations as the table has it.
type evaluationRow struct {
	row int64 // its number
	track.EvaluationDataset
}

const selectEvaluations = "SELECT v.id, v.dataset_id, v.name, v.field_types, v.records, v.digest, v.created, v.updated, v.created_by, v.updated_by FROM evaluations v"

func scanEvaluation(scan func(...any) error) (d evaluationRow, err error) {
	var schema string
	if err := scan(&d.row, &d.ID, &d.Name, &schema, &d.Records, &d.Digest, &d.Created, &d.Updated, &d.CreatedBy, &d.UpdatedBy); err != nil {
		return d, err
	}
	if schema != "" {
		err = json.Unmarshal([]byte(schema), &d.Schema)
	}
	return d, err
}

// evaluation reads a dataset without its tags.
func (c *conn) evaluation(id string) (d evaluationRow, err error) {
	d, err = scanEvaluation(func(dest ...any) error {
		return c.row(selectEvaluations+" WHERE v.dataset_id = ?", []any{id}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = track.Errorf(track.NotFound, "Evaluation dataset with id '%s' not found", id)
	}
	return d, err
}

// fillEvaluations reads the tags of datasets.
func (c *conn) fillEvaluations(rows []evaluationRow) ([]track.EvaluationDataset, error) {
	list, ids, at := make([]track.EvaluationDataset, len(rows)), make([]int64, len(rows)), map[int64]*track.EvaluationDataset{}
	for i, r := range rows {
		list[i], ids[i], at[r.row] = r.EvaluationDataset, r.row, &list[i]
	}
	err := c.each("SELECT evaluation, key, value FROM evaluation_tags WHERE "+c.inInts("evaluation")+" ORDER BY evaluation, key", []any{c.ints(ids)}, func(scan func(...any) error) error {
		var row int64
		var tag track.Tag
		if err := scan(&row, &tag.Key, &tag.Value); err != nil {
			return err
		}
		at[row].Tags = append(at[row].Tags, tag)
		return nil
	})
	return list, err
}

// EvaluationDataset implements [track.Evaluations].
func (s *Store) EvaluationDataset(ctx context.Context, id string) (d track.EvaluationDataset, err error) {
	err = s.view(ctx, func(c *conn) error {
		d, err = c.fullEvaluation(id)
		return err
	})
	return d, err
}

func (c *conn) fullEvaluation(id string) (d track.EvaluationDataset, err error) {
	r, err := c.evaluation(id)
	if err != nil {
		return d, err
	}
	list, err := c.fillEvaluations([]evaluationRow{r})
	if err == nil {
		d = list[0]
	}
	return d, err
}

// userTag is the tag that says who made something.
const userTag = "mlflow.user"

// CreateEvaluationDataset implements [track.Evaluations].
func (s *Store) CreateEvaluationDataset(ctx context.Context, n track.NewEvaluationDataset) (d track.EvaluationDataset, err error) {
	if err := track.CheckEvaluationDataset(&n); err != nil {
		return d, err
	}
	id, user := track.NewEvaluationID(), ""
	for _, tag := range n.Tags {
		if tag.Key == userTag {
			user = tag.Value
		}
	}
	err = s.change(ctx, func(t *tx) error {
		var row int64
		err := t.row("INSERT INTO evaluations (dataset_id, name, digest, created, updated, created_by, updated_by) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
			[]any{id, n.Name, track.EvaluationDigest(n.Name, t.now), t.now, t.now, user, user}, &row)
		if err == nil {
			err = t.setEvaluationTags(row, n.Tags)
		}
		if err == nil {
			err = t.addEvaluationExperiments(row, n.Experiments)
		}
		if err == nil {
			d, err = t.fullEvaluation(id)
		}
		return err
	})
	return d, err
}

func (t *tx) setEvaluationTags(row int64, tags []track.Tag) error {
	for _, tag := range tags {
		_, err := t.exec("INSERT INTO evaluation_tags (evaluation, key, value) VALUES (?, ?, ?) ON CONFLICT (evaluation, key) DO UPDATE SET value = excluded.value",
			row, tag.Key, tag.Value)
		if err != nil {
			return err
		}
	}
	return nil
}

// DeleteEvaluationDataset implements [track.Evaluations].
func (s *Store) DeleteEvaluationDataset(ctx context.Context, id string) error {
	return s.repeat(ctx, func(t *tx) error {
		_, err := t.exec("DELETE FROM evaluations WHERE dataset_id = ?", id)
		return err
	})
}

// SetEvaluationTags implements [track.Evaluations].
func (s *Store) SetEvaluationTags(ctx context.Context, id string, set []track.Tag, del []string) error {
	if err := track.CheckEvaluationTags(set); err != nil {
		return err
	}
	return s.repeat(ctx, func(t *tx) error {
		r, err := t.evaluation(id)
		if err != nil {
			return err
		}
		if _, err := t.exec("DELETE FROM evaluation_tags WHERE evaluation = ? AND "+t.inTexts("key"), r.row, t.texts(del)); err != nil {
			return err
		}
		return t.setEvaluationTags(r.row, set)
	})
}

// DeleteEvaluationTag implements [track.Evaluations].
func (s *Store) DeleteEvaluationTag(ctx context.Context, id, key string) error {
	return s.repeat(ctx, func(t *tx) error {
		_, err := t.exec("DELETE FROM evaluation_tags WHERE key = ? AND evaluation IN (SELECT id FROM evaluations WHERE dataset_id = ?)", key, id)
		return err
	})
}

func (t *tx) addEvaluationExperiments(row int64, experiments []int64) error {
	for _, e := range experiments {
		if _, err := t.experiment(e); err != nil {
			return err
		}
		if _, err := t.exec("INSERT INTO evaluation_experiments (evaluation, experiment) VALUES (?, ?) ON CONFLICT DO NOTHING", row, e); err != nil {
			return err
		}
	}
	return nil
}

// AddEvaluationExperiments implements [track.Evaluations].
func (s *Store) AddEvaluationExperiments(ctx context.Context, id string, experiments []int64) (d track.EvaluationDataset, err error) {
	err = s.repeat(ctx, func(t *tx) error {
		r, err := t.evaluation(id)
		if err == nil {
			err = t.addEvaluationExperiments(r.row, experiments)
		}
		if err == nil {
			err = t.touchEvaluation(r.row)
		}
		if err == nil {
			d, err = t.fullEvaluation(id)
		}
		return err
	})
	return d, err
}

func (t *tx) touchEvaluation(row int64) error {
	_, err := t.exec("UPDATE evaluations SET updated = ? WHERE id = ?", t.now, row)
	return err
}

// RemoveEvaluationExperiments implements [track.Evaluations].
func (s *Store) RemoveEvaluationExperiments(ctx context.Context, id string, experiments []int64) (d track.EvaluationDataset, err error) {
	err = s.repeat(ctx, func(t *tx) error {
		r, err := t.evaluation(id)
		if err != nil {
			return err
		}
		n, err := t.exec("DELETE FROM evaluation_experiments WHERE evaluation = ? AND "+t.inInts("experiment"), r.row, t.ints(experiments))
		if err == nil && n > 0 {
			err = t.touchEvaluation(r.row)
		}
		if err == nil {
			d, err = t.fullEvaluation(id)
		}
		return err
	})
	return d, err
}

// EvaluationExperiments implements [track.Evaluations].
func (s *Store) EvaluationExperiments(ctx context.Context, id string) (list []int64, err error) {
	err = s.view(ctx, func(c *conn) error {
		list = nil
		query := "SELECT x.experiment FROM evaluations v JOIN evaluation_experiments x ON x.evaluation = v.id WHERE v.dataset_id = ? ORDER BY x.experiment"
		return c.each(query, []any{id}, func(scan func(...any) error) error {
			var e int64
			err := scan(&e)
			list = append(list, e)
			return err
		})
	})
	return list, err
}
