package cache

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/hash"
)

// project is a workspace with its cache, in a temporary directory.
type project struct {
	t     testing.TB
	root  string
	cache *Cache
	scan  *hash.Scanner
}

func newProject(t testing.TB, links ...Link) *project { return newProjectIn(t, scratch(t), links...) }

// scratch returns a directory in memory if there is such a place, since the
// tests make and remove many thousands of files. TMPDIR has precedence.
func scratch(t testing.TB) string {
	t.Helper()
	const memory = "/dev/shm"
	if _, err := os.Stat(memory); err != nil || os.Getenv("TMPDIR") != "" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "xt-cache-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func newProjectIn(t testing.TB, dir string, links ...Link) *project {
	t.Helper()
	root := filepath.Join(dir, "work")
	if err := os.MkdirAll(root, 0o777); err != nil {
		t.Fatal(err)
	}
	c, err := Open(filepath.Join(dir, "cache"), Options{Links: links})
	if err != nil {
		t.Fatal(err)
	}
	p := &project{t: t, root: root, cache: c}
	p.forget()
	return p
}

// forget makes the next scan read everything.
func (p *project) forget() {
	p.scan = &hash.Scanner{Root: p.root, Objects: p.cache.Objects(), Index: hash.OpenIndex("")}
}

func (p *project) path(name string) string { return filepath.Join(p.root, filepath.FromSlash(name)) }

func (p *project) write(name, content string) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Dir(p.path(name)), 0o777); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(p.path(name), []byte(content), 0o666); err != nil {
		p.t.Fatal(err)
	}
}

