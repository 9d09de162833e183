package main

import (
	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/pipeline"
)

func (a *app) metricsCommand() *cli.Command {
	return a.valuesCommand("metrics", "metric", (*pipeline.View).Metrics)
}
