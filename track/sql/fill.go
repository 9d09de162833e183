package sql

import (
	"cmp"
	"math"
	"slices"

	"github.com/xtrepro/xt/track"
)

// fill reads what was logged in runs, whose rows are given. Bare leaves out
// what only some have.
func (s *Store) fill(c *conn, rows []int64, runs []track.Run, bare bool) error {
	if len(rows) == 0 {
		return nil
	}
	f := filler{Store: s, c: c, at: make(map[int64]*track.Run, len(rows)), list: c.ints(rows)}
	for i, row := range rows {
		f.at[row] = &runs[i]
	}
	steps := []func() error{f.params, f.tags, f.metrics, f.datasets, f.models, f.origins}
	if bare {
		steps = steps[:3]
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// filler reads what belongs to some runs.
type filler struct {
	*Store
	c    *conn
	at   map[int64]*track.Run
	list string // of their rows
}

// named is something of a run whose name is not resolved yet.
type named[T any] struct {
	run   int64
	name  int64
	value T
}

// read reads rows of run, name, and what scan reads; then it has add give them
// to the runs, under their names.
func read[T any](f *filler, columns, table string, dest func(*T) []any, add func(*track.Run, string, T)) error {
	var items []named[T]
	ids := map[int64]bool{}
	var it named[T]
	into := append([]any{&it.run, &it.name}, dest(&it.value)...)
	err := f.c.each("SELECT run, name, "+columns+" FROM "+table+" WHERE "+f.c.inInts("run"), []any{f.list}, func(scan func(...any) error) error {
		err := scan(into...)
		items = append(items, it)
		ids[it.name] = true
		return err
	})
	if err != nil {
		return err
	}
	names, err := f.nameTexts(f.c, ids)
	if err != nil {
		return err
	}
	for i := range items {
		add(f.at[items[i].run], names[items[i].name], items[i].value)
	}
	return nil
}

func (f *filler) params() error {
	err := read(f, "value", "params", func(v *string) []any { return []any{v} }, func(r *track.Run, name, value string) {
		r.Params = append(r.Params, track.Param{Key: name, Value: value})
	})
	for _, r := range f.at {
		slices.SortFunc(r.Params, func(a, b track.Param) int { return cmp.Compare(a.Key, b.Key) })
	}
	return err
}

func (f *filler) tags() error {
	err := read(f, "value", "tags", func(v *string) []any { return []any{v} }, func(r *track.Run, name, value string) {
		r.Tags = append(r.Tags, track.Tag{Key: name, Value: value})
	})
	for _, r := range f.at {
		slices.SortFunc(r.Tags, func(a, b track.Tag) int { return cmp.Compare(a.Key, b.Key) })
	}
	return err
}

// value is a number at a time and a step as the tables have it.
type value struct {
	time, step int64
	value      float64
	isNaN      int64
}

func (v *value) metric(key string) track.Metric {
	return track.Metric{Key: key, Time: v.time, Step: v.step, Value: v.number()}
}

func (v *value) number() float64 {
	if v.isNaN != 0 {
		return math.NaN()
	}
	return v.value
}

func (f *filler) metrics() error {
	dest := func(v *value) []any { return []any{&v.time, &v.step, &v.value, &v.isNaN} }
	err := read(f, "time, step, value, is_nan", "latest_metrics", dest, func(r *track.Run, name string, v value) {
		r.Metrics = append(r.Metrics, v.metric(name))
	})
	for _, r := range f.at {
		slices.SortFunc(r.Metrics, func(a, b track.Metric) int { return cmp.Compare(a.Key, b.Key) })
	}
	return err
}

// inputKey names a dataset of a run.
type inputKey struct{ run, dataset int64 }

func (f *filler) datasets() error {
	at := map[inputKey]int{}
	query := "SELECT i.run, d.id, d.name, d.digest, d.source_type, d.source, d.schema, d.profile FROM inputs i JOIN datasets d ON d.id = i.dataset WHERE " + f.c.inInts("i.run") + " ORDER BY i.run, d.id"
	err := f.c.each(query, []any{f.list}, func(scan func(...any) error) error {
		var k inputKey
		var d track.Dataset
		err := scan(&k.run, &k.dataset, &d.Name, &d.Digest, &d.SourceType, &d.Source, &d.Schema, &d.Profile)
		r := f.at[k.run]
		at[k] = len(r.Inputs)
		r.Inputs = append(r.Inputs, track.DatasetInput{Dataset: d})
		return err
	})
	if err != nil || len(at) == 0 {
		return err
	}
	return f.c.each("SELECT run, dataset, key, value FROM input_tags WHERE "+f.c.inInts("run")+" ORDER BY run, dataset, key", []any{f.list}, func(scan func(...any) error) error {
		var k inputKey
		var t track.Tag
		err := scan(&k.run, &k.dataset, &t.Key, &t.Value)
		if i, ok := at[k]; ok {
			in := &f.at[k.run].Inputs[i]
			in.Tags = append(in.Tags, t)
		}
		return err
	})
}

func (f *filler) models() error {
	return f.c.each("SELECT run, output, model_id, step FROM run_models WHERE "+f.c.inInts("run")+" ORDER BY run, output, step, model_id", []any{f.list}, func(scan func(...any) error) error {
		var run, output int64
		var m track.ModelOutput
		err := scan(&run, &output, &m.ModelID, &m.Step)
		if r := f.at[run]; output != 0 {
			r.ModelOutputs = append(r.ModelOutputs, m)
		} else {
			r.ModelInputs = append(r.ModelInputs, track.ModelInput{ModelID: m.ModelID})
		}
		return err
	})
}

func (f *filler) origins() error {
	return f.c.each("SELECT run, kind, stage, command, fingerprint, lock, commit_id, dirty, diff, log, exit_code, duration FROM origins WHERE "+f.c.inInts("run"), []any{f.list}, func(scan func(...any) error) error {
		var run, dirty int64
		var o track.Origin
		err := scan(&run, &o.Kind, &o.Stage, &o.Command, &o.Fingerprint, &o.Lock, &o.Commit, &dirty, &o.Diff, &o.Log, &o.ExitCode, &o.Duration)
		o.Dirty = dirty != 0
		f.at[run].Origin = &o
		return err
	})
}
