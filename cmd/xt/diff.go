package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) diffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "say what differs between two commits: data, stages, parameters, metrics",
		ArgsUsage: "[A [B]]",
		Description: "Compares xt.lock in commit A, HEAD unless given, with that in commit B, or in the workspace.\n" +
			"Of directories it lists the files that differ, where the cache has both.\n\n" +
			"examples:\n   xt diff\n   xt diff main\n   xt diff v1.0 v1.1 --json",
		Flags:  []cli.Flag{jsonFlag(), &cli.IntFlag{Name: "files", Value: 20, Usage: "list at most `N` files of a directory"}},
		Action: a.diff,
	}
}

type diffReport struct {
	Old     string           `json:"old"`
	New     string           `json:"new"`
	Changes []diffChange     `json:"changes"`
	Params  []pipeline.Delta `json:"params"`
	Metrics []pipeline.Delta `json:"metrics"`
}

type diffChange struct {
	Stage string `json:"stage,omitempty"`
	Kind  string `json:"kind"`
	Op    string `json:"op"`
	Name  string `json:"name,omitempty"`
	Old   string `json:"old,omitempty"`
	New   string `json:"new,omitempty"`
	Text  string `json:"text"`
	// The digests of files and directories in full; Old and New are for people.
	OldSum string                `json:"old_blake3,omitempty"`
	NewSum string                `json:"new_blake3,omitempty"`
	Files  []pipeline.FileChange `json:"files,omitempty"`
}

func (a *app) diff(c *cli.Context) error {
	w, err := a.open()
	if err != nil {
		return err
	}
	old, new, err := views(c, w)
	if err != nil {
		return err
	}
	r, err := compareViews(w, old, new, c.Int("files"))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		r.Params, r.Metrics = jsonDeltas(r.Params), jsonDeltas(r.Metrics)
		return a.writeJSON(r)
	}
	a.printDiff(r)
	return nil
}

// compareViews says what differs between two views of a project.
func compareViews(w *pipeline.Workspace, old, new *pipeline.View, files int) (r *diffReport, err error) {
	r = &diffReport{Old: old.Name, New: new.Name, Changes: []diffChange{}}
	for _, ch := range lock.Diff(old.Lock, new.Lock) {
		d := diffChange{Stage: ch.Stage, Kind: string(ch.Kind), Op: ch.Op.String(), Name: ch.Name, Old: ch.Old, New: ch.New, Text: pipeline.ChangeText(ch)}
		d.OldSum, d.NewSum = pipeline.Digests(ch)
		if ch.Kind == lock.KindData || ch.Kind == lock.KindOut {
			d.Files = w.FileChanges(ch.OldNode, ch.NewNode, files)
		}
		if ch.OldNode.Kind == hash.Symlink {
			d.Old = ch.OldNode.Target
		}
		r.Changes = append(r.Changes, d)
	}
	r.Params = pipeline.DiffValues(old.Params(), new.Params(), false)
	r.Metrics, err = valueReader((*pipeline.View).Metrics).diff(old, new, false)
	return r, err
}

func (a *app) printDiff(r *diffReport) {
	if len(r.Changes)+len(r.Params)+len(r.Metrics) == 0 {
		a.term.Sayf("no difference between %s and %s", r.Old, r.New)
		return
	}
	stage := ""
	for _, d := range r.Changes {
		if d.Stage != stage {
			stage = d.Stage
			a.term.Printf("%s\n", a.term.Paint(term.Bold, "stage "+stage))
		}
		a.printChange(d)
	}
	for _, part := range []struct {
		title  string
		deltas []pipeline.Delta
	}{{"parameters", r.Params}, {"metrics", r.Metrics}} {
		if len(part.deltas) == 0 {
			continue
		}
		a.term.Printf("%s\n", a.term.Paint(term.Bold, part.title))
		for _, d := range part.deltas {
			a.term.Printf("  %s %s: %s -> %s\n", d.File, d.Key, valueText(d.Old), valueText(d.New))
		}
	}
}

var opStyles = map[string]term.Style{"added": term.Green, "removed": term.Red, "changed": term.Yellow}

func (a *app) printChange(d diffChange) {
	indent := ""
	if d.Stage != "" {
		indent = "  "
	}
	a.term.Printf("%s%s\n", indent, a.term.Paint(opStyles[d.Op], d.Text))
	for _, f := range d.Files {
		a.term.Printf("%s  %s %s\n", indent, a.term.Paint(opStyles[f.Op], fmt.Sprintf("%-7s", f.Op)), f.Path)
	}
}
