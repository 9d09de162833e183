package pipeline

import (
	"context"
	"errors"
	"strings"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/seedenv"
)

// Facts gathers what a plan for the stages is made from, as the workspace
// stands. It reads files that have changed since they were last read, and
// writes nothing.
func (w *Workspace) Facts(ctx context.Context, stages []*Stage) (*Facts, error) {
	return w.factsWith(ctx, stages, nil)
}

// factsWith is Facts where it is known what stands at the paths, unless nodes is nil.
func (w *Workspace) factsWith(ctx context.Context, stages []*Stage, nodes map[string]hash.Node) (*Facts, error) {
	file := w.Lock.File()
	if nodes == nil {
		var err error
		if nodes, err = w.look(ctx, stages, file); err != nil {
			return nil, err
		}
	}
	envs, err := w.environments(ctx, stages)
	if err != nil {
		return nil, err
	}
	return &Facts{
		Nodes:       nodes,
		Lock:        file,
		Variable:    func(name string) (string, bool) { return seedenv.Lookup(w.environ, name) },
		Environment: envs,
		Stored:      w.stored,
		Within:      w.within,
		Hopeful:     w.hasRemote(),
		Past:        w.past,
	}, nil
}

// look returns what stands at each path that a stage or xt.lock names.
func (w *Workspace) look(ctx context.Context, stages []*Stage, file *lock.File) (map[string]hash.Node, error) {
	// Looking at a path once is what a status of a million files costs, so that
	// data that a stage reads is looked at together with what the stage names.
	nodes, err := w.nodes(ctx, append(pathsOf(stages, file), dataRead(stages, file)...))
	if err == nil {
		err = w.hidePortions(nodes, file)
	}
	return nodes, err
}

// past returns the outputs that the run cache has of a fingerprint: whole, or, where
// a remote may have the rest, only what they are.
func (w *Workspace) past(f hash.Fingerprint) ([]lock.Item, bool) {
	outs, err := w.Cache.Run(f)
	if err == nil {
		return outs, true
	}
	_, outs, err = w.Cache.RunText(f)
	return outs, err == nil
}

// Plan decides for each of the stages, which must be in an order in which they
// can be done, as the workspace stands. It remembers what it read, as
// [Workspace.SaveIndex] does.
func (w *Workspace) Plan(ctx context.Context, stages []*Stage, opts RunOptions) (*Plan, error) {
	facts, err := w.Facts(ctx, stages)
	if err != nil {
		return nil, err
	}
	end, err := w.reach(ctx, facts, opts)
	if err != nil {
		return nil, err
	}
	defer end()
	plan := NewPlan(w.Graph, stages, facts, opts.Options)
	return plan, errors.Join(w.elsewhere.trouble(), w.SaveIndex())
}

// pathsOf returns every path that the stages, or xt.lock's entries for them,
// name.
func pathsOf(stages []*Stage, file *lock.File) []string {
	var paths []string
	for _, s := range stages {
		paths = append(paths, s.Code...)
		paths = append(paths, s.Deps...)
		if s.Calls != nil {
			paths = append(paths, s.Calls.Dir)
		}
		for _, o := range s.Outs {
			paths = append(paths, o.Path)
		}
		if old := file.Stages[s.Name]; old != nil {
			for _, o := range old.Outs {
				paths = append(paths, o.Path)
			}
		}
	}
	return paths
}

// stored reports whether the cache holds n whole.
func (w *Workspace) stored(n hash.Node) bool {
	switch n.Kind {
	case hash.Directory:
		return w.Cache.HasTree(n.Sum)
	case hash.Symlink:
		return true // its target is in the entry itself
	}
	return w.Cache.HasFile(n)
}

// within returns what lies at the path sub below a stored directory.
func (w *Workspace) within(dir hash.Node, sub string) (hash.Node, bool) {
	for sub != "" {
		tree, err := w.Cache.Tree(dir.Sum)
		if err != nil {
			return hash.Node{}, false
		}
		name, rest, _ := strings.Cut(sub, "/")
		e, ok := tree.Lookup(name)
		if !ok {
			return hash.Node{}, false
		}
		dir, sub = e.Node, rest
	}
	return dir, true
}
