package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/jobs"
)

func (a *app) gcCommand() *cli.Command {
	return &cli.Command{
		Name:  "gc",
		Usage: "remove from the cache, or from a remote, what no version needs",
		Description: "Keeps what xt.lock needs in the workspace, in linked worktrees, in other projects that use\n" +
			"the same cache, and in every commit that a branch, a tag or the stash leads to; and whatever\n" +
			"was stored or used within the grace time. The rest of the cache is removed for good: results\n" +
			"of runs that no xt.lock names, and files that were kept before they were replaced.\n\n" +
			"With --remote it is a remote that is cleaned up, in two steps. What neither this clone nor any\n" +
			"other that has pushed there needs is set aside; what was set aside longer ago than the grace\n" +
			"time is deleted. With --grace 0s both happen at once: then nobody else may be pushing.\n\n" +
			"examples:\n   xt gc --dry-run\n   xt gc\n   xt gc --keep tips --grace 0s    # forget what only old commits need\n   xt gc --remote --dry-run\n   xt gc --remote -r backup",
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be removed"},
			&cli.StringFlag{Name: "keep", Value: "history", Usage: "`SCOPE` of git to keep: history (every commit), tips (of branches, tags and the stash), workspace (what is checked out)"},
			&cli.DurationFlag{Name: "grace", Value: 24 * time.Hour, Usage: "keep what was stored or used within `TIME`; on a remote a week if it is not given"},
			&cli.StringSliceFlag{Name: "forget", Usage: "forget a project that used the cache, or a clone that pushed, and is gone: its `ROOT`, or its name in the list"},
			&cli.BoolFlag{Name: "remote", Usage: "clean up the remote instead of the cache"},
			&cli.StringFlag{Name: "name", Aliases: []string{"r"}, Usage: "the remote to clean up: its `NAME` in xt.toml"},
		},
		Action: a.gc,
	}
}

var scopes = map[string]pipeline.Scope{"history": pipeline.KeepHistory, "tips": pipeline.KeepTips, "workspace": pipeline.KeepWorkspace}

// gcReport is the JSON of xt gc.
type gcReport struct {
	DryRun    bool  `json:"dry_run"`
	Objects   int   `json:"objects"`
	Trees     int   `json:"trees"`
	Runs      int   `json:"runs"`
	Leftovers int   `json:"leftovers"`
	Bytes     int64 `json:"bytes"`
	Kept      int   `json:"kept"`
	Envs      int   `json:"environments"`
}

func (a *app) gc(c *cli.Context) error {
	if c.NArg() > 0 {
		return usageErrorf("xt gc takes no operands: it looks at the whole cache")
	}
	scope, ok := scopes[c.String("keep")]
	if !ok {
		return usageErrorf("xt gc --keep: want history, tips or workspace, not %q", c.String("keep"))
	}
	opts := cache.GCOptions{DryRun: c.Bool("dry-run"), Grace: c.Duration("grace")}
	if opts.Grace < 0 {
		return usageErrorf("xt gc --grace: the time cannot be negative")
	}
	w, _, unlock, err := a.openPaths(c)
	if err != nil {
		return err
	}
	defer unlock()
	if c.Bool("remote") || c.IsSet("name") {
		return a.gcRemote(c, w, scope)
	}
	report, err := collect(c.Context, w, scope, c.StringSlice("forget"), opts)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.writeJSON(report)
	}
	verb := "removed"
	if report.DryRun {
		verb = "would remove"
	}
	a.term.Printf("%s %s (%s), %s, %s and %s; kept %s\n", verb, plural(report.Objects, "object"), term.Bytes(report.Bytes),
		plural(report.Trees, "directory listing"), plural(report.Runs, "cached result"), plural(report.Envs, "Python environment"), plural(report.Kept, "object"))
	return nil
}

// collect removes what is not needed from the cache, and the Python environments
// beside it.
func collect(ctx context.Context, w *pipeline.Workspace, scope pipeline.Scope, gone []string, opts cache.GCOptions) (*gcReport, error) {
	needs, err := w.Needs(ctx, scope, gone, objectsInUse)
	if err != nil {
		return nil, err
	}
	if !opts.DryRun {
		for _, root := range gone {
			if err := w.Cache.Unregister(root); err != nil {
				return nil, err
			}
		}
	}
	envs, err := w.RemoveEnvironments(ctx, needs, opts.Grace, opts.DryRun)
	if err != nil {
		return nil, err
	}
	r, err := w.Cache.GC(ctx, needs.Nodes, opts)
	if err != nil {
		return nil, err
	}
	return &gcReport{opts.DryRun, r.Objects, r.Trees, r.Runs, r.Leftovers, r.Bytes, r.Kept, envs}, nil
}

// objectsInUse returns what the runs and the jobs of the workspace at root need of the
// cache.
func objectsInUse(ctx context.Context, root string) ([]hash.Node, error) {
	nodes, err := runObjects(ctx, root)
	if err != nil {
		return nil, err
	}
	more, err := jobs.Open(root).Needs()
	return append(nodes, more...), err
}
