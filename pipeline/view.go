package pipeline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

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

	only map[string]bool              // the metrics files that are meant; nil: all
	list func(dir hash.Node) []string // the files in a stored directory; nil if that is not known
}

// View returns the project as it stands in the workspace.
func (w *Workspace) View() *View {
	return &View{Name: "workspace", Graph: w.Graph, Lock: w.Lock.File(), Source: Dir(w.Root), list: w.filesIn}
}

// ViewAt returns the project in this directory as the commit rev has it. The
// errors are those of [OpenSnapshot].
func (w *Workspace) ViewAt(rev string) (*View, error) {
	s, err := OpenSnapshot(w.Root, rev)
	if err != nil {
		return nil, err
	}
	return &View{Name: rev, Graph: s.Graph, Lock: s.Lock, Source: &withCache{w, s}, list: w.filesIn}, nil
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
			if ok && n.Kind != hash.Directory {
				return c.w.readObject(n)
			}
		}
	}
	return nil, err
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
