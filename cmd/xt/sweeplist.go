package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/search"
	"github.com/xtrepro/xt/pipeline/sweep"
	"github.com/xtrepro/xt/track"
)

func (a *app) sweepListCommand() *cli.Command {
	return &cli.Command{
		Name: "list", Usage: "list the sweeps that xt.toml declares, and those that were begun",
		Description: "examples:\n   xt sweep list\n   xt sweep list --json",
		Flags:       append(storeFlags(), jsonFlag()),
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usageErrorf("xt sweep list takes no operands")
			}
			return a.withRuns(c, func(ctx context.Context, s track.Store) error { return a.listSweeps(ctx, c, s) })
		},
	}
}

// sweepLine is a sweep in a list.
type sweepLine struct {
	Name     string         `json:"sweep"`
	Declared bool           `json:"declared"` // in xt.toml
	Begun    bool           `json:"begun"`
	Counts   map[string]int `json:"counts"`
	Best     []jsonNum      `json:"best,omitempty"` // of one objective
	RunID    string         `json:"run_id,omitempty"`

	total  int
	course []float64
}

func (a *app) listSweeps(ctx context.Context, c *cli.Context, s track.Store) error {
	lines := []*sweepLine{}
	w, err := a.open()
	if err != nil && !errors.Is(err, pipeline.ErrNoProject) {
		return err
	}
	if err == nil {
		for _, name := range sweepNames(w) {
			lines = append(lines, &sweepLine{Name: name, Declared: true, Counts: map[string]int{}})
		}
	}
	studies, err := s.Studies(ctx)
	if err != nil {
		return err
	}
	for i := range studies {
		d, ok := search.DefinitionOf(&studies[i])
		if !ok {
			continue
		}
		sw, err := d.Sweep(studies[i].Name)
		if err != nil {
			return fmt.Errorf("sweep %s: %w", studies[i].Name, err)
		}
		at := slices.IndexFunc(lines, func(l *sweepLine) bool { return l.Name == sw.Name })
		if at < 0 {
			at = len(lines)
			lines = append(lines, &sweepLine{Name: sw.Name, Counts: map[string]int{}})
		}
		if err := lines[at].fill(ctx, s, &studies[i], sw); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		return a.writeJSON(lines)
	}
	if len(lines) == 0 {
		a.term.Sayf("there are no sweeps: declare one in xt.toml, as [sweep.NAME]")
		return nil
	}
	rows := [][]string{{"sweep", "trials", "complete", "pruned", "failed", "best", ""}}
	for _, l := range lines {
		rows = append(rows, l.row())
	}
	a.table(rows, false)
	return nil
}

func (l *sweepLine) fill(ctx context.Context, s track.Store, study *track.Study, sw *pipeline.Sweep) error {
	trials, kept, err := search.Trials(ctx, s, study.ID, sw)
	if err != nil {
		return err
	}
	l.Begun, l.RunID, l.total = true, study.RunID, len(trials)
	for i := range kept {
		l.Counts[strings.ToLower(string(kept[i].State))]++
	}
	p := sw.Problem()
	if front := p.Front(trials); len(front) > 0 && len(sw.Objectives) == 1 {
		l.Best = []jsonNum{jsonNum(front[0].Values[0])}
		l.course = bestSoFar(p, slices.DeleteFunc(trials, func(t sweep.Trial) bool { return t.State != sweep.Complete }), 12)
	}
	return nil
}

func (l *sweepLine) row() []string {
	if !l.Begun {
		return []string{l.Name, "not begun"}
	}
	best := "-"
	if len(l.Best) > 0 {
		best = floatWords(float64(l.Best[0]))
	}
	count := func(s track.TrialState) string { return fmt.Sprint(l.Counts[strings.ToLower(string(s))]) }
	return []string{l.Name, fmt.Sprint(l.total), count(track.TrialComplete), count(track.TrialPruned), count(track.TrialFailed), best, term.Sparkline(l.course)}
}
