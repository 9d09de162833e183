package main

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/jobs"
	"github.com/xtrepro/xt/track"
)

// jobPerformCommand is what the script of a job calls.
func (a *app) jobPerformCommand() *cli.Command {
	return &cli.Command{
		Name:      "job-perform",
		Hidden:    true,
		Usage:     "run a stage, as a job of a cluster",
		ArgsUsage: "BATCH/JOB ATTEMPT",
		Action:    a.jobPerform,
	}
}

func (a *app) jobPerform(c *cli.Context) error {
	root, err := pipeline.FindRoot(a.dir)
	if err != nil {
		return err
	}
	list, err := jobsOf(jobs.Open(root), c.Args().Get(0))
	if err != nil {
		return err
	}
	attempt, err := strconv.Atoi(c.Args().Get(1))
	if err != nil || attempt < 1 || len(list) == 0 {
		return usageErrorf("xt job-perform is for the scripts of jobs")
	}
	w, err := a.openForJob(root, list[0].Batch)
	if err != nil {
		return err
	}
	t, err := a.newTracker(w)
	if err != nil {
		return err
	}
	defer t.close()
	if id := os.Getenv("SLURM_JOB_ID"); id != "" {
		t.more = []track.Tag{{Key: "xt.job", Value: id}, {Key: "xt.node", Value: os.Getenv("SLURMD_NODENAME")}}
	}
	if s := list[0].Batch.Sweep; s != nil {
		return a.performTrials(c, w, t, list, attempt)
	}
	w.Tracker = t
	told, err := jobs.Perform(c.Context, w, list[0], attempt, plainReporter{})
	if told && err != nil {
		return errFailed // who follows the job says why
	}
	return err
}

// jobsOf returns the job that a script names as BATCH/N, or as BATCH/task the trials of
// the task of an array that it is.
func jobsOf(r *jobs.Registry, name string) ([]*jobs.Job, error) {
	batch, number, _ := strings.Cut(name, "/")
	if number == "task" {
		b, err := r.Batch(batch)
		if err != nil {
			return nil, err
		}
		task, err := strconv.Atoi(os.Getenv("SLURM_ARRAY_TASK_ID"))
		if err != nil {
			return nil, usageErrorf("xt job-perform: this is no task of an array")
		}
		return r.TrialsOf(b, task), nil
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 {
		return nil, nil
	}
	j, err := r.Job(jobs.Ref{Batch: batch, Job: n})
	return []*jobs.Job{j}, err
}

// performTrials executes trials one after the other. One that cannot be executed does
// not keep the others from it.
func (a *app) performTrials(c *cli.Context, w *pipeline.Workspace, t *tracker, list []*jobs.Job, attempt int) error {
	s := list[0].Batch.Sweep
	trials := &localTrials{w: w, t: t, parent: s.Run, main: list[0].Spec.Stage, apart: true,
		opts: pipeline.RunOptions{Jobs: 1, Options: pipeline.Options{NoRunCache: s.NoRunCache}}}
	var errs []error
	for _, j := range list {
		if c.Context.Err() != nil {
			break
		}
		errs = append(errs, jobs.PerformTrial(c.Context, w, j, attempt, trials))
	}
	return errors.Join(errs...)
}

// granted are the variables that tell a command of what a scheduler gave it. Others
// of Slurm change what libraries do, so that a stage has to ask for them.
var granted = []string{
	"CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "ZE_AFFINITY_MASK",
	"SLURM_JOB_ID", "SLURM_CPUS_PER_TASK", "SLURM_MEM_PER_NODE",
}

// openForJob opens a project as it was when a batch was submitted.
func (a *app) openForJob(root string, b *jobs.Batch) (*pipeline.Workspace, error) {
	overrides, err := parseOverrides(b.Options.Set)
	if err != nil {
		return nil, err
	}
	graph, err := pipeline.Load(b.Config(), overrides...)
	if err != nil {
		return nil, err
	}
	opts := pipeline.OpenOptions{Overrides: overrides, Settings: readSettings, Config: b.Config(), Scratch: b.Scratch(), Granted: granted}
	if dir := os.ExpandEnv(graph.Config.Slurm.Scratch); dir != "" {
		opts.Scratch = dir
	}
	w, err := pipeline.Open(root, opts)
	if err == nil {
		w.Hurry, w.Log = a.hurry, a.term.Err
	}
	return w, err
}

// plainReporter shows what commands write as it is: who follows the job adds the rest.
type plainReporter struct{}

func (plainReporter) Begin(*pipeline.Step) {}

func (plainReporter) Output(*pipeline.Stage) (stdout, stderr io.Writer, end func()) {
	return os.Stdout, os.Stderr, func() {}
}

func (plainReporter) End(*pipeline.Result) {}
