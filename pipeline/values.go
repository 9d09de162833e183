package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Value is one number, text or other scalar of a parameters or metrics file.
type Value struct {
	File string `json:"file"` // "xt.toml" for [params]
	Key  string `json:"key"`  // dotted
	Val  any    `json:"value"`
}

// Name returns the file and the key, with a colon between them.
func (v Value) Name() string { return strings.TrimSuffix(v.File+":"+v.Key, ":") }

// Number returns the value if it is a number.
func (v Value) Number() (float64, bool) {
	switch n := v.Val.(type) {
	case float64:
		return n, true
	case int64:
		return float64(n), true
	}
	return 0, false
}

// Params returns the parameters of the project: those of [params] and of the
// params files that the project or a stage names, flat, sorted by file and key.
func (v *View) Params() []Value {
	g := v.Graph
	flat := map[[2]string]any{}
	flatten(ConfigFile, "", g.Config.Params, flat)
	for file, params := range g.Config.Files {
		flatten(file, "", params, flat)
	}
	for _, s := range g.Stages {
		for _, p := range s.Params {
			file := p.File
			if file == "" {
				file = ConfigFile
			}
			flatten(file, p.Key, p.Value, flat)
		}
	}
	return sortedValues(flat)
}

// Metrics returns the metrics of the project, flat, sorted by file and key. A
// metrics file that is not there has none. One that cannot be read as its ending
// says is a [*MisuseError].
func (v *View) Metrics() ([]Value, error) {
	flat := map[[2]string]any{}
	for _, s := range v.Graph.Stages {
		for _, o := range s.Outs {
			if o.Kind != Metric || v.only != nil && !v.only[o.Path] {
				continue
			}
			if err := readMetrics(v.Source, o.Path, flat); err != nil {
				return nil, err
			}
		}
	}
	return sortedValues(flat), nil
}

func readMetrics(src Source, name string, flat map[[2]string]any) error {
	b, err := src.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	switch path.Ext(name) {
	case ".json", ".yaml", ".yml", ".toml":
		v, err := decodeMetrics(name, b)
		if err != nil {
			return &MisuseError{Msg: fmt.Sprintf("%s:%v", name, err), Hint: "a metrics file is JSON, YAML or TOML with names and numbers"}
		}
		flatten(name, "", v, flat)
	default:
		// A file with a single number is a metric too.
		text := strings.TrimSpace(string(b))
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			flat[[2]string{name, ""}] = f
		}
	}
	return nil
}

// flatten adds the scalars of v, which is at key, under their own keys.
func flatten(file, key string, v any, flat map[[2]string]any) {
	switch v := v.(type) {
	case map[string]any:
		for name, sub := range v {
			flatten(file, strings.TrimPrefix(key+"."+spellKey(name), "."), sub, flat)
		}
	case []any:
		for i, sub := range v {
			flatten(file, fmt.Sprintf("%s[%d]", key, i), sub, flat)
		}
	default:
		flat[[2]string{file, key}] = v
	}
}

func sortedValues(flat map[[2]string]any) []Value {
	keys := slices.SortedFunc(maps.Keys(flat), func(a, b [2]string) int {
		return cmp.Or(strings.Compare(a[0], b[0]), strings.Compare(a[1], b[1]))
	})
	values := make([]Value, 0, len(keys))
	for _, k := range keys {
		values = append(values, Value{k[0], k[1], flat[k]})
	}
	return values
}

// Delta is a value in two views.
type Delta struct {
	File string `json:"file"`
	Key  string `json:"key"`
	Old  any    `json:"old"` // nil if there was none
	New  any    `json:"new"` // nil if there is none
}

// DiffValues returns the values that differ, or all if all is set, sorted by file and
// key.
func DiffValues(old, new []Value, all bool) []Delta {
	type name struct{ file, key string }
	merged := map[name]*Delta{}
	at := func(v Value) *Delta {
		n := name{v.File, v.Key}
		if merged[n] == nil {
			merged[n] = &Delta{File: v.File, Key: v.Key}
		}
		return merged[n]
	}
	for _, v := range old {
		at(v).Old = v.Val
	}
	for _, v := range new {
		at(v).New = v.Val
	}
	var deltas []Delta
	for _, d := range merged {
		if all || !sameValue(d.Old, d.New) {
			deltas = append(deltas, *d)
		}
	}
	slices.SortFunc(deltas, func(a, b Delta) int {
		return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.Key, b.Key))
	})
	return deltas
}

func sameValue(a, b any) bool {
	return literal(a) == literal(b) && (a == nil) == (b == nil)
}
