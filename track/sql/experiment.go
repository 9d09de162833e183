package sql

import (
	"cmp"
	"context"
	"database/sql"
	"errors"

	"github.com/xtrepro/xt/track"
)

// CreateExperiment implements [track.Experiments].
func (s *Store) CreateExperiment(ctx context.Context, e track.NewExperiment) (id int64, err error) {
	if err := checkExperiment(&e); err != nil {
		return 0, err
	}
	err = s.change(ctx, func(t *tx) error {
		if taken, err := t.exists("SELECT id FROM experiments WHERE name = ?", e.Name); err != nil || taken {
			return errors.Join(err, experimentExists(taken, e.Name))
		}
		err := t.row("INSERT INTO experiments (name, location, created, updated) VALUES (?, ?, ?, ?) RETURNING id",
			[]any{e.Name, e.ArtifactLocation, cmp.Or(e.Created, t.now), t.now}, &id)
		if err != nil {
			return err
		}
		if e.ArtifactLocation == "" {
			_, err = t.exec("UPDATE experiments SET location = ? WHERE id = ?", "mlflow-artifacts:/"+track.FormatExperimentID(id), id)
		}
		for _, tag := range e.Tags {
			if err == nil {
				err = t.setExperimentTag(id, tag)
			}
		}
		return err
	})
	return id, err
}

func checkExperiment(e *track.NewExperiment) error {
	if err := track.CheckExperimentName(e.Name); err != nil {
		return err
	}
	if err := track.CheckLocation(e.ArtifactLocation); err != nil {
		return err
	}
	for _, tag := range e.Tags {
		if err := track.CheckLimitedTag(tag, track.MaxExperimentTagValue); err != nil {
			return err
		}
	}
	return nil
}

func experimentExists(taken bool, name string) error {
	if !taken {
		return nil
	}
	return track.Errorf(track.AlreadyExists, "Experiment(name=%s) already exists.", name)
}

const selectExperiments = "SELECT e.id, e.name, e.location, e.deleted, e.created, e.updated FROM experiments e"

func scanExperiment(scan func(...any) error) (e track.Experiment, err error) {
	var deleted int64
	err = scan(&e.ID, &e.Name, &e.ArtifactLocation, &deleted, &e.Created, &e.Updated)
	e.Lifecycle = lifecycle(deleted)
	return e, err
}

func lifecycle(deleted int64) track.Lifecycle {
	if deleted != 0 {
		return track.Deleted
	}
	return track.Active
}

// Experiment implements [track.Experiments].
func (s *Store) Experiment(ctx context.Context, id int64) (e track.Experiment, err error) {
	err = s.view(ctx, func(c *conn) error {
		e, err = c.experiment(id)
		if err == nil {
			err = c.addExperimentTags([]*track.Experiment{&e})
		}
		return err
	})
	return e, err
}

