package cache

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/xtrepro/xt/hash"
)

// spoil overwrites the object of content, leaving it as long and as read-only
// as it was.
func (p *project) spoil(content string) hash.Sum {
	p.t.Helper()
	sum := hash.Bytes([]byte(content))
	path := p.cache.path(objects, sum)
	for _, err := range []error{
		os.Chmod(path, 0o644),
		os.WriteFile(path, []byte(strings.Repeat("?", len(content))), 0o644),
		os.Chmod(path, 0o444),
	} {
		if err != nil {
			p.t.Fatal(err)
		}
	}
	return sum
}

func TestFsckFindsDamage(t *testing.T) {
	p := newProject(t)
	p.sample("data")
	n := p.put("data")
	p.clean()
	bad := p.spoil("three")
	one := hash.Bytes([]byte("one"))
	if err := os.Chmod(p.cache.path(objects, one), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.cache.Objects()+"/"+one.String()[:2]+"/stray", nil, 0o666); err != nil {
		t.Fatal(err)
	}

	r, err := p.cache.Fsck(context.Background(), FsckOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Damaged) != 1 || r.Damaged[0].Sum != bad || r.Repaired != 1 || len(r.Stray) != 1 || !r.Lost()[bad] {
		t.Errorf("%+v", r)
	}
	if b, err := os.ReadFile(r.Damaged[0].Moved); string(b) != "?????" {
		t.Errorf("in the quarantine: %q, %v", b, err)
	}
	if len(r.Missing) != 1 || r.Missing[0].Name != "c" {
		t.Errorf("missing: %+v", r.Missing)
	}
	if p.cache.HasTree(n.Sum) {
		t.Error("a tree without one of its objects counts as complete")
	}

	// Put again what is still in the workspace: everything is well.
	again, err := Open(p.cache.Dir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.cache = again
	p.put("data")
	if !p.cache.HasTree(n.Sum) {
		t.Error("the tree is complete again and does not count as such")
	}
	if r, err := p.cache.Fsck(context.Background(), FsckOptions{}); err != nil || !r.OK() {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := os.Lstat(p.cache.dir + "/" + incompleteMark); err == nil {
		t.Error("the cache is still marked as incomplete")
	}
}

func TestDamagedObjectIsNeverLinked(t *testing.T) {
	damage := map[string]func(path string) error{
		"writable": func(path string) error {
			return errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, []byte("thr??"), 0o644))
		},
		"shorter": func(path string) error {
			return errors.Join(os.Chmod(path, 0o644), os.Truncate(path, 2), os.Chmod(path, 0o444))
		},
		"no file":      func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o777)) },
		"a link":       func(path string) error { return errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path)) },
		"another size": func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o444)) },
	}
	for what, spoil := range damage {
		for _, link := range everyLink {
			t.Run(what+"/"+link.String(), func(t *testing.T) {
				p := newProject(t, link)
				p.sample("data")
				n := p.put("data")
				p.wipe("data")
				if err := spoil(p.cache.path(objects, hash.Bytes([]byte("three")))); err != nil {
					t.Fatal(err)
				}
				var missing *MissingError
				if _, err := p.checkout("data", n); !errors.As(err, &missing) {
					t.Errorf("got %v, want a MissingError", err)
				}
				p.write("data/c", "three")
				p.put("data/c")
				p.wipe("data")
				p.mustCheckout("data", n)
			})
		}
	}
}

// Copies are checked while they are made.
func TestCopyOfSpoiledObjectIsRefused(t *testing.T) {
	p := newProject(t, Copy)
	p.sample("data")
	n := p.put("data")
	p.wipe("data")
	p.spoil("three")
	var missing *MissingError
	if _, err := p.checkout("data", n); !errors.As(err, &missing) || missing.Items[0].Path != "data/sub/deep/c" {
		t.Errorf("got %v, want a MissingError", err)
	}
}

func TestWritableGoodObjectIsMadeReadOnly(t *testing.T) {
	p := newProject(t)
	p.write("a", "one")
	n := p.put("a")
	path := p.cache.path(objects, n.Sum)
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if !p.cache.HasFile(n) {
		t.Error("a good object is refused")
	}
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o444 {
		t.Errorf("mode %v, %v", i.Mode(), err)
	}
}
