package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// MakeOptions say how results are made.
type MakeOptions struct {
	RunOptions // commands are isolated, whatever it says
	// Only, if not nil, says which stages may be executed. The results of others
	// must be there.
	Only func(*Stage) bool
	// Inputs, if not nil, is what stands at each path that the stages name, whatever
	// the workspace has there.
	Inputs map[string]hash.Node
	// Shared, if not nil, says which results other machines may be about to make, too.
	Shared func(*Stage) bool
	// Before and After, if not nil, are asked before a command is run, and before its
	// result is put into the run cache. An error keeps that from being done.
	Before, After func(*Step) error
}

// UnmadeError says that there is no result of a stage, and that it was not to be
// executed.
type UnmadeError struct {
	Stage  *Stage
	Reason string // why its last result is none, if there was one
}

// Error says which stage it is.
func (e *UnmadeError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("stage %s has no result yet", e.Stage.Name)
	}
	return fmt.Sprintf("stage %s has no result yet: %s", e.Stage.Name, e.Reason)
}

// Make is [Workspace.Run] without touching what stands in the workspace or in
// xt.lock: results go into the cache and into the run cache, which a later Run
// takes them from. It may be called several times at once, also for variants
// of the workspace: a result that two of them need is made once. Where it is to go
// fast, [Workspace.SaveIndex] is left to the caller.
func (w *Workspace) Make(ctx context.Context, stages []*Stage, opts MakeOptions, rep Reporter) ([]*Result, error) {
	trySandbox()
	opts.Isolated = true
	facts, err := w.factsWith(ctx, stages, opts.Inputs)
	if err != nil {
		return nil, err
	}
	end, err := w.reach(ctx, facts, opts.RunOptions)
	if err != nil {
		return nil, err
	}
	defer end()
	_, err = w.precheck(stages, facts, opts.RunOptions)
	if err := errors.Join(err, w.elsewhere.trouble()); err != nil {
		return nil, err
	}
	r := newRunner(w, stages, facts, opts.RunOptions, rep)
	r.make = &opts
	err = r.run(ctx)
	return r.results, err
}

// provide sees that there is a result of a step.
func (r *runner) provide(ctx context.Context, res *Result) error {
	step := res.Step
	if step.Action == Restore && r.held(ctx, step) {
		return nil
	}
	// Others may be about to make the same.
	defer r.w.making.Lock(step.Entry.Fingerprint)()
	if shared := r.make.Shared; shared != nil && shared(step.Stage) {
		defer r.w.turnElsewhere(ctx, step.Entry.Fingerprint)()
	}
	if r.madeMeanwhile(ctx, step) {
		return nil
	}
	step.Action, step.Past, step.Entry.How = Execute, false, lock.Executed
	if r.make.Only != nil && !r.make.Only(step.Stage) {
		e := &UnmadeError{Stage: step.Stage}
		if len(step.Reasons) > 0 {
			e.Reason = step.Reasons[0].Text
		}
		return e
	}
	if r.make.Before != nil {
		if err := r.make.Before(step); err != nil {
			return err
		}
	}
	return r.execute(ctx, res)
}

// madeMeanwhile takes the result that somebody else has made of the same inputs
// since the step was decided on.
func (r *runner) madeMeanwhile(ctx context.Context, step *Step) bool {
	if r.opts.Force || r.opts.NoRunCache || step.Stage.Always {
		return false
	}
	outs, ok := r.facts.Past(step.Entry.Fingerprint)
	if !ok || !samePaths(outs, step.Entry.Outs) {
		return false
	}
	was := *step
	entry := *step.Entry
	step.Entry = &entry
	step.Action, step.Past = Restore, true
	entry.Outs, entry.How = outs, lock.Restored
	if r.held(ctx, step) {
		return true
	}
	*step = was
	return false
}

