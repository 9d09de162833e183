package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/xtrepro/xt/replay"
	"github.com/xtrepro/xt/seedenv"
)

// RunOptions say how a run goes about its plan.
type RunOptions struct {
	Options
	Jobs      int      // stages at a time; below 1 it is 1
	KeepGoing bool     // go on with what does not depend on a failed stage
	Trace     bool     // record which files the commands open
	Isolated  bool     // run each command in a clean directory that holds only its declared inputs
	Transfer  Transfer // how to fetch what is needed, with Pull
	Executor  Executor // what runs the commands, as if isolated; nil: this process
}

// Result is what became of one stage in a run.
type Result struct {
	Step     *Step
	Err      error           // nil if all went well; [*StageError] where the command failed
	Skipped  string          // why nothing was done, though it was due; "" if it was not
	Unstable []string        // outputs that differ from those of an earlier run with the same inputs
	Kept     []Kept          // what of the user's was put into the cache before it was replaced
	Duration time.Duration   // of the command, or of the restore
	Ended    time.Time       // when the command ended
	Memory   int64           // the largest resident set of one of the stage's processes, in bytes; 0 if not known
	Log      string          // path of the output that was kept; "" if none
	Calls    *replay.Summary // of language models; nil where they are not recorded
	Seen     *Seen           // what the command did with files; nil if that was not recorded

	tracked Tracked // the run that it is, while it is open; nil if it is none
}

// Kept is something of the user's that stood where an output was to be.
type Kept struct {
	Path string // where it stood
	At   string // where its bytes are now, or the listing of a directory: a path in the cache
}

// Reporter is told what a run does. Its methods are called one at a time, but
// for the writers of Output, which belong to one stage each.
type Reporter interface {
	// Begin says that a step that does something has been started.
	Begin(step *Step)
	// Output returns where the output of the stage's command is to be shown, and
	// a function to call at its end.
	Output(s *Stage) (stdout, stderr io.Writer, end func())
	// End says what became of a stage. It is called for each stage of the run.
	End(r *Result)
}

// Run brings the stages, which must be in an order in which they can be done,
// up to date: those that do not wait for one another at the same time, up to
// opts.Jobs of them. It returns what became of each, in the order in which they
// ended. Stages that were done are in xt.lock even if others failed or ctx
// ended. The error is that of the first stage that failed.
func (w *Workspace) Run(ctx context.Context, stages []*Stage, opts RunOptions, rep Reporter) ([]*Result, error) {
	if opts.Executor != nil {
		opts.Isolated, opts.Jobs = true, len(stages) // to wait costs nothing
	} else if opts.Isolated {
		trySandbox()
	}
	facts, err := w.Facts(ctx, stages)
	if err != nil {
		return nil, err
	}
	end, err := w.reach(ctx, facts, opts)
	if err != nil {
		return nil, err
	}
	defer end()
	due, err := w.precheck(stages, facts, opts)
	if err := errors.Join(err, w.elsewhere.trouble()); err != nil {
		return nil, err
	}
	if err := w.refuseOutsInGit(due); err != nil {
		return nil, err
	}
	if err := w.readdData(ctx, stages, facts); err != nil {
		return nil, err
	}
	if opts.Executor != nil {
		if err := w.submit(ctx, stages, facts, opts); err != nil || opts.Executor.Detached() {
			return nil, errors.Join(err, w.SaveIndex())
		}
	}
	go seedenv.Machine() // asking the GPU driver takes a while; records want it later
	r := newRunner(w, stages, facts, opts, rep)
	runErr := r.run(ctx)
	return r.results, errors.Join(runErr, w.finish(r))
}

// finish writes xt.lock and what goes with it, also after a failure.
func (w *Workspace) finish(r *runner) error {
	var made []string
	for _, res := range r.results {
		if res.Err == nil && res.Skipped == "" && res.Step.Stale() {
			for _, o := range res.Step.Stage.Outs {
				if o.Cache {
					made = append(made, o.Path)
				}
			}
		}
	}
	return errors.Join(w.keepOutOfGit(made), w.Lock.Commit(), w.SaveIndex())
}

// precheck finds what would stop the run before anything is started. It returns
// the stages that are due.
func (w *Workspace) precheck(stages []*Stage, facts *Facts, opts RunOptions) (due []*Stage, err error) {
	if !opts.Isolated { // there the file is written with these values
		if err := w.refuseOverrides(stages); err != nil {
			return nil, err
		}
	}
	var missing []MissingInput
	for _, step := range NewPlan(w.Graph, stages, facts, opts.Options).Steps {
		if step.Action == Blocked {
			missing = append(missing, missingInputs(step)...)
		}
		if step.Stale() {
			due = append(due, step.Stage)
		}
	}
	if len(missing) > 0 {
		return nil, &MissingInputsError{Inputs: missing}
	}
	return due, nil
}

// refuseOverrides refuses another value of a parameter that a stage may read
// from its file: the command would see the old value, and the new one be
// recorded.
func (w *Workspace) refuseOverrides(stages []*Stage) error {
	for _, o := range w.Graph.Overrides {
		for _, s := range stages {
			reads := func(p Param) bool { return o.File != "" && p.File == o.File }
			if !slices.ContainsFunc(s.Params, reads) {
				continue
			}
			return &MisuseError{
				Msg:  fmt.Sprintf("stage %s reads %s itself, so that another value of %s would not reach it", s.Name, o.File, o.Key),
				Hint: "edit " + o.File + ", or run with --isolated, where the file is written with this value, or hand the value over in the command as ${" + o.Key + "}",
			}
		}
	}
	return nil
}
