package main

import (
	"context"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
)

// openPaths opens the project for a change and reads the operands as paths.
func (a *app) openPaths(c *cli.Context) (w *pipeline.Workspace, paths []string, unlock func(), err error) {
	if w, err = a.open(); err != nil {
		return nil, nil, nil, err
	}
	for _, arg := range c.Args().Slice() {
		rel, err := a.rel(w, arg)
		if err != nil {
			return nil, nil, nil, err
		}
		paths = append(paths, rel)
	}
	unlock, err = a.lockWorkspace(c, w)
	return w, paths, unlock, err
}

// open opens the project that the user stands in.
func (a *app) open(overrides ...pipeline.Override) (*pipeline.Workspace, error) {
	w, err := pipeline.Open(a.dir, pipeline.OpenOptions{Overrides: overrides, Settings: readSettings})
	if err != nil {
		return nil, err
	}
	w.Hurry = a.hurry
	w.Artifacts = func(ctx context.Context) ([]hash.Node, error) { return runArtifacts(ctx, w.Root) }
	if !a.term.Quiet {
		w.Log = a.term.Prefixed(a.term.Err, "")
	}
	return w, nil
}

// rel returns the project's name of a path that the user gave.
func (a *app) rel(w *pipeline.Workspace, name string) (string, error) {
	dir, err := filepath.Abs(a.dir)
	if err != nil {
		return "", err
	}
	rel, err := w.Rel(dir, name)
	if err != nil {
		return "", &usageError{msg: err.Error()}
	}
	return rel, nil
}

// lockWorkspace waits until no other xt changes the workspace, and says for
// whom it waits.
func (a *app) lockWorkspace(c *cli.Context, w *pipeline.Workspace) (unlock func(), err error) {
	return w.Acquire(c.Context, c.Command.HelpName, func(holder string) {
		a.term.Sayf("waiting for %s to end", holder)
	})
}

// beginExecuting makes a workspace ready in which commands are to be run: nobody
// else changes it until end, what is run is kept as runs, and evidence is given of
// it where the command line asks for that.
func (a *app) beginExecuting(c *cli.Context, w *pipeline.Workspace) (evidence *attester, end func(), err error) {
	unlock, err := a.lockWorkspace(c, w)
	if err != nil {
		return nil, nil, err
	}
	if evidence, err = a.newAttester(c, w); err != nil {
		unlock()
		return nil, nil, err
	}
	t, err := a.newTracker(w)
	if err != nil {
		evidence.close()
		unlock()
		return nil, nil, err
	}
	w.Tracker = t
	return evidence, func() {
		if err := t.close(); err != nil {
			a.term.Warnf("the store of runs: %v", err)
		}
		evidence.close()
		unlock()
	}, nil
}

// watch shows the progress of hashing.
func (a *app) watch(w *pipeline.Workspace, label string) *term.Progress {
	p := a.term.Start(label, 0)
	w.Scan.OnFile = p.Add
	return p
}

// plan decides about the stages, and shows the progress of hashing.
func (a *app) plan(c *cli.Context, w *pipeline.Workspace, stages []*pipeline.Stage, opts pipeline.RunOptions) (*pipeline.Plan, error) {
	progress := a.watch(w, "hashing")
	defer progress.Done()
	return w.Plan(c.Context, stages, opts)
}
