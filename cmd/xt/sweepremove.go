package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	xterm "golang.org/x/term"

	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/track"
)

func (a *app) sweepRemoveCommand() *cli.Command {
	return &cli.Command{
		Name: "rm", Usage: "forget a sweep, so that it begins anew; its runs and results stay", ArgsUsage: "NAME",
		Description: "The runs of its trials stay, as \"xt runs list\" shows, and so do the results in the cache: trials with\n" +
			"the same values cost nothing. --runs deletes the runs too; \"xt runs restore\" takes that back.\n\n" +
			"examples:\n   xt sweep rm lr\n   xt sweep rm lr --force --runs",
		Flags: append(storeFlags(),
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "do not ask"},
			&cli.BoolFlag{Name: "runs", Usage: "delete the runs of its trials too"},
		),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usageErrorf("xt sweep rm takes the name of one sweep, not %d", c.NArg())
			}
			return a.withRuns(c, func(ctx context.Context, s track.Store) error { return a.removeSweep(ctx, c, s) })
		},
	}
}

func (a *app) removeSweep(ctx context.Context, c *cli.Context, s track.Store) error {
	name := c.Args().First()
	study, _, err := findSweep(ctx, s, name)
	if err != nil {
		return err
	}
	w, err := a.open()
	if err != nil && !errors.Is(err, pipeline.ErrNoProject) {
		return err
	}
	if err == nil {
		unlock, err := a.lockSweep(w, name)
		if err != nil {
			return err
		}
		defer unlock()
	}
	trials, err := s.Trials(ctx, study.ID, track.TrialQuery{After: -1})
	if err != nil {
		return err
	}
	if sure, err := a.confirm(c, fmt.Sprintf("forget %s of sweep %s?", plural(len(trials), "trial"), name)); err != nil || !sure {
		return err
	}
	if c.Bool("runs") {
		ids := []string{study.RunID}
		for i := range trials {
			ids = append(ids, trials[i].RunID)
		}
		for _, id := range ids {
			if id == "" {
				continue
			}
			if err := s.DeleteRun(ctx, id); err != nil && track.CodeOf(err) != track.NotFound {
				return err
			}
		}
	}
	if err := s.DeleteStudy(ctx, study.ID); err != nil {
		return err
	}
	a.term.Sayf("sweep %s: forgotten", name)
	return nil
}

// confirm asks whether something is to be done that cannot be taken back. Where
// nobody can answer, --force is needed.
func (a *app) confirm(c *cli.Context, question string) (bool, error) {
	if c.Bool("force") {
		return true, nil
	}
	if f, ok := a.stdin.(*os.File); !ok || !xterm.IsTerminal(int(f.Fd())) {
		return false, &usageError{msg: strings.TrimSuffix(question, "?") + ": nobody can be asked whether that is meant", hints: []string{"--force does it"}}
	}
	fmt.Fprintf(a.term.Err, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(a.stdin).ReadString('\n') // what cannot be read is no yes
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true, nil
	}
	return false, errFailed
}
