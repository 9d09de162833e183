package pipeline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// View is a project at one point in time, for comparing: the workspace, or a
// commit.
type View struct {
	Name   string // "workspace", or the revision
	Graph  *Graph
	Lock   *lock.File
	Source Source

	only  map[string]bool            // the metrics files that are meant; nil: all
	below func(name string) []string // the files below a directory; none if it is no such thing
}

// View returns the project as it stands in the workspace.
func (w *Workspace) View() *View {
	return &View{Name: "workspace", Graph: w.Graph, Lock: w.Lock.File(), Source: Dir(w.Root), below: Dir(w.Root).below}
}

// below returns the files below a directory, by path from the root.
func (d Dir) below(name string) []string {
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return nil
	}
	defer root.Close()
	var files []string
	// What cannot be read is not there for whoever looks at plots.
	_ = fs.WalkDir(root.FS(), name, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && path != name {
			files = append(files, path)
		}
		return nil
	})
	return files
}

// ViewAt returns the project in this directory as the commit rev has it. The
// errors are those of [OpenSnapshot].
func (w *Workspace) ViewAt(rev string) (*View, error) {
	s, err := OpenSnapshot(w.Root, rev)
	if err != nil {
		return nil, err
	}
	c := &withCache{w, s}
	return &View{Name: rev, Graph: s.Graph, Lock: s.Lock, Source: c, below: c.below}, nil
}

// withCache reads an output that git does not have from the cache, by what the
// lock of that time says of it.
type withCache struct {
	w  *Workspace
	at *Snapshot
}

// ReadFile implements [Source].
func (c *withCache) ReadFile(name string) ([]byte, error) {
	b, err := c.at.ReadFile(name)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	if n, ok := c.node(name); ok && n.Kind != hash.Directory {
		return c.w.readObject(n)
	}
	return nil, err
}

// node returns what xt.lock says of an output, or of what is within one.
func (c *withCache) node(name string) (hash.Node, bool) {
	for _, m := range c.at.Graph.Producers(name) {
		e := c.at.Lock.Stages[m.Stage.Name]
		if e == nil {
			continue
		}
		for _, o := range e.Outs {
			n, ok := o.Node, o.Path == name
			if !ok && below(name, o.Path) {
				n, ok = c.w.within(o.Node, name[len(o.Path)+1:])
			}
			if ok {
				return n, true
			}
		}
	}
	return hash.Node{}, false
}

// below returns the files below a directory, which git has, or the cache.
func (c *withCache) below(name string) []string {
	var files []string
	for _, full := range c.at.filesBelow(name) {
		if rel, ok := strings.CutPrefix(full, c.at.prefix); ok && rel != name {
			files = append(files, rel)
		}
	}
	if n, ok := c.node(name); ok && files == nil && n.Kind == hash.Directory {
		for _, sub := range c.w.filesIn(n) {
			files = append(files, name+"/"+sub)
		}
	}
	return files
}

// readObject returns the bytes of a stored file, if they are what they should
// be.
func (w *Workspace) readObject(n hash.Node) ([]byte, error) {
	f, err := w.Cache.OpenFile(n.Sum)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if n.Size > maxConfigSize {
		return nil, fmt.Errorf("%s is too large to be read as numbers", n.Sum.Short())
	}
	b := make([]byte, n.Size)
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, err
	}
	if hash.Bytes(b) != n.Sum {
		return nil, fmt.Errorf("object %s in the cache is damaged", n.Sum.Short())
	}
	return b, nil
}

// filesIn returns the files in a stored directory and below it, by path; none if the
// cache lacks it.
func (w *Workspace) filesIn(dir hash.Node) []string {
	tree, err := w.Cache.Tree(dir.Sum)
	if err != nil {
		return nil
	}
	var files []string
	for _, e := range tree {
		if e.Kind != hash.Directory {
			files = append(files, e.Name)
			continue
		}
		for _, sub := range w.filesIn(e.Node) {
			files = append(files, e.Name+"/"+sub)
		}
	}
	return files
}
