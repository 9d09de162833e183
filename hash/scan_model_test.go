package hash_test

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/xtrepro/xt/hash"
)

// model is the scanner written down in the simplest way: it reads everything,
// each time, and knows no index.
func model(t rapid.TB, abs string) hash.Node {
	info, err := os.Lstat(abs)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case info.IsDir():
		return modelDir(t, abs)
	case info.Mode()&os.ModeSymlink != 0:
		target, err := os.Readlink(abs)
		if err != nil {
			t.Fatal(err)
		}
		return hash.Node{Kind: hash.Symlink, Sum: hash.Bytes([]byte(target)), Size: int64(len(target)), Target: target}
	}
	data, err := os.ReadFile(abs)
	if err != nil {
		t.Fatal(err)
	}
	n := hash.Node{Kind: hash.File, Sum: hash.Bytes(data), Size: int64(len(data))}
	if info.Mode()&0o100 != 0 {
		n.Kind = hash.Executable
	}
	return n
}

func modelDir(t rapid.TB, abs string) hash.Node {
	list, err := os.ReadDir(abs)
	if err != nil {
		t.Fatal(err)
	}
	var tree hash.Tree
	for _, e := range list {
		// The only pattern that the world writes.
		if _, err := os.Stat(filepath.Join(abs, hash.IgnoreFile)); err == nil && e.Name() == "b" {
			continue
		}
		tree = append(tree, hash.Entry{Name: e.Name(), Node: model(t, filepath.Join(abs, e.Name()))})
	}
	return tree.Node()
}

// world is a workspace that changes at random between scans.
type world struct {
	root string
	*hash.Scanner
	old time.Time
}

// path draws a path from few names, so that files, links and directories often
// take each other's place.
func (w *world) path(t *rapid.T) string {
	parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d x"}), 1, 3).Draw(t, "path")
	return filepath.Join(append([]string{w.root, "top"}, parts...)...)
}

// Write writes few bytes of the same length, in place or anew, and often gives
// the file its old time back.
func (w *world) Write(t *rapid.T) {
	p := w.path(t)
	if rapid.Bool().Draw(t, "anew") {
		os.RemoveAll(p)
	}
	os.MkdirAll(filepath.Dir(p), 0o777)
	content := rapid.SampledFrom([]string{"1", "2", "3", "44"}).Draw(t, "content")
	os.WriteFile(p, []byte(content), 0o666)
	if rapid.Bool().Draw(t, "old time") {
		os.Chtimes(p, w.old, w.old)
	}
}

func (w *world) Rename(t *rapid.T) { os.Rename(w.path(t), w.path(t)) }
func (w *world) Remove(t *rapid.T) { os.RemoveAll(w.path(t)) }
func (w *world) Mkdir(t *rapid.T)  { os.MkdirAll(w.path(t), 0o777) }
func (w *world) Link(t *rapid.T)   { os.Link(w.path(t), w.path(t)) }
func (w *world) Symlink(t *rapid.T) {
	os.Symlink(rapid.SampledFrom([]string{"a", "b", ".."}).Draw(t, "to"), w.path(t))
}

func (w *world) Chmod(t *rapid.T) {
	p := w.path(t)
	if info, err := os.Lstat(p); err == nil && info.Mode().IsRegular() {
		os.Chmod(p, rapid.SampledFrom([]os.FileMode{0o644, 0o755}).Draw(t, "mode"))
	}
}

// Ignore leaves out or takes back the name b in a directory, and touches
// nothing else.
func (w *world) Ignore(t *rapid.T) {
	p := filepath.Join(w.path(t), hash.IgnoreFile)
	if os.Remove(p) != nil {
		os.WriteFile(p, []byte("/b\n"), 0o666)
	}
}

// Reopen is a new process.
func (w *world) Reopen(t *rapid.T) {
	if err := w.Index.Save(); err != nil {
		t.Fatal(err)
	}
	w.Index.Close()
	w.Index = hash.OpenIndex(filepath.Join(w.root, "index"))
}

func (w *world) Drop(t *rapid.T) { w.Index.Drop(w.rel(w.path(t))) }

func (w *world) rel(abs string) string {
	rel, _ := filepath.Rel(w.root, abs)
	return filepath.ToSlash(rel)
}

// Look scans any path, so that the index holds it as a file or directory of
// its own.
func (w *world) Look(t *rapid.T) { w.compare(t, w.path(t)) }

// Check compares the scan of everything with the model.
func (w *world) Check(t *rapid.T) { w.compare(t, filepath.Join(w.root, "top")) }

func (w *world) compare(t *rapid.T, abs string) {
	rel := w.rel(abs)
	got, err := w.Scan(context.Background(), rel)
	real, evalErr := filepath.EvalSymlinks(abs)
	if evalErr != nil {
		if err == nil {
			t.Fatalf("%s: no error, want %v", rel, evalErr)
		}
		return
	}
	if w.odd(abs, real) {
		return
	}
	if want := model(t, real); err != nil || got != want {
		t.Fatalf("%s: %+v, %v, want %+v", rel, got, err, want)
	}
}

