// Package cache keeps the bytes of files and the listings of directories under
// their digests, links them into workspaces, and remembers which fingerprint
// led to which outputs.
//
// # Layout
//
//	objects/ab/cdef…   the bytes of a file, read-only, named by their BLAKE3 digest
//	trees/ab/cdef…     an encoded hash.Tree, named by its digest
//	runs/ab/cdef…      the outputs that a fingerprint led to
//	tmp/               files that are being written
//	quarantine/        objects and trees whose bytes are not what their name says
//	projects/          the roots of the projects that use the cache
//	incomplete         there while a tree may lack some of its objects
//
// # What survives what
//
// A file gets its final name only when it is complete, by link(2) or rename(2),
// so a kill at any instant leaves a usable cache, and at worst a leftover in
// tmp that [Cache.GC] sweeps. A tree is stored after everything below it and
// removed before it, so that a tree that is there is complete.
//
// Objects are not flushed to the disk one by one: each of many small files
// would have to wait for the disk. The kernel keeps what a killed
// process wrote, so only a power cut can bring back an object that is empty or
// short; its size then tells, when it is used next, and [Cache.Fsck] reads them
// all. What is flushed is a copy that is about to become the only one of a
// user's file. That leaves this: a file is added, within half a minute a
// checkout replaces it in the workspace, and the power fails before the kernel
// has written the object.
//
// # Who may use it at the same time
//
// Any number of processes on one machine. On a network file system link and
// rename must be atomic, as NFS has it, and clocks should agree to within the
// grace that is given to [Cache.GC].
package cache

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xtrepro/xt/hash"
)

// Options are the settings of a cache.
type Options struct {
	// Links are the ways to bring an object into a workspace, best first. A way
	// that the file system lacks is passed over; copying always remains. Nil
	// stands for Reflink, Copy.
	Links []Link
	// Group makes what is written usable by all users of the cache directory's
	// group, whatever the umask says.
	Group bool
}

// Cache is a cache directory. Its methods may be called concurrently.
type Cache struct {
	dir   string
	links []Link
	group bool
	now   func() time.Time

	mu         sync.Mutex             // held to open top
	top        atomic.Pointer[folder] // dir; nil until it is there
	incomplete atomic.Bool            // trees are not to be trusted to be complete
	whole      sync.Map               // hash.Sum of trees that were found complete nevertheless
	probeClone sync.Once
	noReflink  atomic.Bool // the file system cannot clone
	probeLink  sync.Once
	staged     atomic.Bool // the folder tmp is there
	noHardlink atomic.Bool // the file system has no hard links
}

// The folders of a cache.
const (
	objects     = "objects"
	trees       = "trees"
	runs        = "runs"
	temporary   = "tmp"
	quarantined = "quarantine"
	projects    = "projects"
)

// incompleteMark is the file that says that an object was lost.
const incompleteMark = "incomplete"

// Open returns the cache in dir. It writes nothing: the directory is made by
// the first write, so that reading works where writing is not allowed.
func Open(dir string, opts Options) (*Cache, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	c := &Cache{dir: abs, links: opts.Links, group: opts.Group, now: time.Now}
	if len(c.links) == 0 {
		c.links = []Link{Reflink, Copy}
	}
	top, err := c.folder()
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	_, err = top.lstat(incompleteMark)
	c.incomplete.Store(err == nil)
	return c, nil
}

// Dir returns the absolute path of the cache directory.
func (c *Cache) Dir() string { return c.dir }

// Links returns the ways to bring an object into a workspace, best first.
func (c *Cache) Links() []Link { return slices.Clone(c.links) }

// Objects returns the absolute path of the folder that symbolic links in a
// workspace point into: what [hash.Scanner] wants to know.
func (c *Cache) Objects() string { return filepath.Join(c.dir, objects) }

// folder opens the cache directory; fs.ErrNotExist if nothing was written yet.
func (c *Cache) folder() (*folder, error) {
	if top := c.top.Load(); top != nil {
		return top, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if top := c.top.Load(); top != nil {
		return top, nil
	}
	top, err := openFolder(c.dir)
	if err != nil {
		return nil, err
	}
	c.top.Store(top)
	return top, nil
}

// name returns the path, within the cache, of what is stored under sum.
func name(kind string, sum hash.Sum) string {
	b := make([]byte, 0, len(kind)+2*hash.Size+2)
	b = append(b, kind...)
	b = append(b, '/')
	b = hex.AppendEncode(b, sum[:1])
	b = append(b, '/')
	return string(hex.AppendEncode(b, sum[1:]))
}

// Location returns the absolute path of the object, or of the listing, that holds
// the file or directory n.
func (c *Cache) Location(n hash.Node) string {
	if n.Kind == hash.Directory {
		return c.path(trees, n.Sum)
	}
	return c.path(objects, n.Sum)
}

// path returns the absolute path of what is stored under sum.
func (c *Cache) path(kind string, sum hash.Sum) string {
	return filepath.Join(c.dir, filepath.FromSlash(name(kind, sum)))
}
