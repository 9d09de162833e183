//go:build !linux

package cache

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"github.com/xtrepro/xt/hash"
)

// folder is an open directory. What is done in it stays in it, but for hard
// links, which the system makes by path.
type folder struct {
	root *os.Root
	path string
}

func openFolder(path string) (*folder, error) {
	r, err := os.OpenRoot(path)
	return &folder{root: r, path: path}, err
}

// openFolderIn opens the directory name in the workspace at root; a symbolic
// link on the way must stay in the workspace. name is a slash path.
func openFolderIn(root *os.Root, name string) (*folder, error) {
	name = filepath.FromSlash(name)
	r, err := root.OpenRoot(name)
	return &folder{root: r, path: filepath.Join(root.Name(), name)}, err
}

func (d *folder) close() { d.root.Close() }

// sub opens the directory name in d; it fails if that is a symbolic link.
func (d *folder) sub(name string) (*folder, error) {
	i, err := d.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !i.IsDir() {
		return nil, d.fail("open", name, syscall.ENOTDIR)
	}
	r, err := d.root.OpenRoot(name)
	return &folder{root: r, path: d.join(name)}, err
}

func (d *folder) join(name string) string { return filepath.Join(d.path, filepath.FromSlash(name)) }

func (d *folder) fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: d.join(name), Err: err}
}

func (d *folder) mkdir(name string) error { return d.root.Mkdir(name, 0o777) }

// lstat looks at name without following a link. The Stat is package hash's
// own, for the index compares them.
func (d *folder) lstat(name string) (info, error) {
	fi, err := d.root.Lstat(name)
	if err != nil {
		return info{}, err
	}
	i := info{links: linkCount(fi)}
	i.Stat, _, err = hash.StatOf(d.join(name))
	return i, err
}

// open opens a file for reading, not through a symbolic link.
func (d *folder) open(name string) (*source, error) {
	i, err := d.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !i.Mode().IsRegular() {
		return nil, d.fail("open", name, errors.New("not a regular file"))
	}
	f, err := d.root.Open(name)
	return &source{f: f, path: d.join(name)}, err
}

// link makes name in d a second name of the file old in from. It fails with
// fs.ErrExist if name is taken.
func (d *folder) link(from *folder, old, name string) error {
	return os.Link(from.join(old), d.join(name))
}

func (d *folder) symlink(target, name string) error { return os.Symlink(target, d.join(name)) }

// rename gives the file old in from the name new in d, in place of what has it.
func (d *folder) rename(from *folder, old, name string) error {
	return os.Rename(from.join(old), d.join(name))
}

// renameNew renames within d and fails with fs.ErrExist if the name is taken.
func (d *folder) renameNew(old, name string) error {
	if _, err := d.root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return d.fail("rename", name, fs.ErrExist)
	}
	return d.root.Rename(old, name)
}

func (d *folder) remove(name string) error {
	err := d.root.Remove(name)
	if errors.Is(err, fs.ErrPermission) {
		// Windows does not remove what is read-only.
		if d.root.Chmod(name, 0o666) == nil {
			err = d.root.Remove(name)
		}
	}
	return err
}

func (d *folder) rmdir(name string) error { return d.root.Remove(name) }

func (d *folder) chmod(name string, mode fs.FileMode) error { return d.root.Chmod(name, mode) }

// touch sets the modification time of name to t.
func (d *folder) touch(name string, t time.Time) error { return d.root.Chtimes(name, t, t) }

// names returns what is in the directory name, unsorted.
func (d *folder) names(name string) ([]string, error) {
	f, err := d.root.Open(path.Clean(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// isUnsupported reports whether err means that the file system, or the user,
// can never do what was asked, so that another way should be taken.
func isUnsupported(err error) bool {
	for _, e := range []error{errors.ErrUnsupported, syscall.EXDEV, syscall.EINVAL, syscall.EPERM, syscall.EMLINK} {
		if errors.Is(err, e) {
			return true
		}
	}
	return isPrivilege(err)
}
