package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/wandb"
	"github.com/xtrepro/xt/track/wandb/offline"
)

func (a *app) importWandbCommand() *cli.Command {
	return &cli.Command{
		Name:      "wandb",
		Usage:     "bring runs that W&B's clients have kept on disk into the store of runs",
		UsageText: "xt import wandb [flags] PATH",
		Description: "Brings the runs of a folder \"wandb\", as scripts leave it behind with WANDB_MODE=offline and beside\n" +
			"any server: config, history, summary, output, files, and artifacts whose files the client still has\n" +
			"put aside. PATH may also be the folder or the log of one run. What is there already is left alone,\n" +
			"and what an import left unfinished is brought again. Nothing of the source is changed. To import a\n" +
			"file that is called wandb, write ./wandb.\n\n" +
			"examples:\n   xt import wandb wandb\n   xt import wandb wandb/offline-run-20260131_120000-abcd1234 --project digits\n" +
			"   xt import wandb experiments/wandb --dry-run",
		Flags: append(storeFlags(),
			jsonFlag(),
			&cli.StringFlag{Name: "project", Usage: "put the runs into the experiment `NAME`, rather than into that of their project"},
			&cli.BoolFlag{Name: "links", Usage: "bring what links among the files lead to, as \"wandb.save\" makes them"},
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would come, and change nothing"},
		),
		Action: a.importWandb,
	}
}

func (a *app) importWandb(c *cli.Context) error {
	if c.NArg() != 1 {
		return &usageError{msg: "xt import wandb takes the folder that W&B's clients write to", hints: []string{"xt import wandb wandb", "to import a file that is called wandb, write ./wandb"}}
	}
	at := c.Args().First()
	folders, err := offline.Find(inDir(a.dir, []string{at})[0])
	if errors.Is(err, fs.ErrNotExist) {
		return usageErrorf("there is no %s", shown(at))
	}
	if err != nil {
		return err
	}
	if len(folders) == 0 {
		return &usageError{msg: "W&B's clients have left no runs in " + shown(at), hints: []string{"name the folder that is called wandb, or one in it that begins with offline-run-"}}
	}
	return a.withImportStore(c, func(ctx context.Context, s track.Store) error { return a.bringWandb(ctx, c, s, folders) })
}

func (a *app) bringWandb(ctx context.Context, c *cli.Context, s track.Store, folders []offline.Folder) error {
	p := a.term.Start("importing", 0)
	defer p.Done()
	warnings := 0
	o := &wandb.ImportOptions{
		Project: c.String("project"), DryRun: c.Bool("dry-run"), Links: c.Bool("links"), File: p.Add,
		Warn: func(where, problem string) {
			warnings++
			a.term.Sayf("warning: %s: %s", shown(where), shown(problem))
		},
	}
	server := wandb.New(s, wandb.Options{})
	defer server.Close()
	var r wandb.ImportReport
	for i := range folders {
		if err := server.Import(ctx, &folders[i], o, &r); err != nil {
			p.Done()
			return importTrouble(&folders[i], err)
		}
		p.Note(plural(r.Runs+r.Present, "run"))
	}
	p.Done()
	if c.Bool("json") {
		return a.writeJSON(struct {
			wandb.ImportReport
			Warnings int `json:"warnings"`
		}{r, warnings})
	}
	a.term.Sayf("%s", importWandbWords(r, o.DryRun, warnings))
	return nil
}

// importTrouble tells what is wrong with a folder from what is wrong with the store.
func importTrouble(f *offline.Folder, err error) error {
	if errors.Is(err, offline.ErrNoLog) {
		return usageErrorf("%s is no log of W&B's clients", shown(f.Log))
	}
	return err
}

// importWandbWords says what came.
func importWandbWords(r wandb.ImportReport, dry bool, warnings int) string {
	verb := "imported"
	if dry {
		verb = "to import"
	}
	words := []string{
		fmt.Sprintf("%s: %s, %s of history, %s (%s)", verb, plural(r.Runs, "run"), plural(int(r.Rows), "row"), plural(int(r.Files), "file"), term.Bytes(r.Bytes)),
	}
	if r.Artifacts > 0 {
		words[0] += ", " + plural(r.Artifacts, "artifact")
	}
	if r.Present > 0 {
		words = append(words, plural(r.Present, "run")+" there already")
	}
	if warnings > 0 {
		words = append(words, plural(warnings, "warning"))
	}
	return strings.Join(words, "; ")
}
