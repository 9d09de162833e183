package pipeline

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

type memory map[string]string

func (m memory) ReadFile(path string) ([]byte, error) { return []byte(m[path]), nil }

const chain = `
[stage.a]
cmd = "make a"
code = ["a.py"]
deps = ["in"]
outs = ["x"]
[stage.b]
cmd = "make b"
deps = ["x"]
outs = ["y"]
[stage.c]
cmd = "make c"
deps = ["in"]
outs = ["z"]
`

// world is the facts of a project in which all is up to date, to be changed by a
// test.
type world struct {
	*Facts
	graph  *Graph
	stored map[hash.Sum]bool
	past   map[hash.Fingerprint][]lock.Item
}

func node(content string) hash.Node {
	return hash.Node{Kind: hash.File, Sum: hash.Bytes([]byte(content)), Size: int64(len(content))}
}

func newWorld(t testing.TB, config string) *world {
	t.Helper()
	g, err := Load(memory{ConfigFile: config})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{graph: g, stored: map[hash.Sum]bool{}, past: map[hash.Fingerprint][]lock.Item{}}
	w.Facts = &Facts{
		Nodes:       map[string]hash.Node{"in": node("in")},
		Lock:        lock.New(),
		Variable:    func(string) (string, bool) { return "", false },
		Environment: func(*Stage) (*lock.Environment, bool) { return nil, true },
		Stored:      func(n hash.Node) bool { return w.stored[n.Sum] },
		Within:      func(hash.Node, string) (hash.Node, bool) { return hash.Node{}, false },
		Past:        func(f hash.Fingerprint) ([]lock.Item, bool) { outs, ok := w.past[f]; return outs, ok },
	}
	for _, s := range g.Stages {
		for _, c := range s.Code {
			w.Nodes[c] = node(c)
		}
	}
	w.settleAll()
	return w
}

// settleAll pretends that every stage has been executed, in order.
func (w *world) settleAll() {
	for _, s := range w.graph.Stages {
		step := newPlanner(w.graph, nil, w.Facts, Options{}).step(s)
		for i, o := range step.Entry.Outs {
			n := node("made by " + s.Name + " from " + step.Entry.Fingerprint.String())
			step.Entry.Outs[i].Node = n
			w.Nodes[o.Path] = n
			w.stored[n.Sum] = true
		}
		w.Lock.Stages[s.Name] = step.Entry
		w.past[step.Entry.Fingerprint] = step.Entry.Outs
	}
}

