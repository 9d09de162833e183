package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// stagesOf draws stages s0, s1, …, each of which makes one file; a stage reads
// files of the stages that allowed lets it.
func stagesOf(t *rapid.T, allowed func(reader, maker int) bool) []*Stage {
	n := rapid.IntRange(0, 20).Draw(t, "n")
	var stages []*Stage
	for i := range n {
		s := &Stage{Name: fmt.Sprintf("s%d", i), Base: fmt.Sprintf("s%d", i), Outs: []Out{{Path: fmt.Sprintf("o/%d/x", i)}}}
		for _, j := range rapid.SliceOfN(rapid.IntRange(0, n-1), 0, 4).Draw(t, "deps") {
			if allowed(i, j) {
				s.Deps = append(s.Deps, fmt.Sprintf("o/%d", j)+rapid.SampledFrom([]string{"", "/x", "/x/y"}).Draw(t, "below"))
			}
		}
		stages = append(stages, s)
	}
	return stages
}

func newGraph(stages []*Stage) (*Graph, error) {
	rep := &report{}
	g := connect(&Config{}, stages, rep)
	return g, rep.err()
}

// TestOrder checks that stages come after what they need, and as early as the
// file has them.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// A hidden order makes sure that there is no cycle.
		hidden := rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}).Draw(t, "order")
		stages := stagesOf(t, func(reader, maker int) bool { return hidden[maker] < hidden[reader] })
		g, err := newGraph(stages)
		if err != nil {
			t.Fatal(err)
		}
		if len(g.Stages) != len(stages) {
			t.Fatalf("%d of %d stages", len(g.Stages), len(stages))
		}
		done := map[*Stage]bool{}
		for _, s := range g.Stages {
			first := stages[slices.IndexFunc(stages, func(s *Stage) bool {
				return !done[s] && !slices.ContainsFunc(g.Upstream(s), func(u *Stage) bool { return !done[u] })
			})]
			if s != first {
				t.Fatalf("%s comes before %s", s.Name, first.Name)
			}
			done[s] = true
		}
		checkEdges(t, g, stages)
	})
}

func checkEdges(t *rapid.T, g *Graph, stages []*Stage) {
	for i, reader := range stages {
		for j, maker := range stages {
			want := slices.ContainsFunc(reader.Deps, func(d string) bool { return touch(d, fmt.Sprintf("o/%d/x", j)) })
			if got := slices.Contains(g.Upstream(reader), maker); got != want {
				t.Fatalf("s%d needs s%d: %v, want %v", i, j, got, want)
			}
			if slices.Contains(g.Downstream(maker), reader) != want {
				t.Fatalf("downstream of s%d", j)
			}
		}
	}
}

// TestCycles checks that any graph is either sorted or said to have a cycle
// that is one.
func TestCycles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stages := stagesOf(t, func(reader, maker int) bool { return reader != maker })
		g, err := newGraph(stages)
		var all *ConfigErrors
		if err == nil {
			if len(g.Stages) != len(stages) {
				t.Fatal("stages are left out")
			}
			return
		}
		if !errors.As(err, &all) {
			t.Fatal(err)
		}
		for _, e := range all.List {
			_, cycle, _ := strings.Cut(e.Msg, "cycle: ")
			names := strings.Split(cycle, " -> ")
			if len(names) < 3 || names[0] != names[len(names)-1] {
				t.Fatal(e.Msg)
			}
			for i := range len(names) - 1 {
				maker, reader := names[i], names[i+1]
				var n, m int
				fmt.Sscanf(maker, "s%d", &n)
				fmt.Sscanf(reader, "s%d", &m)
				if !slices.ContainsFunc(stages[m].Deps, func(d string) bool { return touch(d, fmt.Sprintf("o/%d/x", n)) }) {
					t.Fatalf("%s: %s does not read of %s", e.Msg, reader, maker)
				}
			}
		}
	})
}

// TestOwners compares with looking at every output.
func TestOwners(t *testing.T) {
	path := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "a-b", "a.b", "ä"}), 1, 3).Draw(t, "p"), "/")
	})
	rapid.Check(t, func(t *rapid.T) {
		paths := rapid.SliceOfDistinct(path, rapid.ID).Draw(t, "outs")
		s := &Stage{Name: "s"}
		for _, p := range paths {
			s.Outs = append(s.Outs, Out{Path: p})
		}
		all := newOwners([]*Stage{s})
		p := path.Draw(t, "path")
		var got, want []string
		for _, m := range all.touching(p) {
			got = append(got, m.Out.Path)
		}
		overlap := false
		for i, o := range paths {
			if touch(o, p) {
				want = append(want, o)
			}
			for _, other := range paths[:i] {
				overlap = overlap || touch(o, other)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("touching %s: got %v, want %v", p, got, want)
		}
		rep := &report{}
		if all.check(rep); (rep.err() != nil) != overlap {
			t.Fatalf("overlap of %v: %v", paths, rep.err())
		}
	})
}

func load(t *testing.T, project files) *Graph {
	t.Helper()
	g, err := Load(project)
	if err != nil {
		t.Fatal(told(err))
	}
	return g
}

func names(stages []*Stage) string {
	var all []string
	for _, s := range stages {
		all = append(all, s.Name)
	}
	return strings.Join(all, " ")
}

func TestSelect(t *testing.T) {
	g := load(t, files{"xt.toml": `
[stage.prepare]
cmd = "x"
deps = ["data.csv"]
outs = ["build/split"]
[stage.train]
cmd = "x"
deps = ["build/split/a"]
outs = ["build/model"]
[stage.evaluate]
matrix = { split = ["val", "test"] }
cmd = "x"
deps = ["build/model"]
outs = ["report/${matrix.split}"]
[stage.other]
cmd = "x"
`})
	for _, c := range []struct {
		targets string
		opts    SelectOptions
		want    string
	}{
		{"", SelectOptions{}, "prepare train evaluate@val evaluate@test other"},
		{"train", SelectOptions{}, "prepare train"},
		{"train", SelectOptions{Single: true}, "train"},
		{"train", SelectOptions{Downstream: true}, "train evaluate@val evaluate@test"},
		{"evaluate", SelectOptions{Single: true}, "evaluate@val evaluate@test"},
		{"evaluate@test", SelectOptions{}, "prepare train evaluate@test"},
		{"eval*val other", SelectOptions{Single: true}, "evaluate@val other"},
		{"build/split/a/b", SelectOptions{Single: true}, "prepare"},
		{"./build/", SelectOptions{Single: true}, "prepare train"},
		{"trian", SelectOptions{}, `there is no stage "trian" (did you mean "train"?)`},
		{"data.csv", SelectOptions{}, `there is no stage "data.csv" (data.csv is an input of stage prepare: name that)`},
		{"build/modell x", SelectOptions{}, "no stage makes \"build/modell\" (did you mean \"build/model\"?)\nthere is no stage \"x\" (stages are evaluate, evaluate@test, evaluate@val, other, prepare, train)"},
	} {
		stages, err := g.Select(strings.Fields(c.targets), c.opts)
		got := names(stages)
		if err != nil {
			var lines []string
			for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
				lines = append(lines, fmt.Sprintf("%s (%s)", e, e.(*TargetError).Hint))
			}
			got = strings.Join(lines, "\n")
		}
		if got != c.want {
			t.Errorf("%q %+v: got %s, want %s", c.targets, c.opts, got, c.want)
		}
	}
	if made := g.Producers("build"); len(made) != 2 || made[0].Stage.Name != "train" || made[0].Out.Path != "build/model" {
		t.Errorf("producers of build: %v", made)
	}
}
