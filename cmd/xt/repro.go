package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/internal/trace"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/jobs"
	"github.com/xtrepro/xt/replay"
)

func (a *app) reproCommand() *cli.Command {
	return &cli.Command{
		Name:      "repro",
		Usage:     "bring stages up to date: run those whose inputs changed",
		ArgsUsage: "[STAGE…]",
		Description: "Runs all stages that are not up to date, or those named and what they need. A stage may be\n" +
			"named by its name, by a pattern of names, or by an output. A result that was made before\n" +
			"from the same inputs is restored from the run cache rather than run again.\n\n" +
			"examples:\n   xt repro\n   xt repro train -S lr=0.01\n   xt repro -j 4 --keep-going\n   xt repro -n                   # say what would run; exits with 1 if something would\n   xt repro --pull               # in a fresh clone: bring only what is needed\n   xt repro --executor slurm     # on a cluster: stages are jobs; see docs/slurm.md",
		Flags: append(slices.Concat(attestFlags(), executorFlags()),
			jsonFlag(),
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be done, and do nothing"},
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "run also what is up to date"},
			&cli.BoolFlag{Name: "single-item", Aliases: []string{"s"}, Usage: "only the named stages, not what they need"},
			&cli.BoolFlag{Name: "downstream", Usage: "the named stages and what depends on them"},
			&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Value: 1, Usage: "run `N` stages at a time"},
			&cli.BoolFlag{Name: "keep-going", Aliases: []string{"k"}, Usage: "go on with what does not depend on a failed stage"},
			&cli.BoolFlag{Name: "trace", Usage: "record which files the commands open, and tell of those that no stage declares (Linux)"},
			&cli.BoolFlag{Name: "isolated", Usage: "run each stage in a clean directory that holds only what it declares"},
			&cli.BoolFlag{Name: "pull", Usage: "fetch what the stages that must run need, and results that are known there, from the remotes"},
			&cli.BoolFlag{Name: "allow-missing", Usage: "take the word of xt.lock for data that is not there"},
			&cli.BoolFlag{Name: "no-run-cache", Usage: "run rather than restore an earlier result"},
			&cli.StringSliceFlag{Name: "set", Aliases: []string{"S"}, Usage: "use another value of a parameter, this time: `KEY=VALUE`"},
		),
		Action: a.repro,
	}
}

func (a *app) repro(c *cli.Context) error {
	if c.Int("jobs") < 1 {
		return usageErrorf("--jobs: at least one stage has to run at a time, not %d", c.Int("jobs"))
	}
	overrides, err := parseOverrides(c.StringSlice("set"))
	if err != nil {
		return err
	}
	w, err := a.open(overrides...)
	if err != nil {
		return err
	}
	stages, err := w.Graph.Select(c.Args().Slice(), pipeline.SelectOptions{Single: c.Bool("single-item"), Downstream: c.Bool("downstream")})
	if err != nil {
		return err
	}
	opts := pipeline.RunOptions{
		Options: pipeline.Options{Force: c.Bool("force"), AllowMissing: c.Bool("allow-missing"), NoRunCache: c.Bool("no-run-cache"), Pull: c.Bool("pull")},
		Jobs:    c.Int("jobs"), KeepGoing: c.Bool("keep-going"), Isolated: c.Bool("isolated"), Trace: c.Bool("trace"),
	}
	if err := trace.Available(); opts.Trace && err != nil {
		return &usageError{msg: "--trace: " + err.Error(), hints: []string{"\"xt repro --isolated\" finds undeclared inputs as well, since they are missing there"}}
	}
	if c.Bool("dry-run") {
		return a.dryRun(c, w, stages, opts)
	}
	x, err := a.executor(c, w)
	if err != nil {
		return err
	}
	return a.reallyRun(c, w, stages, opts, x)
}

// parseOverrides reads other values of parameters.
func parseOverrides(words []string) ([]pipeline.Override, error) {
	var overrides []pipeline.Override
	for _, word := range words {
		o, err := pipeline.ParseOverride(word)
		if err != nil {
			return nil, &usageError{msg: "--set: " + err.Error()}
		}
		overrides = append(overrides, o)
	}
	return overrides, nil
}

// dryRun prints the plan. It exits with 1 if something is to be done.
func (a *app) dryRun(c *cli.Context, w *pipeline.Workspace, stages []*pipeline.Stage, opts pipeline.RunOptions) error {
	plan, err := a.plan(c, w, stages, opts)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		if err := a.writeJSON(newStatusReport(plan, nil)); err != nil {
			return err
		}
	} else {
		for _, s := range plan.Steps {
			a.printStep(w, s, 0)
		}
	}
	if len(plan.Stale()) > 0 {
		return errFailed
	}
	return nil
}

