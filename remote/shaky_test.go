package remote

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xtrepro/xt/remote/store"
)

// errDead is what a process gets that was killed, were it still there.
var errDead = errors.New("killed")

// shaky is a store in front of which a process dies, or something happens, at the
// request of a number.
type shaky struct {
	store.Store
	mu     sync.Mutex
	count  int
	at     int    // the request, from 1 on; 0 for none
	before bool   // it dies before that request is carried out, and not after
	hook   func() // if not nil, that happens in place of the death
	key    string // what is written by the request, or was by the one before
	dead   bool
}

// written returns the key that a request writes, or that the one before it wrote.
func (s *shaky) written() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key
}

// step counts a request, and carries it out unless the process is dead.
func (s *shaky) step(do func() error) error {
	s.mu.Lock()
	s.count++
	now := s.count == s.at
	hook := s.hook
	if now && hook == nil && s.before {
		s.dead = true
	}
	dead := s.dead
	s.mu.Unlock()
	if dead {
		return errDead
	}
	if now && hook != nil {
		hook()
	}
	err := do()
	if now && hook == nil {
		s.mu.Lock()
		s.dead = true
		s.mu.Unlock()
		return errDead
	}
	return err
}

func (s *shaky) Stat(ctx context.Context, key string) (info store.Info, err error) {
	err = s.step(func() (err error) { info, err = s.Store.Stat(ctx, key); return err })
	return info, err
}

func (s *shaky) Read(ctx context.Context, key string, off int64, p []byte) error {
	return s.step(func() error { return s.Store.Read(ctx, key, off, p) })
}

func (s *shaky) Put(ctx context.Context, key string, data []byte) error {
	s.mu.Lock()
	s.key = key
	s.mu.Unlock()
	return s.step(func() error { return s.Store.Put(ctx, key, data) })
}

func (s *shaky) Create(ctx context.Context, key string, data []byte) error {
	return s.step(func() error { return s.Store.Create(ctx, key, data) })
}

func (s *shaky) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		if err := s.step(func() error { return nil }); err != nil {
			yield(store.Info{}, err)
			return
		}
		s.Store.List(ctx, prefix)(yield)
	}
}

// Delete takes the keys one by one, since that is how they go: a process may die
// between two.
func (s *shaky) Delete(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if err := s.step(func() error { return s.Store.Delete(ctx, []string{key}) }); err != nil {
			return err
		}
	}
	return nil
}

// through opens the remote through a shaky store.
func (w *world) through(s *shaky) (*Remote, error) {
	st, err := store.Open(context.Background(), w.url, store.Options{})
	if err != nil {
		return nil, err
	}
	s.Store = st
	return Create(context.Background(), s, w.opts)
}

// machine returns another machine with the same remote.
func (w *world) machine() *world {
	m := &world{t: w.t, url: w.url, opts: w.opts}
	m.clone()
	return m
}

// age lets time pass for all that is on the remote, which is in a folder.
func (w *world) age(d time.Duration) {
	w.t.Helper()
	for _, path := range w.keys("") {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a push that goes on has given it its name
		}
		if err != nil {
			w.t.Fatal(err)
		}
		then := info.ModTime().Add(-d)
		if err := os.Chtimes(path, then, then); err != nil && !errors.Is(err, fs.ErrNotExist) {
			w.t.Fatal(err)
		}
	}
}

// fetches checks that a machine which has nothing gets all of the wants.
func (w *world) fetches(wants ...Want) {
	w.t.Helper()
	m := w.machine()
	if _, err := m.open().Fetch(context.Background(), m.cache, wants, nil); err != nil {
		w.t.Errorf("what was pushed cannot be fetched: %v", err)
	}
	for _, want := range wants {
		if !m.cache.HasTree(want.Node.Sum) {
			w.t.Errorf("%s did not come whole", want.Path)
		}
	}
	if err := os.RemoveAll(m.root); err != nil {
		w.t.Error(err)
	}
}

// snapshot copies the folder of the remote, and returns what puts it back.
func (w *world) snapshot() (restore func()) {
	w.t.Helper()
	dir := filepath.FromSlash(strings.TrimPrefix(w.url, "file://"))
	saved := filepath.Join(w.t.TempDir(), "saved")
	if err := os.CopyFS(saved, os.DirFS(dir)); err != nil {
		w.t.Fatal(err)
	}
	times := map[string]time.Time{}
	for _, path := range w.keys("") {
		info, err := os.Stat(path)
		if err != nil {
			w.t.Fatal(err)
		}
		times[path] = info.ModTime()
	}
	return func() {
		if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(saved))); err != nil {
			w.t.Fatal(err)
		}
		for path, at := range times {
			if err := os.Chtimes(path, at, at); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// forEachDeath runs do with a store that dies at its first request, then at its
// second, until do gets by, before and after the request; check follows each
// time.
func forEachDeath(t *testing.T, do func(s *shaky) error, check func()) {
	t.Helper()
	for _, before := range []bool{true, false} {
		for at := 1; ; at++ {
			s := &shaky{at: at, before: before}
			err := do(s)
			if s.count < at {
				if err != nil {
					t.Fatalf("undisturbed: %v", err)
				}
				break
			}
			check()
			if t.Failed() {
				t.Fatalf("after the death at request %d (before it: %v), %v", at, before, err)
			}
			if at > 500 {
				t.Fatal("there is no end of requests")
			}
		}
	}
}
