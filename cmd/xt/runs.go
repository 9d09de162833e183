package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/track"
)

func (a *app) runsCommand() *cli.Command {
	return &cli.Command{
		Name:  "runs",
		Usage: "list, show and compare runs: executions of stages, xt run, and what clients logged",
		Subcommands: []*cli.Command{
			a.runsListCommand(), a.runsShowCommand(), a.runsDiffCommand(), a.runsApplyCommand(), a.runsExportCommand(),
			a.runsChangeCommand("rm", "delete runs; they can be restored until they are purged",
				"--purge removes them, and what only they have, for good.\n\nexamples:\n   xt runs rm 4f0e1c2b\n   xt runs rm --purge baseline",
				&cli.BoolFlag{Name: "purge", Usage: "remove them for good"}),
			a.runsChangeCommand("restore", "take the deletion of runs back", "examples:\n   xt runs restore 4f0e1c2b"),
		},
	}
}

// experimentIDs returns the numbers of the experiments of these names; of all if
// none is named.
func experimentIDs(ctx context.Context, s track.Store, names []string) ([]int64, error) {
	var ids []int64
	for _, name := range names {
		e, err := s.ExperimentByName(ctx, name)
		if track.CodeOf(err) == track.NotFound {
			return nil, usageErrorf("there is no experiment %q", name)
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, e.ID)
	}
	if len(names) > 0 {
		return ids, nil
	}
	for search := (track.ExperimentSearch{View: track.All, Search: track.Search{Max: 1000}}); ; {
		page, err := s.SearchExperiments(ctx, search)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Items {
			ids = append(ids, e.ID)
		}
		if search.PageToken = page.Next; page.Next == "" {
			return ids, nil
		}
	}
}

var runIDPrefix = regexp.MustCompile(`^[0-9a-f]{4,32}$`)

// findRun returns the run that a word means: its number, the beginning of it, or
// its name, of which the newest counts.
func findRun(ctx context.Context, s track.Store, word string, view track.View) (track.Run, error) {
	in, err := experimentIDs(ctx, s, nil)
	if err != nil {
		return track.Run{}, err
	}
	find := func(filter string) ([]track.Run, error) {
		page, err := s.SearchRuns(ctx, track.RunSearch{Search: track.Search{Filter: filter, Max: 2}, Experiments: in, View: view})
		return page.Items, err
	}
	if runIDPrefix.MatchString(word) {
		runs, err := find("attributes.run_id LIKE '" + word + "%'")
		switch {
		case err != nil:
			return track.Run{}, err
		case len(runs) == 1:
			return runs[0], nil
		case len(runs) > 1:
			return track.Run{}, usageErrorf("%s is the beginning of several runs: type more of it", word)
		}
	}
	if strings.ContainsAny(word, `'"`) {
		return track.Run{}, usageErrorf("there is no run %q", word)
	}
	runs, err := find("attributes.run_name = '" + word + "'")
	if err != nil {
		return track.Run{}, err
	}
	if len(runs) == 0 {
		return track.Run{}, &usageError{msg: fmt.Sprintf("there is no run %q", word), hints: []string{"\"xt runs list\" lists them"}}
	}
	return runs[0], nil
}

// runsChangeCommand is a command that does something to each run that is named.
func (a *app) runsChangeCommand(name, usage, more string, flags ...cli.Flag) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usage, ArgsUsage: "RUN…", Flags: append(storeFlags(), flags...),
		Description: "A run is named by its number, the beginning of it, or its name, of which the newest counts.\n" + more,
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usageErrorf("xt runs %s: which run?", name)
			}
			return a.withRuns(c, func(ctx context.Context, s track.Store) error {
				for _, word := range c.Args().Slice() {
					if err := a.changeRun(ctx, s, name, word, c.Bool("purge")); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func (a *app) changeRun(ctx context.Context, s track.Store, what, word string, purge bool) error {
	view := track.ActiveOnly
	if what == "restore" {
		view = track.DeletedOnly
	} else if purge {
		view = track.All
	}
	r, err := findRun(ctx, s, word, view)
	if err != nil {
		return err
	}
	switch {
	case what == "restore":
		err = s.RestoreRun(ctx, r.ID)
	case purge:
		if err = s.DeleteRun(ctx, r.ID); err == nil {
			err = s.PurgeRun(ctx, r.ID)
		}
	default:
		err = s.DeleteRun(ctx, r.ID)
	}
	if err == nil {
		a.term.Sayf("%s %s: %s", shortID(r.ID), shown(r.Name), map[string]string{"rm": "deleted", "restore": "restored"}[what])
	}
	return err
}

func shortID(id string) string { return id[:min(8, len(id))] }
