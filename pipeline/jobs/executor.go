package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/slurm"
)

// Executor runs stages as jobs of a Slurm cluster. It implements [pipeline.Executor].
type Executor struct {
	Registry *Registry
	Client   *slurm.Client
	Program  string // the path of xt, on each node
	Command  string // what the user typed
	Options  Options
	// Hurry, if not nil, is closed when jobs that were cancelled are not to be waited
	// for.
	Hurry <-chan struct{}
	// Detach ends with the submission.
	Detach bool
	// Leave leaves the jobs alone, where others are cancelled because the user asked
	// to end, or because a stage failed.
	Leave bool
	// Follow submits nothing but what failed in a way that is tried again.
	Follow bool
	// Say tells people something.
	Say func(format string, args ...any)

	work      *pipeline.Work
	submitted bool // all of the work

	mu    sync.Mutex
	jobs  map[string]*Job // by stage
	seen  map[string]sight
	watch sync.Once
	stop  context.CancelFunc // of the watch
	wake  chan struct{}      // closed at each news from the cluster
}

// sight is what was last seen of a job of the cluster.
type sight struct {
	slurm.Job
	misses int // how often it was looked for in vain since
}

var _ pipeline.Executor = (*Executor)(nil)

// Detached implements [pipeline.Executor].
func (x *Executor) Detached() bool { return x.Detach }

// Has implements [pipeline.Executor].
func (x *Executor) Has(s *pipeline.Stage) bool { return x.job(s) != nil }

// Jobs returns the jobs that were submitted, or found.
func (x *Executor) Jobs() []*Job {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all []*Job
	for _, j := range x.jobs {
		all = append(all, j)
	}
	slices.SortFunc(all, func(a, b *Job) int {
		if c := strings.Compare(a.Batch.ID, b.Batch.ID); c != 0 {
			return c
		}
		return a.N - b.N
	})
	return all
}

// Submit implements [pipeline.Executor]: what is under way already, submitted by a
// command that has ended since, is not submitted again.
func (x *Executor) Submit(ctx context.Context, work *pipeline.Work) error {
	if err := slurm.Installed(); err != nil {
		return err
	}
	x.init(work)
	keys := x.keys(work)
	found, err := x.underway(ctx, work, keys)
	if err != nil {
		return err
	}
	var missing []*pipeline.Step
	for _, step := range work.Steps {
		name := step.Stage.Name
		if j := found[name]; j != nil {
			x.jobs[name] = j // nobody else knows of x yet
			x.Say("%s: job %s is under way already", name, j.Last().ID)
			continue
		}
		missing = append(missing, step)
	}
	if len(missing) > 0 && !x.Follow {
		if err := x.submitNew(ctx, missing, keys); err != nil {
			return err
		}
	}
	x.submitted = true
	x.Client.Patience = 0 // what is under way is worth waiting for
	return nil
}

func (x *Executor) init(work *pipeline.Work) {
	x.work = work
	x.jobs, x.seen, x.wake = map[string]*Job{}, map[string]sight{}, make(chan struct{})
}

// underway returns the jobs, by stage, that do what the steps ask for and whose
// results nobody has taken yet: of several the newest.
func (x *Executor) underway(ctx context.Context, work *pipeline.Work, keys map[string]string) (map[string]*Job, error) {
	batches, err := x.Registry.Batches()
	if err != nil {
		return nil, err
	}
	var candidates []*Job
	for _, b := range batches {
		for _, j := range x.Registry.Jobs(b) {
			if j.State.Taken || j.Spec.Key != keys[j.Spec.Stage] || work.Options.Force && !b.Options.Force {
				continue
			}
			if err := x.identify(ctx, j); err != nil {
				return nil, err
			}
			if j.Last() != nil {
				candidates = append(candidates, j)
			}
		}
	}
	if err := x.look(ctx, candidates); err != nil {
		return nil, err
	}
	found := map[string]*Job{}
	for _, j := range candidates {
		// Who follows jobs wants to know how they ended, too.
		if found[j.Spec.Stage] == nil && (x.Follow || x.alive(j)) {
			found[j.Spec.Stage] = j
		}
	}
	return found, nil
}

// identify finds the number of an attempt whose submission was cut short.
func (x *Executor) identify(ctx context.Context, j *Job) error {
	last := j.Last()
	if last == nil || last.ID != "" {
		return nil
	}
	id, found, err := x.Client.Marked(ctx, j.mark())
	if err != nil {
		return err
	}
	if !found {
		j.State.Attempts = j.State.Attempts[:j.number()-1]
	} else {
		last.ID = id
	}
	return j.save()
}

// alive reports whether a job has a result, or may still make one.
func (x *Executor) alive(j *Job) bool {
	if r, err := j.Result(); err == nil && r != nil {
		return r.Error == nil
	}
	s, ok := x.seen[j.Last().ID]
	return ok && s.misses == 0 && !s.State.Over() && !s.Stuck()
}

