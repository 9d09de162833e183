package main

import (
	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/pipeline"
)

func (a *app) metricsCommand() *cli.Command {
	return a.valuesCommand("metrics", "metric", func(v *pipeline.View) ([]pipeline.Value, error) {
		return pipeline.MetricValues(v.Graph, v.Source)
	})
}
