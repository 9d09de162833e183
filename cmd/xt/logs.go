package main

import (
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) logsCommand() *cli.Command {
	return &cli.Command{
		Name:      "logs",
		Usage:     "show what a stage's command wrote, or list the executions",
		ArgsUsage: "[STAGE]",
		Description: "Without a stage it lists the executions that are kept, the newest first.\n\n" +
			"examples:\n   xt logs\n   xt logs train          # the output of the newest execution",
		Flags:  []cli.Flag{jsonFlag(), &cli.IntFlag{Name: "last", Aliases: []string{"n"}, Value: 20, Usage: "list the newest `N`"}},
		Action: a.logs,
	}
}

func (a *app) logs(c *cli.Context) error {
	w, err := a.open()
	if err != nil {
		return err
	}
	records, err := w.Records(c.Args().Slice()...)
	if err != nil {
		return err
	}
	if c.NArg() > 0 && len(records) == 0 {
		return &usageError{msg: fmt.Sprintf("no execution of %s is kept", c.Args().First()), hints: []string{"\"xt logs\" lists those that are"}}
	}
	records = records[:min(len(records), max(0, c.Int("last")))]
	switch {
	case c.Bool("json"):
		if records == nil {
			records = []*pipeline.Record{}
		}
		return a.writeJSON(records)
	case c.NArg() > 0 && len(records) > 0:
		return a.copyLog(records[0].Log)
	}
	if len(records) == 0 {
		a.term.Sayf("no execution is kept yet")
	}
	for _, r := range records {
		end := "done"
		if r.Error != "" {
			end = a.term.Paint(term.Red, r.Error)
		}
		a.term.Printf("%s  %-20s %8.1f s  %10s  %s\n", r.Started.Local().Format("2006-01-02 15:04:05"), r.Stage, r.Seconds, term.Bytes(r.Memory), end)
	}
	return nil
}

func (a *app) copyLog(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(a.term.Out, f)
	return err
}
