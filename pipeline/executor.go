package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/replay"
)

// Executor runs the commands of stages elsewhere, in jobs that may outlive this
// process. Its methods may be called by several goroutines at once.
type Executor interface {
	// Submit is told what a run may have to execute before anything is: steps to be
	// executed, and those that wait for them, in an order in which they can be done.
	Submit(ctx context.Context, work *Work) error
	// Detached reports whether all is done when the work is submitted.
	Detached() bool
	// Has reports whether a stage was submitted.
	Has(s *Stage) bool
	// Await waits for the result of a step whose inputs are all known, which it
	// submits if it was not. What came of it may be told also with an error: a
	// [*StageError] where the command failed. It has ended, and will publish nothing
	// more, when ctx has.
	Await(ctx context.Context, step *Step, rep Reporter) (*Done, error)
}

// Work is what a run may have to execute.
type Work struct {
	Workspace *Workspace
	Steps     []*Step
	Options   Options
}

// Done is what came of a step that was executed elsewhere.
type Done struct {
	Entry       *lock.Stage // as the job saw it, with the outputs, which are in the cache
	Environment *lock.Environment
	Duration    time.Duration
	Ended       time.Time
	Memory      int64
	Log         string
	Calls       *replay.Summary
}

// submit hands what may have to be executed over to the executor.
func (w *Workspace) submit(ctx context.Context, stages []*Stage, facts *Facts, opts RunOptions) error {
	work := &Work{Workspace: w, Options: opts.Options}
	away := map[*Stage]bool{}
	for _, step := range NewPlan(w.Graph, stages, facts, opts.Options).Steps {
		if step.Action != Execute && step.Action != Wait {
			continue
		}
		for _, dep := range step.Stage.Deps {
			for _, m := range w.Graph.Producers(dep) {
				if away[m.Stage] && m.Out.Path != dep && below(m.Out.Path, dep) {
					return notWhole(step.Stage, dep, m)
				}
			}
		}
		away[step.Stage] = true
		work.Steps = append(work.Steps, step)
	}
	if len(work.Steps) == 0 {
		return nil
	}
	return opts.Executor.Submit(ctx, work)
}

// byExecutor has the command run elsewhere and brings its outputs into the workspace.
func (e *execution) byExecutor(ctx context.Context, x Executor) error {
	done, err := x.Await(ctx, e.step, e.rep)
	if done != nil {
		e.res.Duration, e.res.Ended, e.res.Memory, e.res.Log, e.res.Calls = done.Duration, done.Ended, done.Memory, done.Log, done.Calls
	}
	if err != nil {
		return err
	}
	entry, was := e.step.Entry, done.Entry
	if !samePaths(was.Outs, entry.Outs) {
		return fmt.Errorf("stage %s: its job says that it made other outputs than xt.toml names", entry.Name)
	}
	if was.How == lock.Restored {
		e.step.Action, e.step.Past = Restore, true // somebody else had made it
	}
	entry.Outs, entry.How, entry.Calls, entry.Fingerprint = was.Outs, was.How, was.Calls, was.Fingerprint
	entry.Commit, entry.Dirty = was.Commit, was.Dirty
	if err := e.w.restore(ctx, e.step, e.res); err != nil {
		return err
	}
	return e.w.enter(entry.Fingerprint)
}

// Provenance returns the commit that is checked out, and whether the code of a stage
// differs from it.
func (w *Workspace) Provenance(s *Stage) (commit string, dirty bool) { return w.provenance(s) }

// Texts returns what was read of xt.toml and of the params files when the workspace
// was opened, by path.
func (w *Workspace) Texts() map[string][]byte {
	w.pinned.mu.Lock()
	defer w.pinned.mu.Unlock()
	texts := make(map[string][]byte, len(w.pinned.texts))
	for name, text := range w.pinned.texts {
		texts[name] = text
	}
	return texts
}

// Resolve adds to what stands at paths what a stage finds at those of its
// dependencies that other stages make, given what these made.
func (w *Workspace) Resolve(s *Stage, nodes map[string]hash.Node, made []lock.Item) {
	for _, dep := range s.Deps {
		for _, it := range made {
			switch {
			case it.Path == dep:
				nodes[dep] = it.Node
			case below(dep, it.Path):
				if n, ok := w.within(it.Node, dep[len(it.Path)+1:]); ok {
					nodes[dep] = n
				}
			}
		}
	}
}

// Pending returns the dependencies of a stage that are made by one of others.
func (g *Graph) Pending(s *Stage, others map[*Stage]bool) []string {
	return slices.DeleteFunc(slices.Clone(s.Deps), func(dep string) bool {
		return !slices.ContainsFunc(g.Producers(dep), func(m Made) bool { return others[m.Stage] })
	})
}