// wholeHere refuses a dependency on a directory in the workspace of which a part
// was made that is not there.
func (r *runner) wholeHere(ctx context.Context, s *Stage, dir string, part Made) error {
	out := part.Out.Path
	n, known := r.planner.known[out]
	if r.make == nil || !known || out == dir || !below(out, dir) {
		return nil
	}
	now, err := r.w.node(ctx, out)
	if err != nil || now.Same(n) {
		return err
	}
	return notWhole(s, dir, part)
}

func notWhole(s *Stage, dir string, part Made) error {
	return &MisuseError{
		Msg:  fmt.Sprintf("stage %s depends on the directory %s, and only a part of it, %s, is made by stage %s: that cannot be put together outside the workspace", s.Name, dir, part.Out.Path, part.Stage.Name),
		Hint: "declare the outputs that it reads under deps, one by one, or let one stage make the whole directory",
	}
}

// held reports whether the result that a step restores can be had: from the
// cache, from the workspace, or from a remote that is asked.
func (r *runner) held(ctx context.Context, step *Step) bool {
	lacks := func(o lock.Item) bool { return !r.w.stored(o.Node) && !r.facts.Nodes[o.Path].Same(o.Node) }
	if slices.ContainsFunc(step.Entry.Outs, lacks) {
		if err := r.w.obtain(ctx, step.Entry.Outs); err != nil {
			r.w.say("%s: its outputs could not be fetched: %v", step.Stage.Name, err)
		}
		if slices.ContainsFunc(step.Entry.Outs, lacks) {
			return false
		}
	}
	if !step.Past {
		return true
	}
	return r.w.adopt(step) == nil
}

// aside runs the command in a clean directory and takes all of its outputs into
// the cache, and nowhere else.
func (e *execution) aside(ctx context.Context) ([]lock.Item, error) {
	if err := e.inRoom(ctx); err != nil {
		return nil, err
	}
	all := func(ctx context.Context, o Out, scan *hash.Scanner) (hash.Node, error) {
		return scan.Put(ctx, o.Path, e.w.Cache)
	}
	return e.w.takeOuts(ctx, e.step.Stage, e.room.scan, all)
}

// Made returns the files of results as they are in the cache or, if the same
// stands in the workspace, there.
func (w *Workspace) Made(results []*Result) Source {
	m := &made{w: w}
	for _, r := range results {
		m.outs = append(m.outs, r.Step.Entry.Outs...)
	}
	return m
}

type made struct {
	w    *Workspace
	outs []lock.Item
}

// ReadFile implements [Source].
func (m *made) ReadFile(name string) ([]byte, error) {
	for _, o := range m.outs {
		if !below(name, o.Path) || o.Node.IsZero() {
			continue
		}
		n := o.Node
		if name != o.Path {
			var ok bool
			if n, ok = m.w.within(n, name[len(o.Path)+1:]); !ok {
				continue
			}
		}
		b, err := m.w.readObject(n)
		if err == nil {
			return b, nil
		}
		if b, dirErr := Dir(m.w.Root).ReadFile(name); dirErr == nil && hash.Bytes(b) == n.Sum {
			return b, nil
		}
		return nil, err
	}
	return nil, fs.ErrNotExist
}

// Vary returns the project with other values of parameters, as it was declared
// when the workspace was opened: what is edited since is not seen. It shares all
// else with the workspace, and both may be used at once. Mistakes are as for
// [Open].
func (w *Workspace) Vary(overrides []Override) (*Workspace, error) {
	v := *w
	v.config = w.pinned
	graph, err := Load(v.config, slices.Concat(w.Graph.Overrides, overrides)...)
	if err != nil {
		return nil, err
	}
	v.Graph = graph
	return &v, nil
}

// pinned reads files as they were when it first read them.
type pinned struct {
	Source
	mu    sync.Mutex
	texts map[string][]byte
}

// ReadFile implements [Source].
func (p *pinned) ReadFile(name string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b, ok := p.texts[name]; ok {
		return b, nil
	}
	b, err := p.Source.ReadFile(name)
	if err == nil {
		p.texts[name] = b
	}
	return b, err
}
