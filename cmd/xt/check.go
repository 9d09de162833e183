package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) checkCommand() *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "exit with 1 unless xt.lock matches what is about to be committed",
		Description: "The gate of a pre-commit hook and of CI: quick, needs no data and runs nothing. It compares\n" +
			"xt.toml, code and parameters with xt.lock as they are staged in git, or in a commit. Where\n" +
			"there is no git it takes the files as they are.\n\n" +
			"examples:\n   xt check\n   xt check --rev HEAD\n   xt check --rev origin/main --json",
		Flags:  []cli.Flag{jsonFlag(), &cli.StringFlag{Name: "rev", Usage: "check the commit `REV` instead of what is staged"}},
		Action: a.check,
	}
}

func (a *app) check(c *cli.Context) error {
	if c.NArg() > 0 {
		return usageErrorf("xt check takes no operands: it checks all stages")
	}
	root, err := pipeline.FindRoot(a.dir)
	if err != nil {
		return err
	}
	plan, err := a.checkPlan(c, root)
	if err != nil {
		return err
	}
	stale := plan.Stale()
	if c.Bool("json") {
		if err := a.writeJSON(newStatusReport(plan, nil)); err != nil {
			return err
		}
	}
	if len(stale) == 0 {
		a.term.Sayf("xt.lock matches: %s", plural(len(plan.Steps), "stage"))
		return nil
	}
	if c.Bool("json") {
		return errFailed
	}
	for _, s := range stale {
		a.term.Printf("%s is stale\n", s.Stage.Name)
		for _, r := range s.Reasons {
			a.term.Printf("  - %s\n", r.Text)
		}
	}
	a.term.Error(plural(len(stale), "stage")+" of xt.lock not up to date", "run \"xt repro\", then \"git add "+pipeline.LockFile+"\" and what it names")
	return errFailed
}

func (a *app) checkPlan(c *cli.Context, root string) (*pipeline.Plan, error) {
	s, err := pipeline.OpenSnapshot(root, c.String("rev"))
	if errors.Is(err, git.ErrNoRepository) && c.String("rev") == "" {
		w, err := a.open()
		if err != nil {
			return nil, err
		}
		return a.plan(c, w, w.Graph.Stages, pipeline.RunOptions{Options: pipeline.Options{AllowMissing: true}})
	}
	if err != nil {
		return nil, err
	}
	return s.Check(c.Context)
}
