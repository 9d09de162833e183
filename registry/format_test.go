package registry

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/xtrepro/xt/hash"
)

func TestTagNames(t *testing.T) {
	for tag, want := range map[string]TagName{
		"m@v0.0.1":                      {Model: "m", Action: Register, Version: "v0.0.1"},
		"m@v0.0.1!":                     {Model: "m", Action: Deregister, Version: "v0.0.1"},
		"m@v0.0.1#4":                    {Model: "m", Action: Register, Version: "v0.0.1", Counter: 4},
		"m#prod#1":                      {Model: "m", Action: Assign, Stage: "prod", Counter: 1},
		"m#prod":                        {Model: "m", Action: Assign, Stage: "prod"},
		"m#prod!#4":                     {Model: "m", Action: Unassign, Stage: "prod", Counter: 4},
		"m#a/b!":                        {Model: "m", Action: Unassign, Stage: "a/b"},
		"m@deprecated":                  {Model: "m", Action: Deprecate},
		"m@deprecated#3":                {Model: "m", Action: Deprecate, Counter: 3},
		"m@created":                     {Model: "m", Action: Create},
		"sub/dir=m2@v1.0.0-rc.1":        {Model: "sub/dir:m2", Action: Register, Version: "v1.0.0-rc.1"},
		"some.dir=a/b#prod#2":           {Model: "some.dir:a/b", Action: Assign, Stage: "prod", Counter: 2},
		"m@v1.0.0-alpha.1+build.7-x!#8": {Model: "m", Action: Deregister, Version: "v1.0.0-alpha.1+build.7-x", Counter: 8},
	} {
		got, ok := ParseTagName(tag)
		if !ok || got != want || got.String() != tag {
			t.Errorf("%s: got %+v, %v", tag, got, ok)
		}
	}
	for _, tag := range []string{"", "m", "v1.0.0", "m@1.0.0", "m@v1.0", "m@v01.0.0", "m@latest", "m#prod#", "m#prod#x", "-m@v1.0.0", "m_@v1.0.0",
		"m#prod!!", "m@v1.0.0#!", "m m@v1.0.0", "m@v1.0.0\n", "a=b=c@v1.0.0", "m#prod#99999999999999999999", strings.Repeat("m", 500) + "@v1.0.0"} {
		if n, ok := ParseTagName(tag); ok {
			t.Errorf("%q: got %+v", tag, n)
		}
	}
}

func FuzzTagName(f *testing.F) {
	for _, s := range []string{"m@v0.0.1", "m#prod!#4", "sub/dir=m2@v1.0.0-rc.1", "m@deprecated#3", "m#a#007"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		n, ok := ParseTagName(tag)
		if !ok {
			return
		}
		again, ok := ParseTagName(n.String())
		if !ok || again != n {
			t.Errorf("%q: %+v, and then %+v", tag, n, again)
		}
	})
}

func TestVersionOrder(t *testing.T) {
	want := []string{"rubbish", "v0.0.1", "v0.0.9", "v0.0.10", "v0.1.0", "v1.0.0-alpha", "v1.0.0-alpha.1", "v1.0.0-alpha.beta", "v1.0.0-beta", "v1.0.0-beta.2",
		"v1.0.0-beta.11", "v1.0.0-rc.1", "v1.0.0", "v1.0.1", "v99999999999999999999.0.0"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, CompareVersions)
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if CompareVersions("v1.0.0+a", "v1.0.0+b") != 0 {
		t.Error("what is built counts")
	}
	for _, b := range []struct {
		from string
		part Bump
		want string
	}{{"", Patch, "v0.0.1"}, {"", Minor, "v0.1.0"}, {"", Major, "v1.0.0"}, {"v1.2.3", Patch, "v1.2.4"}, {"v1.2.3", Minor, "v1.3.0"},
		{"v1.2.3-rc.1+x", Major, "v2.0.0"}, {"v1.2.3-rc.1", Patch, "v1.2.4"}} {
		if got, err := Bumped(b.from, b.part); err != nil || got != b.want {
			t.Errorf("%s %s: %s, %v", b.from, b.part, got, err)
		}
	}
	if _, err := Bumped("v99999999999999999999.0.0", Patch); err == nil {
		t.Error("a number that is too large was raised")
	}
}

