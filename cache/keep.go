package cache

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/xtrepro/xt/hash"
)

// Keep moves what stands at path in the workspace into the cache and returns
// what it was: the zero Node if nothing is there. So a command may write to
// the path and nothing is lost. Files that the scanner ignores stay.
//
// Nothing is copied where the workspace and the cache share a file system.
func (c *Cache) Keep(ctx context.Context, w Workspace, path string) (hash.Node, error) {
	s := *w.Scanner
	s.Objects = c.Objects()
	w.Scanner = &s
	n, err := s.Put(ctx, path, mover{c})
	if errors.Is(err, fs.ErrNotExist) {
		return hash.Node{}, nil
	}
	if err != nil {
		return n, err
	}
	_, err = c.Checkout(ctx, w, path, hash.Node{}, CheckoutOptions{})
	return n, err
}

// mover is a hash.Store for files that are about to be removed.
type mover struct{ *Cache }

// PutFile stores the file without copying it if possible. What it copies is on
// the disk when it returns, because the file is to go.
func (m mover) PutFile(ctx context.Context, path string) (hash.Sum, int64, error) {
	src, err := openSource(path)
	if err != nil {
		return hash.Sum{}, 0, err
	}
	defer src.close()
	before, err := src.regular()
	if err != nil {
		return hash.Sum{}, 0, err
	}
	if !before.isExecutable() && m.near(before) && m.canLink() {
		sum, err := m.adopt(ctx, src, before, Hardlink)
		return sum, before.Size, err
	}
	sum, err := m.copyIn(ctx, src, before)
	if err == nil {
		err = m.flush(name(objects, sum))
	}
	return sum, before.Size, err
}

// Unprotect replaces each link to an object at or below the absolute path by a
// copy that may be written to.
func (c *Cache) Unprotect(ctx context.Context, path string) error {
	return filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || d.IsDir() {
			return err
		}
		return c.unprotect(ctx, path)
	})
}

func (c *Cache) unprotect(ctx context.Context, path string) error {
	dir, err := openFolder(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.close()
	base := filepath.Base(path)
	i, err := dir.lstat(base)
	if err != nil {
		return err
	}
	src, err := c.linked(dir, base, i)
	if src == nil || err != nil {
		return err
	}
	defer src.close()
	w, err := dir.draft(".", fileMode(hash.File))
	if err != nil {
		return err
	}
	err = w.clone(src)
	if isUnsupported(err) {
		_, _, err = hash.CopySum(ctx, w.file(), src.file())
	}
	if err != nil {
		w.discard()
		return err
	}
	return w.commit(base, true)
}

// linked opens the file base of dir if it is a link to an object; else it
// returns nil.
func (c *Cache) linked(dir *folder, base string, i info) (*source, error) {
	if i.isRegular() && !i.isWritable() && i.links > 1 {
		return dir.open(base)
	}
	if i.mode()&fs.ModeSymlink == 0 {
		return nil, nil
	}
	target, err := filepath.EvalSymlinks(filepath.Join(dir.path, base))
	if err != nil || !strings.HasPrefix(target, c.Objects()+string(filepath.Separator)) {
		return nil, nil // a link of the user's, perhaps to nowhere
	}
	return openSource(target)
}
