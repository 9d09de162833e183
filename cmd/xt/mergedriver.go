package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/lock"
)

func (a *app) mergeDriverCommand() *cli.Command {
	return &cli.Command{
		Name:      "merge-driver",
		Usage:     "merge xt.lock for git, stage by stage",
		ArgsUsage: "BASE OURS THEIRS",
		Description: "Git calls it when it merges xt.lock, after this has been said once in a clone:\n" +
			"   git config merge.xt.name 'xt.lock, stage by stage'\n" +
			"   git config merge.xt.driver 'xt merge-driver %O %A %B'\n" +
			"and this stands in .gitattributes:\n   xt.lock merge=xt\n" +
			"The merged lock is written to OURS. A stage that both sides changed differently is kept as\nstale, so that \"xt repro\" makes it again; the merge itself always succeeds.",
		Action: a.mergeDriver,
	}
}

func (a *app) mergeDriver(c *cli.Context) error {
	if c.NArg() != 3 {
		return &usageError{msg: "xt merge-driver takes three files", hints: []string{"xt merge-driver %O %A %B, as git fills it in"}}
	}
	var files [3]*lock.File
	for i := range files {
		b, err := os.ReadFile(c.Args().Get(i))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if files[i], err = lock.Parse(c.Args().Get(i), b); err != nil {
			return err
		}
	}
	merged, conflicts := lock.Merge(files[0], files[1], files[2])
	if err := atomicfile.Write(c.Args().Get(1), merged.Encode(), 0o666); err != nil {
		return err
	}
	if len(conflicts) > 0 {
		a.term.Warnf("both branches changed %s in xt.lock: stale until \"xt repro\" has made it again", strings.Join(conflicts, ", "))
	}
	return nil
}
