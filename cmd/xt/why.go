package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) whyCommand() *cli.Command {
	return &cli.Command{
		Name:      "why",
		Usage:     "say why a stage is, or is not, up to date",
		ArgsUsage: "STAGE",
		Description: "Shows which input changed, from what to what, and in which commit where git knows. For a\n" +
			"stage that is up to date it shows what the result was made from.\n\n" +
			"examples:\n   xt why train\n   xt why train --fingerprint    # every line that went into the fingerprint",
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "fingerprint", Usage: "print the text whose digest is the fingerprint"},
		},
		Action: a.why,
	}
}

func (a *app) why(c *cli.Context) error {
	if c.NArg() == 0 {
		return &usageError{msg: "xt why: which stage?", hints: []string{"xt why STAGE; \"xt status\" lists the stages"}}
	}
	w, err := a.open()
	if err != nil {
		return err
	}
	wanted, err := w.Graph.Select(c.Args().Slice(), pipeline.SelectOptions{Single: true})
	if err != nil {
		return err
	}
	all, err := w.Graph.Select(c.Args().Slice(), pipeline.SelectOptions{})
	if err != nil {
		return err
	}
	plan, err := a.plan(c, w, all, pipeline.RunOptions{})
	if err != nil {
		return err
	}
	asked := map[*pipeline.Stage]bool{}
	for _, s := range wanted {
		asked[s] = true
	}
	var report []stageStatus
	for _, step := range plan.Steps {
		switch {
		case !asked[step.Stage]:
		case c.Bool("json"):
			report = append(report, newStageStatus(step))
		case c.Bool("fingerprint"):
			a.term.Printf("%s", pipeline.Describe(step.Entry))
			if step.Entry.Fingerprint.IsZero() {
				a.term.Warnf("some inputs of %s are not known yet: they are shown as nothing", step.Stage.Name)
			}
		default:
			a.explain(w, step)
		}
	}
	if c.Bool("json") {
		return a.writeJSON(report)
	}
	return nil
}

// explain writes all there is to say of one stage.
func (a *app) explain(w *pipeline.Workspace, s *pipeline.Step) {
	a.printStep(w, s, 0)
	if s.Action != pipeline.UpToDate {
		return
	}
	e := s.Entry
	a.term.Printf("  fingerprint %s, %s%s\n", e.Fingerprint.Short(), e.How, madeAt(e))
	for _, it := range e.Code {
		a.term.Printf("  code        %s %s\n", it.Path, it.Sum.Short())
	}
	for _, it := range e.Deps {
		a.term.Printf("  dependency  %s %s\n", it.Path, it.Sum.Short())
	}
	for _, it := range e.Calls {
		a.term.Printf("  recordings  %s %s (%s)\n", it.Path, it.Sum.Short(), plural(int(it.Files), "call"))
	}
	for _, p := range e.Params {
		a.term.Printf("  parameter   %s = %s\n", strings.TrimPrefix(p.File+":"+p.Key, ":"), p.Value)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Env)) {
		a.term.Printf("  variable    %s = %s\n", name, e.Env[name])
	}
	if e.Seed != nil {
		a.term.Printf("  seed        %d, deterministic %s, threads %d\n", *e.Seed, e.Deterministic, e.Threads)
	}
	if env := s.Environment; env != nil {
		a.term.Printf("  environment %s/%s, %s, %s\n", env.OS, env.Arch, cmp.Or(env.Python, "no Python"), packagesWords(env))
	}
	for _, it := range e.Outs {
		a.term.Printf("  output      %s %s (%s)\n", it.Path, it.Sum.Short(), term.Bytes(it.Size))
	}
}

// packagesWords says which packages an environment has: those that the locked
// file pins, or those that were found.
func packagesWords(env *lock.Environment) string {
	if !env.Locked.IsZero() {
		return "packages locked as " + env.Locked.Short()
	}
	return plural(len(env.Packages), "package")
}

func madeAt(e *lock.Stage) string {
	switch {
	case e.Commit == "":
		return ""
	case e.Dirty:
		return " at commit " + e.Commit[:min(10, len(e.Commit))] + " with changes"
	}
	return " at commit " + e.Commit[:min(10, len(e.Commit))]
}

// blame says in which commit the thing that a reason is about last changed.
func (a *app) blame(w *pipeline.Workspace, stage string, r pipeline.Reason) string {
	c, ok := w.Blame(stage, r)
	if !ok {
		return ""
	}
	if c.Hash == "" {
		return " (not committed)"
	}
	return fmt.Sprintf(" (in %s %q, %s, %s)", c.Hash[:min(10, len(c.Hash))], shorten(c.Subject, 50), c.Author, ago(time.Since(c.Time)))
}
