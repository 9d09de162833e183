package sql

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/xtrepro/xt/track"
)

// runRow is a run as the table has it.
type runRow struct {
	row int64 // its number
	track.RunInfo
}

const selectRuns = "SELECT r.id, r.run_id, r.experiment, r.name, r.user_id, r.status, r.start_time, r.end_time, r.deleted, r.artifact_uri FROM runs r"

func scanRun(scan func(...any) error) (r runRow, err error) {
	var deleted int64
	err = scan(&r.row, &r.ID, &r.Experiment, &r.Name, &r.User, &r.Status, &r.Start, &r.End, &deleted, &r.ArtifactURI)
	r.Lifecycle = lifecycle(deleted)
	return r, err
}

// run reads a run without what was logged in it.
func (c *conn) run(id string) (r runRow, err error) {
	r, err = scanRun(func(dest ...any) error {
		return c.row(selectRuns+" WHERE r.run_id = ?", []any{id}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = track.Errorf(track.NotFound, "Run with id=%s not found", id)
	}
	return r, err
}

// activeRun is run for one that is to be written to.
func (c *conn) activeRun(id string) (runRow, error) {
	r, err := c.run(id)
	if err == nil && r.Lifecycle != track.Active {
		err = track.Errorf(track.InvalidParameter, "The run %s must be in the 'active' state. Current state is %s.", id, r.Lifecycle)
	}
	return r, err
}

// CreateRun implements [track.Runs].
func (s *Store) CreateRun(ctx context.Context, n track.NewRun) (track.Run, error) {
	if err := nameRun(&n); err != nil {
		return track.Run{}, err
	}
	again := n.ID == ""
	if again {
		n.ID = track.NewRunID()
	}
	if n.Status == "" {
		n.Status = track.Running
	}
	tags, err := checkTags(n.Tags)
	if err != nil {
		return track.Run{}, err
	}
	n.Tags = tags
	for i, p := range n.Params {
		if n.Params[i], err = track.CheckParam(p); err != nil {
			return track.Run{}, err
		}
	}
	write := s.change
	if again {
		write = s.repeat // nobody else has the ID
	}
	err = write(ctx, func(t *tx) error { return t.createRun(&n, again) })
	if err != nil {
		return track.Run{}, err
	}
	return s.Run(ctx, n.ID)
}

func checkTags(tags []track.Tag) ([]track.Tag, error) {
	checked := make([]track.Tag, len(tags))
	for i, t := range tags {
		var err error
		if checked[i], err = track.CheckTag(t); err != nil {
			return nil, err
		}
	}
	return checked, nil
}

// nameRun settles the name of a run and the tag for it.
func nameRun(n *track.NewRun) error {
	tag := ""
	for _, t := range n.Tags {
		if t.Key == track.RunNameTag {
			tag = t.Value
		}
	}
	if n.Name != "" && tag != "" && n.Name != tag {
		return track.Errorf(track.InvalidParameter, "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='%s', mlflow.runName='%s').", n.Name, tag)
	}
	if n.Name == "" {
		n.Name = tag
	}
	if n.Name == "" {
		n.Name = track.RandomName()
	}
	if tag == "" {
		n.Tags = append(n.Tags[:len(n.Tags):len(n.Tags)], track.Tag{Key: track.RunNameTag, Value: n.Name})
	}
	return nil
}

func (t *tx) createRun(n *track.NewRun, again bool) error {
	e, err := t.activeExperiment(n.Experiment)
	if err != nil {
		return err
	}
	if taken, err := t.exists("SELECT id FROM runs WHERE run_id = ?", n.ID); err != nil || taken {
		if again {
			return err
		}
		return errors.Join(err, track.Errorf(track.AlreadyExists, "Run with id=%s already exists", n.ID))
	}
	var row int64
	err = t.row(`INSERT INTO runs (run_id, experiment, name, user_id, status, start_time, artifact_uri) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		[]any{n.ID, n.Experiment, n.Name, n.User, string(n.Status), n.Start, track.JoinLocation(e.ArtifactLocation, n.ID, "artifacts")}, &row)
	if err == nil {
		err = t.setTags(row, n.Tags)
	}
	if err == nil && n.Origin != nil {
		err = t.setOrigin(row, n.Origin)
	}
	if err == nil {
		r := &runRow{row: row, RunInfo: track.RunInfo{ID: n.ID, Experiment: n.Experiment}}
		err = t.logParams(r, n.Params, func(old, new []track.Param) error { return track.ParamsConflict(n.ID, old, new) })
	}
	return err
}

// Run implements [track.Runs].
func (s *Store) Run(ctx context.Context, id string) (run track.Run, err error) {
	err = s.view(ctx, func(c *conn) error {
		r, err := c.run(id)
		if err != nil {
			return err
		}
		runs := []track.Run{{RunInfo: r.RunInfo}}
		if err := s.fill(c, []int64{r.row}, runs, false); err != nil {
			return err
		}
		run = runs[0]
		return nil
	})
	return run, err
}

// UpdateRun implements [track.Runs].
func (s *Store) UpdateRun(ctx context.Context, id string, u track.RunUpdate) (info track.RunInfo, err error) {
	err = s.repeat(ctx, func(t *tx) error {
		r, err := t.activeRun(id)
		if err == nil {
			err = t.updateRun(&r, &u)
		}
		info = r.RunInfo
		return err
	})
	return info, err
}

func (t *tx) updateRun(r *runRow, u *track.RunUpdate) error {
	if u.Status != "" {
		r.Status = u.Status
	}
	if u.End != 0 {
		r.End = u.End
	}
	if _, err := t.exec("UPDATE runs SET status = ?, end_time = ? WHERE id = ?", string(r.Status), r.End, r.row); err != nil || u.Name == "" {
		return err
	}
	r.Name = u.Name
	return t.setTags(r.row, []track.Tag{{Key: track.RunNameTag, Value: u.Name}})
}

// EndRun implements [track.Runs].
func (s *Store) EndRun(ctx context.Context, id string, e track.RunEnd) error {
	b, err := track.CheckBatch(e.Batch)
	if err != nil {
		return err
	}
	return s.repeat(ctx, func(t *tx) error {
		r, err := t.activeRun(id)
		if err == nil {
			err = t.updateRun(&r, &e.RunUpdate)
		}
		if err == nil && e.Origin != nil {
			err = t.setOrigin(r.row, e.Origin)
		}
		if err == nil {
			err = t.logBatch(&r, &b)
		}
		return err
	})
}

// DeleteRun implements [track.Runs].
func (s *Store) DeleteRun(ctx context.Context, id string) error {
	return s.setRunDeleted(ctx, id, true)
}

// RestoreRun implements [track.Runs].
func (s *Store) RestoreRun(ctx context.Context, id string) error {
	return s.setRunDeleted(ctx, id, false)
}

func (s *Store) setRunDeleted(ctx context.Context, id string, deleted bool) error {
	return s.repeat(ctx, func(t *tx) error {
		r, err := t.run(id)
		if err != nil {
			return err
		}
		_, err = t.exec("UPDATE runs SET deleted = ? WHERE id = ?", bit(deleted), r.row)
		return err
	})
}

// PurgeRun implements [track.Runs].
func (s *Store) PurgeRun(ctx context.Context, id string) error {
	return s.change(ctx, func(t *tx) error {
		r, err := t.run(id)
		if err != nil {
			return err
		}
		if r.Lifecycle != track.Deleted {
			return track.Errorf(track.InvalidState, "The run %s must be in the 'deleted' state. Current state is %s.", id, r.Lifecycle)
		}
		if p, ok := track.ArtifactPathOf(r.ArtifactURI); ok && !p.IsZero() {
			if err := t.deleteArtifacts(p); err != nil {
				return err
			}
		}
		for _, query := range []string{"DELETE FROM segments WHERE run = ?", "DELETE FROM metrics WHERE run = ?", "DELETE FROM runs WHERE id = ?"} {
			if _, err := t.exec(query, r.row); err != nil {
				return err
			}
		}
		return nil
	})
}

// SetTag implements [track.Runs].
func (s *Store) SetTag(ctx context.Context, id string, tag track.Tag) error {
	tag, err := track.CheckTag(tag)
	if err != nil {
		return err
	}
	return s.repeat(ctx, func(t *tx) error {
		r, err := t.activeRun(id)
		if err != nil {
			return err
		}
		return t.setTags(r.row, []track.Tag{tag})
	})
}

// setTags sets tags of a run, and its name if that is one of them.
func (t *tx) setTags(row int64, tags []track.Tag) error {
	last := make(map[string]int, len(tags)) // where the value that counts is
	for i, tag := range tags {
		last[tag.Key] = i
	}
	var args []any
	for i, tag := range tags {
		if last[tag.Key] != i {
			continue
		}
		name, err := t.name(tag.Key)
		if err != nil {
			return err
		}
		args = append(args, row, name, tag.Value)
		if tag.Key == track.RunNameTag && tag.Value != "" {
			if _, err := t.exec("UPDATE runs SET name = ? WHERE id = ?", tag.Value, row); err != nil {
				return err
			}
		}
	}
	return t.insert("INSERT INTO tags (run, name, value)", "ON CONFLICT (run, name) DO UPDATE SET value = excluded.value", 3, args)
}

// DeleteTag implements [track.Runs].
func (s *Store) DeleteTag(ctx context.Context, id, key string) error {
	return s.change(ctx, func(t *tx) error {
		r, err := t.activeRun(id)
		if err != nil {
			return err
		}
		n, err := t.exec("DELETE FROM tags WHERE run = ? AND name = (SELECT id FROM names WHERE name = ?)", r.row, key)
		if err == nil && n == 0 {
			err = track.Errorf(track.NotFound, "No tag with name: %s in run with id %s", key, id)
		}
		return err
	})
}

// RecordModel implements [track.Runs].
func (s *Store) RecordModel(ctx context.Context, id, model string) error {
	if !json.Valid([]byte(model)) {
		return track.Errorf(track.InvalidParameter, "Malformed model info. \n %s \n is not valid JSON.", model)
	}
	return s.change(ctx, func(t *tx) error {
		r, err := t.activeRun(id)
		if err != nil {
			return err
		}
		name, err := t.name(track.ModelsTag)
		if err != nil {
			return err
		}
		var old string
		err = t.row("SELECT value FROM tags WHERE run = ? AND name = ?", []any{r.row, name}, &old)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var models []json.RawMessage
		_ = json.Unmarshal([]byte(old), &models) // or it is something else, which is replaced
		b, err := json.Marshal(append(models, json.RawMessage(model)))
		if err != nil {
			return err
		}
		return t.setTags(r.row, []track.Tag{{Key: track.ModelsTag, Value: string(b)}})
	})
}

// SetOrigin implements [track.Runs].
func (s *Store) SetOrigin(ctx context.Context, id string, o track.Origin) error {
	return s.repeat(ctx, func(t *tx) error {
		r, err := t.activeRun(id)
		if err != nil {
			return err
		}
		return t.setOrigin(r.row, &o)
	})
}

func (t *tx) setOrigin(row int64, o *track.Origin) error {
	if _, err := t.exec("DELETE FROM origins WHERE run = ?", row); err != nil {
		return err
	}
	_, err := t.exec(`INSERT INTO origins (run, kind, stage, command, fingerprint, lock, commit_id, dirty, diff, log, exit_code, duration)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		row, string(o.Kind), o.Stage, o.Command, o.Fingerprint, o.Lock, o.Commit, bit(o.Dirty), o.Diff, o.Log, int64(o.ExitCode), o.Duration)
	return err
}