// submitNew submits steps in a batch of their own.
func (x *Executor) submitNew(ctx context.Context, steps []*pipeline.Step, keys map[string]string) error {
	b, err := x.Registry.create(x.Command, x.Options)
	if err != nil {
		return err
	}
	away := map[*pipeline.Stage]bool{}
	for _, step := range x.work.Steps {
		away[step.Stage] = true
	}
	for n, step := range steps {
		j := &Job{Batch: b, N: n}
		if j.Spec, err = x.spec(ctx, b, n, step, away, keys); err != nil {
			return err
		}
		b.Specs = append(b.Specs, j.Spec)
		x.mu.Lock()
		x.jobs[step.Stage.Name] = j
		x.mu.Unlock()
	}
	if err := b.save(x.work.Workspace.Texts()); err != nil {
		return err
	}
	for _, step := range steps {
		j := x.job(step.Stage)
		if err := x.attempt(ctx, j); err != nil {
			return err // Close takes back what was submitted
		}
		x.Say("%s: submitted as job %s", step.Stage.Name, j.Last().ID)
	}
	return nil
}

// job returns the job of a stage; nil if there is none.
func (x *Executor) job(s *pipeline.Stage) *Job {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.jobs[s.Name]
}

// spec says what the job of a step is to do. The inputs go into the cache, where the
// job finds them whatever becomes of the workspace until then.
func (x *Executor) spec(ctx context.Context, b *Batch, n int, step *pipeline.Step, away map[*pipeline.Stage]bool, keys map[string]string) (*Spec, error) {
	w, s := x.work.Workspace, step.Stage
	spec := &Spec{Stage: s.Name, Key: keys[s.Name], Pending: w.Graph.Pending(s, away), Inputs: inputs(step)}
	spec.Commit, spec.Dirty = w.Provenance(s)
	want := partial(step.Entry, spec.Pending)
	spec.Expected = lockText(want, step.Environment)
	if err := w.Hold(ctx, slices.Concat(want.Code, want.Deps, want.Calls)); err != nil {
		return nil, err
	}
	for _, up := range w.Graph.Upstream(s) {
		if j := x.job(up); j != nil {
			spec.Needs = append(spec.Needs, j.Ref())
		}
	}
	spec.Request = x.request(b, n, s)
	return spec, nil
}

// request says what a stage asks of the cluster.
func (x *Executor) request(b *Batch, n int, s *pipeline.Stage) slurm.Request {
	w, cfg := x.work.Workspace, &x.work.Workspace.Graph.Config.Slurm
	res := &s.Resources
	return slurm.Request{
		Name: s.Name, Dir: w.Root,
		Script:    x.script(cfg, fmt.Sprintf("%s/%d", b.ID, n)),
		Partition: cfg.Partition, Account: cfg.Account, QOS: cfg.QOS, Constraint: cfg.Constraint,
		CPUs: res.CPUs, GPUs: res.GPUs, Memory: res.Memory, Time: res.Time,
		Extra: slices.Concat(cfg.Sbatch, res.Sbatch),
	}
}

// script returns what a job runs. The number of the attempt follows when it is
// submitted.
func (x *Executor) script(cfg *pipeline.Slurm, job string) string {
	shell := "/bin/sh"
	if cfg.Setup != "" {
		shell = "/bin/bash" // which the functions of a module system come with
	}
	return fmt.Sprintf("#!%s\n%s\nexec %s job-perform %s", shell, cfg.Setup, quote(x.Program), job)
}

// quote makes one word of sh out of a text.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// attempt submits a job, once more if it was before.
func (x *Executor) attempt(ctx context.Context, j *Job) error {
	a := &Attempt{Submitted: time.Now()}
	x.mu.Lock()
	j.State.Attempts = append(j.State.Attempts, a)
	x.mu.Unlock()
	if err := j.save(); err != nil {
		return err
	}
	r := j.Spec.Request
	r.Mark, r.Output, r.After = j.mark(), j.Log(), x.after(j)
	r.Script += fmt.Sprintf(" %d\n", j.number())
	id, err := x.Client.Submit(ctx, &r)
	if err != nil {
		a.Over = true
		return errors.Join(&SubmitError{Stage: j.Spec.Stage, Err: err}, j.save())
	}
	x.mu.Lock()
	a.ID = id
	x.mu.Unlock()
	return j.save()
}

// SubmitError says that the cluster did not take a job.
type SubmitError struct {
	Stage string
	Err   error
}

// Error says which stage it is and what sbatch said.
func (e *SubmitError) Error() string {
	return fmt.Sprintf("stage %s: submit its job: %v", e.Stage, e.Err)
}

// Unwrap returns what sbatch said.
func (e *SubmitError) Unwrap() error { return e.Err }

// after returns the numbers of the jobs that have to succeed before another begins:
// those that have not ended. Of a number that it has forgotten the cluster thinks that
// it succeeded.
func (x *Executor) after(j *Job) []string {
	var ids []string
	for _, need := range j.Spec.Needs {
		for _, up := range x.Jobs() {
			if up.Ref() == need && up.best() == nil && up.Last() != nil && up.Last().ID != "" {
				ids = append(ids, up.Last().ID)
			}
		}
	}
	return ids
}
