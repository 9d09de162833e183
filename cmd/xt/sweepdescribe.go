package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/search"
	"github.com/xtrepro/xt/pipeline/sweep"
)

// sweepPlan is the JSON of xt sweep --dry-run.
type sweepPlan struct {
	Name string `json:"sweep"`
	*search.Definition
	Trials int     `json:"trials,omitempty"`
	Jobs   int     `json:"jobs"`
	Grid   int     `json:"grid_points,omitempty"`
	Pruner *string `json:"pruner,omitempty"`
}

// describeSweep shows what a sweep searches, and how.
func (a *app) describeSweep(c *cli.Context, s *pipeline.Sweep, opts search.Options) error {
	sampler, err := s.Problem().Sampler(s.Sampler)
	if err != nil {
		return err
	}
	p := &sweepPlan{Name: s.Name, Definition: search.Define(s), Trials: opts.Trials, Jobs: max(1, opts.Jobs), Grid: sweep.Size(sampler)}
	if s.Pruner != nil {
		p.Pruner = &s.Pruner.Name
	}
	if c.Bool("json") {
		return a.writeJSON(p)
	}
	line := func(name, words string) { a.term.Printf("  %-12s %s\n", name, words) }
	a.term.Printf("%s\n", a.term.Paint(term.Bold, s.Name))
	line("stages", strings.Join(s.Stages, ", "))
	for _, o := range p.Objectives {
		line("objective", string(o.Direction)+" "+o.Metric)
	}
	for _, words := range p.Constraints {
		line("constraint", words)
	}
	line("sampler", fmt.Sprintf("%s, seed %d", s.Sampler, s.Seed))
	if s.Pruner != nil {
		logged, file := s.Watched()
		watched := logged
		if file.File != "" {
			watched = strings.TrimPrefix(logged+" or "+file.String(), " or ")
		}
		line("pruner", s.Pruner.Name+" of "+watched)
	}
	line("trials", sweepExtent(p, &opts))
	a.term.Printf("%s\n", a.term.Paint(term.Dim, "parameters"))
	for i := range s.Params {
		a.term.Printf("  %-12s %s\n", s.Params[i].Name, s.Params[i].String())
	}
	return nil
}

// sweepExtent says how much is tried.
func sweepExtent(p *sweepPlan, opts *search.Options) string {
	words := "no end"
	switch {
	case p.Grid > 0 && (p.Trials == 0 || p.Trials >= p.Grid):
		words = fmt.Sprintf("the %d points of the grid", p.Grid)
	case p.Trials > 0:
		words = fmt.Sprint(p.Trials)
	}
	if opts.Timeout > 0 {
		words += ", none begun after " + term.Duration(opts.Timeout)
	}
	return fmt.Sprintf("%s, %d at a time", words, p.Jobs)
}
