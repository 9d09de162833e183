package main

import (
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) addCommand() *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "put data under xt: into the cache and xt.lock, out of git",
		ArgsUsage: "PATH…",
		Description: "For files and directories that no stage makes. Their bytes go into the cache, their digests\n" +
			"into xt.lock, which git keeps, and their names into .gitignore.\n\n" +
			"examples:\n   xt add data/images\n   xt add data/*.csv && git add xt.lock .gitignore",
		Flags:  []cli.Flag{jsonFlag()},
		Action: a.add,
	}
}

func (a *app) add(c *cli.Context) error {
	w, paths, unlock, err := a.openPaths(c)
	if err != nil {
		return err
	}
	defer unlock()
	if len(paths) == 0 {
		return &usageError{msg: "xt add: which paths?", hints: []string{"xt add PATH…"}}
	}
	begin := time.Now()
	progress := a.watch(w, "adding")
	added, err := w.Add(c.Context, paths)
	progress.Done()
	if err != nil {
		return err
	}
	type result struct {
		Path   string `json:"path"`
		BLAKE3 string `json:"blake3"`
		Size   int64  `json:"size"`
		Files  int64  `json:"files,omitempty"`
	}
	results := []result{}
	for _, d := range added {
		results = append(results, result{d.Path, d.Sum.String(), d.Size, d.Files})
		a.term.Sayf("%s: %s%s, %s", shown(d.Path), term.Bytes(d.Size), filesWords(d.Files), d.Sum.Short())
	}
	if c.Bool("json") {
		return a.writeJSON(results)
	}
	a.term.Sayf("added in %s; commit xt.lock and .gitignore with git", term.Duration(time.Since(begin)))
	return nil
}

func filesWords(n int64) string {
	if n == 0 {
		return ""
	}
	return " in " + plural(int(n), "file")
}

// openPaths opens the project for a change and reads the operands as paths.
func (a *app) openPaths(c *cli.Context) (w *pipeline.Workspace, paths []string, unlock func(), err error) {
	if w, err = a.open(); err != nil {
		return nil, nil, nil, err
	}
	for _, arg := range c.Args().Slice() {
		rel, err := a.rel(w, arg)
		if err != nil {
			return nil, nil, nil, err
		}
		paths = append(paths, rel)
	}
	unlock, err = a.lockWorkspace(c.Context, w, c)
	return w, paths, unlock, err
}

func (a *app) removeCommand() *cli.Command {
	return &cli.Command{
		Name:        "remove",
		Aliases:     []string{"rm"},
		Usage:       "take data out of xt again; the files stay",
		ArgsUsage:   "PATH…",
		Description: "Takes paths that were added out of xt.lock and .gitignore. Neither the files nor what the\ncache has of them is removed.\n\nexamples:\n   xt remove data/old.csv",
		Action: func(c *cli.Context) error {
			w, paths, unlock, err := a.openPaths(c)
			if err != nil {
				return err
			}
			defer unlock()
			if len(paths) == 0 {
				return &usageError{msg: "xt remove: which paths?", hints: []string{"xt remove PATH…"}}
			}
			return w.Remove(paths)
		},
	}
}

func (a *app) checkoutCommand() *cli.Command {
	return &cli.Command{
		Name:      "checkout",
		Usage:     "make data and outputs in the workspace what xt.lock says",
		ArgsUsage: "[PATH…]",
		Description: "Brings back from the cache what is missing or different: everything, or the named paths,\n" +
			"which may lie inside a tracked directory. A file whose content is in no cache and no commit\n" +
			"is not replaced without --force.\n\n" +
			"examples:\n   git checkout v1.0 && xt checkout\n   xt checkout data/images/7\n   xt checkout --force build/model.npz",
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "replace also what is in no cache and no commit"},
			&cli.BoolFlag{Name: "relink", Usage: "link or copy anew what is as it should be, after cache.link was changed"},
		},
		Action: a.checkout,
	}
}

func (a *app) checkout(c *cli.Context) error {
	w, paths, unlock, err := a.openPaths(c)
	if err != nil {
		return err
	}
	defer unlock()
	begin := time.Now()
	progress := a.watch(w, "checking out")
	sum, err := w.Checkout(c.Context, paths, cache.CheckoutOptions{Force: c.Bool("force"), Relink: c.Bool("relink"), OnFile: progress.Add})
	progress.Done()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.writeJSON(struct {
			Added   int   `json:"added"`
			Changed int   `json:"changed"`
			Removed int   `json:"removed"`
			Bytes   int64 `json:"bytes"`
		}{sum.Added, sum.Changed, sum.Removed, sum.Bytes})
	}
	a.term.Sayf("%s", checkoutWords(sum, time.Since(begin)))
	return nil
}

func checkoutWords(sum cache.Summary, took time.Duration) string {
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{sum.Added, "added"}, {sum.Changed, "changed"}, {sum.Removed, "removed"}} {
		if p.n > 0 {
			parts = append(parts, term.Count(int64(p.n))+" "+p.word)
		}
	}
	if len(parts) == 0 {
		return "all is as xt.lock says"
	}
	return strings.Join(parts, ", ") + ": " + term.Bytes(sum.Bytes) + " in " + term.Duration(took)
}
