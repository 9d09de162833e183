package sql

import (
	"context"
	"database/sql"
	"errors"

	"github.com/xtrepro/xt/track"
)

// registered is a registered model as the table has it.
type registered struct {
	row int64 // its number
	track.RegisteredModel
}

const selectRegistered = "SELECT g.id, g.name, g.description, g.created, g.updated FROM registered_models g"

func scanRegistered(scan func(...any) error) (r registered, err error) {
	err = scan(&r.row, &r.Name, &r.Description, &r.Created, &r.Updated)
	return r, err
}

// registered reads a registered model without what belongs to it.
func (c *conn) registered(name string) (r registered, err error) {
	if err := track.CheckModelName(name, "name"); err != nil {
		return r, err
	}
	r, err = scanRegistered(func(dest ...any) error {
		return c.row(selectRegistered+" WHERE g.name = ?", []any{name}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = track.Errorf(track.NotFound, "Registered Model with name=%s not found", name)
	}
	return r, err
}

// CreateRegisteredModel implements [track.Registry].
func (s *Store) CreateRegisteredModel(ctx context.Context, name, description string, tags []track.Tag) (track.RegisteredModel, error) {
	if err := checkRegistered(name, tags); err != nil {
		return track.RegisteredModel{}, err
	}
	err := s.change(ctx, func(t *tx) error {
		var row int64
		err := t.row("SELECT id FROM registered_models WHERE name = ?", []any{name}, &row)
		if err == nil {
			return t.registeredExists(row, name, tags)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		err = t.row("INSERT INTO registered_models (name, description, created, updated) VALUES (?, ?, ?, ?) RETURNING id",
			[]any{name, description, t.now, t.now}, &row)
		if err != nil {
			return err
		}
		return t.setPairs("registered_model_tags", "model", row, tags)
	})
	if err != nil {
		return track.RegisteredModel{}, err
	}
	return s.RegisteredModel(ctx, name)
}

func checkRegistered(name string, tags []track.Tag) error {
	if err := track.CheckModelName(name, "name"); err != nil {
		return err
	}
	for _, tag := range tags {
		if err := track.CheckLimitedTag(tag, track.MaxRegistryTagValue); err != nil {
			return err
		}
	}
	return nil
}

// registeredExists is the error for a name that is taken, maybe by a prompt.
func (t *tx) registeredExists(row int64, name string, tags []track.Tag) error {
	old, err := t.exists("SELECT 1 FROM registered_model_tags WHERE model = ? AND key = ? AND value = 'true'", row, track.PromptTag)
	if err != nil {
		return err
	}
	isNew := false
	for _, tag := range tags {
		isNew = isNew || tag.Key == track.PromptTag && tag.Value == "true"
	}
	words := map[bool]string{true: "Prompt", false: "Registered Model"}
	if old != isNew {
		kinds := map[bool]string{true: "prompt", false: "registered model"}
		return track.Errorf(track.AlreadyExists, "Tried to create a %s with name '%s', but the name is already taken by a %s. MLflow does not allow creating a model and a prompt with the same name.",
			kinds[isNew], name, kinds[old])
	}
	return track.Errorf(track.AlreadyExists, "%s (name=%s) already exists.", words[old], name)
}

// RegisteredModel implements [track.Registry].
func (s *Store) RegisteredModel(ctx context.Context, name string) (m track.RegisteredModel, err error) {
	err = s.view(ctx, func(c *conn) error {
		r, err := c.registered(name)
		if err != nil {
			return err
		}
		models, err := c.fillRegistered([]registered{r})
		if err == nil {
			m = models[0]
		}
		return err
	})
	return m, err
}

// fillRegistered reads what belongs to registered models.
func (c *conn) fillRegistered(rows []registered) ([]track.RegisteredModel, error) {
	models, ids, at := make([]track.RegisteredModel, len(rows)), make([]int64, len(rows)), map[int64]*track.RegisteredModel{}
	for i, r := range rows {
		models[i], ids[i], at[r.row] = r.RegisteredModel, r.row, &models[i]
	}
	err := c.pairs("registered_model_tags", "model", ids, func(row int64, t track.Tag) { at[row].Tags = append(at[row].Tags, t) })
	if err != nil {
		return nil, err
	}
	err = c.each("SELECT model, alias, version FROM model_aliases WHERE "+c.inInts("model")+" ORDER BY model, alias", []any{c.ints(ids)}, func(scan func(...any) error) error {
		var row int64
		var a track.Alias
		err := scan(&row, &a.Name, &a.Version)
		at[row].Aliases = append(at[row].Aliases, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	query := selectVersions + ` WHERE ` + c.inInts("v.model") + ` AND v.version = (SELECT max(w.version) FROM model_versions w WHERE w.model = v.model AND w.stage = v.stage)
		ORDER BY v.model, v.version`
	latest, err := c.versions(query, []any{c.ints(ids)})
	if err != nil {
		return nil, err
	}
	full, err := c.fillVersions(latest)
	for i, v := range latest {
		at[v.model].Latest = append(at[v.model].Latest, full[i])
	}
	return models, err
}

// onRegistered has f write to a registered model.
func (s *Store) onRegistered(ctx context.Context, name string, f func(t *tx, row int64) error) error {
	return s.repeat(ctx, func(t *tx) error {
		r, err := t.registered(name)
		if err != nil {
			return err
		}
		return f(t, r.row)
	})
}

// RenameRegisteredModel implements [track.Registry].
func (s *Store) RenameRegisteredModel(ctx context.Context, name, to string) (track.RegisteredModel, error) {
	if err := track.CheckModelName(to, "new_name"); err != nil {
		return track.RegisteredModel{}, err
	}
	err := s.change(ctx, func(t *tx) error {
		r, err := t.registered(name)
		if err != nil {
			return err
		}
		if taken, err := t.exists("SELECT 1 FROM registered_models WHERE name = ? AND id <> ?", to, r.row); err != nil || taken {
			return errors.Join(err, track.Errorf(track.AlreadyExists, "Registered Model (name=%s) already exists.", to))
		}
		if _, err = t.exec("UPDATE registered_models SET name = ?, updated = ? WHERE id = ?", to, t.now, r.row); err == nil {
			_, err = t.exec("UPDATE model_versions SET updated = ? WHERE model = ?", t.now, r.row)
		}
		return err
	})
	if err != nil {
		return track.RegisteredModel{}, err
	}
	return s.RegisteredModel(ctx, to)
}

// DescribeRegisteredModel implements [track.Registry].
func (s *Store) DescribeRegisteredModel(ctx context.Context, name, description string) (track.RegisteredModel, error) {
	err := s.onRegistered(ctx, name, func(t *tx, row int64) error {
		_, err := t.exec("UPDATE registered_models SET description = ?, updated = ? WHERE id = ?", description, t.now, row)
		return err
	})
	if err != nil {
		return track.RegisteredModel{}, err
	}
	return s.RegisteredModel(ctx, name)
}

// DeleteRegisteredModel implements [track.Registry].
func (s *Store) DeleteRegisteredModel(ctx context.Context, name string) error {
	return s.change(ctx, func(t *tx) error {
		r, err := t.registered(name)
		if err == nil {
			_, err = t.exec("DELETE FROM registered_models WHERE id = ?", r.row)
		}
		return err
	})
}

// SetRegisteredModelTag implements [track.Registry].
func (s *Store) SetRegisteredModelTag(ctx context.Context, name string, tag track.Tag) error {
	if err := checkRegistered(name, []track.Tag{tag}); err != nil {
		return err
	}
	return s.onRegistered(ctx, name, func(t *tx, row int64) error {
		return t.setPairs("registered_model_tags", "model", row, []track.Tag{tag})
	})
}

// DeleteRegisteredModelTag implements [track.Registry].
func (s *Store) DeleteRegisteredModelTag(ctx context.Context, name, key string) error {
	return s.onRegistered(ctx, name, func(t *tx, row int64) error {
		_, err := t.exec("DELETE FROM registered_model_tags WHERE model = ? AND key = ?", row, key)
		return err
	})
}

// SetAlias implements [track.Registry].
func (s *Store) SetAlias(ctx context.Context, name, alias string, version int64) error {
	if err := track.CheckAlias(alias); err != nil {
		return err
	}
	return s.repeat(ctx, func(t *tx) error {
		v, err := t.version(name, version)
		if err != nil {
			return err
		}
		_, err = t.exec("INSERT INTO model_aliases (model, alias, version) VALUES (?, ?, ?) ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version", v.model, alias, version)
		return err
	})
}

// DeleteAlias implements [track.Registry].
func (s *Store) DeleteAlias(ctx context.Context, name, alias string) error {
	return s.onRegistered(ctx, name, func(t *tx, row int64) error {
		_, err := t.exec("DELETE FROM model_aliases WHERE model = ? AND alias = ?", row, alias)
		return err
	})
}
