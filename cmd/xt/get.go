package main

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/origin"
)

func (a *app) getCommand() *cli.Command {
	return &cli.Command{
		Name:      "get",
		Usage:     "bring data from elsewhere, without a project",
		UsageText: "xt get [flags] URL [PATH]\n       xt get [flags] REPO PATH-IN-REPO [-o PATH]",
		Description: "Brings what \"xt import\" can, but pins nothing: it needs no project, and leaves nothing but what was\n" +
			"asked for. In a project, its cache is used.\n\n" +
			"examples:\n   xt get https://github.com/OWNER/NAME models/base.npz\n   xt get git@example.org:team/data.git images -o /tmp/images --rev v2\n   xt get s3://bucket/digits.csv",
		Flags:  append(sourceFlags(), &cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "replace what is there"}),
		Action: a.get,
	}
}

func (a *app) get(c *cli.Context) error {
	src, target, err := a.source(c, true)
	if err != nil {
		return err
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(a.dir, target)
	}
	out, err := filepath.Abs(target)
	if err != nil {
		return err
	}
	begin := time.Now()
	n, err := a.getTo(c, src, out, hash.Node{})
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.writeJSON(struct {
			Path   string `json:"path"`
			BLAKE3 string `json:"blake3"`
			Size   int64  `json:"size"`
			Files  int64  `json:"files,omitempty"`
		}{out, n.Sum.String(), n.Size, n.Files})
	}
	a.term.Sayf("%s: %s%s, %s (%s)", shown(filepath.Clean(target)), term.Bytes(n.Size), filesWords(n.Files), n.Sum.Short(), since(begin))
	return nil
}

// getTo brings a source to an absolute path. If it is known what it is, other content
// is an error.
func (a *app) getTo(c *cli.Context, src origin.Source, out string, want hash.Node) (hash.Node, error) {
	f, progress, err := a.fetcher(c, "getting")
	if err != nil {
		return hash.Node{}, err
	}
	defer progress.Done()
	f.Cache, f.Group = a.cacheHere()
	return origin.Get(c.Context, f, src, out, want, c.Bool("force"))
}

// cacheHere returns the cache of the project that the user stands in; nil if
// there is none that could be used.
func (a *app) cacheHere() (c *cache.Cache, group bool) {
	w, err := a.open()
	if err != nil {
		if !errors.Is(err, pipeline.ErrNoProject) {
			a.term.Warnf("the cache of this project is not used: %v", err)
		}
		return nil, false
	}
	w.Lock.Close()
	return w.Cache, w.Graph.Config.Cache.Shared
}
