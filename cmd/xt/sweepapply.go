package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/search"
	"github.com/xtrepro/xt/pipeline/sweep"
	"github.com/xtrepro/xt/track"
)

func (a *app) sweepApplyCommand() *cli.Command {
	return &cli.Command{
		Name: "apply", Usage: "bring the best trial of a sweep into the workspace, as \"xt runs apply\" does", ArgsUsage: "NAME",
		Description: "With several objectives there is no best one: --trial says which is meant.\n\nexamples:\n   xt sweep apply lr\n   xt sweep apply lr --trial 17\n   xt sweep apply lr --params-only",
		Flags: append(storeFlags(),
			&cli.IntFlag{Name: "trial", Usage: "the trial `N` rather than the best", Value: -1},
			&cli.BoolFlag{Name: "params-only", Usage: "write the parameters, and do nothing more"},
		),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usageErrorf("xt sweep apply takes the name of one sweep, not %d", c.NArg())
			}
			var run track.Run
			err := a.withRuns(c, func(ctx context.Context, s track.Store) (err error) {
				run, err = trialRun(ctx, s, c.Args().First(), c.Int("trial"))
				return err
			})
			if err != nil {
				return err
			}
			return a.applyRun(c, &run)
		},
	}
}

// trialRun returns the run of a trial of a sweep; of -1 that of the best.
func trialRun(ctx context.Context, s track.Store, name string, number int) (track.Run, error) {
	study, sw, err := findSweep(ctx, s, name)
	if err != nil {
		return track.Run{}, err
	}
	trials, kept, err := search.Trials(ctx, s, study.ID, sw)
	if err != nil {
		return track.Run{}, err
	}
	if number < 0 {
		front := sw.Problem().Front(trials)
		switch {
		case len(front) == 0:
			return track.Run{}, usageErrorf("sweep %s: no trial is complete", name)
		case len(sw.Objectives) > 1 && len(front) > 1:
			return track.Run{}, &usageError{msg: fmt.Sprintf("sweep %s has %d objectives, and %d trials that none is better than in all", name, len(sw.Objectives), len(front)),
				hints: []string{fmt.Sprintf("\"xt sweep show %s\" has a star on them; take one with --trial %d", name, front[0].Number)}}
		}
		number = front[0].Number
	}
	at := slices.IndexFunc(trials, func(t sweep.Trial) bool { return t.Number == number })
	switch {
	case at < 0:
		return track.Run{}, usageErrorf("sweep %s has no trial %d", name, number)
	case kept[at].RunID == "":
		return track.Run{}, usageErrorf("trial %d of sweep %s is no run", number, name)
	}
	r, err := s.Run(ctx, kept[at].RunID)
	if track.CodeOf(err) == track.NotFound {
		return r, usageErrorf("the run of trial %d of sweep %s was deleted for good", number, name)
	}
	return r, err
}

// trialSettings returns the values that a trial gave to parameters, if a run is one:
// also those that only stages before its own read.
func trialSettings(ctx context.Context, s track.Store, r *track.Run) ([]pipeline.ParamSetting, error) {
	name := tagOf(r, sweepTag)
	number, err := strconv.Atoi(tagOf(r, trialTag))
	if name == "" || err != nil {
		return nil, nil
	}
	study, sw, err := findSweep(ctx, s, name)
	if err != nil {
		return nil, nil // it was forgotten, and the entry has what the stage read
	}
	trials, _, err := search.Trials(ctx, s, study.ID, sw)
	if err != nil {
		return nil, err
	}
	for _, t := range trials {
		if t.Number == number {
			return sw.Settings(t.Point), nil
		}
	}
	return nil, nil
}
