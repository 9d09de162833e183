package main

import (
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/registry"
)

func (a *app) modelDiffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "say what differs between two versions: the model, its inputs, parameters, metrics",
		ArgsUsage: "NAME@A [NAME@B]",
		Description: "B is the latest version unless given, and may be @VERSION of the same model. What differs is read\n" +
			"from xt.lock and the metrics files of both commits.\n\n" +
			"examples:\n   xt model diff digits@production\n   xt model diff digits@v1.0.0 @v1.1.0\n   xt model diff digits@production digits@staging --json",
		Flags:  []cli.Flag{jsonFlag(), &cli.IntFlag{Name: "files", Value: 20, Usage: "list at most `N` files of a directory"}},
		Action: a.modelDiff,
	}
}

// modelDiffReport is the JSON of xt model diff: that of xt diff, and the versions.
type modelDiffReport struct {
	A modelSide `json:"a"`
	B modelSide `json:"b"`
	*diffReport
}

type modelSide struct {
	Model   string `json:"model"`
	Version string `json:"version"`
	Number  int    `json:"number"`
	Commit  string `json:"commit"`
	Path    string `json:"path,omitempty"`
	BLAKE3  string `json:"blake3,omitempty"`
	Code    string `json:"code_commit,omitempty"` // that the stage ran at
	Dirty   bool   `json:"code_dirty,omitempty"`  // with changes that were not committed
}

func (a *app) modelDiff(c *cli.Context) error {
	if c.NArg() < 1 || c.NArg() > 2 {
		return &usageError{msg: "xt model diff compares two versions of a model", hints: []string{"such as xt model diff NAME@v1.0.0 NAME@v1.1.0"}}
	}
	m, err := a.openModels()
	if err != nil {
		return err
	}
	first, second := c.Args().Get(0), c.Args().Get(1)
	if name, _ := registry.SplitRef(first); second == "" || strings.HasPrefix(second, "@") {
		second = name + second
	}
	_, v, err := m.find(first)
	if err != nil {
		return err
	}
	_, u, err := m.find(second)
	if err != nil {
		return err
	}
	r := &modelDiffReport{}
	if r.diffReport, err = a.diffVersions(c, m, v, u, r); err != nil {
		return err
	}
	r.Old, r.New = v.Model+"@"+v.Short(), u.Model+"@"+u.Short()
	if c.Bool("json") {
		r.Params, r.Metrics = jsonDeltas(r.Params), jsonDeltas(r.Metrics)
		return a.writeJSON(r)
	}
	a.printModelDiff(r)
	return nil
}

// diffVersions compares the commits of two versions.
func (a *app) diffVersions(c *cli.Context, m *models, v, u *registry.Version, r *modelDiffReport) (*diffReport, error) {
	prefix, _ := project(v.Model)
	dir := m.repo.Top
	if dir == "" {
		return nil, &pipeline.MisuseError{Msg: "this repository has no working tree, and so no workspace to compare in"}
	}
	w, err := pipeline.Open(filepath.Join(dir, filepath.FromSlash(prefix)), pipeline.OpenOptions{Settings: readSettings})
	if err != nil {
		return nil, err
	}
	old, err := w.ViewAt(v.Commit)
	if err != nil {
		return nil, err
	}
	new, err := w.ViewAt(u.Commit)
	if err != nil {
		return nil, err
	}
	r.A, r.B = newModelSide(v, old.Lock), newModelSide(u, new.Lock)
	return compareViews(w, old, new, c.Int("files"))
}

func newModelSide(v *registry.Version, f *lock.File) modelSide {
	n := v.Note()
	s := modelSide{Model: v.Model, Version: v.Name, Number: v.Number, Commit: v.Commit, Path: n.Path}
	if n.Node != (hash.Node{}) {
		s.BLAKE3 = n.Node.Sum.String()
	}
	if e := f.Stages[n.Stage]; e != nil {
		s.Code, s.Dirty = e.Commit, e.Dirty
	}
	return s
}

func (a *app) printModelDiff(r *modelDiffReport) {
	t := a.term
	t.Printf("%s\n", t.Paint(term.Bold, r.Old+" -> "+r.New))
	for _, f := range []struct{ name, a, b string }{
		{"model", r.A.Path + " " + brief(r.A.BLAKE3), r.B.Path + " " + brief(r.B.BLAKE3)},
		{"commit", brief(r.A.Commit), brief(r.B.Commit)},
		{"code at", codeWords(r.A), codeWords(r.B)},
	} {
		if f.a == f.b {
			a.fact(f.name, shown(f.a)+", the same")
		} else {
			a.fact(f.name, shown(f.a)+" -> "+shown(f.b))
		}
	}
	a.printDiff(r.diffReport)
}

// brief shortens a digest or a commit.
func brief(s string) string { return s[:min(10, len(s))] }

func codeWords(s modelSide) string {
	if s.Dirty {
		return brief(s.Code) + " with changes"
	}
	return brief(s.Code)
}
