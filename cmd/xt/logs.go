package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/track"
)

func (a *app) logsCommand() *cli.Command {
	return &cli.Command{
		Name:      "logs",
		Usage:     "show what a command wrote, or list the executions of stages",
		ArgsUsage: "[STAGE|RUN]",
		Description: "Of a stage it shows the newest execution, also while that goes on. A run is named by its number, the\n" +
			"beginning of it, or its name. Without one it lists the executions of stages, the newest first.\n\n" +
			"examples:\n   xt logs\n   xt logs train          # the output of the newest execution\n   xt logs -f train       # and what follows, until it ends\n   xt logs 4f0e1c2b       # of a run",
		Flags: append(storeFlags(), jsonFlag(),
			&cli.IntFlag{Name: "last", Aliases: []string{"n"}, Value: 20, Usage: "list the newest `N`"},
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on until the command ends"}),
		Action: func(c *cli.Context) error {
			return a.withPlace(c, func(ctx context.Context, p *storePlace, s track.Store) error {
				if c.NArg() == 0 {
					return a.listLogs(ctx, c, s)
				}
				return a.showLog(ctx, c, p, s)
			})
		},
	}
}

// executionsOnly is a filter for what "xt logs" is about.
const executionsOnly = "origin.kind IN ('stage', 'verify', 'trial')"

func (a *app) listLogs(ctx context.Context, c *cli.Context, s track.Store) error {
	if err := closeAbandoned(ctx, s); err != nil {
		return err
	}
	in, err := experimentIDs(ctx, s, nil)
	if err != nil {
		return err
	}
	runs, _, err := searchRuns(ctx, s, track.RunSearch{Search: track.Search{Filter: executionsOnly}, Experiments: in}, c.Int("last"))
	switch {
	case err != nil:
		return err
	case c.Bool("json"):
		return a.writeJSON(jsonRuns(runs))
	case len(runs) == 0:
		a.term.Sayf("no execution is kept yet")
		return nil
	}
	rows := [][]string{{"run", "stage", "started", "took", "memory", "end"}}
	for i := range runs {
		r := &runs[i]
		memory := "-"
		if n, err := strconv.ParseInt(tagOf(r, memoryTag), 10, 64); err == nil {
			memory = term.Bytes(n)
		}
		rows = append(rows, []string{shortID(r.ID), shown(originOf(r).Stage), whenWords(r.Start), tookWords(r), memory, endWords(r)})
	}
	a.table(rows, false)
	return nil
}

// endWords says how an execution ended.
func endWords(r *track.Run) string {
	switch {
	case r.Status == track.Running:
		return "goes on"
	case r.Status == track.Finished:
		return "done"
	case tagOf(r, errorTag) != "":
		return shown(tagOf(r, errorTag))
	}
	return strings.ToLower(string(r.Status))
}

// showLog writes what the command of a run wrote.
func (a *app) showLog(ctx context.Context, c *cli.Context, p *storePlace, s track.Store) error {
	word := c.Args().First()
	r, err := newestOf(ctx, s, word)
	if err == nil && r == nil {
		var found track.Run
		found, err = findRun(ctx, s, word, track.All)
		r = &found
	}
	if usage := new(usageError); errors.As(err, &usage) {
		return &usageError{msg: fmt.Sprintf("no execution of %s is kept", shown(word)), hints: []string{"\"xt logs\" lists those of stages, \"xt runs list\" all runs"}}
	}
	if err != nil {
		return err
	}
	f, err := p.openLog(originOf(r))
	if err != nil {
		return &usageError{msg: fmt.Sprintf("no output of run %s is kept: %v", shortID(r.ID), err)}
	}
	defer f.Close()
	if _, err = io.Copy(a.term.Out, f); err != nil || !c.Bool("follow") {
		return err
	}
	return a.follow(ctx, s, r, f)
}

// newestOf returns the newest execution of a stage; nil if there is none.
func newestOf(ctx context.Context, s track.Store, stage string) (*track.Run, error) {
	in, err := experimentIDs(ctx, s, nil)
	if err != nil || strings.ContainsAny(stage, `'"`) {
		return nil, err
	}
	runs, _, err := searchRuns(ctx, s, track.RunSearch{Search: track.Search{Filter: executionsOnly + " AND origin.stage = '" + stage + "'"}, Experiments: in}, 1)
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	return &runs[0], nil
}

// openLog opens the output of an execution: what is kept of it, or the file that it
// goes to while the command runs.
func (p *storePlace) openLog(o *track.Origin) (*os.File, error) {
	if sum, err := hash.ParseSum(o.Log); err == nil {
		return p.cache.OpenFile(sum)
	}
	// A store may be anybody's: what it says is a name here, and no path.
	if o.Log == "" || p.logs == "" {
		return nil, fs.ErrNotExist
	}
	return os.OpenInRoot(p.logs, filepath.Base(filepath.FromSlash(o.Log)))
}

// follow copies what is added to an output until the run ends.
func (a *app) follow(ctx context.Context, s track.Store, r *track.Run, f io.Reader) error {
	for {
		now, err := s.Run(ctx, r.ID)
		if err != nil {
			return err
		}
		if _, err := io.Copy(a.term.Out, f); err != nil || now.Status != track.Running {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
