package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
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
