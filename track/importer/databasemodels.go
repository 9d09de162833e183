package importer

import (
	"context"

	"github.com/xtrepro/xt/track"
)

// Models implements [Source].
func (d *Database) Models(ctx context.Context, e *Experiment, f func(*Model) error) error {
	var list []*Model
	columns := []string{"model_id", "name", "model_type", "status", "artifact_location", "creation_timestamp_ms", "lifecycle_stage"}
	err := d.sel(ctx, "logged_models", columns, "experiment_id = ? ORDER BY model_id", []any{e.Key}, func(r *row) {
		m := &Model{}
		m.ID, m.Name, m.Type, m.Status, m.ArtifactURI = r.text(), r.text(), r.text(), modelStatusOf(r.text()), r.text()
		m.Created = r.number()
		if lifecycleOf(r.text()) == track.Active {
			list = append(list, m)
		}
	})
	for _, m := range list {
		if err == nil {
			err = d.fillModel(ctx, m)
		}
		if err == nil {
			err = f(m)
		}
	}
	return err
}

func (d *Database) fillModel(ctx context.Context, m *Model) (err error) {
	if m.Tags, err = d.tags(ctx, "logged_model_tags", "tag_key", "tag_value", "model_id = ?", m.ID); err != nil {
		return err
	}
	params, err := d.tags(ctx, "logged_model_params", "param_key", "param_value", "model_id = ?", m.ID)
	for _, p := range params {
		m.Params = append(m.Params, track.Param(p))
	}
	if err != nil {
		return err
	}
	return d.sel(ctx, "logged_models", []string{"source_run_id"}, "model_id = ?", []any{m.ID}, func(r *row) { m.SourceRun = r.text() })
}

// ModelFiles implements [Source].
func (d *Database) ModelFiles(_ context.Context, m *Model, f func(*File) error) error {
	return d.files("logged model "+m.ID, m.ArtifactURI, "models/"+m.ID+"/artifacts", f)
}

// Registered implements [Source].
func (d *Database) Registered(ctx context.Context, f func(*Registered) error) error {
	var list []*Registered
	err := d.sel(ctx, "registered_models", []string{"name", "description"}, "1 ORDER BY name", nil, func(r *row) {
		m := &Registered{}
		m.Name, m.Description = r.text(), r.text()
		list = append(list, m)
	})
	for _, m := range list {
		if err == nil {
			err = d.fillRegistered(ctx, m)
		}
		if err == nil {
			err = f(m)
		}
	}
	return err
}

func (d *Database) fillRegistered(ctx context.Context, m *Registered) (err error) {
	if m.Tags, err = d.tags(ctx, "registered_model_tags", "key", "value", "name = ?", m.Name); err != nil {
		return err
	}
	err = d.sel(ctx, "registered_model_aliases", []string{"alias", "version"}, "name = ?", []any{m.Name}, func(r *row) {
		m.Aliases = append(m.Aliases, track.Alias{Name: r.text(), Version: r.number()})
	})
	if err != nil {
		return err
	}
	columns := []string{"version", "current_stage", "description", "user_id", "source", "storage_location", "run_id", "run_link", "model_id", "creation_time"}
	err = d.sel(ctx, "model_versions", columns, "name = ? ORDER BY version", []any{m.Name}, func(r *row) {
		v := track.ModelVersion{
			Version: r.number(), Stage: r.text(), Description: r.text(), User: r.text(), Source: r.text(), StorageLocation: r.text(),
			RunID: r.text(), RunLink: r.text(), ModelID: r.text(), Created: r.number(),
		}
		if v.Stage != deletedStage {
			m.Versions = append(m.Versions, v)
		}
	})
	for i := range m.Versions {
		if err == nil {
			m.Versions[i].Tags, err = d.tags(ctx, "model_version_tags", "key", "value", "name = ? AND version = ?", m.Name, m.Versions[i].Version)
		}
	}
	return err
}