func (p *project) put(name string) hash.Node {
	p.t.Helper()
	n, err := p.scan.Put(context.Background(), name, p.cache)
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

func (p *project) checkout(name string, n hash.Node) (Summary, error) {
	return p.cache.Checkout(context.Background(), Workspace{Scanner: p.scan}, name, n, CheckoutOptions{})
}

func (p *project) mustCheckout(name string, n hash.Node) Summary {
	p.t.Helper()
	s, err := p.checkout(name, n)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *project) wipe(name string) {
	p.t.Helper()
	if err := os.RemoveAll(p.path(name)); err != nil {
		p.t.Fatal(err)
	}
}

// snapshot returns what stands below name: the content of each file, "link to
// …" and "dir", with "x " before what is executable. Links into the cache are
// followed.
func (p *project) snapshot(name string) map[string]string {
	p.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(p.path(name), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(p.root, path)
		all[rel] = p.describe(path, d)
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return all
}

func (p *project) describe(path string, d fs.DirEntry) string {
	if d.IsDir() {
		return "dir"
	}
	if target, err := os.Readlink(path); err == nil && !strings.HasPrefix(target, p.cache.Objects()) {
		return "link to " + target
	}
	b, err := os.ReadFile(path)
	if err != nil {
		p.t.Fatal(err)
	}
	i, err := os.Stat(path)
	if err != nil {
		p.t.Fatal(err)
	}
	if i.Mode()&0o100 != 0 {
		return "x " + string(b)
	}
	return string(b)
}

// clean fails the test unless everything in the cache is right.
func (p *project) clean() {
	p.t.Helper()
	r, err := p.cache.Fsck(context.Background(), FsckOptions{})
	if err != nil || !r.OK() || r.Repaired > 0 || len(r.Stray) > 0 {
		p.t.Errorf("fsck: %+v, %v", r, err)
	}
}

// sample makes a directory with a bit of everything.
func (p *project) sample(name string) {
	p.t.Helper()
	p.write(name+"/a", "one")
	p.write(name+"/b", "two")
	p.write(name+"/same", "one")
	p.write(name+"/empty", "")
	p.write(name+"/sub/deep/c", "three")
	p.write(name+"/sub/odd \n\"name\"[*]?\xff", "four")
	p.write(name+"/big", strings.Repeat("0123456789abcdef", 200_000))
	p.write(name+"/run", "#!/bin/sh\n")
	for _, err := range []error{
		os.Chmod(p.path(name+"/run"), 0o755),
		os.Mkdir(p.path(name+"/void"), 0o777),
		os.Symlink("../a", p.path(name+"/sub/link")),
		os.Symlink("/nowhere", p.path(name+"/dangling")),
	} {
		if err != nil {
			p.t.Fatal(err)
		}
	}
}

var everyLink = []Link{Reflink, Copy, Hardlink, Symlink}

func TestCheckoutRestoresWhatWasPut(t *testing.T) {
	for _, link := range everyLink {
		t.Run(link.String(), func(t *testing.T) {
			p := newProject(t, link)
			p.sample("data")
			want := p.snapshot("data")
			n := p.put("data")
			if diff := cmp.Diff(want, p.snapshot("data")); diff != "" {
				t.Fatalf("put changed the workspace: %s", diff)
			}
			p.wipe("data")
			got := p.mustCheckout("data", n)
			if diff := cmp.Diff(want, p.snapshot("data")); diff != "" {
				t.Errorf("after checkout: %s", diff)
			}
			if want := (Summary{Added: 10, Bytes: n.Size}); got != want {
				t.Errorf("checkout did %+v, want %+v", got, want)
			}
			if got := p.mustCheckout("data", n); got != (Summary{}) {
				t.Errorf("second checkout did %+v", got)
			}
			p.clean()
		})
	}
}

func TestCheckoutTouchesOnlyWhatDiffers(t *testing.T) {
	for _, link := range everyLink {
		t.Run(link.String(), func(t *testing.T) {
			p := newProject(t, link)
			p.sample("data")
			first, want := p.put("data"), p.snapshot("data")
			p.wipe("data/b")
			p.write("data/b", "changed")
			p.write("data/new/file", "new")
			p.wipe("data/void")
			p.wipe("data/a")
			p.write("data/a/is/a/directory/now", "x")
			second, changed := p.put("data"), p.snapshot("data")

			got := p.mustCheckout("data", first)
			if diff := cmp.Diff(want, p.snapshot("data")); diff != "" {
				t.Fatalf("back at the first: %s", diff)
			}
			if got.Added != 1 || got.Changed != 1 || got.Removed != 2 {
				t.Errorf("back at the first: did %+v", got)
			}
			p.mustCheckout("data", second)
			if diff := cmp.Diff(changed, p.snapshot("data")); diff != "" {
				t.Errorf("at the second again: %s", diff)
			}
			p.mustCheckout("data", hash.Node{})
			if _, err := os.Lstat(p.path("data")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("after checkout of nothing: %v", err)
			}
		})
	}
}

func TestCheckoutKeepsWhatIsStoredNowhere(t *testing.T) {
	p := newProject(t)
	p.sample("data")
	n := p.put("data")
	p.write("data/b", "precious")
	p.write("data/extra", "also precious")
	p.write("data/known", "from git")
	before := p.snapshot("data")

	w := Workspace{Scanner: p.scan, InGit: func(path string, _ hash.Node) bool { return path == "data/known" }}
	_, err := p.cache.Checkout(context.Background(), w, "data", n, CheckoutOptions{})
	var uncached *UncachedError
	if !errors.As(err, &uncached) {
		t.Fatalf("got %v, want an UncachedError", err)
	}
	if diff := cmp.Diff([]string{"data/b", "data/extra"}, uncached.Paths); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, p.snapshot("data")); diff != "" {
		t.Errorf("something changed nevertheless: %s", diff)
	}
	got, err := p.cache.Checkout(context.Background(), w, "data", n, CheckoutOptions{Force: true})
	if want := (Summary{Changed: 1, Removed: 2, Bytes: 3}); err != nil || got != want {
		t.Errorf("forced: %+v, %v; want %+v", got, err, want)
	}
}

// An object that somebody deleted from the cache makes the workspace's file the
// only copy, whatever the listing of its directory says.
func TestCheckoutKeepsTheOnlyCopy(t *testing.T) {
	p := newProject(t)
	p.write("d/a", "one")
	old := p.put("d")
	p.write("d/a", "two")
	p.put("d")
	if err := os.Remove(p.cache.path(objects, hash.Bytes([]byte("two")))); err != nil {
		t.Fatal(err)
	}
	for _, want := range []hash.Node{old, {}} {
		_, err := p.checkout("d", want)
		if loss := (*UncachedError)(nil); !errors.As(err, &loss) || !slices.Equal(loss.Paths, []string{"d/a"}) {
			t.Errorf("%v", err)
		}
	}
	if _, err := p.cache.Keep(context.Background(), Workspace{Scanner: p.scan}, "d"); err != nil {
		t.Fatal(err)
	}
	if err := p.cache.Verify(context.Background(), hash.Bytes([]byte("two"))); err != nil {
		t.Errorf("not kept: %v", err)
	}
}

func TestCheckoutSaysWhatIsMissing(t *testing.T) {
	p := newProject(t)
	p.sample("data")
	n := p.put("data")
	p.wipe("data")
	if err := os.Remove(p.cache.path(objects, hash.Bytes([]byte("three")))); err != nil {
		t.Fatal(err)
	}
	_, err := p.checkout("data", n)
	var missing *MissingError
	if !errors.As(err, &missing) {
		t.Fatalf("got %v, want a MissingError", err)
	}
	want := []Missing{{Path: "data/sub/deep/c", Sum: hash.Bytes([]byte("three")), Kind: hash.File}}
	if diff := cmp.Diff(want, missing.Items); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Lstat(p.path("data")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was checked out: %v", err)
	}
	absent, err := p.cache.Absent(context.Background(), "data", n)
	if diff := cmp.Diff(want, absent); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestCheckoutOfAFile(t *testing.T) {
	for _, link := range everyLink {
		t.Run(link.String(), func(t *testing.T) {
			p := newProject(t, link)
			p.write("a/b/file", "one")
			one := p.put("a/b/file")
			p.wipe("a")
			p.write("a/b/file", "two")
			two := p.put("a/b/file")
			p.mustCheckout("a/b/file", one)
			if got := p.snapshot("a/b/file"); !maps.Equal(got, map[string]string{"a/b/file": "one"}) {
				t.Errorf("got %q", got)
			}
			p.wipe("a")
			p.mustCheckout("a/b/file", two)
			if got := p.snapshot("a/b/file"); !maps.Equal(got, map[string]string{"a/b/file": "two"}) {
				t.Errorf("got %q", got)
			}
		})
	}
}
