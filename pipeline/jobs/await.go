package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/slurm"
)

// Await implements [pipeline.Executor].
func (x *Executor) Await(ctx context.Context, step *pipeline.Step, rep pipeline.Reporter) (*pipeline.Done, error) {
	j, err := x.jobOf(ctx, step)
	if err != nil {
		return nil, err
	}
	x.observe()
	stdout, _, end := rep.Output(step.Stage)
	defer end()
	for {
		o, err := x.follow(ctx, j, stdout)
		if err != nil {
			return nil, err
		}
		kind := x.conclude(j, o.seen, o.kind)
		if kind == "" {
			return x.take(j, step, o)
		}
		if !x.mayRetry(j, kind) {
			return nil, errors.Join(x.lost(j, step, o, kind), x.dispose(ctx, j))
		}
		x.Say("%s: job %s: %s; it is submitted again", j.Spec.Stage, j.Last().ID, kind.Words())
		if err := x.again(ctx, j); err != nil {
			return nil, err
		}
	}
}

// jobOf returns the job of a step. Where there is none, because it did not seem to be
// needed, one is submitted.
func (x *Executor) jobOf(ctx context.Context, step *pipeline.Step) (*Job, error) {
	if j := x.job(step.Stage); j != nil {
		return j, nil
	}
	if x.Follow {
		return nil, &pipeline.MisuseError{Msg: fmt.Sprintf("stage %s has no job: what it is made from has changed since", step.Stage.Name),
			Hint: "xt repro --executor slurm submits one; what jobs make of earlier inputs goes into the run cache"}
	}
	if err := x.submitNew(ctx, []*pipeline.Step{step}, x.keys(x.work)); err != nil {
		return nil, err
	}
	return x.job(step.Stage), nil
}

// outcome is what is known of an attempt that has ended.
type outcome struct {
	result *Result // nil: it left none
	seen   sight
	kind   slurm.Kind
}

