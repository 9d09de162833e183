package main

import (
	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/pipeline"
)

func (a *app) removeCommand() *cli.Command {
	return &cli.Command{
		Name:      "remove",
		Aliases:   []string{"rm"},
		Usage:     "take data out of xt again; the files stay",
		ArgsUsage: "PATH…|STAGE…",
		Description: "Takes paths that were added out of xt.lock and .gitignore. Neither the files nor what the\n" +
			"cache has of them is removed. Of a stage that xt.toml no longer has it takes out the entry.\n\n" +
			"examples:\n   xt remove data/old.csv\n   xt remove old-stage",
		Action: a.remove,
	}
}

func (a *app) remove(c *cli.Context) error {
	w, paths, unlock, err := a.openPaths(c)
	if err != nil {
		return err
	}
	defer unlock()
	if len(paths) == 0 {
		return &usageError{msg: "xt remove: which paths?", hints: []string{"xt remove PATH…"}}
	}
	return w.Remove(sortOperands(w, c.Args().Slice(), paths))
}

// sortOperands tells the stages among operands from the paths. A path goes over a
// stage of the same name.
func sortOperands(w *pipeline.Workspace, operands, paths []string) (rest, stages []string) {
	file := w.Lock.File()
	for i, p := range paths {
		if file.Data[p] == nil && file.Stages[operands[i]] != nil {
			stages = append(stages, operands[i])
		} else {
			rest = append(rest, p)
		}
	}
	return rest, stages
}
