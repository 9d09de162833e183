package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/track"
)

func (a *app) runsApplyCommand() *cli.Command {
	return &cli.Command{
		Name: "apply", Usage: "bring a run into the workspace: its parameters, its outputs and its entry in xt.lock", ArgsUsage: "RUN",
		Description: "The run must be one of a stage. Its parameters are written into xt.toml and the params files, in which\n" +
			"all else stays as it is; then the stage is brought up to date, which takes the outputs from the\n" +
			"cache. Where the code, the data or the environment are not those of the run, it says so and\n" +
			"changes nothing. What you have and git or the cache has not is never replaced.\n\n" +
			"examples:\n   xt runs apply 4f0e1c2b\n   xt runs apply $(xt runs list --order-by 'metrics.loss ASC' -n 1 --json | jq -r '.[0].run_id')\n   xt runs apply 4f0e1c2b --params-only",
		Flags: append(storeFlags(), &cli.BoolFlag{Name: "params-only", Usage: "write the parameters, and do nothing more"}),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usageErrorf("xt runs apply takes one run, not %d", c.NArg())
			}
			var run track.Run
			err := a.withRuns(c, func(ctx context.Context, s track.Store) (err error) {
				run, err = findRun(ctx, s, c.Args().First(), track.ActiveOnly)
				return err
			})
			if err != nil {
				return err
			}
			return a.applyRun(c, &run)
		},
	}
}

func (a *app) applyRun(c *cli.Context, r *track.Run) error {
	o := originOf(r)
	opts := pipeline.SelectOptions{Single: o.Kind != track.TrialRun} // a trial may vary what comes before
	entry, env := entryOf(o)
	if entry == nil || o.Stage == "" {
		return &usageError{msg: fmt.Sprintf("run %s is none of a stage, so that there is nothing of it to apply", shortID(r.ID)), hints: []string{"\"xt runs list --filter \\\"origin.kind = 'stage'\\\"\" lists those that are"}}
	}
	settings, err := pipeline.ParamSettings(entry.Params)
	if err != nil {
		return err
	}
	err = a.withRuns(c, func(ctx context.Context, s track.Store) error {
		more, err := trialSettings(ctx, s, r)
		settings = mergeSettings(settings, more)
		return err
	})
	if err != nil {
		return err
	}
	if !c.Bool("params-only") {
		if err := a.appliesTo(c, entry, env, settings, opts); err != nil {
			return err
		}
	}
	w, err := a.open()
	if err != nil {
		return err
	}
	changed, err := w.ApplyParams(settings)
	if err != nil {
		return err
	}
	for _, s := range changed {
		a.term.Sayf("%s: %s = %s", s.File, s.Key, valueText(s.Value))
	}
	if c.Bool("params-only") {
		return nil
	}
	return a.restoreRun(c, entry.Name, opts)
}

// appliesTo finds out whether the stage would be the one of the run, if it had the
// parameters of that.
func (a *app) appliesTo(c *cli.Context, entry *lock.Stage, env *lock.Environment, settings []pipeline.ParamSetting, opts pipeline.SelectOptions) error {
	var overrides []pipeline.Override
	for i := range settings {
		overrides = append(overrides, settings[i].Override())
	}
	w, err := a.open(overrides...)
	if err != nil {
		return err
	}
	stages, err := w.Graph.Select([]string{entry.Name}, opts)
	if err != nil {
		return err
	}
	plan, err := a.plan(c, w, stages, pipeline.RunOptions{Options: pipeline.Options{AllowMissing: true}})
	if err != nil {
		return err
	}
	step := stepOf(plan, entry.Name)
	if step.Entry.Fingerprint == entry.Fingerprint {
		return nil
	}
	e := &usageError{msg: fmt.Sprintf("stage %s is not as it was in the run; nothing was changed", entry.Name)}
	for _, ch := range lock.DiffStage(entry, step.Entry, env, step.Environment) {
		if ch.Kind.Input() {
			e.msg += "\n  - " + pipeline.ChangeText(ch)
		}
	}
	if entry.Commit != "" {
		e.hints = append(e.hints, "git switch --detach "+entry.Commit[:min(10, len(entry.Commit))]+" brings the code of the run; apply it from there")
	}
	e.hints = append(e.hints, "--params-only writes its parameters all the same")
	return e
}

// restoreRun brings a stage up to date.
func (a *app) restoreRun(c *cli.Context, stage string, opts pipeline.SelectOptions) error {
	w, err := a.open()
	if err != nil {
		return err
	}
	stages, err := w.Graph.Select([]string{stage}, opts)
	if err != nil {
		return err
	}
	return a.reallyRun(c, w, stages, pipeline.RunOptions{}, nil)
}

// mergeSettings adds settings of further parameters.
func mergeSettings(settings, more []pipeline.ParamSetting) []pipeline.ParamSetting {
	for _, m := range more {
		same := func(s pipeline.ParamSetting) bool { return s.File == m.File && s.Key == m.Key }
		if !slices.ContainsFunc(settings, same) {
			settings = append(settings, m)
		}
	}
	return settings
}

// stepOf returns the step of a stage that a plan has.
func stepOf(p *pipeline.Plan, stage string) *pipeline.Step {
	return p.Steps[slices.IndexFunc(p.Steps, func(s *pipeline.Step) bool { return s.Stage.Name == stage })]
}
