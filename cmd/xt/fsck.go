package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) fsckCommand() *cli.Command {
	return &cli.Command{
		Name:  "fsck",
		Usage: "read everything in the cache, or on a remote, and say what is damaged or lost",
		Description: "Reads every file in the cache and compares its digest with its name. What is damaged is moved\n" +
			"aside, never deleted, and so is stored anew when it is next made. Exits with 1 if something\n" +
			"is lost. With --repair what is lost is fetched from the remotes.\n\n" +
			"With --remote it is a remote that is read back. --repair sends again from the cache what is\n" +
			"damaged or lost there; nobody else may be pushing meanwhile.\n\n" +
			"examples:\n   xt fsck\n   xt fsck --repair\n   xt fsck --remote\n   xt fsck --remote -r backup --repair",
		Flags: []cli.Flag{jsonFlag(),
			&cli.BoolFlag{Name: "repair", Usage: "mend the cache from the remotes, or the remote from the cache"},
			&cli.BoolFlag{Name: "remote", Usage: "check the remote instead of the cache"},
			&cli.StringFlag{Name: "name", Aliases: []string{"r"}, Usage: "the remote to check: its `NAME` in xt.toml"},
		},
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
	Fetched   int64      `json:"fetched"`
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
	if c.Bool("remote") || c.IsSet("name") && !c.Bool("repair") {
		return a.fsckRemote(c, w)
	}
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
	concerned := w.Owners(r.Lost())
	if c.Bool("repair") && len(concerned) > 0 {
		if concerned, err = a.heal(c, w, concerned, report); err != nil {
			return err
		}
	}
	for _, it := range concerned {
		report.Concerned = append(report.Concerned, fsckItem{it.Path, it.Stage})
	}
	if c.Bool("json") {
		if err := a.writeJSON(report); err != nil {
			return err
		}
	} else {
		a.printFsck(report, r)
	}
	if fsckFailed(report, &r) {
		return errFailed
	}
	return nil
}

// fsckFailed reports whether something is lost. What was fetched again is not;
// what nothing in xt.lock names could not be.
func fsckFailed(report *fsckReport, r *cache.FsckReport) bool {
	return len(report.Concerned) > 0 || !r.OK() && report.Fetched == 0
}

// heal fetches what is lost of the items, and returns those of which something
// still is.
func (a *app) heal(c *cli.Context, w *pipeline.Workspace, items []pipeline.Item, report *fsckReport) ([]pipeline.Item, error) {
	progress := a.term.Start("fetching", 0)
	defer progress.Done()
	n, left, err := w.Heal(c.Context, items, pipeline.Transfer{Remote: c.String("name"), Progress: progress, Received: progress.Moved})
	report.Fetched = n
	return left, err
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
	if report.Fetched > 0 {
		a.term.Printf("fetched %s again\n", plural(int(report.Fetched), "file"))
	}
	a.term.Printf("read %s and %s (%s): %s\n", plural(r.Objects, "object"), plural(r.Trees, "directory listing"), term.Bytes(r.Bytes), fsckVerdict(report))
}

func fsckVerdict(r *fsckReport) string {
	if r.Fetched > 0 && len(r.Concerned) == 0 {
		return "all is whole again"
	}
	if n := len(r.Damaged) + len(r.Missing) + len(r.Concerned); n > 0 {
		return plural(n, "problem")
	}
	return "all is whole"
}
