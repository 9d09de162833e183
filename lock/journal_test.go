package lock

import (
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

// killed makes changes without committing them, and returns the states that
// the lock went through.
func (w workspace) killed() []*File {
	s := w.open()
	states := []*File{s.File()}
	env := &Environment{OS: "linux", Arch: "amd64", Packages: []string{"a==1"}}
	st := entry("a", 1)
	st.Environment = s.AddEnvironment(env)
	other := entry("b", 1)
	other.Environment = st.Environment
	for _, change := range []func() error{
		func() error { return s.SetStage(st) },
		func() error { return s.SetStage(other) },
		func() error { return s.SetData(datum("d\xff\n", "x")) },
		func() error { return s.RemoveStage("a") },
		func() error { return s.SetStage(entry("c", 1)) },
		func() error { return s.RemoveData("d\xff\n") },
	} {
		must(w.t, change())
		states = append(states, s.File())
	}
	s.Close()
	return states
}

// TestJournalTorn cuts the journal at every byte: what is read is a state that
// the lock was in, the later the longer, and work goes on from there.
func TestJournalTorn(t *testing.T) {
	w := newWorkspace(t)
	f := New()
	f.Stages["b"] = entry("b", 0)
	w.write(f)
	states := w.killed()
	whole, err := os.ReadFile(w.journal)
	must(t, err)
	reached := 0
	for n := range len(whole) + 1 {
		must(t, os.WriteFile(w.journal, whole[:n], 0o666))
		got := string(w.open().File().Encode())
		for reached < len(states) && got != string(states[reached].Encode()) {
			reached++
		}
		if reached == len(states) {
			t.Fatalf("cut at %d of %d: no state of the lock:\n%s", n, len(whole), got)
		}
	}
	if reached != len(states)-1 {
		t.Errorf("the whole journal gives state %d of %d", reached, len(states)-1)
	}
}

// TestJournalGoesOn adds to a journal whose tail is torn.
func TestJournalGoesOn(t *testing.T) {
	w := newWorkspace(t)
	w.killed()
	whole, err := os.ReadFile(w.journal)
	must(t, err)
	for n := 0; n <= len(whole); n += 7 {
		must(t, os.WriteFile(w.journal, whole[:n], 0o666))
		s := w.open()
		must(t, s.SetStage(entry("late", int64(n))))
		s.Close()
		again := w.open()
		same(t, s.File(), again.File())
		again.Close()
	}
	s := w.open()
	must(t, s.Commit())
	same(t, s.File(), w.read())
}

// TestJournalDamaged flips any byte.
func TestJournalDamaged(t *testing.T) {
	w := newWorkspace(t)
	states := make(map[string]bool)
	for _, f := range w.killed() {
		states[string(f.Encode())] = true
	}
	whole, err := os.ReadFile(w.journal)
	must(t, err)
	rapid.Check(t, func(t *rapid.T) {
		b := append([]byte(nil), whole...)
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		if err := os.WriteFile(w.journal, b, 0o666); err != nil {
			t.Fatal(err)
		}
		if got := string(w.open().File().Encode()); !states[got] {
			t.Fatalf("no state of the lock:\n%s", got)
		}
	})
}

// TestJournalOfAnotherLock drops the journal once the lock is another, and does
// not lose it as long as the lock is the same.
func TestJournalOfAnotherLock(t *testing.T) {
	w := newWorkspace(t)
	f := New()
	f.Stages["b"] = entry("b", 0)
	w.write(f)
	states := w.killed()
	same(t, states[len(states)-1], w.open().File())

	branch := New()
	branch.Stages["b"] = entry("b", 9)
	w.write(branch)
	same(t, branch, w.open().File())
	w.write(f)
	same(t, states[len(states)-1], w.open().File())

	w.write(branch)
	s := w.open()
	must(t, s.SetStage(entry("x", 1)))
	same(t, s.File(), w.open().File())
	w.write(f)
	same(t, f, w.open().File())
}

// TestJournalKilledInCommit finds the lock written and the journal not emptied.
func TestJournalKilledInCommit(t *testing.T) {
	w := newWorkspace(t)
	states := w.killed()
	journal, err := os.ReadFile(w.journal)
	must(t, err)
	must(t, w.open().Commit())
	must(t, os.WriteFile(w.journal, journal, 0o666))
	same(t, states[len(states)-1], w.open().File())
}

// TestJournalAfterCommit says that an environment which was only ever in memory
// is written with the first stage that needs it, after a Commit too.
func TestJournalAfterCommit(t *testing.T) {
	w := newWorkspace(t)
	s := w.open()
	sum := s.AddEnvironment(&Environment{OS: "linux", Arch: "amd64"})
	must(t, s.SetStage(entry("a", 1)), s.Commit())
	st := entry("b", 1)
	st.Environment = sum
	must(t, s.SetStage(st))
	s.Close()
	if _, env := w.open().Stage("b"); env == nil {
		t.Error("the environment was lost")
	}
}

// TestJournalCost says that an entry costs as much in a big lock as in a small
// one.
func TestJournalCost(t *testing.T) {
	size := func(stages int) int64 {
		w := newWorkspace(t)
		w.write(wide(stages))
		must(t, w.open().SetStage(entry("new", 1)))
		info, err := os.Stat(w.journal)
		must(t, err)
		return info.Size()
	}
	if small, big := size(1), size(1000); small != big {
		t.Errorf("%d bytes are journaled in a small lock, %d in a big one", small, big)
	}
}

func FuzzJournal(f *testing.F) {
	f.Add("xt-journal 1 0000000000000000000000000000000000000000000000000000000000000000\nremove-stage 1 d7f0ad58\na\n")
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		path := filepath.Join(dir, "journal")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := OpenStore(filepath.Join(dir, "xt.lock"), path)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.SetStage(entry("a", 1)); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
	})
}
