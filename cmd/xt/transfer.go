package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
)

// transferFlags are those of commands that move data to or from remotes.
func transferFlags() []cli.Flag {
	return []cli.Flag{
		jsonFlag(),
		&cli.StringFlag{Name: "remote", Aliases: []string{"r"}, Usage: "the remote to use: its `NAME` in xt.toml"},
		&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Value: 4, Usage: "move `N` packs at a time"},
	}
}

// scopeFlags widen what is moved beyond the workspace.
func scopeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "also what the tips of all branches and tags need"},
		&cli.BoolFlag{Name: "history", Usage: "also what any commit needs"},
	}
}

func scopeOf(c *cli.Context) pipeline.Scope {
	switch {
	case c.Bool("history"):
		return pipeline.KeepHistory
	case c.Bool("all"):
		return pipeline.KeepTips
	}
	return pipeline.KeepWorkspace
}

// transferMemory is how many bytes a transfer is to make do with, unless what it
// moves cannot be moved with less.
const transferMemory = 384 << 20

// transfer begins to show a transfer, and returns what tells how it goes.
func (a *app) transfer(c *cli.Context, label string) (pipeline.Transfer, *term.Progress, error) {
	if c.Int("jobs") < 1 {
		return pipeline.Transfer{}, nil, usageErrorf("--jobs: at least one pack has to move at a time, not %d", c.Int("jobs"))
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		// Packs are put together in memory. Without this as much again would be
		// garbage before it is collected.
		debug.SetMemoryLimit(transferMemory)
	}
	p := a.term.Start(label, 0)
	t := pipeline.Transfer{Remote: c.String("remote"), Jobs: c.Int("jobs"), Progress: p}
	if label == "pushing" {
		t.Sent = p.Moved
	} else {
		t.Received = p.Moved
	}
	return t, p, nil
}

func since(begin time.Time) string { return term.Duration(time.Since(begin)) }

// filesOf says how many files there are, and how big they are together.
func filesOf(files, bytes int64) string {
	return fmt.Sprintf("%s, %s", plural(int(files), "file"), term.Bytes(bytes))
}
