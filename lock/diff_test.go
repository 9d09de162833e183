package lock

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/xtrepro/xt/hash"
)

func TestDiffStage(t *testing.T) {
	node := func(s string) hash.Node {
		return hash.Node{Kind: hash.File, Sum: hash.Bytes([]byte(s)), Size: int64(len(s))}
	}
	exec := func(n hash.Node) hash.Node { n.Kind = hash.Executable; return n }
	short := func(n hash.Node) string { return n.Sum.Short() }
	a, b := node("a"), node("b")
	tests := []struct {
		name     string
		old, new Stage
		want     []Change
	}{
		{"nothing", Stage{Shell: DefaultShell(), Wdir: "."}, Stage{}, nil},
		{"provenance", Stage{Commit: "1", Dirty: true}, Stage{Commit: "2"}, nil},
		{"command", Stage{Cmd: "a"}, Stage{Cmd: "b\nc"}, []Change{{Kind: KindCmd, Old: "a", New: `"b\nc"`}}},
		{"shell", Stage{}, Stage{Shell: []string{"bash", "-c"}}, []Change{{Kind: KindShell, Old: "sh -e -c", New: "bash -c"}}},
		{"directory", Stage{}, Stage{Wdir: "d"}, []Change{{Kind: KindWdir, Old: ".", New: "d"}}},
		{"code", Stage{Code: []Item{{"f", a}}}, Stage{Code: []Item{{"f", b}}},
			[]Change{{Kind: KindCode, Name: "f", Old: short(a), New: short(b), OldNode: a, NewNode: b}}},
		{"mode", Stage{Code: []Item{{"f", a}}}, Stage{Code: []Item{{"f", exec(a)}}},
			[]Change{{Kind: KindCode, Name: "f", Old: "file " + short(a), New: "executable file " + short(a), OldNode: a, NewNode: exec(a)}}},
		{"dependencies", Stage{Deps: []Item{{"f", a}, {"h", b}}}, Stage{Deps: []Item{{"g", b}, {"h", b}}}, []Change{
			{Kind: KindDep, Op: Removed, Name: "f", Old: short(a), OldNode: a},
			{Kind: KindDep, Op: Added, Name: "g", New: short(b), NewNode: b}}},
		{"outputs not known yet", Stage{Outs: []Item{{"f", a}}, How: Executed}, Stage{}, nil},
		{"outputs", Stage{Outs: []Item{{"f", a}}, How: Executed}, Stage{Outs: []Item{{"f", b}}, How: Restored}, []Change{
			{Kind: KindOut, Name: "f", Old: short(a), New: short(b), OldNode: a, NewNode: b},
			{Kind: KindHow, Old: "executed", New: "restored"}}},
		{"parameters", Stage{Params: []Param{{"", "lr", "0.1"}, {"p.yaml", "", "{}"}}}, Stage{Params: []Param{{"", "lr", "0.2"}, {"p.yaml", "x", "1"}}}, []Change{
			{Kind: KindParam, Name: "lr", Old: "0.1", New: "0.2"},
			{Kind: KindParam, Op: Removed, Name: "p.yaml", Old: "{}"},
			{Kind: KindParam, Op: Added, Name: "p.yaml:x", New: "1"}}},
		{"empty variable", Stage{}, Stage{Env: map[string]string{"A": ""}}, []Change{{Kind: KindEnv, Op: Added, Name: "A"}}},
		{"passed variables", Stage{Pass: map[string]string{"A": "unset"}, PassUnset: []string{"B"}}, Stage{Pass: map[string]string{"B": ""}, PassUnset: []string{"A"}}, []Change{
			{Kind: KindPass, Name: "A", Old: `"unset"`, New: "unset"},
			{Kind: KindPass, Name: "B", Old: "unset", New: `""`}}},
		{"seed", Stage{Seed: new(int64(0)), Deterministic: "on", Threads: 1}, Stage{Deterministic: "warn"}, []Change{
			{Kind: KindSeed, Op: Removed, Old: "0"},
			{Kind: KindDeterministic, Old: "on", New: "warn"},
			{Kind: KindThreads, Op: Removed, Old: "1"}}},
		{"unknown environment", Stage{Environment: a.Sum}, Stage{Environment: b.Sum}, []Change{{Kind: KindEnvironment, Old: short(a), New: short(b)}}},
		{"conflict", Stage{Conflicted: true}, Stage{Fingerprint: hash.Fingerprint(a.Sum)}, []Change{{Kind: KindConflict, Op: Removed}}},
		{"only the fingerprint", Stage{Fingerprint: hash.Fingerprint(a.Sum)}, Stage{Fingerprint: hash.Fingerprint(b.Sum)},
			[]Change{{Kind: KindFingerprint, Old: short(a), New: short(b)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.old.Name, tt.new.Name = "s", "s"
			for i := range tt.want {
				tt.want[i].Stage = "s"
			}
			if d := cmp.Diff(tt.want, DiffStage(&tt.old, &tt.new, nil, nil)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDiffEnvironment(t *testing.T) {
	before := &Environment{OS: "linux", Arch: "amd64", Python: "cpython 3.11.7", Locked: hash.Bytes([]byte("1")), Packages: []string{"a==1", "b==1", "c==1"}}
	after := &Environment{OS: "linux", Arch: "arm64", Python: "cpython 3.12.0", Packages: []string{"a==1", "b==2", "d==1"}}
	got := DiffStage(&Stage{Name: "s", Environment: before.Sum()}, &Stage{Name: "s", Environment: after.Sum()}, before, after)
	want := []Change{
		{Stage: "s", Kind: KindPlatform, Old: "linux/amd64", New: "linux/arm64"},
		{Stage: "s", Kind: KindPython, Old: "cpython 3.11.7", New: "cpython 3.12.0"},
		{Stage: "s", Kind: KindRequirements, Op: Removed, Old: before.Locked.Short()},
		{Stage: "s", Kind: KindPackage, Name: "b", Old: "1", New: "2"},
		{Stage: "s", Kind: KindPackage, Op: Removed, Name: "c", Old: "1"},
		{Stage: "s", Kind: KindPackage, Op: Added, Name: "d", New: "1"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDiff(t *testing.T) {
	n := hash.Node{Kind: hash.File, Sum: hash.Bytes(nil)}
	fp := hash.Fingerprint(hash.Bytes([]byte("f")))
	a, b := New(), New()
	a.Stages["old"] = &Stage{Name: "old", Fingerprint: fp}
	b.Stages["new"] = &Stage{Name: "new", Fingerprint: fp}
	b.Data["d"] = &Data{Item: Item{"d", n}}
	want := []Change{
		{Kind: KindData, Op: Added, Name: "d", New: n.Sum.Short(), NewNode: n},
		{Stage: "new", Kind: KindStage, Op: Added, New: fp.Short()},
		{Stage: "old", Kind: KindStage, Op: Removed, Old: fp.Short()},
	}
	if d := cmp.Diff(want, Diff(a, b)); d != "" {
		t.Error(d)
	}
}

func TestDiffOrigin(t *testing.T) {
	d := func(o Origin) *File {
		f := New()
		f.Data["d"] = &Data{Item: Item{"d", hash.Node{Kind: hash.File, Sum: hash.Bytes(nil)}}, Origin: o}
		return f
	}
	repo := Origin{Source: "https://e.org/r.git", Path: "x", Rev: "main", Commit: "0123456789abcdef0123456789abcdef01234567"}
	web := Origin{Source: "https://e.org/x", Version: "\"1\""}
	for _, c := range []struct {
		old, new Origin
		want     []Change
	}{
		{repo, repo, nil},
		{Origin{}, repo, []Change{{Kind: KindSource, Op: Added, Name: "d", New: "https://e.org/r.git x at 0123456789"}}},
		{repo, web, []Change{{Kind: KindSource, Name: "d", Old: "https://e.org/r.git x at 0123456789", New: `https://e.org/x at "1"`}}},
	} {
		if diff := cmp.Diff(c.want, Diff(d(c.old), d(c.new))); diff != "" {
			t.Error(diff)
		}
	}
}

// TestDiffTells says that two locks without a difference to tell have the same
// inputs and outputs, and that telling it backwards tells as much.
func TestDiffTells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genFile().Draw(t, "a"), genFile().Draw(t, "b")
		if d := Diff(a, a); len(d) > 0 {
			t.Fatalf("a lock differs from itself: %v", d)
		}
		there, back := Diff(a, b), Diff(b, a)
		if len(there) != len(back) {
			t.Fatalf("%v\nbut back %v", there, back)
		}
		if len(there) > 0 {
			return
		}
		for name, s := range a.Stages {
			o := *b.Stages[name]
			o.Commit, o.Dirty = s.Commit, s.Dirty
			if !sameStage(s, &o) {
				t.Fatal(cmp.Diff(s, &o))
			}
		}
	})
}
