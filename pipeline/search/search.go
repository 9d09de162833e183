// Package search carries out sweeps: it asks a sampler what to try, has it tried,
// and keeps what came of it in a store of studies, so that a search can be ended
// at any time, also by a kill, and goes on where it was.
package search

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/sweep"
	"github.com/xtrepro/xt/track"
)

// Attempt is a trial that is to be executed.
type Attempt struct {
	Sweep     *pipeline.Sweep
	Number    int
	Overrides []pipeline.Override // the values of its parameters
	// Report says what the metric that the pruner watches was at a step. It may be
	// called by several goroutines. A trial that does badly is ended by its context.
	Report func(step int64, value float64)
}

// Result is what came of an attempt.
type Result struct {
	Files pipeline.Source // the metrics files that it made, or would have made
	Known bool            // nothing had to be executed
}

// Executor executes trials: in this process, on a cluster, or elsewhere. It may be
// called by several goroutines at once.
type Executor interface {
	// Execute brings the stages of the sweep to results with the values of a trial,
	// without touching the workspace. If that is the trial's own fault, as when a
	// command fails, the error is one of those that [Blames] knows; any other ends
	// the sweep. The run that the trial is may be told at any time, and if several
	// are, the last counts.
	Execute(ctx context.Context, a *Attempt, run func(id string)) (*Result, error)
}

// Blames reports whether an error is the fault of the trial, whose values did not
// work, rather than of the project or the machine.
func Blames(err error) bool {
	var (
		stage  *pipeline.StageError
		output *pipeline.OutputError
		calls  *pipeline.CallsError
		metric *pipeline.MetricError
	)
	return errors.As(err, &stage) || errors.As(err, &output) || errors.As(err, &calls) || errors.As(err, &metric)
}

// Watcher is told how a search goes. Its methods are called one at a time.
type Watcher interface {
	Began(t *sweep.Trial)
	Reported(t *sweep.Trial) // its last step is new
	Ended(e *Ending)
}

// Ending is what became of a trial.
type Ending struct {
	Trial    sweep.Trial
	Err      error  // why it failed
	RunID    string // "" if it is no run
	Known    bool   // nothing had to be executed
	Best     bool   // it is better than all before, or none is better in everything
	Duration time.Duration

	index int // of the trial
}

// Options say how a search goes about it.
type Options struct {
	Trials      int           // in all; 0: until there is nothing left to try
	Timeout     time.Duration // after which no further trial is begun; 0: none
	Jobs        int           // trials at a time
	MaxFailures int           // failed trials after which the search ends
}

// Search is a sweep that is carried out.
type Search struct {
	Sweep    *pipeline.Sweep
	Studies  track.Studies
	Executor Executor
	Watcher  Watcher
	Options  Options
}

// FailuresError says that too many trials failed.
type FailuresError struct {
	Sweep string
	Count int
	Last  error
}

// Error says how many failed.
func (e *FailuresError) Error() string {
	if e.Count == 1 {
		return fmt.Sprintf("sweep %s: a trial failed: %v", e.Sweep, e.Last)
	}
	return fmt.Sprintf("sweep %s: %d trials failed, the last because %v", e.Sweep, e.Count, e.Last)
}

// Hints says how to go on.
func (e *FailuresError) Hints() []string {
	hints := []string{}
	var more interface{ Hints() []string }
	if errors.As(e.Last, &more) {
		hints = append(hints, more.Hints()...)
	}
	return append(hints, fmt.Sprintf("\"xt sweep %s\" goes on when that is put right; max_failures in [sweep.%s] says how many may fail", e.Sweep, e.Sweep))
}

// lag returns how many trials before a new one, and itself, are not waited for.
// With several at a time it is more than those that go on, so that a slow trial
// does not hold the others up at once.
func (o *Options) lag() int {
	if o.Jobs <= 1 {
		return 1
	}
	return 2 * o.Jobs
}
