package main

import (
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/internal/term"
)

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
		return w.Imported(err)
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
	if words := changesWords(sum); words != "" {
		return words + ": " + term.Bytes(sum.Bytes) + " in " + term.Duration(took)
	}
	return "all is as xt.lock says"
}

// changesWords says how many files a checkout has changed; "" for none.
func changesWords(sum cache.Summary) string {
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{sum.Added, "added"}, {sum.Changed, "changed"}, {sum.Removed, "removed"}} {
		if p.n > 0 {
			parts = append(parts, term.Count(int64(p.n))+" "+p.word)
		}
	}
	return strings.Join(parts, ", ")
}
