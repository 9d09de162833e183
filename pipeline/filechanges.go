package pipeline

import (
	"path"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// FileChange is a file of a directory that differs between two versions of it.
type FileChange struct {
	Path string `json:"path"` // relative to the directory
	Op   string `json:"op"`   // "added", "removed" or "changed"
}

// FileChanges returns the files that differ between two versions of a
// directory, sorted by path, at most limit of them. It reads the listings of
// directories that differ, and gives nothing where the cache lacks one.
func (w *Workspace) FileChanges(old, new hash.Node, limit int) []FileChange {
	if old.Kind != hash.Directory || new.Kind != hash.Directory {
		return nil
	}
	d := &fileDiff{w: w, limit: limit}
	d.trees("", old, new)
	return d.changes
}

type fileDiff struct {
	w       *Workspace
	limit   int
	changes []FileChange
}

func (d *fileDiff) add(name string, op lock.Op) {
	if len(d.changes) < d.limit {
		d.changes = append(d.changes, FileChange{name, op.String()})
	}
}

// trees compares two directories, either of which may be nothing.
func (d *fileDiff) trees(dir string, old, new hash.Node) {
	a, b := d.list(old), d.list(new)
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(d.changes) >= d.limit:
			return
		case len(b) == 0 || len(a) > 0 && a[0].Name < b[0].Name:
			d.entry(path.Join(dir, a[0].Name), a[0].Node, hash.Node{})
			a = a[1:]
		case len(a) == 0 || b[0].Name < a[0].Name:
			d.entry(path.Join(dir, b[0].Name), hash.Node{}, b[0].Node)
			b = b[1:]
		default:
			d.entry(path.Join(dir, a[0].Name), a[0].Node, b[0].Node)
			a, b = a[1:], b[1:]
		}
	}
}

func (d *fileDiff) list(n hash.Node) hash.Tree {
	if n.Kind != hash.Directory {
		return nil
	}
	tree, err := d.w.Cache.Tree(n.Sum)
	if err != nil {
		return nil
	}
	return tree
}

func (d *fileDiff) entry(name string, old, new hash.Node) {
	if old.Same(new) {
		return
	}
	if old.Kind == hash.Directory || new.Kind == hash.Directory {
		d.trees(name, old, new)
	}
	switch {
	case old.Kind == hash.Directory && new.Kind == hash.Directory:
	case new.IsZero() || new.Kind == hash.Directory:
		if old.Kind != hash.Directory && !old.IsZero() {
			d.add(name, lock.Removed)
		}
	case old.IsZero() || old.Kind == hash.Directory:
		d.add(name, lock.Added)
	default:
		d.add(name, lock.Changed)
	}
}
