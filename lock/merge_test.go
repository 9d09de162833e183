package lock

import (
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/xtrepro/xt/hash"
)

// brancher draws what two branches make of a lock. As in life, an entry that
// was made again has a fingerprint that no other has.
type brancher struct{ made uint64 }

func (b *brancher) sum() hash.Sum {
	b.made++
	return hash.Bytes(binary.BigEndian.AppendUint64(nil, b.made))
}

func (b *brancher) stage(t *rapid.T, name string) *Stage {
	s := genStage(name).Draw(t, "stage")
	s.Fingerprint, s.Conflicted = hash.Fingerprint(b.sum()), false
	return s
}

func (b *brancher) data(path string) *Data {
	return &Data{Item: Item{path, hash.Node{Kind: hash.File, Sum: b.sum(), Size: 1}}, How: Committed}
}

// branch returns f with some entries added, removed and made again.
func (b *brancher) branch(t *rapid.T, f *File) *File {
	g := &File{Stages: maps.Clone(f.Stages), Data: maps.Clone(f.Data), Environments: maps.Clone(f.Environments)}
	for _, name := range []string{"a", "b", "c", "d@1", "e"} {
		switch rapid.SampledFrom([]string{"keep", "keep", "keep", "make", "remove"}).Draw(t, "stage "+name) {
		case "make":
			s := b.stage(t, name)
			if rapid.Bool().Draw(t, "with environment") {
				e := genEnvironment().Draw(t, "environment")
				s.Environment = e.Sum()
				g.Environments[s.Environment] = e
			}
			g.Stages[name] = s
		case "remove":
			delete(g.Stages, name)
		}
	}
	for _, path := range []string{"x", "y", "z\xff"} {
		switch rapid.SampledFrom([]string{"keep", "keep", "make", "remove"}).Draw(t, "data "+path) {
		case "make":
			g.Data[path] = b.data(path)
		case "remove":
			delete(g.Data, path)
		}
	}
	return g
}

// gitMerge merges the texts of three locks as git does without xt's driver.
func gitMerge(t *rapid.T, dir, style string, base, ours, theirs *File) []byte {
	var paths []string
	for i, f := range []*File{ours, base, theirs} {
		p := filepath.Join(dir, []string{"ours", "base", "theirs"}[i])
		if err := os.WriteFile(p, f.Encode(), 0o666); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	args := append([]string{"merge-file", "-p", "-q"}, strings.Fields(style)...)
	out, err := exec.Command("git", append(args, paths...)...).Output()
	// The exit status is the number of conflicts.
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() >= 128) {
		t.Fatal(err)
	}
	return out
}

// TestGitMerge merges random locks with git alone. Whatever comes out can be
// read, and an entry is one side's, whole, or marked.
func TestGitMerge(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var b brancher
		base := b.branch(t, New())
		ours, theirs := b.branch(t, base), b.branch(t, base)
		style := rapid.SampledFrom([]string{"", "--diff3", "--zdiff3"}).Draw(t, "style")
		text := gitMerge(t, dir, style, base, ours, theirs)
		got, err := Parse("xt.lock", text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		for name := range union(got.Stages, ours.Stages, theirs.Stages) {
			g, a, b := got.Stages[name], ours.Stages[name], theirs.Stages[name]
			if !sameStage(g, a) && !sameStage(g, b) && (g == nil || !g.Conflicted || !g.Fingerprint.IsZero()) {
				t.Fatalf("stage %s\n%s\n%s", name, cmp.Diff(a, g), text)
			}
		}
		for path := range union(got.Data, ours.Data, theirs.Data) {
			g, a, b := got.Data[path], ours.Data[path], theirs.Data[path]
			if !sameData(g, a) && !sameData(g, b) && (g == nil || !g.Conflicted) {
				t.Fatalf("data %s\n%s\n%s", path, cmp.Diff(a, g), text)
			}
		}
	})
}

