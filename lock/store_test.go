package lock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/hash"
)

// workspace is a directory with a lock in it.
type workspace struct {
	t             *testing.T
	lock, journal string
}

func newWorkspace(t *testing.T) workspace {
	dir := t.TempDir()
	return workspace{t, filepath.Join(dir, "xt.lock"), filepath.Join(dir, ".xt", "journal")}
}

func (w workspace) open() *Store {
	w.t.Helper()
	s, err := OpenStore(w.lock, w.journal)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(s.Close)
	return s
}

func (w workspace) write(f *File) {
	w.t.Helper()
	if err := os.WriteFile(w.lock, f.Encode(), 0o666); err != nil {
		w.t.Fatal(err)
	}
}

// read returns what the lock on disk says, without the journal.
func (w workspace) read() *File {
	w.t.Helper()
	b, err := os.ReadFile(w.lock)
	if err != nil {
		w.t.Fatal(err)
	}
	f, err := Parse("xt.lock", b)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// entry returns a stage whose content differs with the seed.
func entry(name string, seed int64) *Stage {
	return &Stage{
		Name: name, Fingerprint: hash.Fingerprint(hash.Bytes(fmt.Append(nil, name, seed))), How: Executed,
		Cmd: "true", Shell: DefaultShell(), Wdir: ".", Seed: &seed,
	}
}

func datum(path, content string) *Data {
	return &Data{Item: Item{path, hash.Node{Kind: hash.File, Sum: hash.Bytes([]byte(content)), Size: int64(len(content))}}, How: Committed}
}

func same(t *testing.T, want, got *File) {
	t.Helper()
	if d := cmp.Diff(string(want.Encode()), string(got.Encode())); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestStoreCommit(t *testing.T) {
	w := newWorkspace(t)
	s := w.open()
	env := &Environment{OS: "linux", Arch: "amd64"}
	st := entry("a", 1)
	st.Environment = s.AddEnvironment(env)
	must(t, s.SetStage(st), s.SetStage(entry("b", 1)), s.SetData(datum("d", "x")), s.SetData(datum("e", "x")))
	must(t, s.RemoveStage("b"), s.RemoveData("e"), s.RemoveStage("unknown"), s.RemoveData("unknown"))
	if _, err := os.Stat(w.lock); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock was written before Commit: %v", err)
	}
	must(t, s.Commit())
	want := New()
	want.Stages["a"], want.Data["d"], want.Environments[env.Sum()] = st, datum("d", "x"), env
	same(t, want, w.read())
	same(t, want, s.File())
	if _, err := os.Stat(w.journal); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the journal is still there: %v", err)
	}
	if got, gotEnv := s.Stage("a"); got == nil || gotEnv == nil || gotEnv.Sum() != env.Sum() {
		t.Errorf("Stage: %v, %v", got, gotEnv)
	}
}

// TestStoreUnchanged says that a lock is only written if its bytes change: not
// its time, and not the line ends that git gave it on Windows.
func TestStoreUnchanged(t *testing.T) {
	w := newWorkspace(t)
	f := New()
	f.Stages["a"] = entry("a", 1)
	crlf := strings.ReplaceAll(string(f.Encode()), "\n", "\r\n")
	must(t, os.WriteFile(w.lock, []byte(crlf), 0o666))
	s := w.open()
	must(t, s.SetStage(entry("a", 1)), s.Commit())
	if _, err := os.Stat(w.journal); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the same entry was journaled: %v", err)
	}
	must(t, s.SetStage(entry("a", 2)), s.SetStage(entry("a", 1)), s.Commit())
	if b, _ := os.ReadFile(w.lock); string(b) != crlf {
		t.Errorf("the lock was written:\n%q", b)
	}
}

