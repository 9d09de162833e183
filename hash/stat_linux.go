package hash

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

func lstat(path string) (Stat, error) { return statPath("lstat", path, unix.AT_SYMLINK_NOFOLLOW) }

// stat follows links.
func stat(path string) (Stat, error) { return statPath("stat", path, 0) }

func statPath(op, path string, flags int) (Stat, error) {
	s, err := statAt(unix.AT_FDCWD, path, flags)
	if err != nil {
		return Stat{}, &fs.PathError{Op: op, Path: path, Err: err}
	}
	return s, nil
}

// statAt looks at name in the directory dirfd. Its error is the bare one of the
// system.
func statAt(dirfd int, name string, flags int) (Stat, error) {
	var st unix.Stat_t
	for {
		switch err := unix.Fstatat(dirfd, name, &st, flags); err {
		case nil:
			return fromSystem(&st), nil
		case unix.EINTR:
		default:
			return Stat{}, err
		}
	}
}

func fromSystem(st *unix.Stat_t) Stat {
	return Stat{
		Size:  st.Size,
		Mtime: st.Mtim.Nano(),
		Ctime: st.Ctim.Nano(),
		Ino:   st.Ino,
		Dev:   uint64(st.Dev),
		Mode:  uint32(fileMode(st.Mode)),
	}
}

// fileMode translates the system's mode to Go's, less the bits (set-user-id
// and the like) that no content depends on.
func fileMode(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		m |= fs.ModeDir
	case unix.S_IFLNK:
		m |= fs.ModeSymlink
	case unix.S_IFIFO:
		m |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		m |= fs.ModeSocket
	case unix.S_IFCHR, unix.S_IFBLK:
		m |= fs.ModeDevice
	default:
		m |= fs.ModeIrregular
	}
	return m
}
