package hash

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/xtrepro/xt/internal/atomicfile"
)

// Record is what the [Index] knows of one name: as long as the Stat is what
// the file system says, the Node is what stands there.
type Record struct {
	Name string
	// Stat is zero for a directory, whose own state says nothing about what
	// lies below it. Its Dev is not remembered.
	Stat Stat
	Node Node
	// Racy says that the file may have changed within the tick of the clock in
	// which it was read, as [Stat.Racy] tells: it must be read again.
	Racy bool
}

// Index remembers what stood at the paths of a workspace, so that it need not
// be read again. It is a memory of facts that are checked against the file
// system at each use: one that is lost or out of date costs time only.
//
// Paths have slashes and are relative to the workspace's root, which is ".".
// An Index is safe for concurrent use. Two processes may have one open: the
// last to save wins.
type Index struct {
	path string

	mu      sync.RWMutex
	file    *indexFile
	changes change // since the file was opened
	unsaved bool
}

// OpenIndex opens the index file at path. A missing or corrupt one is as good
// as an empty one.
func OpenIndex(path string) *Index {
	return &Index{path: path, file: openIndexFile(path)}
}

// Dir returns what is known of the directory at path: itself and the names in
// it, sorted.
func (x *Index) Dir(path string) (self Node, recs []Record, ok bool) {
	b, ok := x.block(path)
	if !ok {
		return Node{}, nil, false
	}
	return b.node(), b.records(), true
}

// block returns the block of the directory at path. It is valid until Close.
func (x *Index) block(path string) (block, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	c, hidden := x.changes.find(path)
	switch {
	case c != nil && c.block != nil:
		return readBlock(c.block)
	case hidden:
		return block{}, false
	}
	return x.file.block(path)
}

// SetDir records the directory at path. recs must be sorted by name. Those of
// the directories in it are claims about them that hold only together with
// what SetDir says of their own paths.
func (x *Index) SetDir(path string, self Node, recs []Record) {
	x.setBlock(path, encodeBlock(&self, recs))
}

// setBlock is SetDir with an encoded block; nil drops the path.
func (x *Index) setBlock(path string, b []byte) {
	if b == nil {
		x.Drop(path)
		return
	}
	if old, ok := x.block(path); ok && bytes.Equal(old.all, b) {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.changes.make(path).block = b
	x.unsaved = true
}

// File returns what SetFile recorded of the file or link at path.
func (x *Index) File(path string) (Record, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	c, hidden := x.changes.find(path)
	switch {
	case c != nil && c.file != nil:
		return *c.file, true
	case hidden:
		return Record{}, false
	}
	return x.file.looseFile(path)
}

// SetFile records the file or link at path, and forgets a directory there.
func (x *Index) SetFile(path string, r Record) {
	r.Stat.Dev = 0
	if old, ok := x.File(path); ok && old == r {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	*x.changes.make(path) = change{hidden: true, file: &r}
	x.unsaved = true
}

// Drop forgets path and everything below it.
func (x *Index) Drop(path string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if c, _ := x.changes.find(path); c == nil && !x.file.knows(path) {
		return
	}
	*x.changes.make(path) = change{hidden: true}
	x.unsaved = true
}

// Save writes the index file if there is something new in it. Blocks of
// directories that did not change are copied as they are.
func (x *Index) Save() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.unsaved {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(x.path), 0o777); err != nil {
		return fmt.Errorf("save the stat index: %w", err)
	}
	if err := atomicfile.WriteFast(x.path, x.encode(), 0o666); err != nil {
		return fmt.Errorf("save the stat index: %w", err)
	}
	x.unsaved = false
	return nil
}

// Close lets go of the index file without saving. The Index must not be used
// after it.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.file.close()
}
