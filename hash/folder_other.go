//go:build !linux

package hash

import (
	"io/fs"
	"os"
)

// folder is an open directory.
type folder struct{ file *os.File }

// dirent is a name in a folder.
type dirent struct {
	name  string
	dir   bool // it is a directory
	known bool // dir can be relied upon
	entry fs.DirEntry
}

func openFolder(path string) (*folder, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &folder{f}, nil
}

func (f *folder) close() { f.file.Close() }

// stat looks at a name, without following it.
func (f *folder) stat(e *dirent) (Stat, error) {
	info, err := e.entry.Info()
	if err != nil {
		return Stat{}, err
	}
	return statInfo(info), nil
}

// names appends the folder's entries to ents, in no order.
func (f *folder) names(ents []dirent, _ *buffers) ([]dirent, error) {
	list, err := f.file.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		ents = append(ents, dirent{name: e.Name(), dir: e.IsDir(), known: true, entry: e})
	}
	return ents, nil
}
