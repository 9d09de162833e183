package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) gcCommand() *cli.Command {
	return &cli.Command{
		Name:  "gc",
		Usage: "remove from the cache what no version needs",
		Description: "Keeps what xt.lock needs in the workspace, in linked worktrees, in other projects that use\n" +
			"the same cache, and in every commit that a branch, a tag or the stash leads to; and whatever\n" +
			"was stored or used within the grace time. The rest of the cache is removed for good: results\n" +
			"of runs that no xt.lock names, and files that were kept before they were replaced.\n\n" +
			"examples:\n   xt gc --dry-run\n   xt gc\n   xt gc --keep tips --grace 0s    # forget what only old commits need",
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be removed"},
			&cli.StringFlag{Name: "keep", Value: "history", Usage: "`SCOPE` of git to keep: history (every commit), tips (of branches, tags and the stash), workspace (what is checked out)"},
			&cli.DurationFlag{Name: "grace", Value: 24 * time.Hour, Usage: "keep what was stored or used within `TIME`"},
			&cli.StringSliceFlag{Name: "forget", Usage: "forget a project that used the cache and is gone: its `ROOT`"},
		},
		Action: a.gc,
	}
}

var scopes = map[string]pipeline.Scope{"history": pipeline.KeepHistory, "tips": pipeline.KeepTips, "workspace": pipeline.KeepWorkspace}

func (a *app) gc(c *cli.Context) error {
	if c.NArg() > 0 {
		return usageErrorf("xt gc takes no operands: it looks at the whole cache")
	}
	scope, ok := scopes[c.String("keep")]
	if !ok {
		return usageErrorf("xt gc --keep: want history, tips or workspace, not %q", c.String("keep"))
	}
	if c.Duration("grace") < 0 {
		return usageErrorf("xt gc --grace: the time cannot be negative")
	}
	w, _, unlock, err := a.openPaths(c)
	if err != nil {
		return err
	}
	defer unlock()
	gone := c.StringSlice("forget")
	if !c.Bool("dry-run") {
		for _, root := range gone {
			if err := w.Cache.Unregister(root); err != nil {
				return err
			}
		}
	}
	needs, err := w.Needs(scope, gone)
	if err != nil {
		return err
	}
	envs, err := w.RemoveEnvironments(c.Context, needs, c.Duration("grace"), c.Bool("dry-run"))
	if err != nil {
		return err
	}
	r, err := w.Cache.GC(c.Context, needs.Nodes, cache.GCOptions{DryRun: c.Bool("dry-run"), Grace: c.Duration("grace")})
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.writeJSON(struct {
			DryRun    bool  `json:"dry_run"`
			Objects   int   `json:"objects"`
			Trees     int   `json:"trees"`
			Runs      int   `json:"runs"`
			Leftovers int   `json:"leftovers"`
			Bytes     int64 `json:"bytes"`
			Kept      int   `json:"kept"`
			Envs      int   `json:"environments"`
		}{c.Bool("dry-run"), r.Objects, r.Trees, r.Runs, r.Leftovers, r.Bytes, r.Kept, envs})
	}
	verb := "removed"
	if c.Bool("dry-run") {
		verb = "would remove"
	}
	a.term.Printf("%s %s (%s), %s, %s and %s; kept %s\n", verb, plural(r.Objects, "object"), term.Bytes(r.Bytes),
		plural(r.Trees, "directory listing"), plural(r.Runs, "cached result"), plural(envs, "Python environment"), plural(r.Kept, "object"))
	return nil
}

func (a *app) fsckCommand() *cli.Command {
	return &cli.Command{
		Name:  "fsck",
		Usage: "read everything in the cache and say what is damaged or lost",
		Description: "Reads every file in the cache and compares its digest with its name. What is damaged is moved\n" +
			"aside, never deleted, and so is stored anew when it is next made. Exits with 1 if something\n" +
			"is lost.\n\nexamples:\n   xt fsck",
		Flags:  []cli.Flag{jsonFlag()},
		Action: a.fsck,
	}
}

type fsckReport struct {
	Objects   int        `json:"objects"`
	Trees     int        `json:"trees"`
	Bytes     int64      `json:"bytes"`
	Damaged   []string   `json:"damaged"`
	Missing   []string   `json:"missing"`
	Concerned []fsckItem `json:"concerned"`
	Repaired  int        `json:"repaired"`
	Leftovers int        `json:"leftovers"`
}

type fsckItem struct {
	Path  string `json:"path"`
	Stage string `json:"stage,omitempty"`
}

func (a *app) fsck(c *cli.Context) error {
	if c.NArg() > 0 {
		return usageErrorf("xt fsck takes no operands: it reads the whole cache")
	}
	w, _, unlock, err := a.openPaths(c)
	if err != nil {
		return err
	}
	defer unlock()
	progress := a.term.Start("checking", 0)
	r, err := w.Cache.Fsck(c.Context, cache.FsckOptions{OnFile: progress.Add})
	progress.Done()
	if err != nil {
		return err
	}
	report := &fsckReport{Objects: r.Objects, Trees: r.Trees, Bytes: r.Bytes, Damaged: []string{}, Missing: []string{}, Concerned: []fsckItem{}, Repaired: r.Repaired, Leftovers: r.Leftovers}
	for _, d := range r.Damaged {
		report.Damaged = append(report.Damaged, d.Sum.String())
	}
	for _, m := range r.Missing {
		report.Missing = append(report.Missing, m.Node.Sum.String())
	}
	for _, it := range w.Owners(r.Lost()) {
		report.Concerned = append(report.Concerned, fsckItem{it.Path, it.Stage})
	}
	if c.Bool("json") {
		if err := a.writeJSON(report); err != nil {
			return err
		}
	} else {
		a.printFsck(report, r)
	}
	if !r.OK() || len(report.Concerned) > 0 {
		return errFailed
	}
	return nil
}

func (a *app) printFsck(report *fsckReport, r cache.FsckReport) {
	for _, d := range r.Damaged {
		a.term.Printf("damaged: %s %s; its bytes are in %s\n", d.Kind, d.Sum.Short(), d.Moved)
	}
	for _, m := range r.Missing {
		a.term.Printf("missing: %s, which directory %s lists as %s\n", m.Node.Sum.Short(), m.Tree.Short(), m.Name)
	}
	for _, it := range report.Concerned {
		what := "add it again, if you have it"
		if it.Stage != "" {
			what = fmt.Sprintf("\"xt repro --no-run-cache %s\" makes it again", it.Stage)
		}
		a.term.Printf("lost: %s of xt.lock is not whole in the cache; %s\n", it.Path, what)
	}
	a.term.Printf("read %s and %s (%s): %s\n", plural(r.Objects, "object"), plural(r.Trees, "directory listing"), term.Bytes(r.Bytes), fsckVerdict(report))
}

func fsckVerdict(r *fsckReport) string {
	if n := len(r.Damaged) + len(r.Missing) + len(r.Concerned); n > 0 {
		return plural(n, "problem")
	}
	return "all is whole"
}
