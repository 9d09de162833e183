package cache

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/hash"
)

func TestKeepMovesIntoTheCache(t *testing.T) {
	for _, link := range everyLink {
		t.Run(link.String(), func(t *testing.T) {
			p := newProject(t, link)
			w := Workspace{Scanner: p.scan}
			if n, err := p.cache.Keep(context.Background(), w, "data"); err != nil || !n.IsZero() {
				t.Fatalf("of nothing: %v, %v", n, err)
			}
			p.sample("data")
			want := p.snapshot("data")
			n, err := p.cache.Keep(context.Background(), w, "data")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Lstat(p.path("data")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("something is left: %v", err)
			}
			p.clean()
			p.mustCheckout("data", n)
			if diff := cmp.Diff(want, p.snapshot("data")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestKeepLeavesIgnoredFiles(t *testing.T) {
	p := newProject(t)
	p.write("data/.xtignore", "*.tmp\n")
	p.write("data/a", "one")
	p.write("data/b.tmp", "ignored")
	if _, err := p.cache.Keep(context.Background(), Workspace{Scanner: p.scan}, "data"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"data": "dir", "data/b.tmp": "ignored"}, p.snapshot("data")); diff != "" {
		t.Error(diff)
	}
}

func TestCheckoutLeavesIgnoredFiles(t *testing.T) {
	p := newProject(t)
	p.write("data/a", "one")
	p.write("data/sub/b", "two")
	p.write("data/x.tmp", "was not ignored then")
	n := p.put("data")
	p.wipe("data")
	p.write(".xtignore", "*.tmp\n/data/sub\n")
	p.write("data/x.tmp", "precious")
	p.write("data/sub/c", "mine")
	var uncached *UncachedError
	if _, err := p.checkout("data", n); !errors.As(err, &uncached) || uncached.Paths[0] != "data/x.tmp" {
		t.Fatalf("got %v, want an UncachedError", err)
	}
	p.wipe("data/x.tmp")
	p.mustCheckout("data", n)
	want := map[string]string{
		"data": "dir", "data/a": "one", "data/x.tmp": "was not ignored then",
		"data/sub": "dir", "data/sub/b": "two", "data/sub/c": "mine",
	}
	if diff := cmp.Diff(want, p.snapshot("data")); diff != "" {
		t.Error(diff)
	}
}

func TestUnprotect(t *testing.T) {
	for _, link := range everyLink {
		t.Run(link.String(), func(t *testing.T) {
			p := newProject(t, link)
			p.sample("data")
			p.put("data")
			want := p.snapshot("data")
			if err := p.cache.Unprotect(context.Background(), p.path("data")); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, p.snapshot("data")); diff != "" {
				t.Error(diff)
			}
			p.write("data/a", "edited")
			if i, err := os.Lstat(p.path("data/big")); err != nil || !i.Mode().IsRegular() || i.Mode()&0o200 == 0 {
				t.Errorf("%v, %v", i.Mode(), err)
			}
			p.clean()
		})
	}
}

// A parent directory that was swapped for a symbolic link must not lead a
// checkout out of the workspace.
func TestCheckoutStaysInTheWorkspace(t *testing.T) {
	p := newProject(t)
	p.write("a/b/c", "one")
	n := p.put("a/b")
	p.wipe("a")
	outside := t.TempDir()
	if err := os.Symlink(outside, p.path("a")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.checkout("a/b", n); err == nil {
		t.Error("checked out through a link to elsewhere")
	}
	if names, _ := os.ReadDir(outside); len(names) > 0 {
		t.Errorf("it wrote %s", names[0].Name())
	}
	for _, path := range []string{"../x", "/x", "", "a//b", ".git/hooks", "a/.xt"} {
		if _, err := p.checkout(path, n); err == nil {
			t.Errorf("checked out to %q", path)
		}
	}
	// Within the workspace a link is the user's choice.
	p.wipe("a")
	p.write("elsewhere/keep", "")
	if err := os.Symlink("elsewhere", p.path("a")); err != nil {
		t.Fatal(err)
	}
	p.mustCheckout("a/b", n)
	if b, err := os.ReadFile(filepath.Join(p.root, "elsewhere/b/c")); string(b) != "one" {
		t.Errorf("%q, %v", b, err)
	}
}

// A link of the user's that stands where an output belongs is not followed.
func TestCheckoutReplacesALinkOnlyByForce(t *testing.T) {
	p := newProject(t)
	p.write("data/a", "one")
	n := p.put("data")
	p.wipe("data")
	outside := t.TempDir()
	if err := os.Symlink(outside, p.path("data")); err != nil {
		t.Fatal(err)
	}
	var uncached *UncachedError
	if _, err := p.checkout("data", n); !errors.As(err, &uncached) {
		t.Errorf("got %v, want an UncachedError", err)
	}
	w := Workspace{Scanner: p.scan}
	if _, err := p.cache.Checkout(context.Background(), w, "data", n, CheckoutOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"data": "dir", "data/a": "one"}, p.snapshot("data")); diff != "" {
		t.Error(diff)
	}
	if names, _ := os.ReadDir(outside); len(names) > 0 {
		t.Errorf("it wrote %s", names[0].Name())
	}
}

// Totals from a lock file are not believed.
func TestCheckoutRecordsTrueTotals(t *testing.T) {
	p := newProject(t)
	p.sample("data")
	n := p.put("data")
	p.wipe("data")
	lying := n
	lying.Size, lying.Files = 1, 1
	p.mustCheckout("data", lying)
	if got, err := p.scan.Scan(context.Background(), "data"); err != nil || got != n {
		t.Errorf("got %+v, %v; want %+v", got, err, n)
	}
}

// What a checkout wrote is not read again.
func TestCheckoutFillsTheIndex(t *testing.T) {
	for _, link := range everyLink {
		t.Run(link.String(), func(t *testing.T) {
			p := newProject(t, link)
			for i := range 2 * settleFiles {
				p.write("data/"+string(rune('a'+i%26))+"/"+string(rune('0'+i)), string(rune(i)))
			}
			n := p.put("data")
			p.wipe("data")
			p.mustCheckout("data", n)
			p.scan.OnFile = func(int64) { t.Error("a file was read") }
			if got, err := p.scan.Scan(context.Background(), "data"); err != nil || got != n {
				t.Errorf("got %+v, %v; want %+v", got, err, n)
			}
		})
	}
}

// After a checkout of one change, what did not change is still known.
func TestCheckoutKeepsTheIndex(t *testing.T) {
	for _, link := range everyLink {
		t.Run(link.String(), func(t *testing.T) {
			p := newProject(t, link)
			p.sample("data")
			first := p.put("data")
			p.wipe("data/a")
			p.write("data/a", "changed")
			p.put("data")
			time.Sleep(2 * hash.Tick)
			p.put("data") // what was written a moment ago is read once more
			p.mustCheckout("data", first)
			var read atomic.Int64
			p.scan.OnFile = func(int64) { read.Add(1) }
			if got, err := p.scan.Scan(context.Background(), "data"); err != nil || got != first {
				t.Errorf("got %+v, %v; want %+v", got, err, first)
			}
			// A second name of the changed file's object shares its times.
			if n := read.Load(); n > 2 {
				t.Errorf("%d files were read, want only what changed", n)
			}
		})
	}
}

func TestRelink(t *testing.T) {
	p := newProject(t, Copy)
	p.sample("data")
	n, want := p.put("data"), p.snapshot("data")
	for _, link := range []Link{Hardlink, Symlink, Copy, Symlink, Hardlink, Reflink} {
		p.cache.links = []Link{link}
		w := Workspace{Scanner: p.scan}
		s, err := p.cache.Checkout(context.Background(), w, "data", n, CheckoutOptions{Relink: true})
		if err != nil || s.Changed != 8 {
			t.Fatalf("%v: %+v, %v; want 8 files changed", link, s, err)
		}
		if diff := cmp.Diff(want, p.snapshot("data")); diff != "" {
			t.Errorf("%v: %s", link, diff)
		}
		i, err := os.Lstat(p.path("data/a"))
		if err != nil || i.Mode().IsRegular() == (link == Symlink) || (i.Mode().Perm() == 0o444) != (link == Hardlink) && link != Symlink {
			t.Errorf("%v: mode %v, %v", link, i.Mode(), err)
		}
		p.clean()
	}
}

func TestParseLink(t *testing.T) {
	for _, l := range everyLink {
		if got, err := ParseLink(l.String()); got != l || err != nil {
			t.Errorf("%v: %v, %v", l, got, err)
		}
	}
	if _, err := ParseLink("hard"); err == nil {
		t.Error("an unknown word is accepted")
	}
	var _ hash.Store = (*Cache)(nil)
}

// Two workers may find at once that an object is missing. The second must not
// replace the first one's, to which files may be linked by then.
func TestObjectIsNotReplacedByItsEqual(t *testing.T) {
	p := newProject(t, Hardlink)
	p.write("a", "one")
	n := p.put("a")
	top, err := p.cache.folder()
	if err != nil {
		t.Fatal(err)
	}
	w, err := top.draft(objects, objectMode)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.write([]byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := p.cache.commitObject(top, w, name(objects, n.Sum), absent); err != nil {
		t.Fatal(err)
	}
	a, err := os.Stat(p.path("a"))
	if err != nil {
		t.Fatal(err)
	}
	if o, err := os.Stat(p.cache.path(objects, n.Sum)); err != nil || !os.SameFile(a, o) {
		t.Errorf("the file is no longer linked to its object (%v)", err)
	}
}
