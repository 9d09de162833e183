package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/clipperhouse/displaywidth"
	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/suggest"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/search"
	"github.com/xtrepro/xt/pipeline/sweep"
	"github.com/xtrepro/xt/track"
)

func (a *app) sweepShowCommand() *cli.Command {
	return &cli.Command{
		Name: "show", Usage: "rank the trials of a sweep, and say which parameters matter", ArgsUsage: "NAME",
		Description: "The importance of a parameter is how far its values in the best tenth of the trials are from those in\n" +
			"all of them. With several objectives, a star is on trials that none is better than in everything.\n\n" +
			"examples:\n   xt sweep show lr\n   xt sweep show lr -n 0 --csv > trials.csv\n   xt sweep show lr --json",
		Flags: append(storeFlags(), jsonFlag(),
			&cli.BoolFlag{Name: "csv", Usage: "write all trials as CSV"},
			&cli.IntFlag{Name: "last", Aliases: []string{"n"}, Value: 10, Usage: "rank at most `N`; 0 for all"},
		),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usageErrorf("xt sweep show takes the name of one sweep, not %d", c.NArg())
			}
			return a.withRuns(c, func(ctx context.Context, s track.Store) error {
				study, sw, err := findSweep(ctx, s, c.Args().First())
				if err != nil {
					return err
				}
				report, err := newSweepReport(ctx, s, study.ID, sw)
				if err != nil {
					return err
				}
				switch {
				case c.Bool("json"):
					return a.writeJSON(report)
				case c.Bool("csv"):
					return a.writeSweepCSV(report)
				}
				a.printSweep(report, c.Int("last"))
				return nil
			})
		},
	}
}

// findSweep returns the study of a sweep, and the sweep as it was begun.
func findSweep(ctx context.Context, s track.Store, name string) (track.Study, *pipeline.Sweep, error) {
	study, err := s.StudyByName(ctx, name)
	if err != nil && track.CodeOf(err) != track.NotFound {
		return study, nil, err
	}
	if err == nil {
		d, ok := search.DefinitionOf(&study)
		if !ok {
			return study, nil, &search.ForeignError{Name: name}
		}
		sw, err := d.Sweep(name)
		return study, sw, err
	}
	e := &usageError{msg: fmt.Sprintf("no sweep %q was begun here", name), hints: []string{fmt.Sprintf("\"xt sweep %s\" begins it, if xt.toml declares it", name)}}
	if studies, err := s.Studies(ctx); err == nil {
		var names []string
		for i := range studies {
			if _, ok := search.DefinitionOf(&studies[i]); ok {
				names = append(names, studies[i].Name)
			}
		}
		if hint := suggest.DidYouMean(name, names); hint != "" {
			e.hints = []string{hint}
		}
	}
	return study, nil, e
}

// sweepReport is the JSON of a sweep.
type sweepReport struct {
	Name       string             `json:"sweep"`
	Stages     []string           `json:"stages"`
	Objectives []search.Sought    `json:"objectives"`
	Sampler    string             `json:"sampler"`
	Seed       uint64             `json:"seed"`
	RunID      string             `json:"run_id,omitempty"`
	Counts     map[string]int     `json:"counts"`
	Best       []int              `json:"best"`                 // numbers of trials
	Importance map[string]float64 `json:"importance,omitempty"` // parts of 1
	Trials     []trialJSON        `json:"trials"`               // by number

	s      *pipeline.Sweep
	p      *sweep.Problem
	trials []sweep.Trial
}

type trialJSON struct {
	Number    int              `json:"number"`
	State     track.TrialState `json:"state"`
	Values    []jsonNum        `json:"values,omitempty"`
	Violation *float64         `json:"violation,omitempty"` // by how much it misses constraints, if it does
	Params    map[string]any   `json:"params"`
	Steps     int              `json:"steps,omitempty"` // that were reported
	RunID     string           `json:"run_id,omitempty"`
	Start     int64            `json:"start_time_ms,omitempty"`
	End       int64            `json:"end_time_ms,omitempty"`
}

func newSweepReport(ctx context.Context, store track.Store, id int64, s *pipeline.Sweep) (*sweepReport, error) {
	study, err := store.Study(ctx, id)
	if err != nil {
		return nil, err
	}
	trials, kept, err := search.Trials(ctx, store, id, s)
	if err != nil {
		return nil, err
	}
	d := search.Define(s)
	r := &sweepReport{
		Name: s.Name, Stages: s.Stages, Objectives: d.Objectives, Sampler: s.Sampler, Seed: s.Seed, RunID: study.RunID,
		Counts: map[string]int{}, Best: []int{}, Trials: []trialJSON{}, s: s, p: s.Problem(), trials: trials,
	}
	for i := range kept {
		r.Counts[strings.ToLower(string(kept[i].State))]++
		r.Trials = append(r.Trials, newTrialJSON(s, &kept[i], &trials[i]))
	}
	for _, t := range r.p.Front(trials) {
		r.Best = append(r.Best, t.Number)
	}
	if parts := r.p.Importance(trials); parts != nil {
		r.Importance = map[string]float64{}
		for i, part := range parts {
			r.Importance[s.Params[i].Name] = part
		}
	}
	return r, nil
}

