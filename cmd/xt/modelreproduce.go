package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/registry"
)

func (a *app) modelReproduceCommand() *cli.Command {
	return &cli.Command{
		Name:      "reproduce",
		Usage:     "make a version again from git and the remotes, and compare the bytes",
		ArgsUsage: "NAME[@VERSION]",
		Description: "Checks the commit of the version out in a directory of its own, fetches the data, runs the stage that\n" +
			"makes the model and all that it needs, and compares the digest with that of the tag. The workspace\n" +
			"stays as it is. Exits with 1 unless the same model comes out.\n\n" +
			"examples:\n   xt model reproduce digits@production\n   xt model reproduce digits@v1.2.0 -o again.npz     # and keep what came out",
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Value: 1, Usage: "run `N` stages at a time"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "keep what came out at `PATH`"},
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "replace what is at PATH"},
		},
		Action: a.modelReproduce,
	}
}

// reproduced is the JSON of xt model reproduce.
type reproduced struct {
	Model    string  `json:"model"`
	Version  string  `json:"version"`
	Commit   string  `json:"commit"`
	Path     string  `json:"path"`
	Recorded string  `json:"recorded_blake3"`
	Made     string  `json:"made_blake3"`
	Same     bool    `json:"same"`
	Stages   int     `json:"stages"`
	Seconds  float64 `json:"seconds"`
}

func (a *app) modelReproduce(c *cli.Context) error {
	if c.NArg() != 1 {
		return &usageError{msg: "xt model reproduce takes one version of a model", hints: []string{"such as xt model reproduce NAME@production"}}
	}
	m, err := a.openModels()
	if err != nil {
		return err
	}
	_, v, err := m.find(c.Args().First())
	if err != nil {
		return err
	}
	n := v.Note()
	if n.Path == "" || n.Node.IsZero() {
		return &usageError{msg: fmt.Sprintf("%s %s: its tag does not say which file it is, nor its digest", v.Model, v.Short())}
	}
	dir, err := os.MkdirTemp("", "xt-reproduce-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	top := filepath.Join(dir, "worktree")
	remove, err := m.repo.AddWorktree(top, v.Commit)
	if err != nil {
		return err
	}
	prefix, _ := project(v.Model)
	r := &reproduction{a: a, c: c, v: v, root: filepath.Join(top, filepath.FromSlash(prefix))}
	return errors.Join(r.run(), remove())
}

// reproduction makes a version again in a working tree of its own.
type reproduction struct {
	a    *app
	c    *cli.Context
	v    *registry.Version
	root string // of the project there
}

func (r *reproduction) run() error {
	begin := time.Now()
	w, err := pipeline.Open(r.root, pipeline.OpenOptions{Settings: readSettings})
	if err != nil {
		return err
	}
	n := r.v.Note()
	stages, err := w.Graph.Select([]string{n.Path}, pipeline.SelectOptions{})
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.v.Model, r.v.Short(), err)
	}
	unlock, err := r.a.lockWorkspace(r.c, w)
	if err != nil {
		return err
	}
	defer func() {
		unlock()
		_ = w.Cache.Unregister(w.Root) // where it was not registered there is nothing to take back
	}()
	made, err := r.make(w, stages)
	if err != nil {
		return err
	}
	if err := r.keep(w, made); err != nil {
		return err
	}
	return r.tell(&reproduced{r.v.Model, r.v.Name, r.v.Commit, n.Path, n.Node.Sum.String(), made.Sum.String(), made.Same(n.Node), len(stages), time.Since(begin).Seconds()})
}

// make runs the stages, whatever is known of earlier runs, and returns what stands
// at the path of the model then.
func (r *reproduction) make(w *pipeline.Workspace, stages []*pipeline.Stage) (hash.Node, error) {
	if err := w.Prepare(r.c.Context, stages); err != nil {
		return hash.Node{}, err
	}
	opts := pipeline.RunOptions{Options: pipeline.Options{Force: true, Pull: len(w.Graph.Config.Remotes) > 0, NoRunCache: true}, Jobs: max(1, r.c.Int("jobs")), Isolated: true}
	rep := &reporter{a: r.a, json: r.c.Bool("json"), hashing: r.a.watch(w, "hashing")}
	_, err := w.Run(r.c.Context, stages, opts, rep)
	rep.hashing.Done()
	if err != nil {
		return hash.Node{}, err
	}
	return w.Scan.Scan(r.c.Context, r.v.Note().Path)
}

// keep puts what came out where -o says.
func (r *reproduction) keep(w *pipeline.Workspace, n hash.Node) error {
	out := r.c.String("output")
	if out == "" {
		return nil
	}
	if !filepath.IsAbs(out) {
		out = filepath.Join(r.a.dir, out)
	}
	return w.CopyOut(r.c.Context, n, out, r.c.Bool("force"))
}

func (r *reproduction) tell(d *reproduced) error {
	t := r.a.term
	switch {
	case r.c.Bool("json"):
		if err := r.a.writeJSON(d); err != nil {
			return err
		}
	case d.Same:
		t.Printf("%s %s: %s: %s, %s of %s (%s)\n", d.Model, d.Version, t.Paint(term.Green, "the same model came out"), d.Path, short(d.Made), shortCommit(d.Commit), term.Duration(time.Duration(d.Seconds*float64(time.Second))))
	default:
		t.Printf("%s %s: %s: %s, recorded %s, now %s (%s)\n", d.Model, d.Version, t.Paint(term.Red, "another model came out"), d.Path, short(d.Recorded), short(d.Made), term.Duration(time.Duration(d.Seconds*float64(time.Second))))
		t.Sayf("%s git switch --detach %s, and \"xt verify\" says which stage differs first, and where", t.PaintErr(term.Cyan, "hint:"), d.Commit[:10])
	}
	if !d.Same {
		return errFailed
	}
	return nil
}

func short(digest string) string { return digest[:10] }
