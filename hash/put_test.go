package hash_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/xtrepro/xt/hash"
)

// store keeps files in a folder and sees that it is called as promised.
type store struct {
	t       *testing.T
	objects string
	replace func(object, path string) error // puts a link in the file's place

	mu    sync.Mutex
	trees map[hash.Sum][]byte
	puts  int
}

var _ hash.Store = (*store)(nil)

func newStore(t *testing.T, replace func(object, path string) error) *store {
	return &store{t: t, objects: t.TempDir(), replace: replace, trees: map[hash.Sum][]byte{}}
}

func (s *store) object(sum hash.Sum) string {
	return filepath.Join(s.objects, sum.String()[:2], sum.String()[2:])
}

func (s *store) HasFile(n hash.Node) bool {
	_, err := os.Stat(s.object(n.Sum))
	return err == nil
}

func (s *store) HasTree(sum hash.Sum) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.trees[sum]
	return ok
}

func (s *store) PutFile(_ context.Context, path string) (hash.Sum, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	data, err := os.ReadFile(path)
	if err != nil {
		return hash.Sum{}, 0, err
	}
	sum := hash.Bytes(data)
	object := s.object(sum)
	if err := os.MkdirAll(filepath.Dir(object), 0o777); err != nil {
		return hash.Sum{}, 0, err
	}
	if _, err := os.Stat(object); err != nil {
		now := hash.SealTime(time.Now())
		if err := errors.Join(os.WriteFile(object, data, 0o666), os.Chtimes(object, now, now), os.Chmod(object, 0o444)); err != nil {
			return hash.Sum{}, 0, err
		}
	}
	// An executable file is no link, because what is stored is not executable.
	if i, err := os.Stat(path); s.replace != nil && err == nil && i.Mode()&0o100 == 0 {
		if err := errors.Join(os.Remove(path), s.replace(object, path)); err != nil {
			return hash.Sum{}, 0, err
		}
	}
	return sum, int64(len(data)), nil
}

func (s *store) PutTree(sum hash.Sum, encoded []byte) error {
	tree, err := hash.ParseTree(encoded)
	if err != nil || tree.Node().Sum != sum {
		s.t.Errorf("PutTree: %v", err)
	}
	for _, e := range tree {
		switch e.Kind {
		case hash.Directory:
			if !s.HasTree(e.Sum) {
				s.t.Errorf("PutTree: the directory %s comes later", e.Name)
			}
		case hash.File, hash.Executable:
			if !s.HasFile(e.Node) {
				s.t.Errorf("PutTree: the file %s comes later", e.Name)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trees[sum] = encoded
	return nil
}

func put(t *testing.T, s *hash.Scanner, path string, st hash.Store) hash.Node {
	t.Helper()
	n, err := s.Put(context.Background(), path, st)
	must(t, err)
	return n
}

func TestPut(t *testing.T) {
	ways := map[string]func(object, path string) error{"copy": nil, "hardlink": os.Link, "symlink": os.Symlink}
	for name, replace := range ways {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for i := range 30 {
				write(t, filepath.Join(root, fmt.Sprintf("d/sub%d/f%d", i%3, i)), fmt.Sprint("content ", i))
			}
			write(t, filepath.Join(root, "d/run"), "#!")
			must(t, os.Chmod(filepath.Join(root, "d/run"), 0o755))
			link(t, "sub0", filepath.Join(root, "d/link"))
			time.Sleep(2 * hash.Tick)
			want := fresh(t, root, "d")
			single := fresh(t, root, "d/sub1/f1")
			st := newStore(t, replace)
			s := newScanner(root)
			s.Objects = st.objects
			if got := put(t, s, "d", st); got != want || st.puts != 31 {
				t.Fatalf("%+v after %d files, want %+v", got, st.puts, want)
			}
			read := 0
			s.OnFile, s.Jobs = func(int64) { read++ }, 1
			reopen(t, s)
			if got := put(t, s, "d", st); got != want || read != 0 {
				t.Errorf("again: %+v and %d files read", got, read)
			}
			if got := scan(t, s, "d"); got != want || read != 0 {
				t.Errorf("scan: %+v and %d files read", got, read)
			}
			if got := put(t, s, "d/sub1/f1", st); got != single {
				t.Errorf("a file: %+v, want %+v", got, single)
			}
		})
	}
}

// TestScanSpoiledObject reads a stored file that was written to, through a link
// and though it is read-only.
func TestScanSpoiledObject(t *testing.T) {
	for name, replace := range map[string]func(object, path string) error{"hardlink": os.Link, "symlink": os.Symlink} {
		t.Run(name, func(t *testing.T) {
			root, spoiled := t.TempDir(), t.TempDir()
			write(t, filepath.Join(root, "f"), "1")
			write(t, filepath.Join(root, "d/f"), "2")
			write(t, filepath.Join(spoiled, "f"), "3")
			write(t, filepath.Join(spoiled, "d/f"), "3")
			time.Sleep(2 * hash.Tick)
			st := newStore(t, replace)
			s := newScanner(root)
			s.Objects = st.objects
			for _, path := range []string{"f", "d"} {
				object := st.object(put(t, s, path, st).Sum)
				if path == "d" {
					object = st.object(hash.Bytes([]byte("2")))
				}
				must(t, os.Chmod(object, 0o644))
				must(t, os.WriteFile(object, []byte("3"), 0o644))
				must(t, os.Chmod(object, 0o444))
				if got, want := scan(t, s, path), fresh(t, spoiled, path); got != want {
					t.Errorf("%s: %+v, want %+v", path, got, want)
				}
			}
		})
	}
}

// TestPutRestores stores again what the store has lost, though the index knows
// it.
func TestPutRestores(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "d/a/f"), "1")
	write(t, filepath.Join(root, "d/b"), "2")
	time.Sleep(2 * hash.Tick)
	s := newScanner(root)
	want := scan(t, s, "d")
	for range 2 {
		st := newStore(t, nil)
		if put(t, s, "d", st) != want || st.puts != 2 || len(st.trees) != 2 {
			t.Errorf("%d files and %d trees stored", st.puts, len(st.trees))
		}
		write(t, filepath.Join(root, "d/c"), "3")
		want = fresh(t, root, "d")
		if put(t, s, "d", st) != want || st.puts != 3 || len(st.trees) != 3 {
			t.Errorf("%d files and %d trees stored after one more", st.puts, len(st.trees))
		}
		must(t, os.Remove(filepath.Join(root, "d/c")))
		want = fresh(t, root, "d")
	}
	st := newStore(t, nil)
	file := put(t, s, "d/b", st)
	if file.Sum != hash.Bytes([]byte("2")) || st.puts != 1 {
		t.Errorf("%+v, %d files stored", file, st.puts)
	}
}

