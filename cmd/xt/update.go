package main

import (
	"errors"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/origin"
)

func (a *app) updateCommand() *cli.Command {
	return &cli.Command{
		Name:      "update",
		Usage:     "bring imported data up to what its source has now",
		ArgsUsage: "[PATH…]",
		Description: "Asks the source of what was imported, all or at the paths, whether it changed, and fetches it only\n" +
			"then, or where the cache lacks it. What it cannot refresh it says, and goes on with the rest.\n\n" +
			"examples:\n   xt update\n   xt update data/images --rev v2.0",
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.StringFlag{Name: "rev", Usage: "take the branch, tag or commit `REV` of the git repository from now on"},
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "replace also what is in no cache and no commit"},
			&cli.StringFlag{Name: "max-size", Usage: "refuse more than `SIZE` at once, such as 2GiB"},
			&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Value: 4, Usage: "read `N` pieces at a time"},
		},
		Action: a.update,
	}
}

// updateResult is the JSON of one path of xt update.
type updateResult struct {
	Path  string    `json:"path"`
	State string    `json:"state"` // "up to date", "updated", "fetched" or "failed"
	Old   *imported `json:"old,omitempty"`
	New   *imported `json:"new,omitempty"`
	Error string    `json:"error,omitempty"`
}

func (a *app) update(c *cli.Context) error {
	w, paths, unlock, err := a.openPaths(c)
	if err != nil {
		return err
	}
	defer unlock()
	list, err := importsAt(w, paths)
	if err != nil {
		return err
	}
	opts := origin.UpdateOptions{Rev: c.String("rev"), RevSet: c.IsSet("rev"), Force: c.Bool("force")}
	if opts.RevSet {
		if err := fromRepositories(list, len(paths)); err != nil {
			return err
		}
	}
	f, progress, done, err := a.fetcherFor(c, w, "updating")
	if err != nil {
		return err
	}
	defer done()
	begin := time.Now()
	results := []updateResult{}
	var errs []error
	for _, d := range list {
		u, err := origin.Refresh(c.Context, w, f, d, opts)
		if c.Context.Err() != nil {
			return err
		}
		results = append(results, a.updated(d, u, err))
		errs = append(errs, err)
	}
	progress.Done()
	if c.Bool("json") {
		if err := a.writeJSON(results); err != nil {
			return err
		}
	} else {
		a.term.Sayf("%s, %s (%s)", plural(len(list), "import"), updateWords(results), since(begin))
	}
	if err := errors.Join(errs...); err != nil {
		return &reported{err}
	}
	return nil
}

// importsAt returns the imports at or below the paths, or all.
func importsAt(w *pipeline.Workspace, paths []string) ([]*lock.Data, error) {
	all := w.Imports()
	if len(paths) == 0 {
		return all, nil
	}
	var list []*lock.Data
	for _, p := range paths {
		n := len(list)
		for _, d := range all {
			if pipeline.Below(d.Path, p) && !slices.Contains(list, d) {
				list = append(list, d)
			}
		}
		if len(list) == n && !slices.ContainsFunc(list, func(d *lock.Data) bool { return pipeline.Below(d.Path, p) }) {
			return nil, &usageError{msg: "nothing was imported to " + shown(p), hints: []string{"\"xt status\" lists the data; what stages make is brought up to date by \"xt repro\""}}
		}
	}
	return list, nil
}

// fromRepositories refuses --rev for what has no revisions, and for everything.
func fromRepositories(list []*lock.Data, named int) error {
	if named == 0 {
		return &usageError{msg: "xt update --rev: which path?", hints: []string{"xt update PATH --rev REV"}}
	}
	for _, d := range list {
		if d.Origin.Path == "" {
			return usageErrorf("--rev is for what comes from git repositories, and %s does not", shown(d.Path))
		}
	}
	return nil
}

// updated says what became of one import.
func (a *app) updated(d *lock.Data, u origin.Update, err error) updateResult {
	r := updateResult{Path: d.Path, State: "up to date"}
	if err != nil {
		msg, hints := message(err)
		a.term.Error(shown(d.Path)+": "+msg, hints...)
		r.State, r.Error = "failed", msg
		return r
	}
	old, now := importedOf(u.Old), importedOf(u.New)
	r.Old, r.New = &old, &now
	switch {
	case u.Changed:
		r.State = "updated"
		a.term.Sayf("%s: %s%s, %s -> %s%s, %s%s", shown(d.Path), term.Bytes(old.Size), filesWords(old.Files), u.Old.Sum.Short(),
			term.Bytes(now.Size), filesWords(now.Files), u.New.Sum.Short(), movedWords(u))
	case u.Fetched:
		r.State = "fetched"
		a.term.Sayf("%s: fetched again, as it was%s", shown(d.Path), movedWords(u))
	case u.Old.Origin != u.New.Origin:
		a.term.Sayf("%s: up to date%s", shown(d.Path), movedWords(u))
	default:
		a.term.Sayf("%s: up to date", shown(d.Path))
	}
	return r
}

// movedWords says from which commit to which a repository moved.
func movedWords(u origin.Update) string {
	old, now := u.Old.Origin.Commit, u.New.Origin.Commit
	if old == now || now == "" {
		return ""
	}
	return " (commit " + old[:min(len(old), 10)] + " -> " + now[:min(len(now), 10)] + ")"
}

// updateWords counts what became of the imports.
func updateWords(results []updateResult) string {
	count := map[string]int{}
	for _, r := range results {
		count[r.State]++
	}
	words := ""
	for _, state := range []string{"updated", "fetched", "up to date", "failed"} {
		if n := count[state]; n > 0 {
			if words != "" {
				words += ", "
			}
			words += term.Count(int64(n)) + " " + state
		}
	}
	if words == "" {
		return "nothing to do"
	}
	return words
}
