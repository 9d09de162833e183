package main

import (
	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/pipeline"
)

func (a *app) paramsCommand() *cli.Command {
	return a.valuesCommand("params", "parameter", func(v *pipeline.View) ([]pipeline.Value, error) {
		return v.Params(), nil
	})
}
