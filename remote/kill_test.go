package remote

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// twoVersions is a remote with a directory, and a machine that has another
// version of it which was not pushed.
func twoVersions(t *testing.T) (w *world, first, second Want) {
	w = newWorld(t)
	w.write("d/big", noise(1, 700<<10))
	w.write("d/small", noise(2, 100))
	w.write("d/sub/same", noise(3, 1000))
	first = Want{"d", w.add("d")}
	w.pushAs("me", first)
	w.write("d/big", append(noise(1, 600<<10), noise(4, 600<<10)...))
	w.write("d/new", noise(5, 1000))
	return w, first, Want{"d", w.add("d")}
}

// TestDeathWhilePushing kills a push at each of its requests. What was there before
// stays, and a push afterwards completes the work, from this machine or another.
func TestDeathWhilePushing(t *testing.T) {
	w, first, second := twoVersions(t)
	restore := w.snapshot()
	push := func(s *shaky) error {
		restore()
		if err := os.RemoveAll(w.local()); err != nil {
			t.Fatal(err)
		}
		r, err := w.through(s)
		if err != nil {
			return err
		}
		_, err = r.Push(context.Background(), w.cache, []Want{second}, PushOptions{Roots: w.roots("me", first, second)})
		return err
	}
	forEachDeath(t, push, func() {
		w.fetches(first)
		if f := w.fsck(FsckOptions{}); !f.OK() {
			t.Errorf("the check after the death: %+v", f)
		}
		w.push(second)
		w.fetches(first, second)
		if f := w.fsck(FsckOptions{}); !f.OK() || f.Absent > 0 {
			t.Errorf("the check after all: %+v", f)
		}
	})
}

// local is where a machine keeps what it remembers of remotes.
func (w *world) local() string { return w.opts.Dir }

// TestDeathOfFirstPush kills the push that makes the remote.
func TestDeathOfFirstPush(t *testing.T) {
	w := newWorld(t)
	w.write("d/f", noise(1, 1000))
	want := Want{"d", w.add("d")}
	push := func(s *shaky) error {
		if err := os.RemoveAll(filepath.FromSlash(strings.TrimPrefix(w.url, "file://"))); err != nil {
			t.Fatal(err)
		}
		r, err := w.through(s)
		if err != nil {
			return err
		}
		_, err = r.Push(context.Background(), w.cache, []Want{want}, PushOptions{Roots: w.roots("me", want)})
		return err
	}
	forEachDeath(t, push, func() {
		w.push(want)
		w.fetches(want)
	})
}

// TestDeathWhileFetching kills a fetch: the next one completes it.
func TestDeathWhileFetching(t *testing.T) {
	w, _, second := twoVersions(t)
	w.pushAs("me", second)
	var m *world
	fetch := func(s *shaky) error {
		m = w.machine()
		r, err := m.through(s)
		if err != nil {
			return err
		}
		_, err = r.Fetch(context.Background(), m.cache, []Want{second}, nil)
		return err
	}
	forEachDeath(t, fetch, func() {
		if m.cache.HasTree(second.Node.Sum) {
			t.Error("it counts as whole already")
		}
		m.fetch(second)
		if !m.cache.HasTree(second.Node.Sum) {
			t.Error("it is not whole")
		}
	})
}

// TestDeathWhileCollecting kills a collection of garbage, in which packs are
// deleted and others rewritten.
func TestDeathWhileCollecting(t *testing.T) {
	for name, opts := range map[string]GCOptions{"at once": {}, "after the grace": {Grace: time.Hour}} {
		t.Run(name, func(t *testing.T) { testDeathWhileCollecting(t, opts) })
	}
}

func testDeathWhileCollecting(t *testing.T, opts GCOptions) {
	w, first, second := twoVersions(t)
	w.pushAs("me", second)
	w.write("other/f", noise(9, 5000))
	other := Want{"other", w.add("other")}
	w.pushAs("them", other)
	opts.Roots = w.roots("me", second)
	if opts.Grace > 0 {
		w.age(2 * opts.Grace)
		w.gc(opts)
		w.age(2 * opts.Grace)
	}
	restore := w.snapshot()
	collect := func(s *shaky) error {
		restore()
		r, err := w.through(s)
		if err != nil {
			return err
		}
		_, err = r.GC(context.Background(), opts)
		return err
	}
	forEachDeath(t, collect, func() {
		w.fetches(second, other)
		if f := w.fsck(FsckOptions{}); len(f.Lost) > 0 {
			t.Errorf("the check after the death: %+v", f)
		}
		w.pushAs("me", second)
		w.gc(opts)
		w.age(2 * opts.Grace)
		w.gc(opts)
		w.fetches(second, other)
		if f := w.fsck(FsckOptions{}); !f.OK() || f.Unlisted > 0 {
			t.Errorf("the check after all: %+v", f)
		}
		w.pushAs("me", first) // which was deleted
		w.fetches(first, second, other)
	})
}

// TestDeathWhileRepairing kills a repair: another one completes it.
func TestDeathWhileRepairing(t *testing.T) {
	for name, damage := range map[string]func(w *world){
		"a damaged pack": func(w *world) { damageAll(w, "packs") },
		"lost tables":    func(w *world) { damageAll(w, "meta", "index-", "runs-") },
		"lost roots":     func(w *world) { damageAll(w, "meta", "roots-") },
	} {
		t.Run(name, func(t *testing.T) { testDeathWhileRepairing(t, damage) })
	}
}

// damageAll flips a bit in all files of a folder, or those that have one of the
// words in their names.
func damageAll(w *world, dir string, words ...string) {
	w.t.Helper()
	for _, path := range w.keys(dir) {
		named := len(words) == 0
		for _, word := range words {
			named = named || strings.Contains(path, word)
		}
		if !named {
			continue
		}
		if err := flip(path, 2); err != nil {
			w.t.Fatal(err)
		}
	}
}

func testDeathWhileRepairing(t *testing.T, damage func(w *world)) {
	w, _, second := twoVersions(t)
	w.pushAs("me", second)
	damage(w)
	opts := FsckOptions{Repair: w.cache, Roots: w.roots("me", second)}
	restore := w.snapshot()
	repair := func(s *shaky) error {
		restore()
		if err := os.RemoveAll(w.local()); err != nil { // what is remembered here would hide it
			t.Fatal(err)
		}
		r, err := w.through(s)
		if err != nil {
			return err
		}
		_, err = r.Fsck(context.Background(), opts)
		return err
	}
	forEachDeath(t, repair, func() {
		if f := w.fsck(opts); !f.OK() {
			t.Errorf("not mended: %+v", f)
		}
		w.fetches(second)
		w.gc(GCOptions{Roots: opts.Roots})
		w.gc(GCOptions{Roots: opts.Roots})
		w.fetches(second)
		if f := w.fsck(FsckOptions{}); !f.OK() || f.Unlisted > 0 {
			t.Errorf("the check after all: %+v", f)
		}
	})
}
