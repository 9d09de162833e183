package main

import (
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
	needs, err := w.Needs(c.Context, scope, gone)
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
