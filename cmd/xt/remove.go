package main

import "github.com/urfave/cli/v2"

func (a *app) removeCommand() *cli.Command {
	return &cli.Command{
		Name:        "remove",
		Aliases:     []string{"rm"},
		Usage:       "take data out of xt again; the files stay",
		ArgsUsage:   "PATH…",
		Description: "Takes paths that were added out of xt.lock and .gitignore. Neither the files nor what the\ncache has of them is removed.\n\nexamples:\n   xt remove data/old.csv",
		Action: func(c *cli.Context) error {
			w, paths, unlock, err := a.openPaths(c)
			if err != nil {
				return err
			}
			defer unlock()
			if len(paths) == 0 {
				return &usageError{msg: "xt remove: which paths?", hints: []string{"xt remove PATH…"}}
			}
			return w.Remove(paths)
		},
	}
}
