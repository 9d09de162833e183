package pipeline

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestExpand(t *testing.T) {
	sc := &scope{
		names: &namespace{values: map[string]any{
			"lr": 0.1, "n": int64(3), "on": true, "name": "a b", "empty": "",
			"train":  map[string]any{"hidden": int64(64), "layers": []any{int64(1), map[string]any{"k": "v"}}},
			"list":   []any{"a", int64(2), 0.5},
			"with.d": "dotted",
		}},
		axes: []string{"split"}, values: map[string]any{"split": "val"},
	}
	for _, c := range []struct{ in, want string }{
		{"plain", "plain"},
		{"${lr} ${n} ${on} ${name}", "0.1 3 true a b"},
		{"${ n }", "3"},
		{"$n $$ ${n}$", "$n $$ 3$"},
		{"$${n} $$${n}", "${n} $${n}"},
		{"${train.hidden}${train.layers[1].k}", "64v"},
		{"${list}", "a 2 0.5"},
		{`${"with.d"}`, "dotted"},
		{"x${empty}y", "xy"},
		{"${matrix.split}.json", "val.json"},
	} {
		if got, bad := sc.expand(c.in, true); got != c.want || bad != nil {
			t.Errorf("%s: got %q %v, want %q", c.in, got, bad, c.want)
		}
	}
}

// TestExpandKeepsText checks that text with ${ written $${ comes through as it
// was, and that a value is put in as it is, whatever it looks like.
func TestExpandKeepsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{"a", "$", "{", "}", "${", "${v}", " ", "é", "\n"})
		value := strings.Join(rapid.SliceOf(piece).Draw(t, "value"), "")
		sc := &scope{names: &namespace{values: map[string]any{"v": value}}}
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"a", "{", "}", " ", "é", "x$y"})).Draw(t, "text"), "")
		in := text + "${v}" + text + "$${v}"
		want := text + value + text + "${v}"
		if got, bad := sc.expand(in, false); got != want || bad != nil {
			t.Fatalf("%q: got %q %v, want %q", in, got, bad, want)
		}
	})
}

func TestKeyRoundTrip(t *testing.T) {
	step1 := rapid.Custom(func(t *rapid.T) step {
		if rapid.Bool().Draw(t, "index") {
			return step{index: rapid.IntRange(0, 1000).Draw(t, "i")}
		}
		return step{name: rapid.StringN(1, 5, -1).Draw(t, "name")}
	})
	rapid.Check(t, func(t *rapid.T) {
		k := keyPath(rapid.SliceOfN(step1, 1, 4).Draw(t, "key"))
		if k[0].name == "" {
			k[0] = step{name: "a"}
		}
		got, err := parseKey(k.String())
		if err != nil || got.String() != k.String() || len(got) != len(k) {
			t.Fatalf("%q: got %v %v", k.String(), got, err)
		}
		for i := range k {
			if got[i] != k[i] {
				t.Fatalf("%q: got %v", k.String(), got)
			}
		}
	})
	for _, bad := range []string{"", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[-1]", "a[01]", "[0]", "a b", "a]", `"a`, `""`, "a.[0]", "a:b", "a[0]b"} {
		if k, err := parseKey(bad); err == nil {
			t.Errorf("%q is taken for %v", bad, k)
		}
	}
}

func TestFloatText(t *testing.T) {
	for f, want := range map[float64]string{
		0.1: "0.1", 1: "1.0", 1e-5: "1e-05", 1e15: "1000000000000000.0", 1e16: "1e+16", -0.5: "-0.5", math.Inf(-1): "-inf", math.Inf(1): "inf", 0.0001: "0.0001",
	} {
		if got := floatText(f); got != want {
			t.Errorf("%g: got %s, want %s", f, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		if got, err := strconv.ParseFloat(floatText(f), 64); err != nil || got != f {
			t.Fatalf("%g is written %s", f, floatText(f))
		}
	})
}
