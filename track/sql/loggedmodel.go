package sql

import (
	"cmp"
	"context"
	"database/sql"
	"errors"

	"github.com/xtrepro/xt/track"
)

// modelRow is a logged model as the table has it.
type modelRow struct {
	row int64 // its number
	track.LoggedModel
}

const selectLoggedModels = `SELECT m.id, m.model_id, m.experiment, m.name, m.type, m.source_run, m.status, m.status_message, m.artifact_uri,
	m.created, m.updated, m.deleted FROM logged_models m`

func scanLoggedModel(scan func(...any) error) (m modelRow, err error) {
	var deleted int64
	err = scan(&m.row, &m.ID, &m.Experiment, &m.Name, &m.Type, &m.SourceRun, &m.Status, &m.StatusMessage, &m.ArtifactURI, &m.Created, &m.Updated, &deleted)
	m.Lifecycle = lifecycle(deleted)
	return m, err
}

// loggedModel reads a logged model without what was logged about it.
func (c *conn) loggedModel(id string) (m modelRow, err error) {
	m, err = scanLoggedModel(func(dest ...any) error {
		return c.row(selectLoggedModels+" WHERE m.model_id = ? AND m.deleted = 0", []any{id}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = track.Errorf(track.NotFound, "Logged model with ID '%s' not found.", id)
	}
	return m, err
}

// CreateLoggedModel implements [track.LoggedModels].
func (s *Store) CreateLoggedModel(ctx context.Context, n track.NewLoggedModel) (track.LoggedModel, error) {
	if err := track.CheckLoggedModelName(n.Name); err != nil {
		return track.LoggedModel{}, err
	}
	if n.Name == "" {
		n.Name = track.RandomName()
	}
	id := cmp.Or(n.ID, track.NewModelID())
	err := s.change(ctx, func(t *tx) error {
		e, err := t.activeExperiment(n.Experiment)
		if err != nil {
			return err
		}
		taken, err := t.exists("SELECT id FROM logged_models WHERE model_id = ?", id)
		if err == nil && taken {
			err = track.Errorf(track.AlreadyExists, "Logged model with ID '%s' already exists.", id)
		}
		if err != nil {
			return err
		}
		var row int64
		err = t.row(`INSERT INTO logged_models (model_id, experiment, name, type, source_run, status, artifact_uri, created, updated)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			[]any{id, n.Experiment, n.Name, n.Type, n.SourceRun, string(track.ModelPending), track.JoinLocation(e.ArtifactLocation, "models", id, "artifacts"), cmp.Or(n.Created, t.now), t.now}, &row)
		if err == nil {
			err = t.setPairs("logged_model_params", "model", row, tagsOf(n.Params))
		}
		if err == nil {
			err = t.setPairs("logged_model_tags", "model", row, n.Tags)
		}
		return err
	})
	if err != nil {
		return track.LoggedModel{}, err
	}
	return s.LoggedModel(ctx, id)
}

func tagsOf(params []track.Param) []track.Tag {
	tags := make([]track.Tag, len(params))
	for i, p := range params {
		tags[i] = track.Tag(p)
	}
	return tags
}

// setPairs sets keys of an owner in a table of keys and values.
func (t *tx) setPairs(table, owner string, row int64, pairs []track.Tag) error {
	last := make(map[string]int, len(pairs)) // where the value that counts is
	for i, p := range pairs {
		last[p.Key] = i
	}
	var args []any
	for i, p := range pairs {
		if last[p.Key] == i {
			args = append(args, row, p.Key, p.Value)
		}
	}
	return t.insert("INSERT INTO "+table+" ("+owner+", key, value)", "ON CONFLICT ("+owner+", key) DO UPDATE SET value = excluded.value", 3, args)
}

// pairs calls add for each key and value that the owners have, by key.
func (c *conn) pairs(table, owner string, rows []int64, add func(row int64, t track.Tag)) error {
	return c.each("SELECT "+owner+", key, value FROM "+table+" WHERE "+c.inInts(owner)+" ORDER BY "+owner+", key", []any{c.ints(rows)},
		func(scan func(...any) error) error {
			var row int64
			var t track.Tag
			err := scan(&row, &t.Key, &t.Value)
			add(row, t)
			return err
		})
}

// LoggedModel implements [track.LoggedModels].
func (s *Store) LoggedModel(ctx context.Context, id string) (m track.LoggedModel, err error) {
	err = s.view(ctx, func(c *conn) error {
		r, err := c.loggedModel(id)
		if err != nil {
			return err
		}
		models, err := c.fillLoggedModels([]modelRow{r})
		if err == nil {
			m = models[0]
		}
		return err
	})
	return m, err
}

// fillLoggedModels reads what was logged about models.
func (c *conn) fillLoggedModels(rows []modelRow) ([]track.LoggedModel, error) {
	models, ids, at := make([]track.LoggedModel, len(rows)), make([]int64, len(rows)), map[int64]*track.LoggedModel{}
	for i, r := range rows {
		models[i], ids[i], at[r.row] = r.LoggedModel, r.row, &models[i]
	}
	err := c.pairs("logged_model_params", "model", ids, func(row int64, t track.Tag) { at[row].Params = append(at[row].Params, track.Param(t)) })
	if err == nil {
		err = c.pairs("logged_model_tags", "model", ids, func(row int64, t track.Tag) { at[row].Tags = append(at[row].Tags, t) })
	}
	if err != nil {
		return nil, err
	}
	query := "SELECT model, key, run_id, time, step, value, is_nan, dataset_name, dataset_digest FROM logged_model_metrics WHERE " + c.inInts("model") + " ORDER BY model, key, run_id, time, step, value"
	err = c.each(query, []any{c.ints(ids)}, func(scan func(...any) error) error {
		var row int64
		var m track.Metric
		var v value
		err := scan(&row, &m.Key, &m.RunID, &v.time, &v.step, &v.value, &v.isNaN, &m.DatasetName, &m.DatasetDigest)
		p := v.metric(m.Key)
		p.RunID, p.DatasetName, p.DatasetDigest, p.ModelID = m.RunID, m.DatasetName, m.DatasetDigest, at[row].ID
		at[row].Metrics = append(at[row].Metrics, p)
		return err
	})
	return models, err
}

// FinalizeLoggedModel implements [track.LoggedModels].
func (s *Store) FinalizeLoggedModel(ctx context.Context, id string, status track.ModelStatus) (track.LoggedModel, error) {
	err := s.onLoggedModel(ctx, id, func(t *tx, row int64) error {
		_, err := t.exec("UPDATE logged_models SET status = ?, updated = ? WHERE id = ?", string(status), t.now, row)
		return err
	})
	if err != nil {
		return track.LoggedModel{}, err
	}
	return s.LoggedModel(ctx, id)
}

// onLoggedModel has f write to a logged model.
func (s *Store) onLoggedModel(ctx context.Context, id string, f func(t *tx, row int64) error) error {
	return s.repeat(ctx, func(t *tx) error {
		m, err := t.loggedModel(id)
		if err != nil {
			return err
		}
		return f(t, m.row)
	})
}

// LogModelParams implements [track.LoggedModels].
func (s *Store) LogModelParams(ctx context.Context, id string, params []track.Param) error {
	return s.onLoggedModel(ctx, id, func(t *tx, row int64) error {
		return t.setPairs("logged_model_params", "model", row, tagsOf(params))
	})
}

// SetModelTags implements [track.LoggedModels].
func (s *Store) SetModelTags(ctx context.Context, id string, tags []track.Tag) error {
	return s.onLoggedModel(ctx, id, func(t *tx, row int64) error {
		return t.setPairs("logged_model_tags", "model", row, tags)
	})
}

// DeleteModelTag implements [track.LoggedModels].
func (s *Store) DeleteModelTag(ctx context.Context, id, key string) error {
	return s.change(ctx, func(t *tx) error {
		m, err := t.loggedModel(id)
		if err != nil {
			return err
		}
		n, err := t.exec("DELETE FROM logged_model_tags WHERE model = ? AND key = ?", m.row, key)
		if err == nil && n == 0 {
			err = track.Errorf(track.NotFound, "No tag with key '%s' found for model with ID '%s'.", key, id)
		}
		return err
	})
}

// DeleteLoggedModel implements [track.LoggedModels].
func (s *Store) DeleteLoggedModel(ctx context.Context, id string) error {
	return s.change(ctx, func(t *tx) error {
		m, err := t.loggedModel(id)
		if err != nil {
			return err
		}
		_, err = t.exec("UPDATE logged_models SET deleted = 1, updated = ? WHERE id = ?", t.now, m.row)
		return err
	})
}
