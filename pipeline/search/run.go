package search

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/sweep"
	"github.com/xtrepro/xt/track"
)

// ErrPruned is why the context of a trial that does badly ends.
var ErrPruned error = prunedError{}

type prunedError struct{}

func (prunedError) Error() string { return "it was pruned" }
func (prunedError) Unwrap() error { return pipeline.ErrUnwanted }

// running is a search that goes on. What several goroutines use is under mu; the
// rest is the loop's.
type running struct {
	*Search
	study   int64
	problem *sweep.Problem
	sampler sweep.Sampler
	pruner  sweep.Pruner // nil for none

	mu     sync.Mutex
	trials []sweep.Trial // by number
	ids    []int64       // of trials

	again    []int // indices of trials that another xt had begun, to be run once more
	active   int
	ended    chan *Ending
	failures int
	last     error // of a trial that failed
	deadline time.Time
}

// Run carries the search out. Trials that an xt which was killed, or interrupted,
// had begun are run once more with the same values. When ctx ends, those that go
// on are left for the next time. The caller sees to it that nobody else runs the
// same search.
func (s *Search) Run(ctx context.Context, study int64) error {
	r := &running{Search: s, study: study, problem: s.Sweep.Problem(), ended: make(chan *Ending)}
	var err error
	if r.sampler, err = r.problem.Sampler(s.Sweep.Sampler); err != nil {
		return err
	}
	if p := s.Sweep.Pruner; p != nil {
		if r.pruner, err = r.problem.Pruner(p.PrunerOptions); err != nil {
			return err
		}
	}
	if err := r.load(ctx); err != nil {
		return err
	}
	if s.Options.Timeout > 0 {
		r.deadline = time.Now().Add(s.Options.Timeout)
	}
	return r.loop(ctx)
}

func (r *running) load(ctx context.Context) error {
	trials, kept, err := Trials(ctx, r.Studies, r.study, r.Sweep)
	if err != nil {
		return err
	}
	r.trials = trials
	for i := range kept {
		r.ids = append(r.ids, kept[i].ID)
		if trials[i].State == sweep.Running {
			r.trials[i].Steps = nil
			r.again = append(r.again, i)
		}
	}
	return nil
}

// loop begins trials and takes what came of them, until there is nothing left to
// do.
func (r *running) loop(outer context.Context) error {
	ctx, stop := context.WithCancel(outer)
	defer stop()
	var first error
	for {
		for first == nil && ctx.Err() == nil && r.active < max(1, r.Options.Jobs) {
			began, err := r.next(ctx)
			if err != nil {
				first = err
				stop()
			}
			if !began {
				break
			}
		}
		if r.active == 0 {
			break
		}
		e := <-r.ended
		r.active--
		if err := r.settle(ctx, e); err != nil && first == nil {
			first = err
			stop() // the others are left for the next time
		}
	}
	switch {
	case outer.Err() != nil:
		return context.Cause(outer)
	case first != nil:
		return first
	case r.exhausted():
		return &FailuresError{r.Sweep.Name, r.failures, r.last}
	}
	return nil
}

func (r *running) exhausted() bool {
	return r.Options.MaxFailures > 0 && r.failures >= r.Options.MaxFailures
}

// next begins a trial, if one may begin now.
func (r *running) next(ctx context.Context) (began bool, err error) {
	switch {
	case r.exhausted() || !r.deadline.IsZero() && time.Now().After(r.deadline):
		return false, nil
	case len(r.again) > 0:
		i := r.again[0]
		r.again = r.again[1:]
		r.begin(ctx, i)
		return true, nil
	}
	n := len(r.trials)
	if n > 0 {
		n = r.trials[n-1].Number + 1
	}
	if r.Options.Trials > 0 && n >= r.Options.Trials {
		return false, nil
	}
	lag := r.Options.lag()
	if sweep.Looks(r.sampler) && r.waits(n-lag) {
		return false, nil
	}
	r.mu.Lock()
	past := sweep.Visible(r.trials, n, lag)
	r.mu.Unlock()
	point, ok := r.sampler.Propose(n, past)
	if !ok {
		return false, nil
	}
	made, err := r.Studies.CreateTrial(ctx, r.study, template(r.Sweep, point, lag))
	if err != nil {
		return false, err
	}
	if int(made.Number) != n {
		return false, fmt.Errorf("sweep %s: somebody else adds trials to its study", r.Sweep.Name)
	}
	r.mu.Lock()
	r.trials = append(r.trials, sweep.Trial{Number: n, Lag: lag, Point: point})
	r.ids = append(r.ids, made.ID)
	r.mu.Unlock()
	r.begin(ctx, len(r.trials)-1)
	return true, nil
}

// waits reports whether a trial up to a number goes on.
func (r *running) waits(upTo int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.trials, func(t sweep.Trial) bool { return t.Number <= upTo && t.State == sweep.Running })
}

// begin executes a trial beside the loop.
func (r *running) begin(ctx context.Context, i int) {
	r.active++
	r.mu.Lock()
	t := r.trials[i]
	r.Watcher.Began(&t)
	r.mu.Unlock()
	go func() { r.ended <- r.attempt(ctx, i, &t) }()
}

