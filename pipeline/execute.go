package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/replay"
)

// execution is a stage's command being run, with what it needs and leaves.
type execution struct {
	w    *Workspace
	step *Step
	res  *Result
	rep  Reporter

	root string // what the stage's paths are relative to: the workspace, or a clean directory
	room *room  // the clean directory; nil in the workspace
	// traced says that it is to be recorded which files the command opens.
	traced bool
	// verify says that it is run once more, to be compared; no language model may be
	// asked then.
	verify bool
	after  func(*Step) error // asked before the result is put into the run cache; nil: nobody
	env    []string          // of the command
	calls  *replay.Session   // of the last attempt; nil where calls are not recorded
}

// execute runs the stage's command, in the way that is given, and takes its outputs
// into the cache. Nothing of a command that failed is taken.
func (e *execution) execute(ctx context.Context, run func(context.Context) ([]lock.Item, error)) error {
	entry, s := e.step.Entry, e.step.Stage
	outs, err := run(ctx)
	if err != nil {
		return err
	}
	if err := e.keepCalls(ctx); err != nil {
		return err
	}
	entry.Outs, entry.How = outs, lock.Executed
	entry.Commit, entry.Dirty = e.w.provenance(s)
	if e.after != nil {
		if err := e.after(e.step); err != nil {
			return err
		}
	}
	return e.w.remember(e.step)
}

// inPlace runs the command in the workspace and takes its outputs.
func (e *execution) inPlace(ctx context.Context) (outs []lock.Item, err error) {
	w, s := e.w, e.step.Stage
	if err := w.bring(ctx, e.step.Entry.Deps); err != nil {
		return nil, err
	}
	if e.env, err = w.childEnv(ctx, s); err != nil {
		return nil, err
	}
	if e.res.Kept, err = w.makeRoom(ctx, s); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.noteLeftovers(ctx, s)
		}
	}()
	again := func() error {
		w.noteLeftovers(ctx, s)
		_, err := w.makeRoom(ctx, s)
		return err
	}
	e.root = w.Root
	if err := e.attempts(ctx, again); err != nil {
		return nil, err
	}
	if err := e.undeclared(); err != nil {
		return nil, err
	}
	if err := w.unchanged(ctx, e.step); err != nil {
		return nil, err
	}
	return w.takeOuts(ctx, s, w.Scan, w.takeOut)
}

// bring takes dependencies that are not in the workspace from the cache.
func (w *Workspace) bring(ctx context.Context, deps []lock.Item) error {
	if w.elsewhere != nil {
		var absent []lock.Item
		for _, d := range deps {
			if here, err := w.isHere(ctx, d); err == nil && !here {
				absent = append(absent, d)
			}
		}
		if err := w.obtain(ctx, absent); err != nil {
			return err
		}
	}
	for _, d := range deps {
		here, err := w.isHere(ctx, d)
		if err != nil {
			return err
		}
		if here {
			continue
		}
		if _, err := w.checkoutItem(ctx, d, cache.CheckoutOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// isHere reports whether something stands at a path, and not only a part of what
// belongs there.
func (w *Workspace) isHere(ctx context.Context, it lock.Item) (bool, error) {
	now, err := w.node(ctx, it.Path)
	if err != nil || now.IsZero() {
		return false, err
	}
	all, err := w.portions()
	return !inPart(all, it.Path, it.Node, now), err
}

// remember puts the result into the run cache, if it can be restored from it.
func (w *Workspace) remember(step *Step) error {
	for i, o := range step.Entry.Outs {
		if !step.Stage.Outs[i].stored() && !w.stored(o.Node) {
			return nil
		}
	}
	if err := w.Cache.PutRun(step.Entry.Fingerprint, step.Entry.Outs); err != nil {
		return err
	}
	return w.enter(step.Entry.Fingerprint)
}

// attempts runs the command until it succeeds or its retries are used up. Before
// another attempt it calls again.
func (e *execution) attempts(ctx context.Context, again func() error) error {
	s := e.step.Stage
	log, err := NewLog(e.w.state(LogsDir))
	if err != nil {
		return err
	}
	defer log.Close()
	e.res.Log = log.Name()
	e.track(ctx)
	for i := 0; ; i++ {
		err := e.command(ctx, log)
		if err == nil || i >= s.Retries || ctx.Err() != nil || e.unanswered() {
			return err
		}
		var failed *StageError
		if !errors.As(err, &failed) {
			return err
		}
		e.w.say("%s: %s; attempt %d of %d follows", s.Name, failed.What, i+2, s.Retries+1)
		fmt.Fprintf(log, "--- %s; attempt %d of %d ---\n", failed.What, i+2, s.Retries+1) // what cannot be written is lost for the output too
		if err := again(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(min(time.Second<<i, 30*time.Second)):
		}
	}
}

// adopt makes an earlier result, which is taken from the run cache, one of this
// workspace.
func (w *Workspace) adopt(step *Step) error {
	step.Entry.Commit, step.Entry.Dirty = w.provenance(step.Stage)
	return w.enter(step.Entry.Fingerprint)
}
