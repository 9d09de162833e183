package pipeline

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// TestTurnElsewhere has workspaces that know nothing of one another, as those of two
// machines, make the same.
func TestTurnElsewhere(t *testing.T) {
	w, count := openForMake(t)
	shared := func(s *Stage) bool { return s.Name == "first" }
	var wg sync.WaitGroup
	for range 3 {
		other, err := Open(w.Root, OpenOptions{Scratch: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if _, err := other.Make(t.Context(), other.Graph.Stages[:1], MakeOptions{Shared: shared}, &silent{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := executions(t, count); n != 1 {
		t.Errorf("the first stage was run %d times", n)
	}
	if left, err := os.ReadDir(w.state("making")); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
	if _, err := os.Lstat(filepath.Join(w.Root, "first.txt")); err == nil {
		t.Error("first.txt is in the workspace")
	}
}

// TestTurnOfTheSilent waits for nobody who gives no sign of life.
func TestTurnOfTheSilent(t *testing.T) {
	w, _ := openForMake(t)
	plan, err := w.Plan(t.Context(), w.Graph.Stages[:1], RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fp := plan.Steps[0].Entry.Fingerprint
	if err := os.MkdirAll(w.state("making"), 0o777); err != nil {
		t.Fatal(err)
	}
	l := flock.New(filepath.Join(w.state("making"), fp.String()))
	if err := l.Lock(); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	long := time.Now().Add(-2 * silence)
	if err := os.Chtimes(l.Path(), long, long); err != nil {
		t.Fatal(err)
	}
	w.turnElsewhere(t.Context(), fp)()
}
