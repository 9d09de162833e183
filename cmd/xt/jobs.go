package main

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline/jobs"
	"github.com/xtrepro/xt/pipeline/slurm"
)

func (a *app) jobsCommand() *cli.Command {
	return &cli.Command{
		Name:  "jobs",
		Usage: "list, follow and cancel the jobs that stages became on a cluster",
		Subcommands: []*cli.Command{
			a.jobsListCommand(), a.jobsShowCommand(), a.jobsAttachCommand(), a.jobsCancelCommand(),
		},
	}
}

func (a *app) jobsListCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list what was submitted, the newest first",
		Description: "examples:\n   xt jobs list\n   xt jobs list --json",
		Flags:       []cli.Flag{jsonFlag()},
		Action:      a.jobsList,
	}
}

func (a *app) jobsShowCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "show each job of a batch",
		ArgsUsage: "[BATCH]",
		Description: "A batch is what one command submitted. It is named by the beginning of its name, or by the\n" +
			"number of one of its jobs; without a name it is the newest.\n\nexamples:\n   xt jobs show\n   xt jobs show 4711\n   xt jobs show 20260314T0926 --json",
		Flags:  []cli.Flag{jsonFlag()},
		Action: a.jobsShow,
	}
}

// batchReport is the JSON of a batch.
type batchReport struct {
	ID      string      `json:"id"`
	Created time.Time   `json:"created"`
	Command string      `json:"command"`
	Jobs    []jobReport `json:"jobs"`
}

type jobReport struct {
	Stage   string      `json:"stage"`
	Job     string      `json:"job"` // the number that the cluster gave it
	Attempt int         `json:"attempt"`
	Status  jobs.Status `json:"status"`
	Detail  string      `json:"detail,omitempty"`
	Node    string      `json:"node,omitempty"`
	Began   *time.Time  `json:"began,omitempty"`
	Seconds float64     `json:"seconds,omitempty"`
	Taken   bool        `json:"taken"`
	Log     string      `json:"log"`
}

func newBatchReport(b *jobs.Batch, views []jobs.View) batchReport {
	r := batchReport{ID: b.ID, Created: b.Created, Command: b.Command, Jobs: []jobReport{}}
	for i := range views {
		v := &views[i]
		if v.Batch != b {
			continue
		}
		j := jobReport{Stage: v.Spec.Name(), Attempt: len(v.State.Attempts), Status: v.Status, Detail: v.Detail, Node: v.Node, Taken: v.State.Taken, Log: v.Log()}
		if last := v.Last(); last != nil {
			j.Job = last.ID
		}
		if !v.Since.IsZero() {
			j.Began = &v.Since
			j.Seconds = took(v).Seconds()
		}
		r.Jobs = append(r.Jobs, j)
	}
	return r
}

// took is how long a job has been running, or ran.
func took(v *jobs.View) time.Duration {
	switch {
	case v.Since.IsZero():
		return 0
	case !v.Ended.IsZero():
		return max(0, v.Ended.Sub(v.Since))
	case v.Status == jobs.Running:
		return time.Since(v.Since)
	}
	return 0
}

// survey says how the jobs of batches stand, and warns where the cluster cannot be
// asked.
func (a *app) survey(ctx context.Context, r *jobs.Registry, batches []*jobs.Batch) []jobs.View {
	views, err := r.Survey(ctx, &slurm.Client{Patience: time.Nanosecond}, batches)
	if err != nil {
		a.term.Warnf("the cluster cannot be asked how jobs stand: %v", err)
	}
	return views
}

func (a *app) jobsList(c *cli.Context) error {
	if c.NArg() > 0 {
		return usageErrorf("xt jobs list takes no operands; xt jobs show takes one")
	}
	r, err := a.registry()
	if err != nil {
		return err
	}
	batches, err := r.Batches()
	if err != nil {
		return err
	}
	views := a.survey(c.Context, r, batches)
	reports := []batchReport{}
	for _, b := range batches {
		reports = append(reports, newBatchReport(b, views))
	}
	if c.Bool("json") {
		return a.writeJSON(struct {
			Batches []batchReport `json:"batches"`
		}{reports})
	}
	if len(reports) == 0 {
		a.term.Sayf("no jobs: \"xt repro --executor slurm\" submits some")
		return nil
	}
	rows := [][]string{{"BATCH", "AGE", "JOBS", "COMMAND"}}
	for _, b := range reports {
		rows = append(rows, []string{b.ID, term.Duration(time.Since(b.Created).Round(time.Second)), tally(b.Jobs), b.Command})
	}
	a.table(rows, false)
	return nil
}

// tally counts jobs by their status.
func tally(list []jobReport) string {
	count := map[jobs.Status]int{}
	var order []jobs.Status
	for _, j := range list {
		if count[j.Status]++; count[j.Status] == 1 {
			order = append(order, j.Status)
		}
	}
	slices.SortFunc(order, func(a, b jobs.Status) int { return cmp.Compare(count[b], count[a]) })
	var words []string
	for _, s := range order {
		words = append(words, strconv.Itoa(count[s])+" "+string(s))
	}
	return strings.Join(words, ", ")
}

func (a *app) jobsShow(c *cli.Context) error {
	r, err := a.registry()
	if err != nil {
		return err
	}
	if c.NArg() > 1 {
		return usageErrorf("xt jobs show takes one batch")
	}
	b, err := r.Find(c.Args().First())
	if err != nil {
		return err
	}
	report := newBatchReport(b, a.survey(c.Context, r, []*jobs.Batch{b}))
	if c.Bool("json") {
		return a.writeJSON(report)
	}
	a.term.Printf("%s  %s ago  %s\n", a.term.Paint(term.Bold, b.ID), term.Duration(time.Since(b.Created).Round(time.Second)), b.Command)
	rows := [][]string{{"STAGE", "JOB", "STATUS", "NODE", "TIME", "ATTEMPT", ""}}
	for _, j := range report.Jobs {
		seconds := ""
		if j.Seconds > 0 {
			seconds = term.Duration(time.Duration(j.Seconds * float64(time.Second)))
		}
		rows = append(rows, []string{j.Stage, j.Job, string(j.Status), j.Node, seconds, strconv.Itoa(j.Attempt), j.Detail})
	}
	a.table(rows, false)
	return nil
}

// registry returns that of the project that the user stands in.
func (a *app) registry() (*jobs.Registry, error) {
	w, err := a.open()
	if err != nil {
		return nil, err
	}
	return jobs.Open(w.Root), nil
}

// detached says how to come back to jobs that were submitted.
func (a *app) detached(c *cli.Context, x *jobs.Executor) error {
	all := x.Jobs()
	if c.Bool("json") {
		r := []jobReport{}
		for _, j := range all {
			r = append(r, jobReport{Stage: j.Spec.Stage, Job: j.Last().ID, Attempt: len(j.State.Attempts), Status: jobs.Waiting, Log: j.Log()})
		}
		return a.writeJSON(struct {
			Jobs []jobReport `json:"jobs"`
		}{r})
	}
	if len(all) == 0 {
		a.term.Printf("nothing is to be run\n")
		return nil
	}
	a.term.Printf("%s under way in %s: \"xt jobs attach\" follows them and takes their results\n", plural(len(all), "job"), all[len(all)-1].Batch.ID)
	return nil
}
