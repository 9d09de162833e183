package pipeline

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"

	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/seedenv"
)

// Tracker keeps each execution of a stage as a run. Its methods may be called by
// several goroutines at once.
type Tracker interface {
	// Track opens the run of an execution that is about to begin.
	Track(ctx context.Context, x Execution) (Tracked, error)
}

// Tracked is the run of one execution.
type Tracked interface {
	// Vars returns variables that the command is to see, so that what it logs
	// ends up in the run.
	Vars() map[string]string
	// End closes the run. It returns where the output of the command is kept from
	// then on, "" if that is where it was.
	End(o Outcome) (log string, err error)
}

// Execution is the running of a stage's command.
type Execution struct {
	Step   *Step
	Verify bool   // it is run once more, to be compared
	Log    string // the file that its output goes to
	Dir    string // what the paths of the stage are relative to
}

// Outcome is what came of an execution.
type Outcome struct {
	Entry   *lock.Stage // with the outputs, if there are any
	Result  *Result
	Metrics []Value      // in the metrics files that it made
	Verdict Verdict      // of a verification; "" of others
	Outs    []OutVerdict // of a verification
	Err     error        // why it failed
}

// track opens the run of the execution. An execution that cannot be tracked goes
// on: it is about the result.
func (e *execution) track(ctx context.Context) {
	if e.w.Tracker == nil {
		return
	}
	t, err := e.w.Tracker.Track(ctx, Execution{Step: e.step, Verify: e.verify, Log: e.res.Log, Dir: e.root})
	if err != nil {
		e.w.say("%s: it is not kept as a run: %v", e.step.Stage.Name, err)
		return
	}
	e.res.tracked = t
	vars := maps.Clone(t.Vars())
	maps.DeleteFunc(vars, func(name, _ string) bool {
		_, declared := e.step.Stage.Env[name]
		return declared || slices.Contains(e.step.Stage.Pass, name)
	})
	e.env = seedenv.Overlay(e.env, vars)
}

// endTracking closes the run of an execution, if it has one. The metrics are read
// from src; v is what came of a verification, or nil.
func (w *Workspace) endTracking(res *Result, src Source, v *Verified, err error) {
	if res.tracked == nil {
		return
	}
	s := res.Step.Stage
	o := Outcome{Entry: res.Step.Entry, Result: res, Err: err}
	if v != nil {
		o.Verdict, o.Outs = v.Verdict, v.Outs
	}
	if err == nil {
		o.Metrics = w.StageMetrics(s, src)
	}
	log, endErr := res.tracked.End(o)
	if endErr != nil {
		w.say("%s: its run is not complete: %v", s.Name, endErr)
	}
	res.tracked = nil
	if log == "" {
		return
	}
	_ = os.Remove(res.Log) // a second copy does no harm
	res.Log = log
	if failed := new(StageError); errors.As(err, &failed) {
		failed.Log, failed.Kept = log, true
	}
}

// StageMetrics returns what is in the metrics files of a stage.
func (w *Workspace) StageMetrics(s *Stage, src Source) []Value {
	flat := map[[2]string]any{}
	for _, out := range s.Outs {
		if out.Kind == Metric {
			// A file that cannot be read as metrics is told by xt metrics.
			_ = readMetrics(src, out.Path, flat)
		}
	}
	return sortedValues(flat)
}