// actions returns the plan as "a=up to date b=run …".
func (w *world) actions(opts Options) string {
	var words []string
	for _, s := range NewPlan(w.graph, w.graph.Stages, w.Facts, opts).Steps {
		words = append(words, s.Stage.Name+"="+s.Action.String())
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

func TestPlan(t *testing.T) {
	forget := func(w *world) { clear(w.past) }
	for _, c := range []struct {
		name   string
		change func(w *world)
		opts   Options
		want   string
	}{
		{"nothing changed", func(w *world) {}, Options{}, "a=up to date, b=up to date, c=up to date"},
		{"code changed", func(w *world) { w.Nodes["a.py"] = node("new") }, Options{}, "a=run, b=wait, c=up to date"},
		{"data changed", func(w *world) { w.Nodes["in"] = node("new") }, Options{}, "a=run, b=wait, c=run"},
		{"forced", func(w *world) {}, Options{Force: true}, "a=run, b=wait, c=run"},
		{"an input is gone", func(w *world) { delete(w.Nodes, "in") }, Options{}, "a=blocked, b=wait, c=blocked"},
		{"an input is gone, but xt.lock is believed", func(w *world) { delete(w.Nodes, "in") }, Options{AllowMissing: true}, "a=up to date, b=up to date, c=up to date"},
		{"an output is gone and stored", func(w *world) { delete(w.Nodes, "x") }, Options{}, "a=restore, b=up to date, c=up to date"},
		{"an output is gone for good", func(w *world) { delete(w.stored, w.Nodes["x"].Sum); delete(w.Nodes, "x"); forget(w) }, Options{}, "a=run, b=wait, c=up to date"},
		{"an output is gone for good, but xt.lock is believed", func(w *world) { delete(w.stored, w.Nodes["x"].Sum); delete(w.Nodes, "x") }, Options{AllowMissing: true}, "a=up to date, b=up to date, c=up to date"},
		{"an output was edited", func(w *world) { w.Nodes["x"] = node("forged") }, Options{}, "a=restore, b=up to date, c=up to date"},
		{"an output was edited, and is not believed", func(w *world) { w.Nodes["x"] = node("forged") }, Options{AllowMissing: true}, "a=restore, b=up to date, c=up to date"},
		{"the lock has conflicts", func(w *world) { w.Lock.Stages["b"] = &lock.Stage{Name: "b", Conflicted: true}; forget(w) }, Options{}, "a=up to date, b=run, c=up to date"},
		{"the lock is empty, the run cache is not", func(w *world) { clear(w.Lock.Stages) }, Options{}, "a=restore, b=restore, c=restore"},
		{"the lock is empty, the run cache not to be used", func(w *world) { clear(w.Lock.Stages) }, Options{NoRunCache: true}, "a=run, b=wait, c=run"},
		{"the run cache has lost an output", func(w *world) {
			clear(w.Lock.Stages)
			delete(w.stored, w.Nodes["y"].Sum)
			delete(w.Nodes, "y")
		}, Options{}, "a=restore, b=run, c=restore"},
		{"an input in the lock was edited by hand", func(w *world) {
			e := *w.Lock.Stages["a"]
			e.Cmd = "make something else"
			w.Lock.Stages["a"] = &e
		}, Options{}, "a=run, b=wait, c=up to date"},
		{"a fingerprint in the lock was edited by hand", func(w *world) {
			e := *w.Lock.Stages["a"]
			e.Fingerprint[0]++
			w.Lock.Stages["a"] = &e
			forget(w)
		}, Options{}, "a=run, b=wait, c=up to date"},
		{"the environment is not known yet", func(w *world) {
			w.Environment = func(s *Stage) (*lock.Environment, bool) { return nil, s.Name != "c" }
		}, Options{}, "a=up to date, b=up to date, c=run"},
		{"the environment changed", func(w *world) {
			w.Environment = func(*Stage) (*lock.Environment, bool) { return &lock.Environment{OS: "plan9"}, true }
		}, Options{}, "a=run, b=wait, c=run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, chain)
			c.change(w)
			if got := w.actions(c.opts); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// What is not selected is taken as it stands, whether up to date or not.
func TestPlanOfOneStage(t *testing.T) {
	w := newWorld(t, chain)
	w.Nodes["in"] = node("new")
	one, err := w.graph.Select([]string{"b"}, SelectOptions{Single: true})
	if err != nil {
		t.Fatal(err)
	}
	plan := NewPlan(w.graph, one, w.Facts, Options{})
	if len(plan.Steps) != 1 || plan.Steps[0].Action != UpToDate {
		t.Errorf("got %v", plan.Steps[0].Action)
	}
}

// A plan must not change what it is made from.
func TestPlanIsPure(t *testing.T) {
	w := newWorld(t, chain)
	w.Nodes["in"] = node("new")
	nodes, stages := maps.Clone(w.Nodes), maps.Clone(w.Lock.Stages)
	first := w.actions(Options{})
	if again := w.actions(Options{}); again != first {
		t.Errorf("first %s\nthen %s", first, again)
	}
	if d := cmp.Diff(nodes, w.Nodes); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(stages, w.Lock.Stages); d != "" {
		t.Error(d)
	}
}

// Each input has to be in the fingerprint, and what only tells of a run not.
func TestFingerprintCoversInputs(t *testing.T) {
	seed, other := int64(1), int64(2)
	base := func() *lock.Stage {
		return &lock.Stage{
			Name: "a", Cmd: "c", Shell: []string{"sh", "-c"}, Wdir: "w",
			Code: []lock.Item{{Path: "p", Node: node("p")}}, Deps: []lock.Item{{Path: "d", Node: node("d")}},
			Outs: []lock.Item{{Path: "o", Node: node("o")}}, Params: []lock.Param{{Key: "k", Value: "1"}},
			Env: map[string]string{"E": "1"}, Pass: map[string]string{"P": "1"}, PassUnset: []string{"U"},
			Seed: &seed, Deterministic: "on", Threads: 1, Environment: hash.Bytes([]byte("e")),
		}
	}
	want := Fingerprint(base())
	for name, change := range map[string]func(e *lock.Stage){
		"cmd":           func(e *lock.Stage) { e.Cmd = "d" },
		"shell":         func(e *lock.Stage) { e.Shell = []string{"sh -c"} },
		"wdir":          func(e *lock.Stage) { e.Wdir = "." },
		"code":          func(e *lock.Stage) { e.Code[0].Node = node("q") },
		"code path":     func(e *lock.Stage) { e.Code[0].Path = "q" },
		"exec bit":      func(e *lock.Stage) { e.Code[0].Kind = hash.Executable },
		"dep":           func(e *lock.Stage) { e.Deps[0].Node = node("q") },
		"dep as code":   func(e *lock.Stage) { e.Code, e.Deps = append(e.Code, e.Deps...), nil },
		"out path":      func(e *lock.Stage) { e.Outs[0].Path = "q" },
		"param":         func(e *lock.Stage) { e.Params[0].Value = "1.0" },
		"param file":    func(e *lock.Stage) { e.Params[0].File = "f" },
		"env":           func(e *lock.Stage) { e.Env["E"] = "2" },
		"env removed":   func(e *lock.Stage) { delete(e.Env, "E") },
		"pass":          func(e *lock.Stage) { e.Pass["P"] = "2" },
		"unset":         func(e *lock.Stage) { e.PassUnset = nil },
		"empty, unset":  func(e *lock.Stage) { e.PassUnset, e.Pass["U"] = nil, "" },
		"seed":          func(e *lock.Stage) { e.Seed = &other },
		"no seed":       func(e *lock.Stage) { e.Seed = nil },
		"deterministic": func(e *lock.Stage) { e.Deterministic = "warn" },
		"threads":       func(e *lock.Stage) { e.Threads = 2 },
		"environment":   func(e *lock.Stage) { e.Environment = hash.Bytes([]byte("f")) },
	} {
		e := base()
		change(e)
		if Fingerprint(e) == want {
			t.Errorf("%s is not in the fingerprint", name)
		}
	}
	for name, change := range map[string]func(e *lock.Stage){
		"name":    func(e *lock.Stage) { e.Name = "b" },
		"how":     func(e *lock.Stage) { e.How = lock.Restored },
		"commit":  func(e *lock.Stage) { e.Commit, e.Dirty = "c", true },
		"content": func(e *lock.Stage) { e.Outs[0].Node = node("q") },
	} {
		e := base()
		change(e)
		if Fingerprint(e) != want {
			t.Errorf("%s is in the fingerprint", name)
		}
	}
}

func TestChangeText(t *testing.T) {
	for _, c := range []struct {
		change lock.Change
		want   string
	}{
		{lock.Change{Kind: lock.KindCmd, Old: "python train.py --lr 1 --epochs 3", New: "python train.py --lr 2 --epochs 3"}, "command changed: … --lr 1 --epochs … -> … --lr 2 --epochs …"},
		{lock.Change{Kind: lock.KindCmd, Old: "a", New: "b"}, "command changed: a -> b"},
		{lock.Change{Kind: lock.KindCmd, Old: "a b", New: "a b c"}, "command changed: … b -> … b c"},
		{lock.Change{Kind: lock.KindCmd, Old: "a  b", New: "a b"}, "command changed: a  b -> a b"},
		{lock.Change{Kind: lock.KindParam, Name: "lr", Old: "1", New: "2"}, "parameter lr changed: 1 -> 2"},
		{lock.Change{Kind: lock.KindDep, Op: lock.Added, Name: "d", New: "abc"}, "dependency d is new: abc"},
		{lock.Change{Kind: lock.KindPackage, Op: lock.Removed, Name: "numpy", Old: "2.1"}, "package numpy is gone; it was 2.1"},
	} {
		if got := ChangeText(c.change); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