func newTrialJSON(s *pipeline.Sweep, k *track.Trial, t *sweep.Trial) trialJSON {
	j := trialJSON{Number: t.Number, State: k.State, Params: map[string]any{}, Steps: len(t.Steps), RunID: k.RunID, Start: k.Start / 1000, End: k.End / 1000}
	for _, v := range k.Values {
		j.Values = append(j.Values, jsonNum(v))
	}
	if t.Violation > 0 {
		v := min(t.Violation, math.MaxFloat64)
		j.Violation = &v
	}
	for i := range s.Params {
		if v := t.Point[i]; !math.IsNaN(v) {
			j.Params[s.Params[i].Name] = s.Params[i].Value(v)
		}
	}
	return j
}

// printSweep shows a sweep to people.
func (a *app) printSweep(r *sweepReport, most int) {
	var words []string
	for _, o := range r.Objectives {
		words = append(words, string(o.Direction)+" "+o.Metric)
	}
	a.term.Printf("%s  %s (%s, seed %d)\n", a.term.Paint(term.Bold, r.Name), strings.Join(words, ", "), r.Sampler, r.Seed)
	tally := map[sweep.State]int{}
	for i := range r.trials {
		tally[r.trials[i].State]++
	}
	line := plural(len(r.trials), "trial") + tallyWords(tally, 0)
	if n := tally[sweep.Running]; n > 0 {
		line += fmt.Sprintf(", %d going on or left", n)
	}
	if len(r.Objectives) == 1 {
		line += "  " + term.Sparkline(bestSoFar(r.p, r.trials, 40))
	}
	a.term.Printf("%s\n", strings.TrimSpace(line))
	ranked := r.p.Rank(r.trials)
	if len(ranked) == 0 {
		return
	}
	if most > 0 && len(ranked) > most {
		ranked = ranked[:most]
	}
	a.table(r.rows(ranked), false)
	a.printImportance(r)
}

func (r *sweepReport) rows(ranked []sweep.Trial) [][]string {
	head := []string{"", "trial"}
	for _, o := range r.s.Objectives {
		head = append(head, o.Key)
	}
	for i := range r.s.Params {
		head = append(head, r.s.Params[i].Name)
	}
	rows := [][]string{append(head, "run")}
	for _, t := range ranked {
		mark := ""
		if slices.Contains(r.Best, t.Number) {
			mark = "*"
		}
		row := []string{mark, strconv.Itoa(t.Number)}
		for i, v := range t.Values {
			text := floatWords(v)
			if i == 0 && t.Violation > 0 {
				text += " (forbidden)"
			}
			row = append(row, text)
		}
		for i := range r.s.Params {
			text := "-"
			if v := t.Point[i]; !math.IsNaN(v) {
				text = shown(shorten(valueText(r.s.Params[i].Value(v)), 24))
			}
			row = append(row, text)
		}
		at := slices.IndexFunc(r.Trials, func(j trialJSON) bool { return j.Number == t.Number })
		rows = append(rows, append(row, shortID(r.Trials[at].RunID)))
	}
	return rows
}

const importanceWidth = 30

func (a *app) printImportance(r *sweepReport) {
	if r.Importance == nil {
		return
	}
	a.term.Printf("%s\n", a.term.Paint(term.Dim, "importance"))
	names := []string{}
	width := 0
	for i := range r.s.Params {
		names = append(names, r.s.Params[i].Name)
		width = max(width, displaywidth.String(r.s.Params[i].Name))
	}
	slices.SortStableFunc(names, func(x, y string) int {
		switch p, q := r.Importance[x], r.Importance[y]; {
		case p > q:
			return -1
		case p < q:
			return 1
		}
		return 0
	})
	for _, n := range names {
		part := r.Importance[n]
		a.term.Printf("  %s %3.0f %% %s\n", padded(n, width), 100*part, strings.Repeat("█", int(part*importanceWidth+0.5)))
	}
}

// writeSweepCSV writes all trials, by number.
func (a *app) writeSweepCSV(r *sweepReport) error {
	w := csv.NewWriter(a.term.Out)
	head := []string{"trial", "state", "run_id", "start_time_ms", "end_time_ms", "violation"}
	for _, o := range r.Objectives {
		head = append(head, o.Metric)
	}
	for i := range r.s.Params {
		head = append(head, "params."+r.s.Params[i].Name)
	}
	_ = w.Write(head) // Error tells
	for i := range r.Trials {
		j, t := &r.Trials[i], &r.trials[i]
		number := func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
		row := []string{strconv.Itoa(j.Number), string(j.State), j.RunID, fmt.Sprint(j.Start), fmt.Sprint(j.End), number(t.Violation)}
		for k := range r.Objectives {
			text := ""
			if k < len(t.Values) {
				text = number(t.Values[k])
			}
			row = append(row, text)
		}
		for k := range r.s.Params {
			text := ""
			if v := t.Point[k]; !math.IsNaN(v) {
				text = wholeText(r.s.Params[k].Value(v))
			}
			row = append(row, text)
		}
		_ = w.Write(row)
	}
	w.Flush()
	return w.Error()
}
