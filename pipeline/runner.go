package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// runner walks the graph. Decisions are taken by one goroutine, in run; the
// steps that take time are done by others.
type runner struct {
	w       *Workspace
	opts    RunOptions
	rep     Reporter
	planner *planner
	facts   *Facts
	make    *MakeOptions // nil where results are to be in the workspace

	blocked map[*Stage]int // how many planned stages it still waits for
	ready   []*Stage
	bad     map[*Stage]string            // stages that cannot be done, and why
	acted   map[*Stage]bool              // stages that changed the workspace
	pythons map[*Stage]*lock.Environment // those that were looked at again
	running int
	closing sync.WaitGroup // of runs, beside the next stages
	done    chan *Result
	results []*Result
	first   error // of the first stage that failed
}

func newRunner(w *Workspace, stages []*Stage, facts *Facts, opts RunOptions, rep Reporter) *runner {
	r := &runner{
		w: w, opts: opts, rep: rep, facts: facts,
		planner: newPlanner(w.Graph, stages, facts, opts.Options),
		blocked: map[*Stage]int{}, bad: map[*Stage]string{}, acted: map[*Stage]bool{},
		pythons: map[*Stage]*lock.Environment{},
		done:    make(chan *Result),
	}
	found := facts.Environment
	facts.Environment = func(s *Stage) (*lock.Environment, bool) {
		if env := r.pythons[s]; env != nil {
			return env, true
		}
		return found(s)
	}
	for _, s := range stages {
		for _, up := range w.Graph.Upstream(s) {
			if r.planner.planned[up] {
				r.blocked[s]++
			}
		}
		if r.blocked[s] == 0 {
			r.ready = append(r.ready, s)
		}
	}
	return r
}

func (r *runner) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer r.closing.Wait()
	for len(r.ready) > 0 || r.running > 0 {
		for len(r.ready) > 0 && r.running < max(1, r.opts.Jobs) {
			s := r.ready[0]
			r.ready = r.ready[1:]
			r.start(ctx, s)
		}
		if r.running > 0 {
			res := <-r.done
			r.running--
			r.end(res)
		}
		if r.first != nil && !r.opts.KeepGoing {
			stop()
		}
	}
	return r.first
}

// start decides about a stage and begins what is to be done about it.
func (r *runner) start(ctx context.Context, s *Stage) {
	if why := r.excuse(ctx, s); why != "" {
		r.end(&Result{Step: &Step{Stage: s, Action: Blocked, Entry: &lock.Stage{Name: s.Name}}, Skipped: why})
		return
	}
	if err := r.refresh(ctx, s); err != nil {
		r.end(&Result{Step: &Step{Stage: s, Entry: &lock.Stage{Name: s.Name}}, Err: err})
		return
	}
	step := r.planner.step(s)
	if x := r.opts.Executor; x != nil && step.Past && x.Has(s) {
		// It is in the run cache because its job has just put it there.
		step.Action, step.Past, step.Entry.How = Execute, false, lock.Executed
	}
	switch step.Action {
	case UpToDate, Frozen:
		r.end(&Result{Step: step})
	case Restore, Execute:
		r.rep.Begin(step)
		r.running++
		go func() { r.done <- r.do(ctx, step) }()
	default:
		r.end(&Result{Step: step, Err: &MissingInputsError{Inputs: missingInputs(step)}})
	}
}

func missingInputs(step *Step) []MissingInput {
	var ms []MissingInput
	for _, reason := range step.Reasons {
		ms = append(ms, MissingInput{Stage: step.Stage, Path: reason.Name})
	}
	return ms
}

// excuse returns why a stage is not to be started at all.
func (r *runner) excuse(ctx context.Context, s *Stage) string {
	for _, up := range r.w.Graph.Upstream(s) {
		if r.bad[up] != "" {
			return r.bad[up]
		}
	}
	switch {
	case context.Cause(ctx) == nil:
		return ""
	case r.first != nil:
		return "another stage failed"
	}
	return "interrupted"
}

// refresh looks again at inputs that are part of what an earlier stage made, or
// that have such a part, and so are not known from its outputs alone.
func (r *runner) refresh(ctx context.Context, s *Stage) error {
	for _, path := range s.Deps {
		for _, m := range r.w.Graph.Producers(path) {
			if err := r.wholeHere(ctx, s, path, m); err != nil {
				return err
			}
			if !r.acted[m.Stage] || m.Out.Path == path {
				continue
			}
			n, err := r.w.node(ctx, path)
			if err != nil {
				return err
			}
			if n.IsZero() {
				delete(r.facts.Nodes, path)
				continue
			}
			r.facts.Nodes[path] = n
		}
	}
	return r.refreshPython(ctx, s)
}

// refreshPython looks again at the packages that a stage will find: an earlier
// one may have installed some.
func (r *runner) refreshPython(ctx context.Context, s *Stage) error {
	env, _ := r.facts.Environment(s)
	if len(r.acted) == 0 || r.w.Graph.Config.Python != nil || env == nil || env.Python == "" {
		return nil
	}
	now, err := r.w.foundPython(ctx, s, nil)
	if err == nil {
		r.pythons[s] = now
	}
	return err
}

