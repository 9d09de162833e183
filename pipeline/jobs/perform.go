package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
)

// errSuperseded says that another execution is to publish the result.
var errSuperseded = errors.New("another execution of this job has taken its place, so that this result is not kept")

// upstreamMissing is the kind of a failure for want of what another job was to make:
// a cluster lets a job run whose predecessor it has forgotten.
const upstreamMissing = "upstream"

// execution is a job being run.
type execution struct {
	*Job
	w       *pipeline.Workspace
	attempt int
	id      string
}

// Perform runs a job, on the machine that the cluster has chosen: in a workspace that
// was opened with the batch's files. The result, also that of a failure, is left for
// who follows the job, which told says; the error is for the log and the cluster.
func Perform(ctx context.Context, w *pipeline.Workspace, j *Job, attempt int, rep pipeline.Reporter) (told bool, err error) {
	x := &execution{Job: j, w: w, attempt: attempt, id: random(8)}
	if done, err := x.begin(); done || err != nil {
		return false, err
	}
	r := &Result{Attempt: attempt, Execution: x.id, Stage: j.Spec.Stage}
	r.Host, _ = os.Hostname()
	res, err := x.make(ctx, rep)
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx) // who ended it knows why
	case errors.Is(err, errSuperseded):
		return false, err
	}
	if err := x.current(); err != nil {
		return false, err
	}
	x.describe(r, res, err)
	if err := x.publish(r); err != nil {
		return false, err
	}
	return true, err
}

// begin takes the lease. It reports whether there is nothing left to do.
func (x *execution) begin() (done bool, err error) {
	if r, err := x.resultOf(x.attempt); err != nil || r != nil && r.Error == nil {
		return r != nil, err
	}
	l, err := x.lease()
	if err != nil {
		return false, err
	}
	if l.Attempt > x.attempt || x.number() > x.attempt {
		return false, errSuperseded
	}
	return false, x.setLease(Lease{Attempt: x.attempt, Execution: x.id, Host: here(), Began: time.Now()})
}

// here returns what the cluster calls this machine.
func here() string {
	if node := os.Getenv("SLURMD_NODENAME"); node != "" {
		return node
	}
	host, _ := os.Hostname()
	return host
}

// current returns an error if another execution has the lease.
func (x *execution) current() error {
	l, err := x.lease()
	if err == nil && l.Execution != x.id {
		err = errSuperseded
	}
	return err
}

// make makes the result in the cache.
func (x *execution) make(ctx context.Context, rep pipeline.Reporter) (*pipeline.Result, error) {
	stage := x.w.Graph.Stage(x.Spec.Stage)
	if stage == nil {
		return nil, fmt.Errorf("xt.toml has no stage %s", x.Spec.Stage)
	}
	inputs := maps.Clone(x.Spec.Inputs)
	for _, need := range x.Spec.Needs {
		outs, err := x.outsOf(need)
		if err != nil {
			return nil, err
		}
		x.w.Resolve(stage, inputs, outs)
	}
	o := x.Batch.Options
	opts := pipeline.MakeOptions{Inputs: inputs, Before: x.expected, After: x.confirm}
	opts.Options = pipeline.Options{Force: o.Force, NoRunCache: o.NoRunCache, AllowMissing: o.AllowMissing}
	results, err := x.w.Make(ctx, []*pipeline.Stage{stage}, opts, rep)
	if len(results) == 0 {
		return nil, err
	}
	return results[0], err
}

// missingError says that a job that was to make an input has no result.
type missingError struct{ stage string }

func (e *missingError) Error() string { return "there is no result of stage " + e.stage }

// outsOf returns what another job made.
func (x *execution) outsOf(need Ref) ([]lock.Item, error) {
	j, err := Open(x.w.Root).Job(need)
	if err != nil {
		return nil, err
	}
	r := j.best()
	if r == nil {
		return nil, &missingError{j.Spec.Stage}
	}
	e, _, err := entry(r.Lock, j.Spec.Stage)
	if err != nil {
		return nil, err
	}
	return e.Outs, nil
}

// InputsError says that a job found other inputs than the command that submitted it.
type InputsError struct {
	Stage string
	Where string   // the job's machine
	What  []string // how they differ
}

