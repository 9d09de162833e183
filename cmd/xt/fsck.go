package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/internal/term"
)

func (a *app) fsckCommand() *cli.Command {
	return &cli.Command{
		Name:  "fsck",
		Usage: "read everything in the cache and say what is damaged or lost",
		Description: "Reads every file in the cache and compares its digest with its name. What is damaged is moved\n" +
			"aside, never deleted, and so is stored anew when it is next made. Exits with 1 if something\n" +
			"is lost.\n\nexamples:\n   xt fsck",
		Flags:  []cli.Flag{jsonFlag()},
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
	for _, it := range w.Owners(r.Lost()) {
		report.Concerned = append(report.Concerned, fsckItem{it.Path, it.Stage})
	}
	if c.Bool("json") {
		if err := a.writeJSON(report); err != nil {
			return err
		}
	} else {
		a.printFsck(report, r)
	}
	if !r.OK() || len(report.Concerned) > 0 {
		return errFailed
	}
	return nil
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
	a.term.Printf("read %s and %s (%s): %s\n", plural(r.Objects, "object"), plural(r.Trees, "directory listing"), term.Bytes(r.Bytes), fsckVerdict(report))
}

func fsckVerdict(r *fsckReport) string {
	if n := len(r.Damaged) + len(r.Missing) + len(r.Concerned); n > 0 {
		return plural(n, "problem")
	}
	return "all is whole"
}