// odd reports whether the path is one for which the model is too simple: it
// leads through links, or out of the directory.
func (w *world) odd(abs, real string) bool {
	for dir := filepath.Dir(abs); len(dir) > len(w.root); dir = filepath.Dir(dir) {
		if info, err := os.Lstat(dir); err == nil && info.Mode()&os.ModeSymlink != 0 {
			return true
		}
	}
	return len(real) <= len(w.root)+1
}

// TestScanAgainstModel is the test that the index never makes a scan wrong.
func TestScanAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		root, err := os.MkdirTemp("", "xt-model-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(root)
		w := &world{root: root, old: time.Now().Add(-time.Hour)}
		w.Scanner = &hash.Scanner{Root: root, Index: hash.OpenIndex(filepath.Join(root, "index"))}
		defer func() { w.Index.Close() }()
		os.Mkdir(filepath.Join(root, "top"), 0o777)
		t.Repeat(rapid.StateMachineActions(w))
	})
}

// TestIndexAgainstModel compares the index with maps.
func TestIndexAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "xt-index-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		m := &indexModel{path: filepath.Join(dir, "index"), dirs: map[string]string{}, files: map[string]hash.Record{}}
		m.x = hash.OpenIndex(m.path)
		defer func() { m.x.Close() }()
		t.Repeat(rapid.StateMachineActions(m))
	})
}

type indexModel struct {
	path  string
	x     *hash.Index
	dirs  map[string]string
	files map[string]hash.Record
}

var indexPaths = rapid.Custom(func(t *rapid.T) string {
	parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "a b", "a!", "a.b", "c"}), 0, 3).Draw(t, "parts")
	return path.Join(append([]string{"."}, parts...)...)
})

func (m *indexModel) SetDir(t *rapid.T) {
	p := indexPaths.Draw(t, "path")
	recs := rapid.SliceOfN(drawnRecord, 0, 4).Draw(t, "records")
	slices.SortFunc(recs, func(a, b hash.Record) int { return cmpString(a.Name, b.Name) })
	self := hash.Node{Kind: hash.Directory, Sum: hash.Bytes([]byte(p)), Size: int64(len(p)), Files: 3}
	m.x.SetDir(p, self, recs)
	m.dirs[p] = fmt.Sprint(self, recs)
}

func (m *indexModel) SetFile(t *rapid.T) {
	p := indexPaths.Draw(t, "path")
	r := drawnRecord.Draw(t, "record")
	r.Name = path.Base(p)
	m.drop(p)
	m.x.SetFile(p, r)
	m.files[p] = r
}

func (m *indexModel) Drop(t *rapid.T) {
	p := indexPaths.Draw(t, "path")
	m.x.Drop(p)
	m.drop(p)
}

func (m *indexModel) drop(p string) {
	below := func(q string) bool { return p == "." || q == p || len(q) > len(p) && q[:len(p)+1] == p+"/" }
	for q := range m.dirs {
		if below(q) {
			delete(m.dirs, q)
		}
	}
	for q := range m.files {
		if below(q) {
			delete(m.files, q)
		}
	}
}

func (m *indexModel) Reopen(t *rapid.T) {
	if err := m.x.Save(); err != nil {
		t.Fatal(err)
	}
	m.x.Close()
	m.x = hash.OpenIndex(m.path)
}

func (m *indexModel) Save(t *rapid.T) {
	if err := m.x.Save(); err != nil {
		t.Fatal(err)
	}
}

func (m *indexModel) Check(t *rapid.T) {
	p := indexPaths.Draw(t, "path")
	self, recs, ok := m.x.Dir(p)
	if want, known := m.dirs[p]; ok != known || ok && fmt.Sprint(self, recs) != want {
		t.Fatalf("Dir(%q) = %v %v %v, want %v", p, self, recs, ok, want)
	}
	r, ok := m.x.File(p)
	if want, known := m.files[p]; ok != known || r != want {
		t.Fatalf("File(%q) = %+v %v, want %+v", p, r, ok, want)
	}
}

var drawnRecord = rapid.Custom(func(t *rapid.T) hash.Record {
	r := hash.Record{
		Name: rapid.StringN(1, 8, -1).Draw(t, "name"),
		Stat: hash.Stat{
			Size:  rapid.Int64().Draw(t, "size"),
			Mtime: rapid.Int64().Draw(t, "mtime"),
			Ctime: rapid.Int64().Draw(t, "ctime"),
			Ino:   rapid.Uint64().Draw(t, "ino"),
			Mode:  rapid.Uint32().Draw(t, "mode"),
		},
		Racy: rapid.Bool().Draw(t, "racy"),
	}
	r.Node.Kind = rapid.SampledFrom([]hash.Kind{hash.File, hash.Executable, hash.Symlink, hash.Directory}).Draw(t, "kind")
	r.Node.Size = r.Stat.Size
	r.Node.Files = int64(rapid.Int32().Draw(t, "files"))
	r.Node.Sum = hash.Bytes([]byte(r.Name))
	if r.Node.Kind == hash.Symlink {
		r.Node.Target = rapid.StringN(1, 20, -1).Draw(t, "target")
	}
	return r
})

func cmpString(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
