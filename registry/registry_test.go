package registry

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/git"
)

// repo is a git repository for a test.
type repo struct {
	t   testing.TB
	dir string
	sec int // since the first commit
}

func newRepo(t testing.TB) *repo {
	t.Helper()
	for k, v := range map[string]string{"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_SYSTEM": os.DevNull,
		"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org", "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org"} {
		t.Setenv(k, v)
	}
	r := &repo{t: t, dir: t.TempDir()}
	r.git("init", "-q", "-b", "main")
	return r
}

func (r *repo) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), fmt.Sprintf("GIT_COMMITTER_DATE=@%d +0000", 1700000000+r.sec))
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit makes an empty commit and returns it.
func (r *repo) commit() string {
	r.t.Helper()
	r.sec++
	r.git("commit", "-q", "--allow-empty", "-m", fmt.Sprint(r.sec))
	return r.git("rev-parse", "HEAD")
}

// tag makes a tag as GTO does, at a time of its own.
func (r *repo) tag(name, commit string) {
	r.t.Helper()
	r.sec++
	r.git("tag", "-a", "-m", "by GTO", name, commit)
}

func (r *repo) open() *Registry {
	r.t.Helper()
	g, err := git.Open(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	x := Open(g)
	x.sleep = func(time.Duration) {}
	return x
}

func load(t testing.TB, r *Registry) *State {
	t.Helper()
	s, err := r.Load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// holders spells who is in which stage: "prod=v2,v1".
func holders(m *Model) string {
	var words []string
	for _, stage := range m.Stages() {
		var names []string
		for _, v := range m.Holders(stage) {
			names = append(names, v.Short())
		}
		words = append(words, stage+"="+strings.Join(names, ","))
	}
	return strings.Join(words, " ")
}

// TestFold reads tags as GTO writes them.
func TestFold(t *testing.T) {
	r := newRepo(t)
	one, two, three := r.commit(), r.commit(), r.commit()
	check := func(want string) {
		t.Helper()
		if got := holders(load(t, r.open()).Models["m"]); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	r.tag("m@v0.0.1", one)
	r.tag("m@v0.1.0", two)
	r.tag("m#prod#1", one)
	check("prod=v0.0.1")
	r.tag("m#prod#2", two)
	check("prod=v0.1.0,v0.0.1")
	r.tag("m#prod!#3", two)
	check("prod=v0.0.1")
	r.tag("m#prod", two) // --simple
	check("prod=v0.1.0,v0.0.1")
	r.tag("m@v0.1.0!", two)
	check("prod=v0.0.1")
	r.tag("m#dev#4", three) // without a version
	check("dev=" + three[:10] + " prod=v0.0.1")
	r.tag("m@v0.2.0", three) // registered later: the assignment is its own
	check("dev=v0.2.0 prod=v0.0.1")
	r.git("tag", "m#prod#99", three) // lightweight
	check("dev=v0.2.0 prod=v0.0.1")
	r.tag("m@v0.1.0#5", two) // back again, with what it was in
	check("dev=v0.2.0 prod=v0.1.0,v0.0.1")
	m := load(t, r.open()).Models["m"]
	var numbers []string
	for _, v := range m.Versions {
		numbers = append(numbers, fmt.Sprint(v.Number, " ", v.Name))
	}
	if want := []string{"1 v0.0.1", "2 v0.1.0", "3 v0.2.0"}; !slices.Equal(numbers, want) {
		t.Errorf("numbers %q, want %q", numbers, want)
	}
	for word, want := range map[string]string{"": "v0.2.0", "latest": "v0.2.0", "greatest": "v0.2.0", "1": "v0.0.1", "2": "v0.1.0", "prod": "v0.1.0", "PROD": "v0.1.0", "v0.0.1": "v0.0.1"} {
		if v, err := m.Find(word); err != nil || v.Name != want {
			t.Errorf("%q: got %v, %v, want %s", word, v, err, want)
		}
	}
	var unknown *UnknownError
	for _, word := range []string{"v9.9.9", "4", "staging", "0", "99999999999999999999", three[:8]} {
		if v, err := m.Find(word); !errors.As(err, &unknown) {
			t.Errorf("%q: got %v, %v", word, v, err)
		}
	}
	r.tag("m@deprecated", three)
	if m := load(t, r.open()).Models["m"]; !m.Deprecated {
		t.Error("not deprecated")
	}
}

// TestNumbers keeps the numbers that versions were registered with, although tags
// go and others arrive late.
func TestNumbers(t *testing.T) {
	r := newRepo(t)
	x := r.open()
	for i := range 4 {
		if ch, err := x.Register(t.Context(), Registration{Model: "m", Commit: r.commit()}); err != nil || ch.Number != i+1 {
			t.Fatal(ch, err)
		}
	}
	r.git("tag", "-d", "m@v0.0.2")
	if _, err := x.Deregister(t.Context(), "m", "3", NotSigned); err != nil {
		t.Fatal(err)
	}
	late := r.commit()
	r.sec = 0 // long before the others
	r.tag("m@v9.0.0", late)
	var got []string
	for _, v := range load(t, x).Models["m"].Versions {
		got = append(got, fmt.Sprint(v.Number, v.Name, v.Deregistered))
	}
	want := []string{"1v0.0.1false", "2v9.0.0false", "3v0.0.3true", "4v0.0.4false"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	ch, err := x.Register(t.Context(), Registration{Model: "m", Commit: r.commit()})
	if err != nil || ch.Number != 5 || ch.Version != "v9.0.1" {
		t.Error(ch, err)
	}
	ch, err = x.Register(t.Context(), Registration{Model: "m", Version: "v0.0.3", Commit: r.commit()})
	if err != nil || ch.Number != 3 || !slices.Equal(ch.Tags, []string{"m@v0.0.3#1"}) {
		t.Error(ch, err)
	}
}

func TestPromote(t *testing.T) {
	r := newRepo(t)
	x := r.open()
	for range 3 {
		if _, err := x.Register(t.Context(), Registration{Model: "m", Commit: r.commit()}); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		version, stage string
		archive        bool
		want           string
		tags           int
	}{
		{"1", "Staging", true, "staging=v0.0.1", 1},
		{"1", "Production", true, "production=v0.0.1", 2},
		{"1", "production", true, "production=v0.0.1", 0},
		{"2", "production", false, "production=v0.0.2,v0.0.1", 1},
		{"1", "production", false, "production=v0.0.1,v0.0.2", 1},
		{"3", "PRODUCTION", true, "archived=v0.0.2,v0.0.1 production=v0.0.3", 5},
		{"1", "production", true, "archived=v0.0.3,v0.0.2 production=v0.0.1", 4},
		{"2", "archived", true, "archived=v0.0.3,v0.0.2 production=v0.0.1", 0},
		{"1", "archived", true, "archived=v0.0.1,v0.0.3,v0.0.2", 2},
		{"1", "None", true, "archived=v0.0.3,v0.0.2", 1},
		{"1", "none", true, "archived=v0.0.3,v0.0.2", 0},
	} {
		ch, err := x.Promote(t.Context(), Promotion{Model: "m", Version: step.version, Stage: step.stage, Archive: step.archive})
		if err != nil {
			t.Fatal(step, err)
		}
		if got := holders(load(t, x).Models["m"]); got != step.want || len(ch.Tags) != step.tags {
			t.Errorf("%v: got %q with %d tags", step, got, len(ch.Tags))
		}
	}
	var name *NameError
	for _, stage := range []string{"", "5", "latest", "a b", "-x", "x@y", "a//b", strings.Repeat("x", 300)} {
		if _, err := x.Promote(t.Context(), Promotion{Model: "m", Stage: stage}); !errors.As(err, &name) {
			t.Errorf("stage %q: %v", stage, err)
		}
	}
	var last *Event
	for _, e := range load(t, x).Models["m"].Events {
		if last != nil && before(last, e) >= 0 {
			t.Errorf("%s does not come after %s", e.Tag, last.Tag)
		}
		last = e
	}
}

// TestSpelling goes on with the stages of GTO as they are written.
func TestSpelling(t *testing.T) {
	r := newRepo(t)
	x := r.open()
	one, two := r.commit(), r.commit()
	r.tag("m@v0.0.1", one)
	r.tag("m@v0.0.2", two)
	r.tag("m#Prod#7", one)
	ch, err := x.Promote(t.Context(), Promotion{Model: "m", Version: "v0.0.2", Stage: "prod", Archive: true})
	if err != nil || !slices.Equal(ch.Tags, []string{"m#Prod#8", "m#Prod!#9", "m#archived#10"}) {
		t.Error(ch, err)
	}
}

func TestAnnotate(t *testing.T) {
	r := newRepo(t)
	x := r.open()
	text := "first"
	for range 2 {
		n := Note{Description: &text, Tags: map[string]string{"a": "1", "b": "2"}, Aliases: []string{"best"}}
		if _, err := x.Register(t.Context(), Registration{Model: "m", Commit: r.commit(), Note: n}); err != nil {
			t.Fatal(err)
		}
	}
	better := "better\nby far \x1b[31m"
	if _, err := x.Annotate(t.Context(), Annotation{Model: "m", Version: "1", Note: Note{Description: &better, Tags: map[string]string{"c": "3"}, Untag: []string{"a"}, Aliases: []string{"best"}}}); err != nil {
		t.Fatal(err)
	}
	m := load(t, x).Models["m"]
	one, two := m.Versions[0], m.Versions[1]
	if one.Description != better || two.Description != "first" {
		t.Errorf("descriptions %q, %q", one.Description, two.Description)
	}
	if diff := cmp.Diff(map[string]string{"b": "2", "c": "3"}, one.Tags); diff != "" {
		t.Error(diff)
	}
	if v, err := m.Find("best"); err != nil || v != one || len(two.Aliases) > 0 {
		t.Error(v, err, two.Aliases)
	}
	if one.Registered.Tag != "m@v0.0.1" || one.Number != 1 {
		t.Error(one.Registered.Tag, one.Number)
	}
}

// TestHostile reads tags that no one should have made.
func TestHostile(t *testing.T) {
	r := newRepo(t)
	one := r.commit()
	r.tag("m@v0.0.1", one)
	raw := func(ref, text string) {
		cmd := exec.Command("git", "hash-object", "-t", "tag", "-w", "--stdin", "--literally")
		cmd.Dir, cmd.Stdin = r.dir, strings.NewReader(text)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(r.dir, ".git", "refs", "tags", ref)
		if err := os.WriteFile(name, out, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	head := "object " + one + "\ntype commit\ntag %s\ntagger A <a@b> %s +0000\n\n"
	raw("m#prod#1", fmt.Sprintf(head, "m@v0.0.1", "1700000100")+"under another name\n")
	raw("m#prod#2", "object "+one+"\ntype commit\ntag m#prod#2\n\nno tagger\n")
	raw("m#prod#3", fmt.Sprintf(head, "m#prod#3", "99999999999999")+"too late\n")
	raw("m#prod#4", "rubbish")
	raw("m#prod#5", fmt.Sprintf(head, "m#prod#5", "1700000100")+strings.Repeat("x", maxTag))
	raw("m#prod#6", "object "+one+"\ntype tree\ntag m#prod#6\ntagger A <a@b> 1700000100 +0000\n\nof a tree\n")
	raw("m#prod#7", fmt.Sprintf(head, "m#prod#7", "1700000100")+"\x1b[2J\nxt-model = 1\nmetrics = 5\n")
	raw("m@v0.0.2", fmt.Sprintf(head, "m@v0.0.2", "1700000100")+"x\n\nxt-model = 1\nnumber = 1\nversion = \"v0.0.1\"\n")
	s := load(t, r.open())
	if len(s.Skipped) != 6 {
		t.Errorf("skipped %v", s.Skipped)
	}
	m := s.Models["m"]
	if v := m.Holder("prod"); v == nil || v.Name != "v0.0.2" && v.Name != "v0.0.1" || v.since("prod").Problem == "" {
		t.Errorf("holder %v", v)
	}
	if len(m.Versions) != 2 || m.Versions[1].Number != 2 {
		t.Errorf("versions %v", m.Versions)
	}
	ch, err := r.open().Promote(t.Context(), Promotion{Model: "m", Version: "v0.0.1", Stage: "dev"})
	if err != nil || ch.Tags[0] != "m#dev#8" {
		t.Error(ch, err)
	}
}

// TestCutNote registers what is too much for a tag, and what looks like the end of
// one.
func TestCutNote(t *testing.T) {
	r := newRepo(t)
	x := r.open()
	var tooMuch *NoteError
	long := strings.Repeat("x", maxText+1)
	if _, err := x.Register(t.Context(), Registration{Model: "m", Commit: r.commit(), Note: Note{Description: &long}}); !errors.As(err, &tooMuch) {
		t.Error(err)
	}
	evil := "a\n-----BEGIN PGP SIGNATURE-----\n# no comment\nxt-model = 9\n"
	n := Note{Description: &evil, Path: "a\nb", Node: hash.Node{Kind: hash.File, Sum: hash.Bytes(nil)}}
	if _, err := x.Register(t.Context(), Registration{Model: "m", Commit: r.commit(), Note: n}); err != nil {
		t.Fatal(err)
	}
	v := load(t, x).Models["m"].Versions[0]
	if v.Description != evil || v.Registered.Signed || v.Registered.Problem != "" || strings.Contains(v.Registered.Subject, "\n") {
		t.Errorf("%+v", v.Registered)
	}
}
