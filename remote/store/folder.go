package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
)

// folder is a disk on this machine. It is opened at the first use, and stays
// within the folder whatever links are in it.
//
// gocloud's fileblob is not used: it shows unfinished files in listings, passes
// over folders that it cannot read, reads the whole tree anew for each page,
// and looks whether a blob is there before it replaces it.
type folder struct {
	path string
	wire *wire
	mu   sync.Mutex
	root *os.Root // nil until there is one
}

func openFile(u *url.URL, w *wire) driver {
	path := filepath.FromSlash(u.Path)
	if filepath.VolumeName(path[1:]) != "" {
		path = path[1:] // of file:///C:/store
	}
	return &tree{disk: &folder{path: path, wire: w}, version: fileVersion}
}

func fileVersion(i fs.FileInfo) string { return fmt.Sprintf("%x-%x", i.ModTime().UnixNano(), i.Size()) }

func (f *folder) open() (*os.Root, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root != nil {
		return f.root, nil
	}
	root, err := os.OpenRoot(f.path)
	if err == nil {
		f.root = root
	}
	return root, err
}

func (f *folder) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root == nil {
		return nil
	}
	return f.root.Close()
}

func (f *folder) stat(_ context.Context, name string) (fs.FileInfo, error) {
	root, err := f.open()
	if err != nil {
		return nil, err
	}
	return root.Stat(name)
}

func (f *folder) read(_ context.Context, name string, off int64, p []byte) (int, error) {
	root, err := f.open()
	if err != nil {
		return 0, err
	}
	file, err := root.Open(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	n, err := file.ReadAt(p, off)
	f.wire.received(int64(n))
	if err == io.EOF && n < len(p) {
		err = ErrShort
	}
	return n, err
}

func (f *folder) write(_ context.Context, name string, data []byte) error {
	root, err := f.open()
	if err != nil {
		return err
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	n, err := file.Write(data)
	f.wire.sent(int64(n))
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (f *folder) replace(_ context.Context, from, to string) error {
	root, err := f.open()
	if err != nil {
		return err
	}
	return root.Rename(from, to)
}

// place links, because that fails where there is something. On a file system
// without links two that create the same blob at the same moment may both
// think that they did.
func (f *folder) place(ctx context.Context, from, to string) error {
	root, err := f.open()
	if err != nil {
		return err
	}
	err = root.Link(from, to)
	switch {
	case err == nil:
		return root.Remove(from)
	case errors.Is(err, fs.ErrExist):
		return err
	}
	if _, statErr := root.Lstat(to); !errors.Is(statErr, fs.ErrNotExist) {
		return errors.Join(fs.ErrExist, statErr)
	}
	return root.Rename(from, to)
}

func (f *folder) remove(_ context.Context, name string) error {
	root, err := f.open()
	if err != nil {
		return err
	}
	return root.Remove(name)
}

func (f *folder) mkdir(_ context.Context, name string) error {
	if err := os.MkdirAll(f.path, 0o777); err != nil {
		return notAbsent(err)
	}
	root, err := f.open()
	if err == nil {
		err = root.MkdirAll(name, 0o777)
	}
	return notAbsent(err)
}

// notAbsent keeps an error of a write from being taken for an answer about a
// blob.
func notAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		return &trouble{kind: Other, text: oneLine(err.Error())}
	}
	return err
}

func (f *folder) entries(_ context.Context, name string) ([]fs.FileInfo, error) {
	root, err := f.open()
	if err != nil {
		return nil, err
	}
	dir, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.Readdir(-1)
}
