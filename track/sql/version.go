package sql

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/xtrepro/xt/track"
)

// versionRow is a version of a registered model as the table has it.
type versionRow struct {
	row, model int64 // its number, and that of the registered model
	track.ModelVersion
}

const selectVersions = `SELECT v.id, v.model, g.name, v.version, v.stage, v.description, v.user_id, v.source, v.storage_location, v.run_id, v.run_link, v.model_id,
	v.status, v.status_message, v.created, v.updated FROM model_versions v JOIN registered_models g ON g.id = v.model`

func scanVersion(scan func(...any) error) (v versionRow, err error) {
	err = scan(&v.row, &v.model, &v.Name, &v.Version, &v.Stage, &v.Description, &v.User, &v.Source, &v.StorageLocation, &v.RunID, &v.RunLink, &v.ModelID,
		&v.Status, &v.StatusMessage, &v.Created, &v.Updated)
	return v, err
}

// versions reads versions without what belongs to them.
func (c *conn) versions(query string, args []any) (list []versionRow, err error) {
	err = c.eachOnce(query, args, func(scan func(...any) error) error {
		v, err := scanVersion(scan)
		list = append(list, v)
		return err
	})
	return list, err
}

// version reads a version without what belongs to it.
func (c *conn) version(name string, version int64) (v versionRow, err error) {
	if err := track.CheckModelName(name, "name"); err != nil {
		return v, err
	}
	v, err = scanVersion(func(dest ...any) error {
		return c.row(selectVersions+" WHERE g.name = ? AND v.version = ?", []any{name, version}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = track.Errorf(track.NotFound, "Model Version (name=%s, version=%d) not found", name, version)
	}
	return v, err
}

// fillVersions reads what belongs to versions.
func (c *conn) fillVersions(rows []versionRow) ([]track.ModelVersion, error) {
	list, ids, models := make([]track.ModelVersion, len(rows)), make([]int64, len(rows)), make([]int64, len(rows))
	at, of := map[int64]*track.ModelVersion{}, map[[2]int64]*track.ModelVersion{}
	for i, r := range rows {
		list[i], ids[i], models[i] = r.ModelVersion, r.row, r.model
		at[r.row], of[[2]int64{r.model, r.Version}] = &list[i], &list[i]
	}
	err := c.pairs("model_version_tags", "version", ids, func(row int64, t track.Tag) { at[row].Tags = append(at[row].Tags, t) })
	if err != nil {
		return nil, err
	}
	err = c.each("SELECT model, version, alias FROM model_aliases WHERE "+c.inInts("model")+" ORDER BY model, alias", []any{c.ints(models)}, func(scan func(...any) error) error {
		var key [2]int64
		var alias string
		err := scan(&key[0], &key[1], &alias)
		if v := of[key]; v != nil {
			v.Aliases = append(v.Aliases, alias)
		}
		return err
	})
	return list, err
}

// CreateModelVersion implements [track.Registry].
func (s *Store) CreateModelVersion(ctx context.Context, n track.NewModelVersion) (track.ModelVersion, error) {
	if err := checkRegistered(n.Name, n.Tags); err != nil {
		return track.ModelVersion{}, err
	}
	var version int64
	err := s.change(ctx, func(t *tx) error {
		r, err := t.registered(n.Name)
		if err != nil {
			return err
		}
		if version, err = t.versionNumber(r.row, &n); err != nil {
			return err
		}
		var row int64
		created := cmp.Or(n.Created, t.now)
		err = t.row(`INSERT INTO model_versions (model, version, stage, description, user_id, source, storage_location, run_id, run_link, model_id, status, status_message, created, updated)
			VALUES (?, ?, 'None', ?, ?, ?, ?, ?, ?, ?, 'READY', '', ?, ?) RETURNING id`,
			[]any{r.row, version, n.Description, n.User, n.Source, n.StorageLocation, n.RunID, n.RunLink, n.ModelID, created, t.now}, &row)
		if err == nil {
			_, err = t.exec("UPDATE registered_models SET created = ?, updated = ? WHERE id = ?", min(r.Created, created), t.now, r.row)
		}
		if err == nil {
			err = t.setPairs("model_version_tags", "version", row, n.Tags)
		}
		return err
	})
	if err != nil {
		return track.ModelVersion{}, err
	}
	return s.ModelVersion(ctx, n.Name, version)
}

// versionNumber returns the number that a new version gets. Numbers of deleted
// versions do not come back, since they may be written down somewhere.
func (t *tx) versionNumber(model int64, n *track.NewModelVersion) (version int64, err error) {
	var deleted int64
	if n.Version == 0 {
		err = t.row("SELECT coalesce(max(v.version), 0), g.last_deleted FROM registered_models g LEFT JOIN model_versions v ON v.model = g.id WHERE g.id = ? GROUP BY g.id", []any{model}, &version, &deleted)
		return max(version, deleted) + 1, err
	}
	taken, err := t.exists("SELECT id FROM model_versions WHERE model = ? AND version = ?", model, n.Version)
	if err == nil && taken {
		err = track.Errorf(track.AlreadyExists, "Model Version (name=%s, version=%d) already exists", n.Name, n.Version)
	}
	return n.Version, err
}

// ModelVersion implements [track.Registry].
func (s *Store) ModelVersion(ctx context.Context, name string, version int64) (v track.ModelVersion, err error) {
	err = s.view(ctx, func(c *conn) error {
		r, err := c.version(name, version)
		if err != nil {
			return err
		}
		list, err := c.fillVersions([]versionRow{r})
		if err == nil {
			v = list[0]
		}
		return err
	})
	return v, err
}

// onVersion has f write to a version.
func (s *Store) onVersion(ctx context.Context, name string, version int64, f func(*tx, *versionRow) error) error {
	return s.repeat(ctx, func(t *tx) error {
		v, err := t.version(name, version)
		if err != nil {
			return err
		}
		return f(t, &v)
	})
}

// DescribeModelVersion implements [track.Registry].
func (s *Store) DescribeModelVersion(ctx context.Context, name string, version int64, description string) (track.ModelVersion, error) {
	err := s.onVersion(ctx, name, version, func(t *tx, v *versionRow) error {
		_, err := t.exec("UPDATE model_versions SET description = ?, updated = ? WHERE id = ?", description, t.now, v.row)
		return err
	})
	if err != nil {
		return track.ModelVersion{}, err
	}
	return s.ModelVersion(ctx, name, version)
}

// StageModelVersion implements [track.Registry].
func (s *Store) StageModelVersion(ctx context.Context, name string, version int64, stage string, archive bool) (track.ModelVersion, error) {
	to, err := track.CheckStage(stage)
	if err != nil {
		return track.ModelVersion{}, err
	}
	if archive && to != "Staging" && to != "Production" {
		return track.ModelVersion{}, track.Errorf(track.InvalidParameter, "Model version transition cannot archive existing model versions because '%s' is not an Active stage. Valid stages are ['Staging', 'Production']", stage)
	}
	err = s.onVersion(ctx, name, version, func(t *tx, v *versionRow) error {
		if archive {
			if _, err := t.exec("UPDATE model_versions SET stage = 'Archived', updated = ? WHERE model = ? AND id <> ? AND stage = ?", t.now, v.model, v.row, to); err != nil {
				return err
			}
		}
		_, err := t.exec("UPDATE model_versions SET stage = ?, updated = ? WHERE id = ?", to, t.now, v.row)
		if err == nil {
			_, err = t.exec("UPDATE registered_models SET updated = ? WHERE id = ?", t.now, v.model)
		}
		return err
	})
	if err != nil {
		return track.ModelVersion{}, err
	}
	return s.ModelVersion(ctx, name, version)
}

// DeleteModelVersion implements [track.Registry].
func (s *Store) DeleteModelVersion(ctx context.Context, name string, version int64) error {
	return s.change(ctx, func(t *tx) error {
		v, err := t.version(name, version)
		for _, q := range []string{"DELETE FROM model_aliases WHERE model = ? AND version = ?", "DELETE FROM model_versions WHERE model = ? AND version = ?"} {
			if err == nil {
				_, err = t.exec(q, v.model, version)
			}
		}
		if err == nil {
			_, err = t.exec("UPDATE registered_models SET updated = ?, last_deleted = CASE WHEN last_deleted < ? THEN ? ELSE last_deleted END WHERE id = ?", t.now, version, version, v.model)
		}
		return err
	})
}

// SetModelVersionTag implements [track.Registry].
func (s *Store) SetModelVersionTag(ctx context.Context, name string, version int64, tag track.Tag) error {
	if err := checkRegistered(name, []track.Tag{tag}); err != nil {
		return err
	}
	return s.onVersion(ctx, name, version, func(t *tx, v *versionRow) error {
		return t.setPairs("model_version_tags", "version", v.row, []track.Tag{tag})
	})
}

// DeleteModelVersionTag implements [track.Registry].
func (s *Store) DeleteModelVersionTag(ctx context.Context, name string, version int64, key string) error {
	return s.onVersion(ctx, name, version, func(t *tx, v *versionRow) error {
		_, err := t.exec("DELETE FROM model_version_tags WHERE version = ? AND key = ?", v.row, key)
		return err
	})
}

// LatestVersions implements [track.Registry].
func (s *Store) LatestVersions(ctx context.Context, name string, stages []string) ([]track.ModelVersion, error) {
	wanted := make([]string, len(stages))
	for i, stage := range stages {
		var err error
		if wanted[i], err = track.CheckStage(stage); err != nil {
			return nil, err
		}
	}
	m, err := s.RegisteredModel(ctx, name)
	if err != nil || len(wanted) == 0 {
		return m.Latest, err
	}
	return slices.DeleteFunc(m.Latest, func(v track.ModelVersion) bool { return !slices.Contains(wanted, v.Stage) }), nil
}

// ModelVersionFiles implements [track.Registry].
func (s *Store) ModelVersionFiles(ctx context.Context, name string, version int64) (string, error) {
	v, err := s.ModelVersion(ctx, name, version)
	return cmp.Or(v.StorageLocation, v.Source), err
}

// ModelVersionByAlias implements [track.Registry].
func (s *Store) ModelVersionByAlias(ctx context.Context, name, alias string) (track.ModelVersion, error) {
	m, err := s.RegisteredModel(ctx, name)
	if err != nil {
		return track.ModelVersion{}, err
	}
	if strings.EqualFold(alias, "latest") {
		if len(m.Latest) == 0 {
			return track.ModelVersion{}, track.Errorf(track.NotFound, "Latest version not found for model %s.", name)
		}
		return slices.MaxFunc(m.Latest, func(a, b track.ModelVersion) int { return cmp.Compare(a.Version, b.Version) }), nil
	}
	for _, a := range m.Aliases {
		if a.Name == alias {
			return s.ModelVersion(ctx, name, a.Version)
		}
	}
	return track.ModelVersion{}, track.Errorf(track.InvalidParameter, "Registered model alias %s not found.", alias)
}