// do carries out a step that restores or executes.
func (r *runner) do(ctx context.Context, step *Step) *Result {
	res := &Result{Step: step}
	begin := time.Now()
	if r.make != nil {
		res.Err = r.provide(ctx, res)
		return res
	}
	switch step.Action {
	case Restore:
		if err := r.w.obtain(ctx, step.Entry.Outs); err != nil {
			r.w.say("%s: its outputs could not be fetched: %v", step.Stage.Name, err)
		}
		res.Err = r.w.restore(ctx, step, res)
		if step.Past {
			res.Err = errors.Join(res.Err, r.w.adopt(step))
		}
		res.Duration = time.Since(begin)
		if missing := new(lostError); errors.As(res.Err, &missing) {
			// The cache turned out not to have it after all: do the work.
			step.Action, step.Past = Execute, false
			res.Err = r.execute(ctx, res)
		}
	case Execute:
		res.Err = r.execute(ctx, res)
	}
	return res
}

func (r *runner) execute(ctx context.Context, res *Result) error {
	e := &execution{w: r.w, step: res.Step, res: res, rep: r.rep, traced: r.opts.Trace}
	defer e.leave()
	switch {
	case r.make != nil:
		e.after = r.make.After
		err := e.execute(ctx, e.aside)
		r.w.endTracking(res, Dir(e.root), nil, err)
		return err
	case r.opts.Executor != nil:
		return e.byExecutor(ctx, r.opts.Executor)
	case r.opts.Isolated:
		return e.execute(ctx, e.apart)
	}
	return e.execute(ctx, e.inPlace)
}

// end records what became of a stage and frees those that waited for it.
func (r *runner) end(res *Result) {
	step := res.Step
	s := step.Stage
	if res.Err == nil && res.Skipped == "" && (step.Action == Restore || step.Action == Execute) {
		if r.make == nil {
			r.acted[s] = true
			res.Err = r.record(step, res)
		}
	}
	if res.Err == nil {
		r.closing.Go(func() { r.w.endTracking(res, Dir(r.w.Root), nil, nil) })
	} else {
		r.w.endTracking(res, Dir(r.w.Root), nil, res.Err) // the error says where the output is
	}
	switch {
	case res.Err != nil:
		r.bad[s] = fmt.Sprintf("stage %s failed", s.Name)
		if r.first == nil {
			r.first = res.Err
		}
	case res.Skipped != "":
		r.bad[s] = res.Skipped
	default:
		r.settle(step)
	}
	r.results = append(r.results, res)
	r.rep.End(res)
	for _, down := range r.w.Graph.Downstream(s) {
		if r.planner.planned[down] {
			if r.blocked[down]--; r.blocked[down] == 0 {
				r.ready = append(r.ready, down)
			}
		}
	}
}

// settle makes the outputs of a done stage known to those that follow.
func (r *runner) settle(step *Step) {
	delete(r.planner.pending, step.Stage)
	for _, o := range step.Entry.Outs {
		r.planner.known[o.Path] = o.Node
		r.facts.Nodes[o.Path] = o.Node
	}
}

// record writes the entry of a done stage to xt.lock's journal.
func (r *runner) record(step *Step, res *Result) error {
	old := r.facts.Lock.Stages[step.Stage.Name]
	if step.Action == Execute && sameInputs(old, step.Entry) {
		res.Unstable = differing(old.Outs, step.Entry.Outs)
	}
	if step.Past {
		old = r.w.committed(step.Stage.Name)
	}
	if sameInputs(old, step.Entry) && len(differing(old.Outs, step.Entry.Outs)) == 0 && vouchedFor(old, step.Entry) {
		// The same again, as in a fresh clone, or once more, as after going back to
		// old parameters: xt.lock stays as git has it.
		keepProvenance(step.Entry, old)
	}
	if step.Environment != nil {
		r.w.Lock.AddEnvironment(step.Environment)
	}
	return r.w.Lock.SetStage(step.Entry)
}

func sameInputs(old, entry *lock.Stage) bool {
	return old != nil && !old.Conflicted && old.Fingerprint == entry.Fingerprint
}

// vouchedFor reports whether what old says of the run that made the outputs is
// worth no less than what entry says.
func vouchedFor(old, entry *lock.Stage) bool {
	return old.How == lock.Executed && old.Commit != "" && (!old.Dirty || entry.Dirty)
}

// differing returns the paths whose content is not the same in a and b.
func differing(a, b []lock.Item) []string {
	was := map[string]hash.Node{}
	for _, it := range a {
		was[it.Path] = it.Node
	}
	var paths []string
	for _, it := range b {
		if n, ok := was[it.Path]; ok && !n.Same(it.Node) {
			paths = append(paths, it.Path)
		}
	}
	return paths
}
