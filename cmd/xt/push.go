package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) pushCommand() *cli.Command {
	return &cli.Command{
		Name:      "push",
		Usage:     "send data and results to a remote",
		ArgsUsage: "[PATH…]",
		Description: "Sends what xt.lock names, or what lies at the paths, the results in the run cache, and the\n" +
			"artifacts of runs, as far as the remote lacks it. Big files are cut into chunks, and chunks that\n" +
			"the remote has are not sent again. A push that was ended, however that came, goes on where it was.\n\n" +
			"examples:\n   xt push\n   xt push data/images -r backup\n   xt push --history             # also what old commits need",
		Flags: append(append(transferFlags(), scopeFlags()...), &cli.BoolFlag{Name: "no-run-cache", Usage: "only what xt.lock names"},
			&cli.BoolFlag{Name: "no-artifacts", Usage: "without the artifacts of runs"}),
		Action: a.push,
	}
}

// pushResult is the JSON of xt push, one for each remote.
type pushResult struct {
	Remote    string `json:"remote"`
	Files     int64  `json:"files"`      // that are wanted there
	Bytes     int64  `json:"bytes"`      // in these
	SentFiles int64  `json:"sent_files"` // of these, that the remote lacked
	SentBytes int64  `json:"sent_bytes"` // in these
	Known     int64  `json:"deduplicated_bytes"`
	Stored    int64  `json:"stored_bytes"` // that were sent for these
	Packs     int64  `json:"packs"`
	Runs      int64  `json:"runs"`
}

func (a *app) push(c *cli.Context) error {
	w, paths, unlock, err := a.openPaths(c)
	if err != nil {
		return err
	}
	defer unlock()
	t, progress, err := a.transfer(c, "pushing")
	if err != nil {
		return err
	}
	defer progress.Done()
	begin := time.Now()
	done, err := w.Push(c.Context, pipeline.PushOptions{Transfer: t, Scope: scopeOf(c), Paths: paths, NoRun: c.Bool("no-run-cache"), NoArtifacts: c.Bool("no-artifacts")})
	progress.Done()
	if c.Bool("json") && (err == nil || len(done) > 0) {
		results := []pushResult{}
		for _, p := range done {
			results = append(results, pushResult{p.Remote, p.Files, p.Bytes, p.SentFiles, p.SentBytes, p.Known, p.Stored, p.Packs, p.Runs})
		}
		if jsonErr := a.writeJSON(results); err == nil {
			return jsonErr
		}
		return a.report(err)
	}
	for _, p := range done {
		a.term.Sayf("%s: %s (%s)", p.Remote, pushWords(&p), since(begin))
	}
	return err
}

// pushWords says what was sent, skipped and saved.
func pushWords(p *pipeline.Pushed) string {
	if p.SentFiles == 0 && p.Runs == 0 {
		if p.Files == 0 {
			return "nothing to send"
		}
		return "nothing to send, it has " + filesOf(p.Files, p.Bytes)
	}
	words := "sent " + filesOf(p.SentFiles, p.SentBytes) + " as " + term.Bytes(p.Stored)
	if p.Known > 0 {
		words += ", saved " + term.Bytes(p.Known) + " that it had"
	}
	if p.Runs > 0 {
		words += ", " + plural(int(p.Runs), "cached result")
	}
	if skipped := p.Files - p.SentFiles; skipped > 0 {
		words += ", skipped " + plural(int(skipped), "file") + " that it had"
	}
	return words
}