// experiment reads an experiment without its tags.
func (c *conn) experiment(id int64) (e track.Experiment, err error) {
	e, err = scanExperiment(func(dest ...any) error {
		return c.row(selectExperiments+" WHERE e.id = ?", []any{id}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = noExperiment(id)
	}
	return e, err
}

func noExperiment(id int64) error {
	return track.Errorf(track.NotFound, "No Experiment with id=%d exists", id)
}

// activeExperiment is experiment for one that is to be written to.
func (c *conn) activeExperiment(id int64) (track.Experiment, error) {
	e, err := c.experiment(id)
	if err == nil && e.Lifecycle != track.Active {
		err = track.Errorf(track.InvalidParameter, "The experiment %d must be in the 'active' state. Current state is %s.", id, e.Lifecycle)
	}
	return e, err
}

// ExperimentByName implements [track.Experiments].
func (s *Store) ExperimentByName(ctx context.Context, name string) (e track.Experiment, err error) {
	err = s.view(ctx, func(c *conn) error {
		e, err = scanExperiment(func(dest ...any) error {
			return c.row(selectExperiments+" WHERE e.name = ?", []any{name}, dest...)
		})
		if errors.Is(err, sql.ErrNoRows) {
			return track.Errorf(track.NotFound, "Could not find experiment with name '%s'", name)
		}
		if err == nil {
			err = c.addExperimentTags([]*track.Experiment{&e})
		}
		return err
	})
	return e, err
}

func (c *conn) addExperimentTags(experiments []*track.Experiment) error {
	ids, at := make([]int64, len(experiments)), map[int64]*track.Experiment{}
	for i, e := range experiments {
		ids[i], at[e.ID] = e.ID, e
	}
	return c.each("SELECT experiment, key, value FROM experiment_tags WHERE "+c.inInts("experiment")+" ORDER BY experiment, key", []any{c.ints(ids)},
		func(scan func(...any) error) error {
			var id int64
			var tag track.Tag
			err := scan(&id, &tag.Key, &tag.Value)
			if e := at[id]; e != nil {
				e.Tags = append(e.Tags, tag)
			}
			return err
		})
}

// RenameExperiment implements [track.Experiments].
func (s *Store) RenameExperiment(ctx context.Context, id int64, name string) error {
	if err := track.CheckExperimentName(name); err != nil {
		return err
	}
	return s.repeat(ctx, func(t *tx) error {
		e, err := t.experiment(id)
		if err != nil {
			return err
		}
		if e.Lifecycle != track.Active {
			return track.Errorf(track.InvalidState, "Cannot rename a non-active experiment.")
		}
		if taken, err := t.exists("SELECT id FROM experiments WHERE name = ? AND id <> ?", name, id); err != nil || taken {
			return errors.Join(err, experimentExists(taken, name))
		}
		_, err = t.exec("UPDATE experiments SET name = ?, updated = ? WHERE id = ?", name, t.now, id)
		return err
	})
}

// DeleteExperiment implements [track.Experiments].
func (s *Store) DeleteExperiment(ctx context.Context, id int64) error {
	return s.setExperimentDeleted(ctx, id, true)
}

// RestoreExperiment implements [track.Experiments].
func (s *Store) RestoreExperiment(ctx context.Context, id int64) error {
	return s.setExperimentDeleted(ctx, id, false)
}

func (s *Store) setExperimentDeleted(ctx context.Context, id int64, deleted bool) error {
	return s.change(ctx, func(t *tx) error {
		n, err := t.exec("UPDATE experiments SET deleted = ?, updated = ? WHERE id = ? AND deleted <> ?", bit(deleted), t.now, id, bit(deleted))
		if err == nil && n == 0 {
			err = noExperiment(id)
		}
		if err == nil {
			_, err = t.exec("UPDATE runs SET deleted = ? WHERE experiment = ?", bit(deleted), id)
		}
		return err
	})
}

// SetExperimentTag implements [track.Experiments].
func (s *Store) SetExperimentTag(ctx context.Context, id int64, tag track.Tag) error {
	if err := track.CheckLimitedTag(tag, track.MaxExperimentTagValue); err != nil {
		return err
	}
	return s.repeat(ctx, func(t *tx) error {
		if _, err := t.activeExperiment(id); err != nil {
			return err
		}
		return t.setExperimentTag(id, tag)
	})
}

func (t *tx) setExperimentTag(id int64, tag track.Tag) error {
	_, err := t.exec("INSERT INTO experiment_tags (experiment, key, value) VALUES (?, ?, ?) ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value",
		id, tag.Key, tag.Value)
	return err
}

// DeleteExperimentTag implements [track.Experiments].
func (s *Store) DeleteExperimentTag(ctx context.Context, id int64, key string) error {
	return s.change(ctx, func(t *tx) error {
		if _, err := t.activeExperiment(id); err != nil {
			return err
		}
		n, err := t.exec("DELETE FROM experiment_tags WHERE experiment = ? AND key = ?", id, key)
		if err == nil && n == 0 {
			err = track.Errorf(track.NotFound, "No tag with name: %s in experiment with id %d", key, id)
		}
		return err
	})
}
