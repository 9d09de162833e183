package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// Value is one number, text or other scalar of a parameters or metrics file.
type Value struct {
	File string `json:"file"` // "xt.toml" for [params]
	Key  string `json:"key"`  // dotted
	Val  any    `json:"value"`
}

// ParamValues returns the parameters of a project: those of [params] and of the
// params files that the project or a stage names, flat, sorted by file and key.
func ParamValues(g *Graph) []Value {
	flat := map[[2]string]any{}
	flatten(ConfigFile, "", g.Config.Params, flat)
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

// MetricValues returns the metrics of a project as src has them, flat, sorted by
// file and key. A metrics file that is not there has none. One that cannot be
// read as its ending says is an error.
func MetricValues(g *Graph, src Source) ([]Value, error) {
	flat := map[[2]string]any{}
	for _, s := range g.Stages {
		for _, o := range s.Outs {
			if o.Kind != Metric {
				continue
			}
			if err := readMetrics(src, o.Path, flat); err != nil {
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
		v, err := decodeParams(name, b)
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

// flatten adds the scalars of v under their dotted keys.
func flatten(file, key string, v any, flat map[[2]string]any) {
	switch v := v.(type) {
	case map[string]any:
		for k, sub := range v {
			flatten(file, join(key, k), sub, flat)
		}
	case []any:
		for i, sub := range v {
			flatten(file, fmt.Sprintf("%s[%d]", key, i), sub, flat)
		}
	default:
		flat[[2]string{file, key}] = v
	}
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

func sortedValues(flat map[[2]string]any) []Value {
	keys := slices.SortedFunc(maps.Keys(flat), func(a, b [2]string) int {
		if c := strings.Compare(a[0], b[0]); c != 0 {
			return c
		}
		return strings.Compare(a[1], b[1])
	})
	values := make([]Value, 0, len(keys))
	for _, k := range keys {
		values = append(values, Value{k[0], k[1], flat[k]})
	}
	return values
}

// View is a project at one point in time, for comparing: the workspace, or a
// commit.
type View struct {
	Name   string // "workspace", or the revision
	Graph  *Graph
	Source Source
}

// ViewAt returns the project in this directory as the commit rev has it.
func (w *Workspace) ViewAt(rev string) (*View, error) {
	s, err := OpenSnapshot(w.Root, rev)
	if err != nil {
		return nil, err
	}
	return &View{rev, s.Graph, &withCache{w, s, s}}, nil
}

// View returns the project as it stands in the workspace.
func (w *Workspace) View() *View { return &View{"workspace", w.Graph, Dir(w.Root)} }

// withCache reads an output that git does not have from the cache, by what the
// lock of that time says of it.
type withCache struct {
	w   *Workspace
	src Source
	at  *Snapshot
}

func (c *withCache) ReadFile(name string) ([]byte, error) {
	b, err := c.src.ReadFile(name)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	for _, m := range c.at.Graph.Producers(name) {
		e := c.at.Lock.Stages[m.Stage.Name]
		if e == nil {
			continue
		}
		for _, o := range e.Outs {
			if o.Path == name && o.Kind != hash.Directory {
				return c.w.readObject(o.Node)
			}
		}
	}
	return nil, err
}

// readObject returns the bytes of a stored file, if they are what they should
// be.
func (w *Workspace) readObject(n hash.Node) ([]byte, error) {
	f, err := w.Cache.OpenFile(n.Sum)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if n.Size > maxConfigSize {
		return nil, fmt.Errorf("%s is too large to be read as numbers", n.Sum.Short())
	}
	b := make([]byte, n.Size)
	if _, err := f.Read(b); err != nil && n.Size > 0 {
		return nil, err
	}
	if hash.Bytes(b) != n.Sum {
		return nil, fmt.Errorf("object %s in the cache is damaged", n.Sum.Short())
	}
	return b, nil
}

// Delta is a value in two views.
type Delta struct {
	File string `json:"file"`
	Key  string `json:"key"`
	Old  any    `json:"old"` // nil if there was none
	New  any    `json:"new"` // nil if there is none
}

// Diff returns the values that differ, or all if all is set, sorted by file and
// key.
func Diff(old, new []Value, all bool) []Delta {
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
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return strings.Compare(a.Key, b.Key)
	})
	return deltas
}

func sameValue(a, b any) bool {
	return literal(a) == literal(b) && (a == nil) == (b == nil)
}

// Lock returns the lock file of the view.
func (v *View) Lock() (*lock.File, error) { return lockOf(v.Source) }