// restless changes each file right after it was stored, so often.
type restless struct {
	*store
	times int
}

func (r *restless) PutFile(ctx context.Context, path string) (hash.Sum, int64, error) {
	sum, size, err := r.store.PutFile(ctx, path)
	if r.times--; r.times >= 0 {
		os.WriteFile(path, fmt.Append(nil, "change ", r.times), 0o666)
	}
	return sum, size, err
}

func TestPutWhileChanging(t *testing.T) {
	for _, path := range []string{"d", "d/f"} {
		root := t.TempDir()
		write(t, filepath.Join(root, "d/f"), "1")
		s := newScanner(root)
		if n := put(t, s, path, &restless{newStore(t, nil), 1}); n != fresh(t, root, path) {
			t.Errorf("%s: one change was not seen", path)
		}
		write(t, filepath.Join(root, "d/f"), "2")
		_, err := s.Put(context.Background(), path, &restless{newStore(t, nil), 2})
		if !errors.Is(err, hash.ErrChanged) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestScanObjectLinks sees that a link counts as the stored file only if it is
// one.
func TestScanObjectLinks(t *testing.T) {
	root := t.TempDir()
	st := newStore(t, nil)
	write(t, filepath.Join(root, "plain"), "1")
	s := newScanner(root)
	want := put(t, s, "plain", st)
	s.Objects = st.objects
	object := st.object(want.Sum)
	rel, err := filepath.Rel(root, object)
	must(t, err)
	must(t, os.Mkdir(filepath.Join(root, "d"), 0o777))
	link(t, object, filepath.Join(root, "absolute"))
	link(t, rel, filepath.Join(root, "relative"))
	for _, path := range []string{"absolute", "relative"} {
		if got := scan(t, s, path); got != want {
			t.Errorf("%s: %+v, want %+v", path, got, want)
		}
	}
	other := newStore(t, nil)
	put(t, s, "plain", other)
	link(t, other.object(want.Sum), filepath.Join(root, "d/elsewhere"))
	link(t, st.object(hash.Bytes(nil)), filepath.Join(root, "d/absent"))
	scan(t, s, "d")
	_, recs, _ := s.Index.Dir("d")
	for _, r := range recs {
		if r.Node.Kind != hash.Symlink {
			t.Errorf("%s: %+v, want a link", r.Name, r.Node)
		}
	}
}
