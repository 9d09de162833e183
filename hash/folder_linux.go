package hash

import (
	"bytes"
	"encoding/binary"
	"io/fs"

	"golang.org/x/sys/unix"
)

// folder is an open directory. Looking at names relative to it saves the
// system from walking the path for each of them, and reading the directory's
// own records saves an object for each name.
type folder struct {
	fd   int
	path string
}

// dirent is a name in a folder.
type dirent struct {
	name  string
	dir   bool // it is a directory
	known bool // dir can be relied upon
}

func openFolder(path string) (*folder, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		return &folder{fd: fd, path: path}, nil
	}
}

func (f *folder) close() { unix.Close(f.fd) }

// stat looks at a name, without following it.
func (f *folder) stat(e *dirent) (Stat, error) {
	s, err := statAt(f.fd, e.name, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return Stat{}, &fs.PathError{Op: "lstat", Path: f.path + "/" + e.name, Err: err}
	}
	return s, nil
}

// names appends the folder's entries to ents, in no order. All their names are
// slices of one string.
func (f *folder) names(ents []dirent, sc *buffers) ([]dirent, error) {
	if sc.dirents == nil {
		sc.dirents = make([]byte, 64<<10)
	}
	sc.text = sc.text[:0]
	first := len(ents)
	var lengths []int
	for {
		n, err := unix.Getdents(f.fd, sc.dirents)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &fs.PathError{Op: "readdir", Path: f.path, Err: err}
		}
		if n <= 0 {
			break
		}
		for b := sc.dirents[:n]; len(b) > 0; {
			var name []byte
			var e dirent
			if name, e, b = cutDirent(b); string(name) == "." || string(name) == ".." {
				continue
			}
			sc.text = append(sc.text, name...)
			ents = append(ents, e)
			lengths = append(lengths, len(name))
		}
	}
	text := string(sc.text)
	for i, n := range lengths {
		ents[first+i].name, text = text[:n], text[n:]
	}
	return ents, nil
}

// cutDirent reads the record of the system, struct linux_dirent64, that b
// starts with: inode 8, offset 8, length of the record 2, type 1, name and NUL.
func cutDirent(b []byte) (name []byte, e dirent, rest []byte) {
	const typeAt, nameAt = 18, 19
	size := binary.NativeEndian.Uint16(b[16:])
	name, _, _ = bytes.Cut(b[nameAt:size], []byte{0})
	return name, dirent{dir: b[typeAt] == unix.DT_DIR, known: b[typeAt] != unix.DT_UNKNOWN}, b[size:]
}
