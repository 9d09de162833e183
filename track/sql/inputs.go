package sql

import (
	"context"

	"github.com/xtrepro/xt/track"
)

// LogInputs implements [track.Runs].
func (s *Store) LogInputs(ctx context.Context, id string, data []track.DatasetInput, models []track.ModelInput) error {
	for i := range data {
		if err := track.CheckDatasetInput(&data[i]); err != nil {
			return err
		}
	}
	return s.repeat(ctx, func(t *tx) error {
		r, err := t.activeRun(id)
		if err != nil {
			return err
		}
		for i := range data {
			if err := t.logInput(&r, &data[i]); err != nil {
				return err
			}
		}
		var args []any
		for _, m := range models {
			args = append(args, r.row, int64(0), m.ModelID, int64(0))
		}
		return t.insert("INSERT INTO run_models (run, output, model_id, step)", "ON CONFLICT DO NOTHING", 4, args)
	})
}

// logInput adds a dataset to a run, unless it is there.
func (t *tx) logInput(r *runRow, in *track.DatasetInput) error {
	d := &in.Dataset
	_, err := t.exec("INSERT INTO datasets (experiment, name, digest, source_type, source, schema, profile) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (experiment, name, digest) DO NOTHING",
		r.Experiment, d.Name, d.Digest, d.SourceType, d.Source, d.Schema, d.Profile)
	if err != nil {
		return err
	}
	var row int64
	if err := t.row("SELECT id FROM datasets WHERE experiment = ? AND name = ? AND digest = ?", []any{r.Experiment, d.Name, d.Digest}, &row); err != nil {
		return err
	}
	n, err := t.exec("INSERT INTO inputs (run, dataset) VALUES (?, ?) ON CONFLICT DO NOTHING", r.row, row)
	if err != nil || n == 0 {
		return err
	}
	var args []any
	for _, tag := range in.Tags {
		args = append(args, r.row, row, tag.Key, tag.Value)
	}
	return t.insert("INSERT INTO input_tags (run, dataset, key, value)", "ON CONFLICT DO NOTHING", 4, args)
}

// LogOutputs implements [track.Runs].
func (s *Store) LogOutputs(ctx context.Context, id string, models []track.ModelOutput) error {
	return s.repeat(ctx, func(t *tx) error {
		r, err := t.activeRun(id)
		if err != nil {
			return err
		}
		var args []any
		for _, m := range models {
			args = append(args, r.row, int64(1), m.ModelID, m.Step)
		}
		return t.insert("INSERT INTO run_models (run, output, model_id, step)", "ON CONFLICT DO NOTHING", 4, args)
	})
}
