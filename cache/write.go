package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// inFolder runs f, and once more after making the folder dir of the cache if
// it was missing. Folders are made when they are first needed: a cache that
// is only read stays as it is.
func (c *Cache) inFolder(dir string, f func(top *folder) error) error {
	top, err := c.folder()
	if err == nil {
		err = f(top)
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err := c.makeFolder(dir); err != nil {
			return c.explain(err)
		}
		if top, err = c.folder(); err == nil {
			err = f(top)
		}
	}
	return c.explain(err)
}

// makeFolder makes the cache directory and the folder dir in it.
func (c *Cache) makeFolder(dir string) error {
	if err := c.makeTop(); err != nil {
		return err
	}
	top, err := c.folder()
	if err != nil {
		return err
	}
	made := ""
	for part := range strings.SplitSeq(dir, "/") {
		made = path.Join(made, part)
		err := top.mkdir(made)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil && c.group {
			err = top.chmod(made, groupFolder)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// groupFolder lets the whole group write, and hands the group down, whatever
// the umask of the user who makes the folder.
const groupFolder = 0o775 | fs.ModeSetgid

func (c *Cache) makeTop() error {
	if _, err := os.Stat(c.dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(c.dir), 0o777); err != nil {
		return err
	}
	err := os.Mkdir(c.dir, 0o777)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil && c.group {
		err = os.Chmod(c.dir, groupFolder)
	}
	return err
}

// explain says what an error of a write means for the user.
func (c *Cache) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("no room left in the cache %s: %w", c.dir, err)
	case isReadOnly(err):
		return fmt.Errorf("the cache %s cannot be written to: %w", c.dir, err)
	case errors.Is(err, fs.ErrNotExist):
		// Not wrapped, lest it be taken for an answer about something stored.
		return fmt.Errorf("the cache %s cannot be written to: %v", c.dir, err)
	}
	return err
}

// isReadOnly reports whether err means that the user may not write there.
func isReadOnly(err error) bool {
	return errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission)
}

// modes of the files in a cache.
const (
	objectMode = 0o444 // objects and trees never change
	noteMode   = 0o644 // the rest is replaced as a whole
	groupNote  = 0o664
)

// save stores data as rel, replacing what is there.
func (c *Cache) save(rel string, data []byte, perm fs.FileMode) error {
	return c.saveAs(rel, data, perm, false)
}

// saveAs is save that can wait for the disk.
func (c *Cache) saveAs(rel string, data []byte, perm fs.FileMode, durable bool) error {
	dir := path.Dir(rel)
	return c.inFolder(dir, func(top *folder) error {
		w, err := c.draft(top, dir, perm)
		if err != nil {
			return err
		}
		err = w.write(data)
		if err == nil && durable {
			err = w.sync()
		}
		if err != nil {
			w.discard()
			return err
		}
		return w.commit(rel, true)
	})
}

// draft starts a file in the cache. In a shared one the umask does not count.
func (c *Cache) draft(top *folder, dir string, perm fs.FileMode) (*draft, error) {
	w, err := top.draft(dir, perm)
	if err == nil && c.group {
		if err = w.chmod(perm); err != nil {
			w.discard()
		}
	}
	return w, err
}

// notePerm is the mode of a file that is not named by its digest.
func (c *Cache) notePerm() fs.FileMode {
	if c.group {
		return groupNote
	}
	return noteMode
}

// markIncomplete notes that an object was lost, so that from now on the
// presence of a tree does not prove that all below it is there. [Cache.Fsck]
// takes the note away when it finds everything in order.
func (c *Cache) markIncomplete() error {
	c.whole.Clear()
	if c.incomplete.Swap(true) {
		return nil
	}
	return c.save(incompleteMark, nil, c.notePerm())
}
