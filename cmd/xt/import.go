package main

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/origin"
)

func (a *app) importCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "bring data from elsewhere, and pin where it came from",
		UsageText: "xt import [flags] URL [PATH]\n       xt import [flags] REPO PATH-IN-REPO [-o PATH]\n       xt import mlflow [flags] PATH|URL\n       xt import wandb [flags] PATH",
		Description: "Brings a file from the web, a blob or all below a prefix of s3://, gs://, azblob:// or sftp://, a\n" +
			"path of this machine, or from a git repository what it or xt has at a path there. It is then as if\n" +
			"added with \"xt add\", but xt.lock knows also its source, for \"xt update\".\n" +
			"\"xt import mlflow\" and \"xt import wandb\" bring runs instead; see \"xt import mlflow --help\".\n\n" +
			"examples:\n   xt import https://example.org/digits.csv data/digits.csv\n   xt import s3://bucket/images data/images\n" +
			"   xt import https://github.com/OWNER/NAME data/images -o data/images --rev v1.0\n   xt import ../other-project models/base.npz",
		Flags:  append(sourceFlags(), &cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "replace also what is in no cache and no commit"}),
		Action: a.importData,

		Subcommands:     []*cli.Command{a.importMLflowCommand(), a.importWandbCommand()},
		HideHelpCommand: true,
	}
}

// sourceFlags are those of commands that bring something from elsewhere.
func sourceFlags() []cli.Flag {
	return []cli.Flag{
		jsonFlag(),
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "bring it to `PATH`, rather than here under its own name"},
		&cli.StringFlag{Name: "rev", Usage: "of a git repository: the branch, tag or commit `REV`"},
		&cli.BoolFlag{Name: "git", Usage: "the address is that of a git repository"},
		&cli.StringFlag{Name: "max-size", Usage: "refuse more than `SIZE`, such as 2GiB"},
		&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Value: 4, Usage: "read `N` pieces at a time"},
	}
}

func (a *app) importData(c *cli.Context) error {
	src, target, err := a.source(c, false)
	if err != nil {
		return err
	}
	w, err := a.open()
	if err != nil {
		return err
	}
	path, err := a.rel(w, target)
	if err != nil {
		return err
	}
	unlock, err := a.lockWorkspace(c, w)
	if err != nil {
		return err
	}
	defer unlock()
	f, progress, done, err := a.fetcherFor(c, w, "importing")
	if err != nil {
		return err
	}
	defer done()
	begin := time.Now()
	d, err := origin.Import(c.Context, w, f, src, path, c.Bool("force"))
	progress.Done()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.writeJSON(importedOf(d))
	}
	a.term.Sayf("%s: %s%s, %s", shown(d.Path), term.Bytes(d.Size), filesWords(d.Files), d.Sum.Short())
	a.term.Sayf("imported in %s; commit xt.lock and .gitignore with git", since(begin))
	return nil
}

// imported is the JSON of data that was imported.
type imported struct {
	Path       string `json:"path"`
	BLAKE3     string `json:"blake3"`
	Size       int64  `json:"size"`
	Files      int64  `json:"files,omitempty"`
	Source     string `json:"source"`
	SourcePath string `json:"source_path,omitempty"`
	Rev        string `json:"rev,omitempty"`
	Commit     string `json:"commit,omitempty"`
	Version    string `json:"version,omitempty"`
}

func importedOf(d *lock.Data) imported {
	o := d.Origin
	return imported{d.Path, d.Sum.String(), d.Size, d.Files, o.Source, o.Path, o.Rev, o.Commit, o.Version}
}

// source reads the operands of import and get: what is to be brought, and where
// to.
func (a *app) source(c *cli.Context, secrets bool) (src origin.Source, target string, err error) {
	args := c.Args().Slice()
	name := c.Command.HelpName
	if len(args) == 0 || len(args) > 2 {
		return src, "", &usageError{msg: name + " takes an address, and a path", hints: []string{name + " URL [PATH], or " + name + " REPO PATH-IN-REPO [-o PATH]"}}
	}
	dir, err := filepath.Abs(a.dir)
	if err != nil {
		return src, "", err
	}
	r := origin.Request{Address: args[0], Rev: c.String("rev"), Dir: dir, Git: c.Bool("git"), Secrets: secrets}
	target = c.String("output")
	switch {
	case len(args) == 1:
	case r.Git || origin.IsRepository(args[0], dir):
		r.Path = args[1]
	case c.IsSet("output"):
		return src, "", &usageError{msg: name + ": the path is given twice, as an operand and with -o", hints: []string{"leave one out; if the address is that of a git repository, say so with --git"}}
	default:
		target = args[1]
	}
	if src, err = origin.Parse(r); err != nil {
		return src, "", err
	}
	if target == "" || strings.HasSuffix(target, "/") {
		base := src.Base()
		if base == "" {
			return src, "", &usageError{msg: name + ": " + src.Shown() + " has no name that a file can have", hints: []string{"name one with -o PATH"}}
		}
		target = filepath.Join(target, base)
	}
	return src, target, nil
}

// fetcherFor makes what brings data into the cache of a project, and shows its
// progress; done removes what it leaves.
func (a *app) fetcherFor(c *cli.Context, w *pipeline.Workspace, label string) (f *origin.Fetcher, p *term.Progress, done func(), err error) {
	bare, p, err := a.fetcher(c, label)
	if err != nil {
		return nil, nil, nil, err
	}
	f, remove, err := origin.For(w, bare)
	if err != nil {
		p.Done()
		return nil, nil, nil, err
	}
	return f, p, func() { p.Done(); remove() }, nil
}

func (a *app) fetcher(c *cli.Context, label string) (f origin.Fetcher, p *term.Progress, err error) {
	t, p, err := a.transfer(c, label)
	if err != nil {
		return f, nil, err
	}
	f = origin.Fetcher{Transfer: t, Settings: readSettings, Log: a.term.Sayf}
	if text := c.String("max-size"); text != "" {
		size, ok := pipeline.ParseSize(text)
		if !ok {
			p.Done()
			return f, nil, usageErrorf("--max-size: %q is no size, such as 2GiB", text)
		}
		f.MaxSize = size
	}
	return f, p, nil
}