func TestStoreRefuses(t *testing.T) {
	w := newWorkspace(t)
	s := w.open()
	broken := map[string]func(*Stage){
		"no how":         func(s *Stage) { s.How = "" },
		"path":           func(s *Stage) { s.Outs = []Item{{"../x", datum("x", "x").Node}} },
		"nothing there":  func(s *Stage) { s.Deps = []Item{{Path: "x"}} },
		"twice":          func(s *Stage) { s.Deps = []Item{datum("x", "1").Item, datum("x", "2").Item} },
		"value":          func(s *Stage) { s.Params = []Param{{Key: "k", Value: "1 }, { key = 2"}} },
		"other spelling": func(s *Stage) { s.Params = []Param{{Key: "k", Value: "[1,2]"}} },
		"set and unset":  func(s *Stage) { s.Pass, s.PassUnset = map[string]string{"A": "1"}, []string{"A"} },
		"name":           func(s *Stage) { s.Name = "a\nb" },
		"not UTF-8":      func(s *Stage) { s.Shell = []string{"\xff"} },
		"deterministic":  func(s *Stage) { s.Deterministic = "true" },
	}
	for name, spoil := range broken {
		st := entry("a", 1)
		spoil(st)
		if err := s.SetStage(st); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := s.SetData(datum(".git/config", "x")); err == nil {
		t.Error("data in .git: accepted")
	}
	same(t, New(), s.File())
}

// TestStoreCopies says that what happens to an entry after it was set does not
// get into the lock.
func TestStoreCopies(t *testing.T) {
	w := newWorkspace(t)
	s := w.open()
	st := entry("a", 1)
	must(t, s.SetStage(st))
	st.Cmd = "false"
	f := s.File()
	delete(f.Stages, "a")
	if got, _ := s.Stage("a"); got == nil || got.Cmd != "true" {
		t.Errorf("got %+v", got)
	}
}

// TestStoreMeanwhile changes the lock behind the store's back.
func TestStoreMeanwhile(t *testing.T) {
	w := newWorkspace(t)
	before := New()
	before.Stages["a"], before.Stages["b"], before.Stages["c"] = entry("a", 1), entry("b", 1), entry("c", 1)
	before.Data["d"] = datum("d", "1")
	w.write(before)
	s := w.open()
	must(t, s.SetStage(entry("a", 2)), s.RemoveStage("b"), s.SetStage(entry("new", 1)))

	pulled := New()
	pulled.Stages["a"], pulled.Stages["b"], pulled.Stages["c"] = entry("a", 3), entry("b", 3), entry("c", 3)
	pulled.Data["e"] = datum("e", "1")
	w.write(pulled)
	must(t, s.Commit())

	want := New()
	want.Stages["a"], want.Stages["c"], want.Stages["new"] = entry("a", 2), entry("c", 3), entry("new", 1)
	want.Data["e"] = datum("e", "1")
	same(t, want, w.read())
	same(t, want, s.File())

	must(t, s.SetStage(entry("a", 4)), os.WriteFile(w.lock, []byte("version = 1\n[stage"), 0o666))
	if _, ok := errors.AsType[*Error](s.Commit()); !ok {
		t.Error("a broken lock was replaced")
	}
	if b, _ := os.ReadFile(w.lock); string(b) != "version = 1\n[stage" {
		t.Errorf("a broken lock was replaced by\n%s", b)
	}
}

// TestStoreConflict says that a lock with markers can be worked with, and that
// committing gets rid of the markers but not of the conflicts that are left.
func TestStoreConflict(t *testing.T) {
	w := newWorkspace(t)
	ours, theirs := New(), New()
	ours.Stages["a"], theirs.Stages["a"] = entry("a", 1), entry("a", 2)
	ours.Stages["b"], theirs.Stages["b"] = entry("b", 1), entry("b", 2)
	ours.Data["d"], theirs.Data["d"] = datum("d", "1"), datum("d", "2")
	must(t, os.WriteFile(w.lock, []byte("<<<<<<< a\n"+string(ours.Encode())+"=======\n"+string(theirs.Encode())+">>>>>>> b\n"), 0o666))
	s := w.open()
	must(t, s.SetStage(entry("a", 3)), s.Commit())
	got := w.read()
	if got.Stages["a"].Conflicted || !got.Stages["b"].Conflicted || !got.Data["d"].Conflicted {
		t.Errorf("conflicted: a %v, b %v, d %v", got.Stages["a"].Conflicted, got.Stages["b"].Conflicted, got.Data["d"].Conflicted)
	}
	must(t, s.SetStage(entry("b", 1)), s.SetData(datum("d", "2")), s.Commit())
	want := New()
	want.Stages["a"], want.Stages["b"], want.Data["d"] = entry("a", 3), entry("b", 1), datum("d", "2")
	same(t, want, w.read())
}

func TestStoreBrokenLock(t *testing.T) {
	w := newWorkspace(t)
	must(t, os.WriteFile(w.lock, []byte("version = 9\n"), 0o666))
	_, err := OpenStore(w.lock, w.journal)
	if e, ok := errors.AsType[*Error](err); !ok || e.File != "xt.lock" || e.Line != 1 {
		t.Errorf("got %v", err)
	}
}

// TestStoreNoPermission keeps the old lock, and the journal, if the lock cannot
// be written.
func TestStoreNoPermission(t *testing.T) {
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		t.Skip("permissions do not bind here")
	}
	w := newWorkspace(t)
	f := New()
	f.Stages["a"] = entry("a", 1)
	w.write(f)
	must(t, os.Chmod(w.lock, 0o444))
	s := w.open()
	must(t, s.SetStage(entry("a", 2)))
	if err := s.Commit(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("read-only lock: %v", err)
	}
	same(t, f, w.read())
	must(t, os.Chmod(w.lock, 0o644), os.Chmod(filepath.Dir(w.lock), 0o555))
	defer os.Chmod(filepath.Dir(w.lock), 0o755)
	if err := s.Commit(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("read-only directory: %v", err)
	}
	same(t, f, w.read())
	if st, _ := w.open().Stage("a"); *st.Seed != 2 {
		t.Error("the journal was lost")
	}
}

// TestStoreJournalFails keeps an entry that cannot be journaled for Commit.
func TestStoreJournalFails(t *testing.T) {
	w := newWorkspace(t)
	if err := os.Symlink("nowhere", filepath.Dir(w.journal)); err != nil {
		t.Skip(err)
	}
	s := w.open()
	if err := s.SetStage(entry("a", 1)); err == nil {
		t.Error("want an error")
	}
	must(t, s.Commit())
	want := New()
	want.Stages["a"] = entry("a", 1)
	same(t, want, w.read())
}

func TestStoreConcurrent(t *testing.T) {
	w := newWorkspace(t)
	s := w.open()
	var wg sync.WaitGroup
	want := New()
	for i := range 50 {
		name := fmt.Sprint(i)
		want.Stages[name] = entry(name, 1)
		wg.Go(func() {
			if err := s.SetStage(entry(name, 1)); err != nil {
				t.Error(err)
			}
			s.Stage(name)
			s.File()
		})
	}
	wg.Wait()
	same(t, want, w.open().File())
	must(t, s.Commit())
	same(t, want, w.read())
}
