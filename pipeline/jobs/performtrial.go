package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/search"
)

// reports is the file in which an attempt of a trial tells how it goes.
func (j *Job) reports(attempt int) string {
	return j.Batch.file(j.N, "."+strconv.Itoa(attempt)+".reports")
}

// TrialsOf returns the jobs of a task of an array.
func (r *Registry) TrialsOf(b *Batch, task int) []*Job {
	var of []*Job
	for _, j := range r.Jobs(b) {
		if j.Spec.Trial != nil && j.Spec.Trial.Task == task {
			of = append(of, j)
		}
	}
	return of
}

// maxMetrics bounds the metrics file of a trial, in bytes.
const maxMetrics = 4 << 20

// PerformTrial executes a trial on the machine that the cluster has chosen, in a
// workspace that was opened with the batch's files. What came of it is left for who
// follows it; an error is one of the job.
func PerformTrial(ctx context.Context, w *pipeline.Workspace, j *Job, attempt int, trials search.Executor) error {
	x := &execution{Job: j, w: w, attempt: attempt, id: random(8)}
	sweep, ok := w.Graph.Config.Sweeps[j.Spec.Trial.Sweep]
	if !ok {
		return fmt.Errorf("xt.toml has no sweep %s", j.Spec.Trial.Sweep)
	}
	if done, err := x.begin(); done || err != nil {
		return err
	}
	at := &search.Attempt{Sweep: &sweep, Number: j.Spec.Trial.Number}
	for _, text := range j.Spec.Trial.Set {
		o, err := pipeline.ParseOverride(text)
		if err != nil {
			return err
		}
		at.Overrides = append(at.Overrides, o)
	}
	out, err := os.Create(j.reports(attempt))
	if err != nil {
		return err
	}
	defer out.Close()
	var mu sync.Mutex // of out, so that lines stay whole
	tell := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(out, format, args...) // what is lost is a point of a curve
	}
	at.Report = func(step int64, value float64) {
		tell("at %d %s\n", step, strconv.FormatFloat(value, 'g', -1, 64))
	}
	within, end := context.WithCancelCause(ctx)
	defer end(nil)
	go x.awaitStop(within, end)
	res, err := trials.Execute(within, at, func(id string) { tell("run %s\n", id) })
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(context.Cause(within), search.ErrPruned) {
		err = search.ErrPruned
	}
	return x.publishTrial(&sweep, res, err)
}

// awaitStop ends a trial when it is asked to.
func (x *execution) awaitStop(ctx context.Context, end context.CancelCauseFunc) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := os.Stat(x.Batch.file(x.N, ".stop")); err == nil {
			end(search.ErrPruned)
			return
		}
	}
}

// publishTrial leaves the result of a trial.
func (x *execution) publishTrial(sweep *pipeline.Sweep, res *search.Result, err error) error {
	if err := x.current(); err != nil {
		return err
	}
	r := &Result{Attempt: x.attempt, Execution: x.id, Stage: x.Spec.Stage, Ended: time.Now()}
	r.Host, _ = os.Hostname()
	if err != nil {
		r.Error = failureOf(err)
		var command *pipeline.StageError
		if errors.As(err, &command) {
			r.Log = command.Log
		}
		return x.publish(r)
	}
	r.Trial = &TrialResult{Known: res.Known, Metrics: map[string]string{}}
	var names []string
	for _, o := range sweep.Objectives {
		names = append(names, o.File)
	}
	for _, c := range sweep.Constraints {
		names = append(names, c.File)
	}
	for _, name := range names {
		b, err := res.Files.ReadFile(name)
		if err == nil && len(b) <= maxMetrics {
			r.Trial.Metrics[name] = string(b)
		}
	}
	return x.publish(r)
}
