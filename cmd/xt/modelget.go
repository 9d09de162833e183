package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline/origin"
	"github.com/xtrepro/xt/registry"
)

func (a *app) modelGetCommand() *cli.Command {
	return &cli.Command{
		Name:      "get",
		Usage:     "bring the files of a version, here or from another repository",
		ArgsUsage: "NAME[@VERSION] [PATH]",
		Description: "VERSION is as with \"xt model promote\": v1.2.0, 3, latest, an alias, or a stage. Needs nothing but git\n" +
			"and the remote that xt.toml names at the commit of the version, and no project of your own. The\n" +
			"bytes are those whose digest the tag holds, or it fails.\n\n" +
			"examples:\n   xt model get digits@production\n   xt model get digits@v1.2.0 models/digits.npz\n   xt model get digits@production --repo https://github.com/OWNER/NAME -o /srv/model.npz",
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.StringFlag{Name: "repo", Usage: "of the git repository at `URL`, rather than of this one"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "bring it to `PATH`; by default here, under its own name"},
			&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Value: 4, Usage: "read `N` pieces at a time"},
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "replace what is there"},
		},
		Action: a.modelGet,
	}
}

func (a *app) modelGet(c *cli.Context) error {
	if c.NArg() < 1 || c.NArg() > 2 || c.NArg() == 2 && c.IsSet("output") {
		return &usageError{msg: "xt model get takes a model, and a path", hints: []string{"xt model get NAME[@VERSION] [PATH]"}}
	}
	address, v, err := a.versionAnywhere(c, c.Args().First(), c.String("repo"))
	if err != nil {
		return err
	}
	n := v.Note()
	if n.Path == "" {
		return &usageError{msg: fmt.Sprintf("%s %s: its tag does not say which file it is", v.Model, v.Short()), hints: []string{"xt get " + address + " PATH --rev " + v.Commit[:10]}}
	}
	target := c.String("output")
	if c.NArg() == 2 {
		target = c.Args().Get(1)
	}
	if target == "" || strings.HasSuffix(target, "/") {
		target = filepath.Join(target, path.Base(n.Path))
	}
	return a.getVersion(c, address, v, target)
}

// versionAnywhere finds a version in a repository elsewhere, or in the one that
// the user stands in, and returns that repository's address.
func (a *app) versionAnywhere(c *cli.Context, word, address string) (string, *registry.Version, error) {
	if address == "" {
		m, err := a.openModels()
		if err != nil {
			return "", nil, err
		}
		_, v, err := m.find(word)
		where := m.repo.Top
		if where == "" {
			where = m.repo.Dir
		}
		return where, v, err
	}
	src, err := a.repository(address)
	if err != nil {
		return "", nil, err
	}
	temp, err := os.MkdirTemp("", "xt-tags-")
	if err != nil {
		return "", nil, err
	}
	defer os.RemoveAll(temp)
	repo, err := git.CloneTags(c.Context, src.URL, filepath.Join(temp, "git"))
	if err != nil {
		return "", nil, err
	}
	m := &models{Registry: registry.Open(repo), repo: repo}
	_, v, err := m.find(word)
	return address, v, err
}

// repository reads the address of a repository elsewhere.
func (a *app) repository(address string) (origin.Source, error) {
	dir, err := filepath.Abs(a.dir)
	if err != nil {
		return origin.Source{}, err
	}
	return origin.Parse(origin.Request{Address: address, Path: ".", Dir: dir, Git: true, Secrets: true})
}

// getVersion brings the files of a version to a path.
func (a *app) getVersion(c *cli.Context, address string, v *registry.Version, target string) error {
	dir, err := filepath.Abs(a.dir)
	if err != nil {
		return err
	}
	prefix, _ := project(v.Model)
	n := v.Note()
	src, err := origin.Parse(origin.Request{Address: address, Path: prefix + n.Path, Rev: v.Commit, Dir: dir, Git: true, Secrets: true})
	if err != nil {
		return err
	}
	out := target
	if !filepath.IsAbs(out) {
		out = filepath.Join(dir, out)
	}
	begin := time.Now()
	got, err := a.getTo(c, src, out, n.Node)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.writeJSON(struct {
			Model   string `json:"model"`
			Version string `json:"version"`
			Commit  string `json:"commit"`
			Path    string `json:"path"`
			BLAKE3  string `json:"blake3"`
			Size    int64  `json:"size"`
		}{v.Model, v.Name, v.Commit, out, got.Sum.String(), got.Size})
	}
	a.term.Sayf("%s: %s %s, %s%s, %s (%s)", shown(filepath.Clean(target)), v.Model, v.Short(), term.Bytes(got.Size), filesWords(got.Files), got.Sum.Short(), since(begin))
	return nil
}
