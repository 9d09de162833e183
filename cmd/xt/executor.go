package main

import (
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/internal/suggest"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/jobs"
	"github.com/xtrepro/xt/pipeline/slurm"
)

// executorFlags say where stages run.
func executorFlags() []cli.Flag {
	return []cli.Flag{
		executorFlag(),
		&cli.BoolFlag{Name: "detach", Usage: "with --executor slurm: submit the jobs and end; \"xt jobs attach\" goes on"},
	}
}

func executorFlag() cli.Flag {
	return &cli.StringFlag{Name: "executor", Value: "local", Usage: "where stages run: `EXECUTOR` is local or slurm"}
}

// executorName reports whether the flags name a cluster.
func executorName(c *cli.Context) (onCluster bool, err error) {
	switch name := c.String("executor"); name {
	case "slurm", "local":
		return name == "slurm", nil
	default:
		return false, &usageError{msg: fmt.Sprintf("--executor: there is no %q: local or slurm", name), hints: []string{suggest.DidYouMean(name, []string{"local", "slurm"})}}
	}
}

// executor returns what the flags name; nil for this machine.
func (a *app) executor(c *cli.Context, w *pipeline.Workspace) (*jobs.Executor, error) {
	onCluster, err := executorName(c)
	switch {
	case err != nil:
		return nil, err
	case !onCluster && c.Bool("detach"):
		return nil, usageErrorf("--detach is for --executor slurm: on this machine stages end with xt")
	case !onCluster:
		return nil, nil
	case c.Bool("trace"):
		return nil, usageErrorf("--trace is for stages that run on this machine; jobs are isolated, where an undeclared input is missing")
	}
	x, err := a.newExecutor(w)
	if err != nil {
		return nil, err
	}
	x.Detach = c.Bool("detach")
	x.Options = jobs.Options{Targets: c.Args().Slice(), Set: c.StringSlice("set"), Single: c.Bool("single-item"), Downstream: c.Bool("downstream"),
		Force: c.Bool("force"), KeepGoing: c.Bool("keep-going"), AllowMissing: c.Bool("allow-missing"), NoRunCache: c.Bool("no-run-cache")}
	return x, nil
}

// newExecutor returns one that submits to, or follows, the cluster that Slurm's
// programs reach.
func (a *app) newExecutor(w *pipeline.Workspace) (*jobs.Executor, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program of xt: %w", err)
	}
	say := func(text string) { a.term.Sayf("%s", text) }
	return &jobs.Executor{
		Registry: jobs.Open(w.Root),
		Client:   &slurm.Client{Log: say, Patience: time.Minute},
		Program:  program,
		Command:  git.QuoteWords(append([]string{"xt"}, a.args[1:]...)),
		Hurry:    a.hurry,
		Say:      a.term.Sayf,
	}, nil
}
