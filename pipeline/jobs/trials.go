package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/search"
	"github.com/xtrepro/xt/pipeline/slurm"
)

// Trials executes the trials of a sweep as tasks of array jobs: those that are to
// begin at about the same time, together. It implements [search.Executor].
type Trials struct {
	*Executor
	Workspace *pipeline.Workspace
	Sweep     Sweep

	begin sync.Once
	asks  chan *ask
}

// ask is a trial that is to be submitted.
type ask struct {
	attempt *search.Attempt
	job     *Job
	err     error
	done    chan struct{}
}

var _ search.Executor = (*Trials)(nil)

// Start makes the trials ready to be submitted. What is left of those of an xt that
// was killed is cancelled: the search begins them anew.
func (t *Trials) Start(ctx context.Context) error {
	if err := slurm.Installed(); err != nil {
		return err
	}
	t.init(&pipeline.Work{Workspace: t.Workspace})
	t.asks = make(chan *ask)
	batches, err := t.Registry.Batches()
	if err != nil {
		return err
	}
	for _, b := range batches {
		if b.Sweep == nil || b.Sweep.Name != t.Sweep.Name {
			continue
		}
		if err := t.clear(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// clear cancels what goes on of a batch of trials.
func (t *Trials) clear(ctx context.Context, b *Batch) error {
	asked := false
	for _, j := range t.Registry.Jobs(b) {
		if j.State.Taken {
			continue
		}
		if j.Last() == nil && !asked {
			// The submission may have been cut short.
			asked = true
			id, found, err := t.Client.Marked(ctx, arrayMark(b))
			if err == nil && found {
				err = t.Client.Cancel(ctx, id)
			}
			if err != nil {
				return err
			}
		}
		if err := t.dispose(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

// arrayMark is the mark of the array of a batch.
func arrayMark(b *Batch) string { return "xt:" + b.ID + "/array" }

// Execute implements [search.Executor].
func (t *Trials) Execute(ctx context.Context, at *search.Attempt, run func(id string)) (*search.Result, error) {
	j, err := t.submit(ctx, at)
	if err != nil {
		return nil, err
	}
	t.observe()
	news := &newsOf{job: j, attempt: at, run: run}
	for {
		o, err := t.followTrial(ctx, j, news)
		if err != nil {
			return nil, err
		}
		kind := t.conclude(j, o.seen, o.kind)
		if kind == "" {
			return t.takeTrial(j, o)
		}
		stage := t.Workspace.Graph.Stage(j.Spec.Stage)
		if !t.mayRetry(j, kind) {
			return nil, errors.Join(t.lost(j, &pipeline.Step{Stage: stage}, o, kind), t.dispose(ctx, j))
		}
		t.Say("%s: job %s: %s; it is submitted again", j.Spec.Name(), j.Last().ID, kind.Words())
		if err := t.resubmit(ctx, j); err != nil {
			return nil, err
		}
	}
}

// submit has a trial submitted together with others.
func (t *Trials) submit(ctx context.Context, at *search.Attempt) (*Job, error) {
	t.begin.Do(func() { go t.gather() })
	a := &ask{attempt: at, done: make(chan struct{})}
	select {
	case t.asks <- a:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	<-a.done
	return a.job, a.err
}

// together is how long trials that come after another one may take to be submitted
// with it.
const together = 300 * time.Millisecond

// gather submits the trials that come.
func (t *Trials) gather() {
	for first := range t.asks {
		asks, full := []*ask{first}, time.After(together*time.Duration(min(10, t.config().TrialsPerTask)))
		for open := true; open; {
			select {
			case a, ok := <-t.asks:
				if open = ok; ok {
					asks = append(asks, a)
				}
			case <-full:
				open = false
			}
		}
		err := t.submitArray(asks)
		for _, a := range asks {
			a.err = err
			close(a.done)
		}
	}
}

func (t *Trials) config() *pipeline.Slurm { return &t.Workspace.Graph.Config.Slurm }

// submitArray submits trials as an array.
func (t *Trials) submitArray(asks []*ask) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	b, err := t.Registry.create(t.Command, t.Options)
	if err != nil {
		return err
	}
	b.Sweep = &t.Sweep
	slices.SortFunc(asks, func(a, b *ask) int { return a.attempt.Number - b.attempt.Number })
	for n, a := range asks {
		if a.job, err = t.trial(b, n, a.attempt); err != nil {
			return err
		}
		b.Specs = append(b.Specs, a.job.Spec)
	}
	if err := b.save(t.Workspace.Texts()); err != nil {
		return err
	}
	cfg, tasks := t.config(), asks[len(asks)-1].job.Spec.Trial.Task+1
	r := asks[0].job.Spec.Request
	r.Name, r.Mark, r.Output = t.Sweep.Name, arrayMark(b), filepath.Join(b.dir, "task.log")
	r.Array = fmt.Sprintf("0-%d", tasks-1)
	if cfg.ArrayLimit > 0 {
		r.Array += "%" + strconv.Itoa(cfg.ArrayLimit)
	}
	r.Script = t.script(cfg, b.ID+"/task") + " 1\n"
	id, err := t.Client.Submit(ctx, &r)
	if err != nil {
		return &SubmitError{Stage: asks[0].job.Spec.Stage, Err: err}
	}
	for _, a := range asks {
		task := strconv.Itoa(a.job.Spec.Trial.Task)
		t.mu.Lock()
		a.job.State.Attempts = []*Attempt{{ID: id + "_" + task, Submitted: time.Now(), Log: r.Output + "." + task}}
		t.jobs[a.job.Spec.Name()] = a.job
		t.mu.Unlock()
		if err := a.job.save(); err != nil {
			return err
		}
	}
	return nil
}

// trial makes the job of a trial.
func (t *Trials) trial(b *Batch, n int, at *search.Attempt) (*Job, error) {
	s := t.Workspace.Graph.Stage(t.Workspace.SweepStage(at.Sweep))
	tr := &Trial{Sweep: at.Sweep.Name, Number: at.Number, Task: n / t.config().TrialsPerTask}
	for _, o := range at.Overrides {
		text, err := lock.Literal(o.Value)
		if err != nil {
			return nil, err
		}
		key := o.Key
		if o.File != "" {
			key = o.File + ":" + key
		}
		tr.Set = append(tr.Set, key+"="+text)
	}
	spec := &Spec{Stage: s.Name, Trial: tr, Request: t.request(b, n, s)}
	return &Job{Batch: b, N: n, Spec: spec}, nil
}

// followTrial tells of what a trial reports until it has ended.
func (t *Trials) followTrial(ctx context.Context, j *Job, news *newsOf) (*outcome, error) {
	e := new(ending)
	for {
		r, err := j.Result()
		if err != nil {
			return nil, err
		}
		news.tell()
		s, wake := t.sight(j)
		if r != nil && t.config().TrialsPerTask > 1 {
			return &outcome{result: r, seen: s}, nil // its task goes on with others
		}
		if e.reached(&s, r) {
			return &outcome{r, s, j.kindOf(&s, r)}, nil
		}
		select {
		case <-ctx.Done():
			return nil, t.endTrial(ctx, j, news)
		case <-wake:
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// endTrial ends a trial early. One that does badly is asked to end, since it may share
// its task with others; when the user asks, all are cancelled.
func (t *Trials) endTrial(ctx context.Context, j *Job, news *newsOf) error {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*patience)
	defer cancel()
	if !errors.Is(context.Cause(ctx), search.ErrPruned) {
		return errors.Join(context.Cause(ctx), t.giveUp(within, j))
	}
	if err := writeJSON(j.Batch.file(j.N, ".stop"), "pruned"); err != nil {
		return err
	}
	for within.Err() == nil {
		r, err := j.Result()
		s, wake := t.sight(j)
		if news.tell(); err != nil || r != nil || ended(&s) {
			break
		}
		select {
		case <-within.Done():
		case <-wake:
		case <-time.After(200 * time.Millisecond):
		}
	}
	t.mu.Lock()
	j.State.Taken = true
	t.mu.Unlock()
	return errors.Join(context.Cause(ctx), j.save())
}

// takeTrial makes of a result what the search goes on with.
func (t *Trials) takeTrial(j *Job, o *outcome) (*search.Result, error) {
	j.State.Taken = true
	if err := j.save(); err != nil {
		return nil, err
	}
	r := o.result
	switch {
	case r == nil:
		return nil, t.unbegun(j, o)
	case r.Error != nil:
		return nil, t.failure(j, &pipeline.Step{Stage: t.Workspace.Graph.Stage(j.Spec.Stage)}, r)
	case r.Trial == nil:
		return nil, fmt.Errorf("%s: its job left the result of no trial", j.Spec.Name())
	}
	return &search.Result{Files: texts(r.Trial.Metrics), Known: r.Trial.Known}, nil
}

// texts are files by name.
type texts map[string]string

// ReadFile implements [pipeline.Source].
func (t texts) ReadFile(name string) ([]byte, error) {
	if text, ok := t[name]; ok {
		return []byte(text), nil
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
}

// Close ends the watch of the cluster, and cancels what is left.
func (t *Trials) Close() error {
	if t.asks != nil {
		t.begin.Do(func() {}) // nothing begins any more
		close(t.asks)
	}
	return t.Executor.Close()
}

// newsOf reads what a trial reports, of its last attempt.
type newsOf struct {
	job     *Job
	attempt *search.Attempt
	run     func(id string)

	of   int // attempt that was read
	tail tail
	rest string // of a line that was not complete
}

// tell tells of what is new.
func (n *newsOf) tell() {
	if k := n.job.number(); n.of != k {
		n.of, n.rest, n.tail = k, "", tail{name: n.job.reports(k)}
	}
	n.tail.copy(lines(func(text string) {
		n.rest += text
		for {
			line, rest, whole := strings.Cut(n.rest, "\n")
			if !whole {
				return
			}
			n.rest = rest
			n.line(strings.Fields(line))
		}
	}))
}

// line takes a line: "run ID", or "at STEP VALUE".
func (n *newsOf) line(f []string) {
	switch {
	case len(f) == 2 && f[0] == "run":
		n.run(f[1])
	case len(f) == 3 && f[0] == "at":
		step, err := strconv.ParseInt(f[1], 10, 64)
		value, valueErr := strconv.ParseFloat(f[2], 64)
		if err == nil && valueErr == nil {
			n.attempt.Report(step, value)
		}
	}
}

type lines func(text string)

// Write implements [io.Writer].
func (f lines) Write(b []byte) (int, error) { f(string(b)); return len(b), nil }

var _ io.Writer = lines(nil)
