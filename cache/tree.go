package cache

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/xtrepro/xt/hash"
)

// HasTree reports whether the listing sum is stored, and all that it names. A
// listing is stored last and removed first, so its presence is the proof;
// except after an object was lost, when all of it is looked at.
func (c *Cache) HasTree(sum hash.Sum) bool {
	top, err := c.folder()
	if err != nil {
		return false
	}
	rel := name(trees, sum)
	i, err := top.lstat(rel)
	if err != nil || i.Size == 0 || !c.refresh(rel, i) {
		return false
	}
	return !c.incomplete.Load() || c.isWhole(sum)
}

// isWhole looks whether all that the listing sum names is there.
func (c *Cache) isWhole(sum hash.Sum) bool {
	if _, ok := c.whole.Load(sum); ok {
		return true
	}
	t, err := c.Tree(sum)
	if err != nil {
		return false
	}
	for i := range t {
		if !c.hasNode(t[i].Node) {
			return false
		}
	}
	c.whole.Store(sum, true)
	return true
}

// hasNode reports whether n, and all below it, is stored.
func (c *Cache) hasNode(n hash.Node) bool {
	switch n.Kind {
	case hash.Directory:
		return c.HasTree(n.Sum)
	case hash.Symlink:
		return true // it is part of the listing
	}
	return c.HasFile(n)
}

// PutTree stores the listing of a directory, of which everything must be
// stored already.
func (c *Cache) PutTree(sum hash.Sum, encoded []byte) error {
	rel := name(trees, sum)
	if top, err := c.folder(); err == nil {
		i, err := top.lstat(rel)
		if err == nil && i.Size == int64(len(encoded)) && c.refresh(rel, i) {
			return nil
		}
	}
	return c.save(rel, encoded, objectMode)
}

// Tree returns the listing sum. The error wraps fs.ErrNotExist if the cache
// lacks it, and is a [*DamagedError] if what is stored is not that listing.
func (c *Cache) Tree(sum hash.Sum) (hash.Tree, error) {
	b, err := c.read(name(trees, sum))
	if err != nil {
		return nil, err
	}
	if hash.Bytes(b) != sum {
		return nil, c.quarantine(trees, sum)
	}
	t, err := hash.ParseTree(b)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", sum.Short(), err)
	}
	return t, nil
}

// maxNote bounds in bytes what is read into memory at once: a listing of ten
// million files.
const maxNote = 2 << 30

// read returns the bytes of a listing or a note in the cache.
func (c *Cache) read(rel string) ([]byte, error) {
	top, err := c.folder()
	if err != nil {
		return nil, err
	}
	src, err := top.open(rel)
	if err != nil {
		return nil, err
	}
	defer src.close()
	i, err := src.info()
	if err != nil {
		return nil, err
	}
	if !i.isRegular() || i.Size > maxNote {
		return nil, &fs.PathError{Op: "read", Path: src.path, Err: errors.New("not a regular file of a sensible size")}
	}
	b := make([]byte, i.Size)
	n, err := src.fill(b)
	if err == io.EOF {
		err = nil
	}
	return b[:n], err
}
