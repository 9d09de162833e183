package pipeline

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/xtrepro/xt/hash"
)

// Source is where the project's own files are read from: the workspace, a
// commit, or the index of git.
type Source interface {
	// ReadFile returns the content of the file at a slash path relative to the
	// project root. The error wraps [fs.ErrNotExist] if there is none.
	ReadFile(path string) ([]byte, error)
}

// Dir is the [Source] of a workspace: the path of its root.
type Dir string

var _ Source = Dir("")

// ReadFile implements [Source]. A path that leaves the root, also by way of a
// symlink, is an error, and so is anything but a regular file.
func (d Dir) ReadFile(path string) ([]byte, error) {
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	name := filepath.FromSlash(path)
	// A fifo would block the open for ever, so that it is looked at first.
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// One byte more than is taken, so that the reader can tell too much.
	return io.ReadAll(io.LimitReader(f, maxConfigSize+1))
}

// maxConfigSize bounds xt.toml and each params file, in bytes: far beyond what
// a person writes, and small enough to be read whole.
const maxConfigSize = 16 << 20

// notingSource notes the digests of the files that are read from a source.
type notingSource struct {
	Source
	sums map[string]hash.Sum
}

// ReadFile implements [Source].
func (n *notingSource) ReadFile(path string) ([]byte, error) {
	b, err := n.Source.ReadFile(path)
	if err == nil {
		n.sums[path] = hash.Bytes(b)
	}
	return b, err
}