func TestConflicted(t *testing.T) {
	stage := func(name, cmd string) string {
		return "\n[stage." + name + "]\nfingerprint = \"" + digits + "\"\nhow = \"executed\"\ncmd = \"" + cmd + "\"\n"
	}
	const head, split, tail = "<<<<<<< ours\n", "=======\n", ">>>>>>> theirs\n"
	tests := []struct {
		name, text string
		want       map[string]bool // stages, and whether they are conflicted
	}{
		{"inside a stage", "version = 1\n" + strings.Replace(stage("a", "X"), `cmd = "X"`+"\n", head+"cmd = \"1\"\n"+split+"cmd = \"2\"\n"+tail, 1) + stage("b", ""),
			map[string]bool{"a": true, "b": false}},
		{"across stages", "version = 1\n" + stage("a", "") + head + stage("b", "1") + stage("c", "1") + split + stage("b", "2") + tail + stage("d", ""),
			map[string]bool{"a": false, "b": true, "c": true, "d": false}},
		{"with the ancestor", "version = 1\n" + head + stage("a", "1") + "||||||| base\n" + stage("a", "0") + split + stage("a", "2") + tail,
			map[string]bool{"a": true}},
		{"with an ancestor that is a conflict", "version = 1\n" + head + stage("a", "1") + "||||||| base\n<<<<<<<<< x\n||||||||| z\n=========\n>>>>>>>>> y\n" + split + stage("a", "2") + tail + stage("b", ""),
			map[string]bool{"a": true, "b": false}},
		{"in the header", head + "version = 1\n" + split + "version = 2\n" + tail + stage("a", ""),
			map[string]bool{"a": true}},
		{"not closed", "version = 1\n" + stage("a", "") + head + stage("b", ""),
			map[string]bool{"a": false, "b": true}},
		{"same on both sides", "version = 1\n" + head + stage("a", "") + split + stage("a", "") + tail,
			map[string]bool{"a": false}},
		{"Windows", strings.ReplaceAll("version = 1\n"+head+stage("a", "1")+split+stage("a", "2")+tail+stage("b", ""), "\n", "\r\n"),
			map[string]bool{"a": true, "b": false}},
		{"wider markers", "version = 1\n<<<<<<<<<<\n" + stage("a", "1") + "==========\n" + stage("a", "2") + ">>>>>>>>>>\n",
			map[string]bool{"a": true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse("xt.lock", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			got := make(map[string]bool)
			for name, s := range f.Stages {
				got[name] = s.Conflicted
				if s.Conflicted != s.Fingerprint.IsZero() {
					t.Errorf("%s: conflicted %v, fingerprint %v", name, s.Conflicted, s.Fingerprint)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	var b brancher
	stage := func(cmd string, fp hash.Fingerprint) *Stage {
		return &Stage{Name: "s", Fingerprint: fp, How: Executed, Cmd: cmd}
	}
	f1, f2 := hash.Fingerprint(b.sum()), hash.Fingerprint(b.sum())
	old, new1, new2 := stage("old", f1), stage("1", f2), stage("2", hash.Fingerprint(b.sum()))
	committed := *new1
	committed.How, committed.Commit = Restored, "0123456789abcdef0123456789abcdef01234567"
	other := *new1
	other.Outs = []Item{{"o", hash.Node{Kind: hash.File, Sum: b.sum()}}}
	tests := []struct {
		name               string
		base, ours, theirs *Stage
		want               *Stage // nil if it is gone
		conflict           bool
	}{
		{"unchanged", old, old, old, old, false},
		{"ours changed", old, new1, old, new1, false},
		{"theirs changed", old, old, new1, new1, false},
		{"both changed alike", old, new1, new1, new1, false},
		{"same result", old, new1, &committed, new1, false},
		{"same inputs, other result", old, new1, &other, new1, true},
		{"both changed", old, new1, new2, new1, true},
		{"ours added", nil, new1, nil, new1, false},
		{"theirs added", nil, nil, new1, new1, false},
		{"both added", nil, new1, new2, new1, true},
		{"ours removed", old, nil, old, nil, false},
		{"theirs removed", old, old, nil, nil, false},
		{"both removed", old, nil, nil, nil, false},
		{"ours removed, theirs changed", old, nil, new2, new2, true},
		{"ours changed, theirs removed", old, new1, nil, new1, true},
	}
	file := func(s *Stage) *File {
		f := New()
		if s != nil {
			f.Stages["s"] = s
		}
		return f
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			merged, conflicts := Merge(file(tt.base), file(tt.ours), file(tt.theirs))
			got := merged.Stages["s"]
			if tt.conflict {
				if !slices.Equal(conflicts, []string{"stage s"}) {
					t.Errorf("conflicts %q", conflicts)
				}
				if !sameStage(got, conflicted(tt.want, nil)) {
					t.Errorf("got %+v", got)
				}
				return
			}
			if len(conflicts) > 0 || !sameStage(got, tt.want) {
				t.Errorf("got %+v, conflicts %q", got, conflicts)
			}
		})
	}
}

// TestMergeProperties says what holds for all locks: a merge with nothing is
// what the other side did, and which side is whose decides nothing but what is
// kept of a conflict.
func TestMergeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b brancher
		base := b.branch(t, New())
		ours, theirs := b.branch(t, base), b.branch(t, base)
		if got, conflicts := Merge(base, ours, base); len(conflicts) > 0 || string(got.Encode()) != string(ours.Encode()) {
			t.Fatalf("merge with what did not change: %q\n%s", conflicts, cmp.Diff(ours, got))
		}
		if got, conflicts := Merge(base, theirs, theirs); len(conflicts) > 0 || string(got.Encode()) != string(theirs.Encode()) {
			t.Fatalf("merge with the same: %q\n%s", conflicts, cmp.Diff(theirs, got))
		}
		m1, c1 := Merge(base, ours, theirs)
		m2, c2 := Merge(base, theirs, ours)
		if d := cmp.Diff(c1, c2); d != "" {
			t.Fatal(d)
		}
		for name := range union(m1.Stages, m2.Stages) {
			if !slices.Contains(c1, "stage "+name) && !sameStage(m1.Stages[name], m2.Stages[name]) {
				t.Fatalf("stage %s\n%s", name, cmp.Diff(m1.Stages[name], m2.Stages[name]))
			}
		}
		if _, err := Parse("xt.lock", m1.Encode()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestMergeEnvironments keeps what the merged stages refer to, and no more.
func TestMergeEnvironments(t *testing.T) {
	env := func(arch string) *Environment { return &Environment{OS: "linux", Arch: arch} }
	file := func(e *Environment, fp byte) *File {
		f := New()
		f.Environments[e.Sum()] = e
		f.Stages["s"] = &Stage{Name: "s", Fingerprint: hash.Fingerprint{fp}, How: Executed, Environment: e.Sum()}
		return f
	}
	base := file(env("amd64"), 1)
	merged, conflicts := Merge(base, base, file(env("arm64"), 2))
	want := map[hash.Sum]*Environment{env("arm64").Sum(): env("arm64")}
	if d := cmp.Diff(want, merged.Environments); d != "" || len(conflicts) > 0 {
		t.Errorf("conflicts %q\n%s", conflicts, d)
	}
}
