package cache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xtrepro/xt/hash"
)

// folder is an open directory. What is done in it stays in it, even if someone
// puts a symbolic link in the place of one of its parents meanwhile; and the
// kernel need not walk a long path for each of 100,000 files.
//
// Names are a single component in a workspace; in the cache they may have
// several, which xt itself made.
type folder struct {
	fd   int
	path string // for messages, and for those calls that have no other way
}

const folderFlags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC

// openFolder opens the directory at path, following links.
func openFolder(path string) (*folder, error) {
	return openFolderAt(unix.AT_FDCWD, path, path, folderFlags)
}

func openFolderAt(dirfd int, name, path string, flags int) (*folder, error) {
	for {
		fd, err := unix.Openat(dirfd, name, flags, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		return &folder{fd: fd, path: path}, nil
	}
}

// openFolderIn opens the directory name in the workspace at root; a symbolic
// link on the way must stay in the workspace. name is a slash path.
func openFolderIn(root *os.Root, name string) (*folder, error) {
	f, err := root.OpenFile(filepath.FromSlash(name), folderFlags, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return openFolderAt(int(f.Fd()), ".", filepath.Join(root.Name(), filepath.FromSlash(name)), folderFlags)
}

func (d *folder) close() { unix.Close(d.fd) }

// sub opens the directory name in d; it fails if that is a symbolic link.
func (d *folder) sub(name string) (*folder, error) {
	return openFolderAt(d.fd, name, d.join(name), folderFlags|unix.O_NOFOLLOW)
}

func (d *folder) join(name string) string { return d.path + "/" + name }

func (d *folder) fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: d.join(name), Err: err}
}

func (d *folder) mkdir(name string) error {
	return d.fail("mkdir", name, unix.Mkdirat(d.fd, name, 0o777))
}

// lstat looks at name without following a link.
func (d *folder) lstat(name string) (info, error) {
	var st unix.Stat_t
	for {
		err := unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return info{}, d.fail("lstat", name, err)
		}
		return infoOf(&st), nil
	}
}

// infoOf fills the Stat in as package hash does, for the index compares them.
func infoOf(st *unix.Stat_t) info {
	mode := fs.FileMode(st.Mode & 0o777)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	default:
		mode |= fs.ModeIrregular
	}
	return info{
		Stat: hash.Stat{
			Size:  st.Size,
			Mtime: st.Mtim.Nano(),
			Ctime: st.Ctim.Nano(),
			Ino:   st.Ino,
			Dev:   uint64(st.Dev),
			Mode:  uint32(mode),
		},
		links: uint64(st.Nlink),
	}
}

// open opens a file for reading, not through a symbolic link.
func (d *folder) open(name string) (*source, error) {
	return openSourceAt(d.fd, name, d.join(name), unix.O_NOFOLLOW)
}

// link makes name in d a second name of the file old in from. It fails with
// fs.ErrExist if name is taken.
func (d *folder) link(from *folder, old, name string) error {
	return d.fail("link", name, unix.Linkat(from.fd, old, d.fd, name, 0))
}

func (d *folder) symlink(target, name string) error {
	return d.fail("symlink", name, unix.Symlinkat(target, d.fd, name))
}

// rename gives the file old in from the name new in d, in place of what has it.
func (d *folder) rename(from *folder, old, name string) error {
	return d.fail("rename", name, unix.Renameat(from.fd, old, d.fd, name))
}

func (d *folder) remove(name string) error {
	return d.fail("remove", name, unix.Unlinkat(d.fd, name, 0))
}

func (d *folder) rmdir(name string) error {
	return d.fail("rmdir", name, unix.Unlinkat(d.fd, name, unix.AT_REMOVEDIR))
}

func (d *folder) chmod(name string, mode fs.FileMode) error {
	return d.fail("chmod", name, unix.Fchmodat(d.fd, name, chmodBits(mode), 0))
}

// chmodBits is the system's form of mode. Only set-group-id is wanted beyond
// the permissions: it hands the cache's group down to new folders.
func chmodBits(mode fs.FileMode) uint32 {
	bits := uint32(mode.Perm())
	if mode&fs.ModeSetgid != 0 {
		bits |= unix.S_ISGID
	}
	return bits
}

// touch sets the modification time of name to t.
func (d *folder) touch(name string, t time.Time) error {
	ts, err := unix.TimeToTimespec(t)
	if err != nil {
		return err
	}
	return d.fail("touch", name, unix.UtimesNanoAt(d.fd, name, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW))
}

// names returns what is in the directory name, unsorted.
func (d *folder) names(name string) ([]string, error) {
	sub, err := openFolderAt(d.fd, name, d.join(name), folderFlags)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(sub.fd), sub.path)
	defer f.Close()
	return f.Readdirnames(-1)
}

// isUnsupported reports whether err means that the file system, or the user,
// can never do what was asked, so that another way should be taken.
func isUnsupported(err error) bool {
	for _, e := range []error{unix.EOPNOTSUPP, unix.EXDEV, unix.EINVAL, unix.ENOSYS, unix.ENOTTY, unix.EPERM, unix.EMLINK} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