// reallyRun brings the stages up to date, by an executor unless that is nil.
func (a *app) reallyRun(c *cli.Context, w *pipeline.Workspace, stages []*pipeline.Stage, opts pipeline.RunOptions, x *jobs.Executor) error {
	evidence, end, err := a.beginExecuting(c, w)
	if err != nil {
		return err
	}
	defer end()
	begin := time.Now()
	if err := w.Prepare(c.Context, stages); err != nil {
		return err
	}
	rep := &reporter{a: a, json: c.Bool("json"), hashing: a.watch(w, "hashing"), undeclared: w.Graph.Config.Check.Undeclared}
	if x != nil {
		opts.Executor = x
	}
	results, err := w.Run(c.Context, stages, opts, rep)
	rep.hashing.Done()
	if x != nil {
		err = errors.Join(err, x.Close())
		if x.Detach && err == nil {
			return a.detached(c, x)
		}
	}
	err = errors.Join(err, evidence.executed(c.Context, results))
	if c.Bool("json") {
		if jsonErr := a.writeJSON(newReproReport(results)); err == nil {
			err = jsonErr
		}
		return a.report(err)
	}
	if err == nil || len(results) > 0 {
		a.reproSummary(results, time.Since(begin))
	}
	return err
}

// reproReport is the JSON of xt repro.
type reproReport struct {
	Stages []stageResult `json:"stages"`
}

type stageResult struct {
	stageStatus
	Seconds  float64         `json:"seconds"`
	Memory   int64           `json:"peak_memory_bytes,omitempty"`
	ExitCode *int            `json:"command_exit_code,omitempty"`
	Error    string          `json:"error,omitempty"`
	Skipped  string          `json:"skipped,omitempty"`
	Unstable []string        `json:"unstable,omitempty"`
	Calls    *replay.Summary `json:"llm,omitempty"`
	Seen     *seen           `json:"traced,omitempty"`
	Kept     []string        `json:"kept,omitempty"`
	Log      string          `json:"log,omitempty"`
}

// seen is what the processes of a command did with files.
type seen struct {
	Declared    int      `json:"declared"`
	Undeclared  []string `json:"undeclared"`
	Stray       []string `json:"stray_writes"`
	Environment []string `json:"environment"`
	System      int      `json:"system"`
	Notes       []string `json:"notes,omitempty"`
}

func newReproReport(results []*pipeline.Result) *reproReport {
	r := &reproReport{Stages: []stageResult{}}
	for _, res := range results {
		s := stageResult{stageStatus: newStageStatus(res.Step), Seconds: res.Duration.Seconds(), Memory: res.Memory,
			Skipped: res.Skipped, Unstable: res.Unstable, Calls: res.Calls, Log: res.Log}
		for _, k := range res.Kept {
			s.Kept = append(s.Kept, k.Path)
		}
		if res.Seen != nil {
			s.Seen = &seen{res.Seen.Declared, res.Seen.Undeclared, res.Seen.Stray, res.Seen.Environment, res.Seen.System, res.Seen.Notes}
		}
		if s.How = string(res.Step.Entry.How); res.Skipped != "" {
			s.How = ""
		}
		if res.Err != nil {
			s.How = ""
			s.Error = res.Err.Error()
			var failed *pipeline.StageError
			if errors.As(res.Err, &failed) {
				s.ExitCode = &failed.ExitCode
			}
		}
		r.Stages = append(r.Stages, s)
	}
	return r
}

// reproSummary writes what came of a run in one line.
func (a *app) reproSummary(results []*pipeline.Result, took time.Duration) {
	count := map[string]int{}
	order := []string{"run", "restored", "up to date", "frozen", "failed", "not run"}
	for _, res := range results {
		count[resultWord(res)]++
	}
	var parts []string
	for _, word := range order {
		if n := count[word]; n > 0 {
			parts = append(parts, term.Count(int64(n))+" "+word)
		}
	}
	if len(parts) == 0 {
		a.term.Printf("no stages: declare one in xt.toml\n")
		return
	}
	a.term.Printf("%s: %s (%s)\n", plural(len(results), "stage"), strings.Join(parts, ", "), term.Duration(took))
}

func resultWord(res *pipeline.Result) string {
	switch {
	case res.Err != nil:
		return "failed"
	case res.Skipped != "":
		return "not run"
	case res.Step.Action == pipeline.Execute:
		return "run"
	case res.Step.Action == pipeline.Restore:
		return "restored"
	}
	return res.Step.Action.String()
}
