package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/track"
)

func (a *app) runsShowCommand() *cli.Command {
	return &cli.Command{
		Name: "show", Usage: "show a run: what was run, what it logged, how it ended", ArgsUsage: "RUN",
		Description: "A run is named by its number, the beginning of it, or its name, of which the newest counts.\n\n" +
			"What its command wrote shows \"xt logs RUN\".\n\nexamples:\n   xt runs show baseline\n   xt runs show 4f0e1c2b --patch   # how the code differed",
		Flags: append(storeFlags(), jsonFlag(), &cli.BoolFlag{Name: "patch", Usage: "write only how the code differed from the commit"}),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usageErrorf("xt runs show takes one run, not %d", c.NArg())
			}
			return a.withPlace(c, func(ctx context.Context, p *storePlace, s track.Store) error { return a.showRun(ctx, c, p, s) })
		},
	}
}

func (a *app) showRun(ctx context.Context, c *cli.Context, p *storePlace, s track.Store) error {
	r, err := findRun(ctx, s, c.Args().First(), track.All)
	if err != nil {
		return err
	}
	switch {
	case c.Bool("patch"):
		return a.copyPatch(p, &r)
	case c.Bool("json"):
		return a.writeJSON(jsonRun(&r))
	}
	files, err := artifactsOf(ctx, s, &r)
	if err != nil {
		return err
	}
	t := &runTable{runs: []track.Run{r}}
	for _, m := range r.Metrics {
		t.metrics = append(t.metrics, m.Key)
	}
	if err := t.sample(ctx, s); err != nil {
		return err
	}
	a.printRun(t, files)
	return a.printTables(ctx, s, files)
}

// copyPatch writes how the code of a run differed from its commit.
func (a *app) copyPatch(p *storePlace, r *track.Run) error {
	sum, err := hash.ParseSum(originOf(r).Diff)
	if err != nil {
		return &usageError{msg: fmt.Sprintf("no patch of run %s is kept", shortID(r.ID))}
	}
	f, err := p.cache.OpenFile(sum)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(a.term.Out, f)
	return err
}

func artifactsOf(ctx context.Context, s track.Store, r *track.Run) ([]track.Artifact, error) {
	root, ok := track.ArtifactPathOf(r.ArtifactURI)
	if !ok {
		return nil, nil
	}
	var files []track.Artifact
	err := s.WalkArtifacts(ctx, root, func(f track.Artifact) error { files = append(files, f); return nil })
	return files, err
}

func (a *app) printRun(t *runTable, files []track.Artifact) {
	r := &t.runs[0]
	a.term.Printf("%s  %s\n", a.term.Paint(term.Bold, r.ID), shown(r.Name))
	line := func(name, value string) {
		if value != "" && value != "-" {
			a.term.Printf("  %-12s %s\n", name, value)
		}
	}
	line("kind", kindWords(r))
	line("status", strings.ToLower(string(r.Status)))
	line("started", whenWords(r.Start))
	line("took", tookWords(r))
	line("user", shown(r.User))
	if o := r.Origin; o != nil {
		line("command", shown(o.Command))
		line("commit", commitWords(o))
		line("fingerprint", o.Fingerprint)
	}
	section := func(name string, n int) {
		if n > 0 {
			a.term.Printf("%s\n", a.term.Paint(term.Dim, name))
		}
	}
	section("parameters", len(r.Params))
	for _, p := range r.Params {
		a.term.Printf("  %s = %s\n", shown(p.Key), shown(track.Clip(p.Value, 200)))
	}
	section("metrics", len(r.Metrics))
	for _, m := range r.Metrics {
		a.term.Printf("  %s = %s\n", shown(m.Key), t.metric(r, m.Key))
	}
	section("tags", len(r.Tags))
	for _, x := range r.Tags {
		a.term.Printf("  %s = %s\n", shown(x.Key), shown(track.Clip(x.Value, 100)))
	}
	section("artifacts", len(files))
	root, _ := track.ArtifactPathOf(r.ArtifactURI)
	for _, f := range files {
		a.term.Printf("  %10s  %s\n", term.Bytes(f.Node.Size), shown(strings.TrimPrefix(f.Path.String(), root.String()+"/")))
	}
}

func commitWords(o *track.Origin) string {
	words := o.Commit
	if o.Dirty {
		words += " and changes"
	}
	return strings.TrimSpace(words)
}

