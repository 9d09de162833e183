package main

import (
	"slices"
	"strings"

	"github.com/clipperhouse/displaywidth"
	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) statusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "say which stages and data are not up to date, and why",
		ArgsUsage: "[STAGE…]",
		Description: "Compares xt.toml, xt.lock and the workspace. Nothing is run and nothing is written but\n" +
			"the memory of which files are unchanged.\n\n" +
			"examples:\n   xt status\n   xt status train --json\n   xt status --exit-code || echo \"something is stale\"",
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "exit-code", Usage: "exit with 1 if something is not up to date"},
			&cli.BoolFlag{Name: "allow-missing", Usage: "take the word of xt.lock for data that is not there"},
		},
		Action: a.status,
	}
}

// statusReport is the JSON of xt status.
type statusReport struct {
	Stages []stageStatus `json:"stages"`
	Data   []dataStatus  `json:"data"`
	Clean  bool          `json:"clean"` // all is up to date
}

type stageStatus struct {
	Stage       string            `json:"stage"`
	Action      string            `json:"action"` // "up to date", "run", "restore", "wait", "blocked", "frozen"
	Reasons     []pipeline.Reason `json:"reasons"`
	Fingerprint string            `json:"fingerprint,omitempty"`
	How         string            `json:"how,omitempty"`
}

type dataStatus struct {
	Path  string `json:"path"`
	State string `json:"state"`
}

func (a *app) status(c *cli.Context) error {
	w, err := a.open()
	if err != nil {
		return err
	}
	stages, err := w.Graph.Select(c.Args().Slice(), pipeline.SelectOptions{})
	if err != nil {
		return err
	}
	progress := a.watch(w, "hashing")
	defer progress.Done()
	facts, err := w.Facts(c.Context, stages)
	if err != nil {
		return err
	}
	plan := pipeline.NewPlan(w.Graph, stages, facts, pipeline.Options{AllowMissing: c.Bool("allow-missing")})
	data, err := w.DataStates(c.Context, facts)
	if err != nil {
		return err
	}
	if c.Bool("allow-missing") {
		data = slices.DeleteFunc(data, func(d *pipeline.DataState) bool { return d.Now.IsZero() || d.Part })
	}
	progress.Done()
	if err := w.SaveIndex(); err != nil {
		return err
	}
	report := newStatusReport(plan, data)
	if c.Bool("json") {
		err = a.writeJSON(report)
	} else {
		a.printStatus(w, plan, data)
	}
	if err == nil && c.Bool("exit-code") && !report.Clean {
		err = errFailed
	}
	return err
}

func newStatusReport(plan *pipeline.Plan, data []*pipeline.DataState) *statusReport {
	r := &statusReport{Stages: []stageStatus{}, Data: []dataStatus{}, Clean: len(plan.Stale()) == 0}
	for _, s := range plan.Steps {
		r.Stages = append(r.Stages, newStageStatus(s))
	}
	for _, d := range data {
		r.Data = append(r.Data, dataStatus{d.Path, d.State()})
		r.Clean = r.Clean && d.Now.Same(d.Node)
	}
	return r
}

func newStageStatus(s *pipeline.Step) stageStatus {
	st := stageStatus{Stage: s.Stage.Name, Action: s.Action.String(), Reasons: s.Reasons, How: string(s.Entry.How)}
	if st.Reasons == nil {
		st.Reasons = []pipeline.Reason{}
	}
	if !s.Entry.Fingerprint.IsZero() {
		st.Fingerprint = s.Entry.Fingerprint.String()
	}
	if s.Stale() {
		st.How = ""
	}
	return st
}

func (a *app) printStatus(w *pipeline.Workspace, plan *pipeline.Plan, data []*pipeline.DataState) {
	width := 0
	for _, s := range plan.Steps {
		width = max(width, displaywidth.String(s.Stage.Name))
	}
	for _, s := range plan.Steps {
		a.printStep(w, s, width)
	}
	clean := 0
	for _, d := range data {
		if d.State() == "up to date" {
			clean++
			continue
		}
		a.term.Printf("%s %s\n", a.term.Paint(term.Yellow, "data:"), shown(d.Path)+" is "+dataWords(d))
	}
	a.summary(plan, data, clean)
}

func dataWords(d *pipeline.DataState) string {
	switch s := d.State(); {
	case s == "changed":
		return "changed since it was added; \"xt add\" takes the change, \"xt checkout --force\" undoes it"
	case s == "missing":
		return "missing; \"xt checkout\" brings it back"
	case s == "missing, also from the cache":
		return s + "; \"xt pull\" brings it from a remote"
	case s == "here in part":
		return s + "; \"xt pull " + shown(d.Path) + "\" brings the rest"
	default:
		return s
	}
}

// printStep writes a stage, what is to be done about it, and why.
func (a *app) printStep(w *pipeline.Workspace, s *pipeline.Step, width int) {
	name := padded(s.Stage.Name, width)
	switch s.Action {
	case pipeline.UpToDate:
		a.term.Printf("%s  %s\n", name, a.term.Paint(term.Green, "up to date"))
	case pipeline.Frozen:
		a.term.Printf("%s  %s\n", name, a.term.Paint(term.Cyan, "frozen"))
	default:
		a.term.Printf("%s  %s\n", name, a.term.Paint(term.Yellow, stepWords(s)))
		for _, r := range s.Reasons {
			a.term.Printf("%*s  - %s\n", width, "", r.Text+a.blame(w, s.Stage.Name, r))
		}
	}
}

func stepWords(s *pipeline.Step) string {
	switch {
	case s.Action == pipeline.Restore && s.Past:
		return "to be restored: the run cache has the result for these inputs"
	case s.Action == pipeline.Restore:
		return "to be restored from the cache"
	case s.Action == pipeline.Wait:
		return "to be decided when what it depends on is done"
	case s.Action == pipeline.Blocked:
		return "blocked: an input is missing"
	}
	return "to be run"
}

func (a *app) summary(plan *pipeline.Plan, data []*pipeline.DataState, clean int) {
	stale := len(plan.Stale())
	switch {
	case len(plan.Steps) == 0 && len(data) == 0:
		a.term.Printf("nothing yet: declare a stage in xt.toml, or add data with \"xt add PATH\"\n")
	case stale == 0 && clean == len(data):
		var parts []string
		if n := len(plan.Steps); n > 0 {
			parts = append(parts, plural(n, "stage"))
		}
		if n := len(data); n > 0 {
			parts = append(parts, plural(n, "data path"))
		}
		a.term.Printf("%s\n", "all is up to date: "+strings.Join(parts, ", "))
	case slices.ContainsFunc(plan.Steps, func(s *pipeline.Step) bool { return s.Action == pipeline.Blocked }):
		a.term.Printf("%s not up to date; put the missing inputs there first, or see whether \"xt checkout\" or \"xt pull\" has them\n", outOf(stale, len(plan.Steps)))
	case stale > 0:
		a.term.Printf("%s not up to date; \"xt repro\" does what is to be done\n", outOf(stale, len(plan.Steps)))
	}
}

func outOf(n, all int) string {
	if n == all {
		return plural(n, "stage")
	}
	return term.Count(int64(n)) + " of " + plural(all, "stage")
}
