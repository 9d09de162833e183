//go:build !linux

package cache

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/xtrepro/xt/hash"
)

// source is a file that is being read.
type source struct {
	path string
	link bool // path is a symbolic link to the file
	f    *os.File
}

// openSource opens the file at path, following a symbolic link.
func openSource(path string) (*source, error) {
	i, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	return &source{f: f, path: path, link: i.Mode()&fs.ModeSymlink != 0}, err
}

func (s *source) info() (info, error) {
	fi, err := s.f.Stat()
	if err != nil {
		return info{}, err
	}
	i := info{links: linkCount(fi)}
	name := s.path
	if s.link {
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return info{}, err
		}
	}
	i.Stat, _, err = hash.StatOf(name)
	i.Size, i.Mtime = fi.Size(), fi.ModTime().UnixNano()
	return i, err
}

// fill reads from the file's start until buf is full or the file ends.
func (s *source) fill(buf []byte) (int, error) {
	n, err := io.ReadFull(io.NewSectionReader(s.f, 0, int64(len(buf))), buf)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

func (s *source) chmod(mode fs.FileMode) error { return s.f.Chmod(mode) }

// file returns s as an os.File, which must not be closed.
func (s *source) file() *os.File { return s.f }

func (s *source) close() { s.f.Close() }

// linkTo gives the open file the name rel in d. Here it is linked by its path,
// so that it must be looked at again under its new name.
func (s *source) linkTo(d *folder, rel string) error {
	if err := os.Link(s.path, d.join(rel)); err != nil {
		return err
	}
	linked, err := os.Lstat(d.join(rel))
	if err != nil {
		return err
	}
	if mine, err := s.f.Stat(); err != nil || !os.SameFile(mine, linked) {
		return errors.Join(fmt.Errorf("link %s: %w", s.path, hash.ErrChanged), d.remove(rel))
	}
	return nil
}
