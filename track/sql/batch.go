package sql

import (
	"context"

	"github.com/xtrepro/xt/track"
)

// LogBatch implements [track.Runs].
func (s *Store) LogBatch(ctx context.Context, id string, b track.Batch) error {
	b, err := track.CheckBatch(b)
	if err != nil {
		return err
	}
	return s.repeat(ctx, func(t *tx) error {
		r, err := t.activeRun(id)
		if err == nil {
			err = t.logBatch(&r, &b)
		}
		return err
	})
}

func (t *tx) logBatch(r *runRow, b *track.Batch) error {
	err := t.logParams(r, b.Params, func(old, new []track.Param) error { return track.ParamsConflict(r.ID, old, new) })
	if err == nil {
		err = t.logMetrics(r, b.Metrics)
	}
	if err == nil {
		err = t.setTags(r.row, b.Tags)
	}
	return err
}

// LogMetric implements [track.Metrics].
func (s *Store) LogMetric(ctx context.Context, id string, m track.Metric) error {
	if err := track.CheckMetric(m); err != nil {
		return err
	}
	return s.repeat(ctx, func(t *tx) error {
		r, err := t.activeRun(id)
		if err != nil {
			return err
		}
		return t.logMetrics(&r, []track.Metric{m})
	})
}

// LogParam implements [track.Runs].
func (s *Store) LogParam(ctx context.Context, id string, p track.Param) error {
	p, err := track.CheckParam(p)
	if err != nil {
		return err
	}
	return s.repeat(ctx, func(t *tx) error {
		r, err := t.activeRun(id)
		if err != nil {
			return err
		}
		return t.logParams(&r, []track.Param{p}, func(old, _ []track.Param) error {
			return track.Errorf(track.InvalidParameter, "Changing param values is not allowed. Param with key='%s' was already logged with value='%s' for run ID='%s'. Attempted logging new value '%s'.",
				p.Key, old[0].Value, id, p.Value)
		})
	})
}

// logParams adds parameters. If some are there with other values, nothing is
// written, and conflict makes the error.
func (t *tx) logParams(r *runRow, params []track.Param, conflict func(old, new []track.Param) error) error {
	if len(params) == 0 {
		return nil
	}
	names := make([]int64, len(params))
	for i, p := range params {
		var err error
		if names[i], err = t.name(p.Key); err != nil {
			return err
		}
	}
	there, err := t.params(r.row, names)
	if err != nil {
		return err
	}
	var args []any
	var old, new []track.Param
	for i, p := range params {
		value, ok := there[names[i]]
		switch {
		case !ok:
			args = append(args, r.row, names[i], p.Value)
		case value != p.Value:
			old, new = append(old, track.Param{Key: p.Key, Value: value}), append(new, p)
		}
	}
	if old != nil {
		return conflict(old, new)
	}
	return t.insert("INSERT INTO params (run, name, value)", "", 3, args)
}

// params returns those of the parameters that a run has.
func (c *conn) params(row int64, names []int64) (map[int64]string, error) {
	there := map[int64]string{}
	err := c.each("SELECT name, value FROM params WHERE run = ? AND "+c.inInts("name"), []any{row, c.ints(names)}, func(scan func(...any) error) error {
		var name int64
		var value string
		err := scan(&name, &value)
		there[name] = value
		return err
	})
	return there, err
}

// logMetrics adds points, and finds out which are the latest.
func (t *tx) logMetrics(r *runRow, metrics []track.Metric) error {
	if len(metrics) == 0 {
		return nil
	}
	args := make([]any, 0, 6*len(metrics))
	latest, order := map[int64]*track.Metric{}, []int64(nil)
	for i := range metrics {
		m := &metrics[i]
		name, err := t.name(m.Key)
		if err != nil {
			return err
		}
		args = appendPoint(args, r.row, name, m)
		if l := latest[name]; l == nil {
			order = append(order, name)
		} else if !m.Later(l) {
			continue
		}
		latest[name] = m
	}
	if err := t.insert("INSERT INTO metrics (run, name, time, step, value, is_nan)", "ON CONFLICT DO NOTHING", 6, args); err != nil {
		return err
	}
	if err := t.reopenSegments(r.row, order, metrics); err != nil {
		return err
	}
	args = args[:0]
	for _, name := range order {
		args = appendPoint(args, r.row, name, latest[name])
	}
	err := t.insert("INSERT INTO latest_metrics (run, name, time, step, value, is_nan)", `ON CONFLICT (run, name) DO UPDATE
		SET time = excluded.time, step = excluded.step, value = excluded.value, is_nan = excluded.is_nan
		WHERE (excluded.step, excluded.time, excluded.value, excluded.is_nan) > (latest_metrics.step, latest_metrics.time, latest_metrics.value, latest_metrics.is_nan)`, 6, args)
	if err != nil {
		return err
	}
	return t.logModelMetrics(r, metrics)
}

func appendPoint(args []any, row, name int64, m *track.Metric) []any {
	value, isNaN := m.Number()
	return append(args, row, name, m.Time, m.Step, value, bit(isNaN))
}

// logModelMetrics adds the points that are about logged models to those.
func (t *tx) logModelMetrics(r *runRow, metrics []track.Metric) error {
	models := map[string]int64{}
	var args []any
	for i := range metrics {
		m := &metrics[i]
		if m.ModelID == "" {
			continue
		}
		row, ok := models[m.ModelID]
		if !ok {
			model, err := t.loggedModel(m.ModelID)
			if err != nil {
				return err
			}
			row, models[m.ModelID] = model.row, model.row
		}
		value, isNaN := m.Number()
		args = append(args, row, m.Key, r.ID, m.Time, m.Step, value, bit(isNaN), m.DatasetName, m.DatasetDigest)
	}
	return t.insert("INSERT INTO logged_model_metrics (model, key, run_id, time, step, value, is_nan, dataset_name, dataset_digest)", "ON CONFLICT DO NOTHING", 9, args)
}
