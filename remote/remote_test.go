package remote

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/remote/store"
)

// world is a machine with a workspace and a cache, and a remote in a folder.
type world struct {
	t      testing.TB
	url    string
	root   string
	cache  *cache.Cache
	opts   Options
	report PushReport
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, url: "file://" + filepath.ToSlash(filepath.Join(t.TempDir(), "remote"))}
	w.clone()
	return w
}

// clone goes to another machine, which has nothing but the remote.
func (w *world) clone() {
	w.t.Helper()
	w.root = w.t.TempDir()
	c, err := cache.Open(filepath.Join(w.root, ".xt", "cache"), cache.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.cache = c
	w.opts.Name, w.opts.Dir = "origin", filepath.Join(c.Dir(), "remotes")
}

func (w *world) open() *Remote {
	w.t.Helper()
	st, err := store.Open(context.Background(), w.url, store.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := Create(context.Background(), st, w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { r.Close() })
	return r
}

func (w *world) write(name string, b []byte) {
	w.t.Helper()
	path := filepath.Join(w.root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o666); err != nil {
		w.t.Fatal(err)
	}
}

// add puts a path into the cache.
func (w *world) add(name string) hash.Node {
	w.t.Helper()
	s := &hash.Scanner{Root: w.root}
	n, err := s.Put(context.Background(), name, w.cache)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) push(wants ...Want) {
	w.t.Helper()
	roots := &Roots{Project: "p", Owners: []string{"me"}}
	for _, want := range wants {
		roots.Needs = append(roots.Needs, lock.Item{Path: want.Path, Node: want.Node})
	}
	var err error
	w.report, err = w.open().Push(context.Background(), w.cache, wants, PushOptions{Roots: roots})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) fetch(wants ...Want) FetchReport {
	w.t.Helper()
	report, err := w.open().Fetch(context.Background(), w.cache, wants, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

// same checks that the cache has a file with these bytes.
func (w *world) same(n hash.Node, want []byte) {
	w.t.Helper()
	b, err := os.ReadFile(w.cache.Location(n))
	if err != nil {
		w.t.Fatal(err)
	}
	if !bytes.Equal(b, want) {
		w.t.Errorf("%d bytes, which are not those that were pushed", len(b))
	}
}

func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	r.Read(b)
	return b
}

func TestPushAndFetch(t *testing.T) {
	w := newWorld(t)
	big, small := noise(1, 9<<20), []byte(strings.Repeat("hello ", 1000))
	w.write("data/big", big)
	w.write("data/sub/small", small)
	w.write("data/sub/again", small)
	w.write("data/empty", nil)
	if err := os.MkdirAll(filepath.Join(w.root, "data/none"), 0o777); err != nil {
		t.Fatal(err)
	}
	want := Want{"data", w.add("data")}
	w.push(want)
	if w.report.SentFiles != 3 || w.report.Stored > 10<<20 || w.report.Packs != 2 {
		t.Errorf("the first push: %+v", w.report)
	}
	w.push(want)
	if w.report.SentFiles != 0 || w.report.Stored != 0 || w.report.Files != 4 {
		t.Errorf("the second push: %+v", w.report)
	}
	w.clone()
	if r := w.fetch(want); r.Files != 3 {
		t.Errorf("the fetch: %+v", r)
	}
	if !w.cache.HasTree(want.Node.Sum) {
		t.Error("the cache lacks the tree")
	}
	tree, err := w.cache.Tree(want.Node.Sum)
	if err != nil {
		t.Fatal(err)
	}
	e, _ := tree.Lookup("big")
	w.same(e.Node, big)
	if r := w.fetch(want); r.Files != 0 {
		t.Errorf("the second fetch: %+v", r)
	}
}

func TestSecondVersion(t *testing.T) {
	w := newWorld(t)
	v1 := noise(2, 64<<20)
	w.write("f", v1)
	w.push(Want{"f", w.add("f")})
	v2 := append(append(append([]byte{}, v1[:30<<20]...), noise(3, 640<<10)...), v1[30<<20:]...)
	w.write("f", v2)
	n := w.add("f")
	w.push(Want{"f", n})
	if w.report.Stored > 3<<20 {
		t.Errorf("an insertion of 1 %% sent %d bytes", w.report.Stored)
	}
	w.clone()
	w.fetch(Want{"f", n})
	w.same(n, v2)
}

func TestEncrypted(t *testing.T) {
	t.Skip()
}

func TestMissing(t *testing.T) {
	w := newWorld(t)
	w.write("f", []byte("x"))
	w.push(Want{"f", w.add("f")})
	lost := Want{"g", hash.Node{Kind: hash.File, Sum: hash.Bytes([]byte("y")), Size: 1}}
	_, err := w.open().Fetch(context.Background(), w.cache, []Want{lost}, nil)
	if missing := (*cache.MissingError)(nil); !errors.As(err, &missing) || missing.Items[0].Path != "g" {
		t.Errorf("error %v", err)
	}
}