// attempt executes a trial and finds out what came of it.
func (r *running) attempt(ctx context.Context, i int, t *sweep.Trial) *Ending {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	e := &Ending{index: i, Trial: sweep.Trial{Number: t.Number, Lag: t.Lag, Point: t.Point}}
	a := &Attempt{Sweep: r.Sweep, Number: t.Number, Overrides: r.Sweep.Overrides(t.Point)}
	a.Report = func(step int64, value float64) {
		if r.report(ctx, i, step, value) {
			end(ErrPruned)
		}
	}
	begin := time.Now()
	res, err := r.Executor.Execute(ctx, a, func(id string) { e.RunID = id })
	e.Duration = time.Since(begin)
	switch {
	case err == nil: // also if it was quicker than its pruner
		e.Known = res.Known
		err = r.judge(&e.Trial, res.Files)
	case errors.Is(context.Cause(ctx), ErrPruned):
		e.Trial.State = sweep.Pruned
		return e
	}
	e.Err = err
	if err != nil {
		e.Trial.State = sweep.Failed
	}
	return e
}

// report takes a point of the metric that is watched, and reports whether the trial
// is to end.
func (r *running) report(ctx context.Context, i int, step int64, value float64) bool {
	if r.pruner == nil || ctx.Err() != nil {
		return false
	}
	r.mu.Lock()
	t := &r.trials[i]
	if n := len(t.Steps); n > 0 && step <= t.Steps[n-1].Step {
		step = t.Steps[n-1].Step + 1 // who counts none
	}
	t.Steps = append(t.Steps, sweep.Step{Step: step, Value: value})
	prune := r.pruner.Prune(t, r.trials)
	id, now := r.ids[i], *t
	r.Watcher.Reported(&now)
	r.mu.Unlock()
	// A point that is not kept is missing in a picture, and no more.
	_ = r.Studies.SetTrialIntermediate(ctx, id, track.IntermediateValue{Step: step, Value: value})
	return prune
}

// judge reads the objectives and constraints of a trial that has been executed.
func (r *running) judge(t *sweep.Trial, files pipeline.Source) error {
	for _, o := range r.Sweep.Objectives {
		v, err := pipeline.ReadMetric(files, o.MetricKey)
		if err != nil {
			return err
		}
		if math.IsNaN(v) {
			return &pipeline.MetricError{Metric: o.MetricKey, Msg: fmt.Sprintf("its objective %s is NaN", o.MetricKey)}
		}
		t.Values = append(t.Values, v)
	}
	for _, c := range r.Sweep.Constraints {
		v, err := pipeline.ReadMetric(files, c.MetricKey)
		if err != nil {
			return err
		}
		excess := c.Excess(v)
		if math.IsNaN(excess) {
			return &pipeline.MetricError{Metric: c.MetricKey, Msg: fmt.Sprintf("%s is NaN, and must be %s", c.MetricKey, c)}
		}
		t.Violation += max(0, excess)
	}
	t.State = sweep.Complete
	return nil
}

// settle keeps what came of a trial. An error that is not the trial's fault leaves
// it to be run again.
func (r *running) settle(ctx context.Context, e *Ending) error {
	if e.Trial.State != sweep.Pruned && ctx.Err() != nil && e.Err != nil {
		return nil // it was interrupted
	}
	if e.Err != nil && !Blames(e.Err) {
		return e.Err
	}
	// It is kept also if the interrupt comes now.
	if err := r.keep(context.WithoutCancel(ctx), r.ids[e.index], e); err != nil {
		return err
	}
	if e.Trial.State == sweep.Failed {
		r.failures++
		r.last = e.Err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Trial.Steps = r.trials[e.index].Steps
	r.trials[e.index] = e.Trial
	e.Best = slices.ContainsFunc(r.problem.Front(r.trials), func(t sweep.Trial) bool { return t.Number == e.Trial.Number })
	r.Watcher.Ended(e)
	return nil
}

// keep writes what came of a trial to the store.
func (r *running) keep(ctx context.Context, id int64, e *Ending) error {
	if e.RunID != "" {
		if err := r.Studies.SetTrialRun(ctx, id, e.RunID); err != nil {
			return err
		}
	}
	state, values := track.TrialFailed, []float64(nil)
	switch e.Trial.State {
	case sweep.Complete:
		state, values = track.TrialComplete, e.Trial.Values
		if err := r.keepConstraints(ctx, id, e); err != nil {
			return err
		}
	case sweep.Pruned:
		state = track.TrialPruned
	}
	_, err := r.Studies.SetTrialState(ctx, id, state, values)
	return err
}

// keepConstraints writes by how much a trial misses the constraints, as Optuna has
// it: one number, which is not positive if it misses none.
func (r *running) keepConstraints(ctx context.Context, id int64, e *Ending) error {
	if len(r.Sweep.Constraints) == 0 {
		return nil
	}
	v := min(e.Trial.Violation, math.MaxFloat64) // JSON has no more
	b, err := json.Marshal([]float64{v})
	if err != nil {
		return err
	}
	return r.Studies.SetTrialAttr(ctx, id, track.SystemAttr, track.Attr{Key: constraintsKey, Value: string(b)})
}