// Error says how the inputs differ.
func (e *InputsError) Error() string {
	return fmt.Sprintf("stage %s: on %s it would not be what was submitted: %s", e.Stage, e.Where, strings.Join(e.What, "; "))
}

// hint says what to do about it.
const inputsHint = "the nodes must have the same Python, packages and variables as the machine that submits: requirements under [python] let xt build one environment for all, setup under [executor.slurm] loads modules, and a variable that differs between nodes cannot be under pass"

// expected refuses to run anything but what was submitted: in another environment the
// result would be another stage's.
func (x *execution) expected(step *pipeline.Step) error {
	want, wantEnv, err := entry(x.Spec.Expected, x.Spec.Stage)
	if err != nil {
		return err
	}
	got := partial(step.Entry, x.Spec.Pending)
	if pipeline.Fingerprint(got) == pipeline.Fingerprint(want) {
		return nil
	}
	host, _ := os.Hostname()
	e := &InputsError{Stage: x.Spec.Stage, Where: host}
	for _, c := range lock.DiffStage(want, got, wantEnv, step.Environment) {
		if c.Kind.Input() {
			e.What = append(e.What, pipeline.ChangeText(c))
		}
	}
	return e
}

// partial returns an entry without outputs, and without dependencies that are yet to
// be made.
func partial(e *lock.Stage, pending []string) *lock.Stage {
	p := *e
	p.Outs, p.Fingerprint, p.Commit, p.Dirty = nil, [32]byte{}, "", false
	p.Deps = slices.DeleteFunc(slices.Clone(e.Deps), func(it lock.Item) bool { return slices.Contains(pending, it.Path) })
	return &p
}

// confirm looks whether the result is still wanted of this execution, and says what
// commit the code was of when it was submitted.
func (x *execution) confirm(step *pipeline.Step) error {
	step.Entry.Commit, step.Entry.Dirty = x.Spec.Commit, x.Spec.Dirty
	return x.current()
}

// describe fills in a result.
func (x *execution) describe(r *Result, res *pipeline.Result, err error) {
	if res != nil {
		r.Seconds, r.Ended, r.Memory, r.Log, r.Calls = res.Duration.Seconds(), res.Ended, res.Memory, res.Log, res.Calls
	}
	if err != nil {
		r.Error = failureOf(err)
		return
	}
	e := res.Step.Entry
	r.Planned, r.Restored = e.Fingerprint, e.How == lock.Restored
	if len(e.Calls) > 0 {
		r.Planned = x.planned(e)
	}
	r.Lock = lockText(e, res.Step.Environment)
}

// planned returns the fingerprint as it was before calls were recorded.
func (x *execution) planned(e *lock.Stage) [32]byte {
	before := *e
	before.Calls = slices.Clone(e.Calls)
	for i, it := range before.Calls {
		if n, ok := x.Spec.Inputs[it.Path]; ok {
			before.Calls[i].Node = n
		}
	}
	return pipeline.Fingerprint(&before)
}

func failureOf(err error) *Failure {
	f := &Failure{Kind: otherFailure, Msg: err.Error(), ExitCode: -1}
	var (
		command *pipeline.StageError
		output  *pipeline.OutputError
		inputs  *InputsError
		missing *missingError
		hinted  interface{ Hints() []string }
	)
	if errors.As(err, &hinted) {
		f.Hint = strings.Join(hinted.Hints(), "; ")
	}
	switch {
	case errors.As(err, &command):
		f.Kind, f.Msg, f.ExitCode, f.Tail, f.Hint = commandFailed, command.What, command.ExitCode, command.Tail, ""
		f.Kept = command.Kept
		if hints := command.Hints(); len(hints) > 1 {
			f.Hint = strings.Join(hints[:len(hints)-1], "; ")
		}
	case errors.As(err, &output):
		f.Kind, f.Msg, f.Hint = outputFailed, output.Msg, output.Hint
	case errors.As(err, &inputs):
		f.Kind, f.Hint = inputsDiffer, inputsHint
	case errors.As(err, &missing):
		f.Kind = upstreamMissing
	}
	return f
}
