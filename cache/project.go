package cache

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/xtrepro/xt/hash"
)

// Register records that the project at the absolute path root uses the cache,
// so that what it needs is not taken for garbage by another project.
func (c *Cache) Register(root string) error {
	rel := projectFile(root)
	if b, err := c.read(rel); err == nil && string(b) == root {
		return nil
	}
	// A project that a power cut makes the cache forget would lose its objects.
	return c.saveAs(rel, []byte(root), c.notePerm(), true)
}

// Unregister takes back [Cache.Register].
func (c *Cache) Unregister(root string) error {
	top, err := c.folder()
	if err == nil {
		err = top.remove(projectFile(root))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return c.explain(err)
}

// Projects returns the roots of the projects that use the cache, sorted. They
// may be gone, or on a disk that is not there now: whoever collects garbage
// must find out which, and keep everything if in doubt.
func (c *Cache) Projects() ([]string, error) {
	top, err := c.folder()
	var names []string
	if err == nil {
		names, err = top.names(projects)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var roots []string
	for _, n := range names {
		b, err := c.read(projects + "/" + n)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		// The digest in the name shows what was not written by Register.
		if root := string(b); projectFile(root) == projects+"/"+n {
			roots = append(roots, root)
		}
	}
	slices.Sort(roots)
	return roots, nil
}

// projectFile names the file that records root: by digest, because a path is
// no file name.
func projectFile(root string) string { return projects + "/" + hash.Bytes([]byte(root)).String() }
