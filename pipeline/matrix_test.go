package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMatrix(t *testing.T) {
	g := load(t, files{"xt.toml": `
[params]
splits = ["val", "test"]
[stage.e]
matrix = { split = "${splits}", lr = [0.1, 1, true], "x" = ["a/b"] }
cmd = "x ${matrix.split} ${matrix.lr}"
env = { X = "${matrix.x}" }
outs = ["o/${matrix.split}/${matrix.lr}"]
tolerance = { "o/${matrix.split}/${matrix.lr}" = { rtol = 1e-3 } }
`})
	want := "e@val-0.1-a_b e@val-1-a_b e@val-true-a_b e@test-0.1-a_b e@test-1-a_b e@test-true-a_b"
	if names(g.Stages) != want {
		t.Errorf("got %s, want %s", names(g.Stages), want)
	}
	s := g.Stage("e@test-0.1-a_b")
	if s.Cmd != "x test 0.1" || s.Env["X"] != "a/b" || s.Base != "e" || s.Outs[0].Path != "o/test/0.1" || s.Tolerance["o/test/0.1"].Rel != 1e-3 {
		t.Errorf("got %+v", s)
	}
}

// TestCellNames checks that cells differ in name, in letters that a name may
// have, and that another value changes none of the plain names.
func TestCellNames(t *testing.T) {
	values := rapid.SliceOfNDistinct(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a", "a-a", "a/b", "a:b", "a_b"})), 1, 5, rapid.ID)
	rapid.Check(t, func(t *rapid.T) {
		var axes []axis
		for i := range rapid.IntRange(1, 3).Draw(t, "axes") {
			a := axis{name: fmt.Sprint("x", i), texts: values.Draw(t, "values")}
			for _, v := range a.texts {
				a.values = append(a.values, v)
			}
			axes = append(axes, a)
		}
		all, ok := cells(axes, maxStages)
		if !ok {
			t.Fatal("too many")
		}
		seen := map[string]bool{}
		for _, c := range all {
			name := "s" + strings.Replace(c.suffix, "@", "", 1)
			if seen[name] || strings.ContainsAny(name, "/: @\x00") || len(c.suffix) > maxName+12 {
				t.Fatalf("name %q of %v", c.suffix, c.values)
			}
			seen[name] = true
		}
	})
}

func TestCellLimit(t *testing.T) {
	a := axis{name: "a", values: make([]any, 101), texts: make([]string, 101)}
	if _, ok := cells([]axis{a, a}, maxStages); ok {
		t.Error("10,201 cells are taken")
	}
}
