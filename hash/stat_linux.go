package hash

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

func lstat(path string) (Stat, error) {
	return statAt(unix.AT_FDCWD, path, path, unix.AT_SYMLINK_NOFOLLOW)
}

// stat follows links.
func stat(path string) (Stat, error) { return statAt(unix.AT_FDCWD, path, path, 0) }

// statAt looks at name in the directory dirfd; path is for the error.
func statAt(dirfd int, name, path string, flags int) (Stat, error) {
	var st unix.Stat_t
	for {
		err := unix.Fstatat(dirfd, name, &st, flags)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return Stat{}, &fs.PathError{Op: "lstat", Path: path, Err: err}
		}
		return fromSystem(&st), nil
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