// follow shows what the last attempt of a job writes until it has ended.
func (x *Executor) follow(ctx context.Context, j *Job, out io.Writer) (*outcome, error) {
	t, told := &tail{name: j.Log()}, ""
	begin, e := time.Now(), new(ending)
	for {
		t.copy(out)
		r, err := j.Result()
		if err != nil {
			return nil, err
		}
		s, wake := x.sight(j)
		if e.reached(&s, r) {
			t.copy(out)
			return &outcome{r, s, j.kindOf(&s, r)}, nil
		}
		if words := stateWords(&s.Job); words != "" && words != told && (s.State == slurm.Running || time.Since(begin) > settling) {
			x.Say("%s: job %s %s", j.Spec.Stage, j.Last().ID, words)
			told = words
		}
		select {
		case <-ctx.Done():
			return nil, x.interrupted(ctx, j)
		case <-wake:
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// ending finds out when an attempt is over.
type ending struct {
	over, failed time.Time // when it was first seen to have ended, and to have failed
}

// reached reports whether nothing more is to come of an attempt. Of one whose command
// failed the cluster may have more to say: that it was for want of memory.
func (e *ending) reached(s *sight, r *Result) bool {
	if r != nil && r.Error == nil {
		return true
	}
	if r != nil && e.failed.IsZero() {
		e.failed = time.Now()
	}
	if ended(s) && e.over.IsZero() {
		e.over = time.Now()
	}
	switch {
	case r != nil:
		return ended(s) || time.Since(e.failed) > patience
	case ended(s):
		return time.Since(e.over) > arrives(s)
	}
	return false
}

// ended reports whether the cluster does nothing more with an attempt.
func ended(s *sight) bool { return s.State.Over() || s.Stuck() || s.misses >= vain }

// arrives returns how long a result may take to be seen after the end.
func arrives(s *sight) time.Duration {
	if s.State == slurm.Completed {
		return arrival
	}
	return settling
}

// kindOf returns what kind of failure the last attempt ended in; "" if it succeeded, or
// if its command failed, or what the script does before.
func (j *Job) kindOf(s *sight, r *Result) slurm.Kind {
	switch kind := s.Kind(); {
	case r != nil && r.Error == nil:
		return ""
	case j.revoked():
		return slurm.WasCancelled
	case kind != "":
		return kind
	case r != nil && r.Error.Kind == upstreamMissing:
		return slurm.NoUpstream
	case r == nil && (s.misses >= vain || s.State == slurm.Completed):
		return slurm.Forgotten
	case r == nil && strings.Contains(lastOf(j.Log(), 5), "Exceeded job memory limit"):
		return slurm.OutOfRAM // by Slurm's own count, of which the state says nothing
	}
	return ""
}

// stateWords says what a job does.
func stateWords(j *slurm.Job) string {
	switch j.State {
	case slurm.Pending:
		switch j.Reason {
		case "", "None", "Dependency":
			return ""
		}
		if j.Held() {
			return "is held: " + heldWords
		}
		return "waits: " + j.Why()
	case slurm.Suspended:
		return "is suspended on " + j.Node
	case slurm.Running:
		return "runs on " + j.Node
	}
	return ""
}

// interrupted ends the job of a wait that ended early.
func (x *Executor) interrupted(ctx context.Context, j *Job) error {
	if x.Leave {
		return x.failed(j, "nobody waits for it any more, and its job goes on", "\"xt jobs attach\" follows it again", -1)
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*patience)
	defer cancel()
	if err := x.giveUp(within, j); err != nil {
		return fmt.Errorf("stage %s: cancel job %s: %w", j.Spec.Stage, j.Last().ID, err)
	}
	return x.failed(j, "interrupted", "", -1)
}

// conclude notes how an attempt ended.
func (x *Executor) conclude(j *Job, s sight, kind slurm.Kind) slurm.Kind {
	x.mu.Lock()
	defer x.mu.Unlock()
	last := j.Last()
	last.Over, last.Kind, last.State, last.Node = true, kind, s.State, s.Node
	return kind
}

// mayRetry reports whether a job is to be submitted again after a failure.
func (x *Executor) mayRetry(j *Job, kind slurm.Kind) bool {
	if kind == slurm.NoUpstream {
		return j.number() < 100 // what it waited for is there now
	}
	n := 0
	for _, a := range j.State.Attempts {
		if a.Kind == kind {
			n++
		}
	}
	return n <= x.work.Workspace.Graph.Config.Slurm.Retries[kind]
}

// again submits a job once more, and those that wait for it: the cluster has cancelled
// them, or would never start them.
func (x *Executor) again(ctx context.Context, j *Job) error {
	cone := map[Ref]bool{j.Ref(): true}
	for _, other := range x.Jobs() { // those that wait come after what they wait for
		if slices.ContainsFunc(other.Spec.Needs, func(n Ref) bool { return cone[n] }) && other.best() == nil && !other.State.Taken {
			cone[other.Ref()] = true
		}
		if !cone[other.Ref()] {
			continue
		}
		if err := x.resubmit(ctx, other); err != nil {
			return err
		}
	}
	return nil
}

// resubmit makes another attempt. The one before may still run on a node that was
// lost: it has no lease any more.
func (x *Executor) resubmit(ctx context.Context, j *Job) error {
	if last := j.Last(); last != nil {
		if err := Cancel(ctx, x.Client, j); err != nil {
			return err
		}
		x.mu.Lock()
		last.Over = true
		x.mu.Unlock()
	}
	return x.attempt(ctx, j)
}

// Cancel takes a job out of the queue or ends it, and keeps it from publishing a result.
func Cancel(ctx context.Context, c *slurm.Client, j *Job) error {
	last := j.Last()
	if last == nil {
		return nil
	}
	if err := j.setLease(Lease{Attempt: j.number() + 1}); err != nil {
		return err
	}
	if last.ID == "" {
		return nil
	}
	return c.Cancel(ctx, last.ID)
}

// dispose notes that nothing more is wanted of a job that failed, which may hang in the
// queue for ever.
func (x *Executor) dispose(ctx context.Context, j *Job) error {
	j.State.Taken = true
	if err := j.save(); err != nil {
		return err
	}
	return Cancel(ctx, x.Client, j)
}

// take makes of a result what the run goes on with.
func (x *Executor) take(j *Job, step *pipeline.Step, o *outcome) (*pipeline.Done, error) {
	r := o.result
	j.State.Taken = true
	if err := j.save(); err != nil {
		return nil, err
	}
	if r == nil {
		return nil, x.unbegun(j, o)
	}
	d := &pipeline.Done{Duration: time.Duration(r.Seconds * float64(time.Second)), Ended: r.Ended, Memory: r.Memory, Log: r.Log, Calls: r.Calls}
	if r.Error != nil {
		return d, x.failure(j, step, r)
	}
	e, env, err := entry(r.Lock, j.Spec.Stage)
	if err != nil {
		return d, fmt.Errorf("stage %s: the result of its job: %w", j.Spec.Stage, err)
	}
	if r.Planned != step.Entry.Fingerprint {
		return d, &pipeline.OutputError{Stage: step.Stage,
			Msg:  fmt.Sprintf("job %s made it from other inputs than the project has now", j.Last().ID),
			Hint: "run xt repro again; the result of the job is in the run cache, for when the inputs are as they were"}
	}
	d.Entry, d.Environment = e, env
	return d, nil
}

// failure is the error of a stage that failed on a node.
func (x *Executor) failure(j *Job, step *pipeline.Step, r *Result) error {
	f := r.Error
	switch f.Kind {
	case commandFailed:
		return &pipeline.StageError{Stage: step.Stage, ExitCode: f.ExitCode, What: f.Msg, Tail: f.Tail, Log: r.Log, Kept: f.Kept, Hint: f.Hint}
	case outputFailed:
		return &pipeline.OutputError{Stage: step.Stage, Msg: f.Msg, Hint: f.Hint}
	}
	return x.failed(j, strings.TrimPrefix(f.Msg, "stage "+j.Spec.Stage+": "), f.Hint, f.ExitCode)
}

// failed is the error of a job that is not that of its command.
func (x *Executor) failed(j *Job, what, hint string, code int) error {
	stage := x.work.Workspace.Graph.Stage(j.Spec.Stage)
	return &pipeline.StageError{Stage: stage, ExitCode: code, What: what, Tail: lastOf(j.Log(), 20), Log: j.Log(), Hint: hint}
}

// unbegun is the error of a job that ended before it could say how.
func (x *Executor) unbegun(j *Job, o *outcome) error {
	switch {
	case !j.Lease().Began.IsZero():
		return x.failed(j, where(j, o)+" was killed while its command ran", "the end of what it wrote may say by what; a kernel that is out of memory kills, too", -1)
	case o.seen.Node == "":
		return x.failed(j, where(j, o)+" failed before it began: "+o.seen.Why(), "", -1)
	}
	hint := "its script did not come as far as its stage: see whether " + x.Program + " and the project are there on the nodes, and setup under [executor.slurm]"
	return x.failed(j, where(j, o)+" failed before its command began", hint, -1)
}

// lost is the error of a job that the cluster ended.
func (x *Executor) lost(j *Job, step *pipeline.Step, o *outcome, kind slurm.Kind) error {
	hint := ""
	switch kind {
	case slurm.RanOut:
		hint = "give it more with resources = { time = … } in [stage." + step.Stage.Base + "]"
	case slurm.OutOfRAM:
		hint = "give it more with resources = { memory = … } in [stage." + step.Stage.Base + "]"
	case slurm.TooLate:
		hint = "see --deadline and --time among the arguments of sbatch"
	case slurm.NodeLost, slurm.WasPreempted, slurm.NotLaunched, slurm.Forgotten:
		hint = fmt.Sprintf("run xt repro again, or allow more attempts with retries = { %s = … } under [executor.slurm]", kind)
	}
	return x.failed(j, where(j, o)+": "+kind.Words(), hint, -1)
}

// where names a job and the node that it ran on.
func where(j *Job, o *outcome) string {
	text := "job " + j.Last().ID
	if o.seen.Node != "" {
		text += " on " + o.seen.Node
	}
	return text
}