func (a *app) runsDiffCommand() *cli.Command {
	return &cli.Command{
		Name: "diff", Usage: "say what differs between two runs: code, data, parameters, environment, metrics", ArgsUsage: "A B",
		Description: "examples:\n   xt runs diff baseline 4f0e1c2b\n   xt runs diff baseline 4f0e1c2b --json",
		Flags:       append(storeFlags(), jsonFlag()),
		Action: func(c *cli.Context) error {
			if c.NArg() != 2 {
				return usageErrorf("xt runs diff takes two runs, not %d", c.NArg())
			}
			return a.withRuns(c, func(ctx context.Context, s track.Store) error { return a.diffRuns(ctx, c, s) })
		},
	}
}

// runsDiff is what differs between two runs.
type runsDiff struct {
	Old     string           `json:"old"`
	New     string           `json:"new"`
	Inputs  []diffChange     `json:"inputs"` // code, data, environment, results, as far as they were recorded
	Params  []pipeline.Delta `json:"params"`
	Metrics []pipeline.Delta `json:"metrics"`
}

func (a *app) diffRuns(ctx context.Context, c *cli.Context, s track.Store) error {
	old, err := findRun(ctx, s, c.Args().Get(0), track.All)
	if err != nil {
		return err
	}
	new, err := findRun(ctx, s, c.Args().Get(1), track.All)
	if err != nil {
		return err
	}
	d := &runsDiff{Old: old.ID, New: new.ID, Inputs: inputChanges(&old, &new)}
	d.Params = pipeline.DiffValues(valuesOf(old.Params), valuesOf(new.Params), false)
	d.Metrics = pipeline.DiffValues(metricValues(old.Metrics), metricValues(new.Metrics), false)
	if c.Bool("json") {
		d.Params, d.Metrics = jsonDeltas(d.Params), jsonDeltas(d.Metrics)
		return a.writeJSON(d)
	}
	a.printRunsDiff(d, &old, &new)
	return nil
}

// inputChanges compares what two runs were made from, commit and lock entry.
func inputChanges(old, new *track.Run) []diffChange {
	changes := []diffChange{}
	a, b := originOf(old), originOf(new)
	if a.Commit != b.Commit || a.Diff != b.Diff {
		changes = append(changes, diffChange{Kind: "commit", Op: "changed", Old: commitWords(a), New: commitWords(b),
			Text: fmt.Sprintf("commit: %s -> %s", orNone(commitWords(a)), orNone(commitWords(b)))})
	}
	olds, oldEnv := entryOf(a)
	news, newEnv := entryOf(b)
	if olds == nil || news == nil {
		return changes
	}
	for _, ch := range lock.DiffStage(olds, news, oldEnv, newEnv) {
		if ch.Kind == lock.KindParam {
			continue // they are told with the parameters that were logged
		}
		changes = append(changes, diffChange{Kind: string(ch.Kind), Op: ch.Op.String(), Name: ch.Name, Old: ch.Old, New: ch.New, Text: pipeline.ChangeText(ch)})
	}
	return changes
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func originOf(r *track.Run) *track.Origin {
	if r.Origin == nil {
		return &track.Origin{}
	}
	return r.Origin
}

// entryOf reads the lock entry of a run; nil if it has none that can be read.
func entryOf(o *track.Origin) (*lock.Stage, *lock.Environment) {
	f, err := lock.Parse(pipeline.LockFile, []byte(o.Lock))
	if o.Lock == "" || err != nil || len(f.Stages) != 1 {
		return nil, nil
	}
	for _, s := range f.Stages {
		return s, f.EnvironmentOf(s)
	}
	return nil, nil
}

func valuesOf(params []track.Param) []pipeline.Value {
	var vs []pipeline.Value
	for _, p := range params {
		vs = append(vs, pipeline.Value{Key: p.Key, Val: p.Value})
	}
	return vs
}

func metricValues(metrics []track.Metric) []pipeline.Value {
	var vs []pipeline.Value
	for _, m := range metrics {
		vs = append(vs, pipeline.Value{Key: m.Key, Val: m.Value})
	}
	return vs
}

func (a *app) printRunsDiff(d *runsDiff, old, new *track.Run) {
	if len(d.Inputs)+len(d.Params)+len(d.Metrics) == 0 {
		a.term.Sayf("no difference")
		return
	}
	for _, ch := range d.Inputs {
		a.term.Printf("%s\n", ch.Text)
	}
	for _, part := range []struct {
		name   string
		deltas []pipeline.Delta
	}{{"parameter", d.Params}, {"metric", d.Metrics}} {
		if len(part.deltas) == 0 {
			continue
		}
		rows := [][]string{{part.name, shortID(old.ID), shortID(new.ID), "change"}}
		for _, x := range part.deltas {
			rows = append(rows, []string{shown(x.Key), valueText(x.Old), valueText(x.New), changeText(x)})
		}
		a.table(rows, false)
	}
}
