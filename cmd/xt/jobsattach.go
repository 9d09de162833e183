package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/jobs"
	"github.com/xtrepro/xt/pipeline/slurm"
)

func (a *app) jobsAttachCommand() *cli.Command {
	return &cli.Command{
		Name:      "attach",
		Usage:     "follow jobs, and bring their results into the workspace",
		ArgsUsage: "[BATCH]",
		Description: "Goes on where a command ended that submitted jobs, by --detach or because it was killed: shows\n" +
			"what they write, submits again what failed in a way that is to be tried again, and takes the\n" +
			"results. The jobs are left alone when it is interrupted.\n\nexamples:\n   xt jobs attach\n   xt jobs attach 4711",
		Flags:  append(attestFlags(), jsonFlag()),
		Action: a.jobsAttach,
	}
}

func (a *app) jobsAttach(c *cli.Context) error {
	r, err := a.registry()
	if err != nil {
		return err
	}
	if c.NArg() > 1 {
		return usageErrorf("xt jobs attach takes one batch")
	}
	b, err := r.Find(c.Args().First())
	if err != nil {
		return err
	}
	if b.Sweep != nil {
		return &usageError{msg: fmt.Sprintf("%s holds trials of sweep %s", b.ID, b.Sweep.Name), hints: []string{fmt.Sprintf("\"xt sweep %s --executor slurm\" goes on with it", b.Sweep.Name)}}
	}
	o := b.Options
	overrides, err := parseOverrides(o.Set)
	if err != nil {
		return err
	}
	w, err := a.open(overrides...)
	if err != nil {
		return err
	}
	stages, err := w.Graph.Select(o.Targets, pipeline.SelectOptions{Single: o.Single, Downstream: o.Downstream})
	if err != nil {
		return err
	}
	x, err := a.newExecutor(w)
	if err != nil {
		return err
	}
	x.Options, x.Follow, x.Leave = o, true, true
	opts := pipeline.RunOptions{KeepGoing: true}
	opts.Options = pipeline.Options{Force: o.Force, AllowMissing: o.AllowMissing, NoRunCache: o.NoRunCache}
	return a.reallyRun(c, w, stages, opts, x)
}

func (a *app) jobsCancelCommand() *cli.Command {
	return &cli.Command{
		Name:      "cancel",
		Usage:     "cancel jobs",
		ArgsUsage: "BATCH…",
		Description: "All jobs of a batch are cancelled, or only that whose number is given, and those that wait for\n" +
			"it. What a node still makes of one is not kept.\n\nexamples:\n   xt jobs cancel 20260314T0926\n   xt jobs cancel 4711\n   xt jobs cancel --all",
		Flags:  []cli.Flag{jsonFlag(), &cli.BoolFlag{Name: "all", Usage: "cancel all jobs of the project"}},
		Action: a.jobsCancel,
	}
}

func (a *app) jobsCancel(c *cli.Context) error {
	if c.Bool("all") == (c.NArg() > 0) {
		return usageErrorf("xt jobs cancel takes batches, or the numbers of jobs, or --all")
	}
	r, err := a.registry()
	if err != nil {
		return err
	}
	client := &slurm.Client{Log: func(text string) { a.term.Sayf("%s", text) }}
	chosen, err := a.chosen(c, r)
	if err != nil {
		return err
	}
	report := []jobReport{}
	for i := range chosen {
		v := &chosen[i]
		if err := jobs.Cancel(c.Context, client, v.Job); err != nil {
			return err
		}
		report = append(report, jobReport{Stage: v.Spec.Name(), Job: v.Last().ID, Attempt: len(v.State.Attempts), Status: jobs.Cancelled, Log: v.Log()})
	}
	if c.Bool("json") {
		return a.writeJSON(struct {
			Cancelled []jobReport `json:"cancelled"`
		}{report})
	}
	for _, j := range report {
		a.term.Printf("%s: job %s is cancelled\n", j.Stage, j.Job)
	}
	if len(report) == 0 {
		a.term.Printf("nothing to cancel: no job is under way\n")
	}
	return nil
}

// chosen returns the jobs under way that a command line names.
func (a *app) chosen(c *cli.Context, r *jobs.Registry) ([]jobs.View, error) {
	batches, err := r.Batches()
	if err != nil {
		return nil, err
	}
	var names []string
	if !c.Bool("all") {
		names, batches = c.Args().Slice(), nil
		for _, name := range names {
			b, err := r.Find(name)
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(batches, func(o *jobs.Batch) bool { return o.ID == b.ID }) {
				batches = append(batches, b)
			}
		}
	}
	views := a.survey(c.Context, r, batches)
	return slices.DeleteFunc(views, func(v jobs.View) bool { return !v.Status.Open() || !named(&v, names) }), nil
}

// named reports whether one of the names is that of a job, or of its batch; no names
// stand for all.
func named(v *jobs.View, names []string) bool {
	return len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return v.Last().ID == name || v.Batch.Named(name) })
}