func TestNote(t *testing.T) {
	text := "two\nlines, \"quoted\" \\ \t\x1b[31m \u202e 𝄞 \U000e0001"
	n := &Note{Version: "v1.0.0", Number: 3, Path: "a b/\x01.npy", Node: hash.Node{Kind: hash.Directory, Sum: hash.Bytes([]byte("x")), Size: 1 << 40, Files: 7},
		Stage: "train@a", Fingerprint: "ff", Run: "r", Lock: hash.Bytes(nil), Metrics: map[string]float64{"loss": 0.1, "n": 1e6, "a.b": 1e-30, "": -0.5, "inf": math.Inf(-1), "nan": math.NaN(), "z": math.Copysign(0, -1), "big": 1e300},
		From: "staging", To: "production", Replaces: []string{"v0.9.0"}, Require: []string{`metrics."a b" < 1`}, Verified: true, Forced: true,
		Description: &text, Tags: map[string]string{"k.x": "v\r\n"}, Untag: []string{"u"}, Aliases: []string{"a"}, Unalias: []string{"b"},
		Extra: map[string]any{"later": int64(1), "list": []any{"x", true}, "table": map[string]any{"a b": 1.5}}}
	got, err := ParseNote([]byte(n.encode()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(n, got, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("%s\n%s", diff, n.encode())
	}
	for i, line := range strings.Split(n.encode(), "\n") {
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x202e }) {
			t.Errorf("line %d holds what a terminal would obey: %q", i, line)
		}
	}
	for text, want := range map[string]string{
		"xt-model = 2\n":                                               "newer xt",
		"xt-model = 1\nsize = -1\n":                                    "size",
		"xt-model = 1\nnumber = 9999999\n":                             "number",
		"xt-model = 1\nblake3 = \"ff\"\n":                              "digest",
		"xt-model = 1\n[metrics]\na = \"x\"\n":                         "number",
		"xt-model = 1\nkind = \"door\"\n":                              "kind",
		"xt-model = 1\npath = 5\n":                                     "text",
		"xt-model = 1\n[":                                              "",
		"xt-model = 1\nx = \"" + strings.Repeat("x", maxNote) + "\"\n": "too large",
	} {
		if n, err := ParseNote([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, %v", text, n, err)
		}
	}
	if s, n, err := parseMessage("by GTO\nxt-model = 1 or so\n"); s != "by GTO" || n != nil || err != nil {
		t.Error(s, n, err)
	}
}

func FuzzNote(f *testing.F) {
	f.Add("x\n\nxt-model = 1\nversion = \"v1.0.0\"\nlater = [1, {a = 2.5}]\n\n[metrics]\nloss = 0.1\n")
	f.Add("xt-model = 1\nd = 1979-05-27\n")
	f.Fuzz(func(t *testing.T, message string) {
		_, n, err := parseMessage(message)
		if err != nil || n == nil {
			return
		}
		again, err := ParseNote([]byte(n.encode()))
		if err != nil {
			t.Fatalf("%v: %q", err, n.encode())
		}
		again.Extra, n.Extra = nil, nil // a date becomes a text, 3.0 becomes 3
		if diff := cmp.Diff(n, again, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRules(t *testing.T) {
	word := func(ok bool) Fact { return func() (bool, string, string, error) { return ok, "no", "", nil } }
	f := &Facts{
		Metrics: map[string]float64{"loss": 0.1, "a b": 2, "m.json:acc": 0.5, "nan": math.NaN()},
		In:      func(s string) bool { return s == "staging" },
		Words:   map[string]Fact{"verified": word(true), "clean": word(false), "signed": word(true)},
	}
	for text, want := range map[string]bool{
		"metrics.loss < 0.2": true, "metrics.loss<0.1": false, "metrics.loss <= 1e-1": true, " metrics.loss  >=0.1 ": true, "metrics.loss > .05": true,
		"metrics.loss == 0.1": true, "metrics.loss = 0.1": true, "metrics.loss != 0.1": false, `metrics."a b" > -inf`: true, "metrics.m.json:acc > 0": true,
		"metrics.nan < 1": false, "metrics.nan != 1": false, "metrics.gone > 0": false, "verified": true, "clean": false, "signed": true,
		"stage = staging": true, `stage == "staging"`: true, "stage=dev": false,
	} {
		r, err := ParseRule(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if o, err := r.Check(f); err != nil || o.OK != want || r.Text != text {
			t.Errorf("%s: %+v, %v", text, o, err)
		}
	}
	for text, want := range map[string]string{
		"": "too early", "loss < 0.1": "unknown word", "metrics.": "unknown word", "metrics.loss": "no comparison", "metrics.loss <": "too early",
		"metrics.loss < x": "not a number", "metrics.loss < nan": "not a number", "metrics.loss < 1 2": "unexpected", "verified clean": "unexpected",
		"stage < x": "only be compared", "stage = 5": "name of a stage", "verifed": "unknown word", `metrics."x < 1`: "not closed", "verified = true": "unexpected",
		strings.Repeat(" ", 600) + "clean": "longer",
	} {
		if r, err := ParseRule(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v", text, r, err)
		}
	}
}

func FuzzRule(f *testing.F) {
	for _, s := range []string{"metrics.loss < 0.1", `metrics."a b" >= -1e5`, "stage = staging", "verified"} {
		f.Add(s)
	}
	facts := &Facts{In: func(string) bool { return true }, Words: map[string]Fact{}}
	for _, w := range []string{"verified", "clean", "signed"} {
		facts.Words[w] = func() (bool, string, string, error) { return true, "", "", nil }
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRule(text)
		if err != nil {
			if p, ok := err.(*ParseError); !ok || p.At < 0 || p.At > len(text) || p.Msg == "" {
				t.Errorf("%q: %#v", text, err)
			}
			return
		}
		if _, err := r.Check(facts); err != nil {
			t.Error(err)
		}
	})
}
