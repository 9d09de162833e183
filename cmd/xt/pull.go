package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) pullCommand() *cli.Command {
	return &cli.Command{
		Name:      "pull",
		Usage:     "bring data and results from a remote into the workspace",
		ArgsUsage: "[PATH…]",
		Description: "Fetches what xt.lock names, or what lies at the paths, which may be inside a tracked directory,\n" +
			"and checks it out. It also brings what the run cache of the remote knows, so that \"xt repro\"\n" +
			"restores what somebody else has run. A file whose content is in no cache and no commit is not\n" +
			"replaced without --force.\n\n" +
			"examples:\n   git clone URL && cd project && xt pull\n   xt pull data/images/7\n   xt pull --run-cache           # also the outputs of all cached results",
		Flags: append(append(transferFlags(), scopeFlags()...),
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "replace also what is in no cache and no commit"},
			&cli.BoolFlag{Name: "run-cache", Usage: "also the outputs of all cached results"}),
		Action: a.pull,
	}
}

func (a *app) fetchCommand() *cli.Command {
	return &cli.Command{
		Name:      "fetch",
		Usage:     "bring data and results from a remote into the cache",
		ArgsUsage: "[PATH…]",
		Description: "Does what \"xt pull\" does, but for the workspace, which stays as it is.\n\n" +
			"examples:\n   xt fetch\n   xt fetch --all                # for all branches",
		Flags: append(append(transferFlags(), scopeFlags()...),
			&cli.BoolFlag{Name: "run-cache", Usage: "also the outputs of all cached results"}),
		Action: a.fetch,
	}
}

// fetchResult is the JSON of xt fetch and, with the rest, of xt pull.
type fetchResult struct {
	Files   int64 `json:"fetched_files"`
	Bytes   int64 `json:"fetched_bytes"`
	Runs    int64 `json:"runs"`
	Added   int   `json:"added"`
	Changed int   `json:"changed"`
	Removed int   `json:"removed"`
}

func (a *app) pull(c *cli.Context) error {
	return a.bring(c, func(w *pipeline.Workspace, opts pipeline.FetchOptions, p *term.Progress) (*pipeline.Fetched, cache.Summary, error) {
		return w.Pull(c.Context, opts, cache.CheckoutOptions{Force: c.Bool("force")})
	})
}

func (a *app) fetch(c *cli.Context) error {
	return a.bring(c, func(w *pipeline.Workspace, opts pipeline.FetchOptions, p *term.Progress) (*pipeline.Fetched, cache.Summary, error) {
		done, err := w.Fetch(c.Context, opts)
		return done, cache.Summary{}, err
	})
}

// bring does what pull and fetch have in common.
func (a *app) bring(c *cli.Context, do func(w *pipeline.Workspace, opts pipeline.FetchOptions, p *term.Progress) (*pipeline.Fetched, cache.Summary, error)) error {
	w, paths, unlock, err := a.openPaths(c)
	if err != nil {
		return err
	}
	defer unlock()
	label := c.Command.Name + "ing"
	t, progress, err := a.transfer(c, label)
	if err != nil {
		return err
	}
	defer progress.Done()
	begin := time.Now()
	done, sum, err := do(w, pipeline.FetchOptions{Transfer: t, Scope: scopeOf(c), Paths: paths, Results: c.Bool("run-cache")}, progress)
	progress.Done()
	err = w.Imported(err)
	if done == nil {
		return err
	}
	if c.Bool("json") {
		result := fetchResult{done.Files, done.Bytes, done.Runs, sum.Added, sum.Changed, sum.Removed}
		if jsonErr := a.writeJSON(result); err == nil {
			return jsonErr
		}
		return a.report(err)
	}
	if err == nil || done.Files+done.Runs > 0 {
		a.bringWords(done, sum, begin)
	}
	return err
}

func (a *app) bringWords(done *pipeline.Fetched, sum cache.Summary, begin time.Time) {
	words := "nothing to fetch"
	if done.Files > 0 {
		words = "fetched " + filesOf(done.Files, done.Bytes)
	}
	if done.Runs > 0 {
		words += ", " + plural(int(done.Runs), "cached result")
	}
	if sum.Added+sum.Changed+sum.Removed > 0 {
		words += "; workspace: " + changesWords(sum)
	}
	a.term.Sayf("%s (%s)", words, since(begin))
}
