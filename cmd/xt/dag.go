package main

import (
	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/internal/dag"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) dagCommand() *cli.Command {
	return &cli.Command{
		Name:      "dag",
		Usage:     "draw the pipeline",
		ArgsUsage: "[STAGE…]",
		Description: "As text, or for documents as SVG, Mermaid or DOT.\n\n" +
			"examples:\n   xt dag\n   xt dag --status\n   xt dag --format svg -o pipeline.svg\n   xt dag train --format mermaid",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: "text", Usage: "`FORMAT`: text, svg, mermaid, dot or json"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE` rather than to standard output"},
			&cli.BoolFlag{Name: "status", Usage: "show which stages are up to date"},
			jsonFlag(),
		},
		Action: a.dag,
	}
}

func (a *app) dag(c *cli.Context) error {
	w, err := a.open()
	if err != nil {
		return err
	}
	stages, err := w.Graph.Select(c.Args().Slice(), pipeline.SelectOptions{})
	if err != nil {
		return err
	}
	g := newDAG(w.Graph, stages)
	if c.Bool("status") {
		plan, err := a.plan(c, w, stages, pipeline.RunOptions{})
		if err != nil {
			return err
		}
		for i, s := range plan.Steps {
			g.Nodes[i].State = dagState(s)
		}
	}
	if c.Bool("json") || c.String("format") == "json" {
		return a.writeJSON(newDAGReport(g))
	}
	text, err := drawDAG(g, c.String("format"))
	if err != nil {
		return err
	}
	if name := c.String("output"); name != "" {
		return atomicfile.Write(name, []byte(text), 0o666)
	}
	a.term.Printf("%s", text)
	return nil
}

func drawDAG(g *dag.Graph, format string) (string, error) {
	switch format {
	case "text":
		return g.Text(), nil
	case "svg":
		return g.SVG(), nil
	case "mermaid":
		return g.Mermaid(), nil
	case "dot":
		return g.DOT(), nil
	}
	return "", usageErrorf("xt dag --format: want text, svg, mermaid, dot or json, not %q", format)
}

func newDAG(g *pipeline.Graph, stages []*pipeline.Stage) *dag.Graph {
	d := new(dag.Graph)
	place := map[*pipeline.Stage]int{}
	for i, s := range stages {
		place[s] = i
		d.Nodes = append(d.Nodes, dag.Node{Name: s.Name})
		for _, up := range g.Upstream(s) {
			if from, ok := place[up]; ok {
				d.Edges = append(d.Edges, dag.Edge{From: from, To: i})
			}
		}
	}
	return d
}

func dagState(s *pipeline.Step) string {
	switch {
	case s.Action == pipeline.Frozen:
		return "frozen"
	case s.Stale():
		return "stale"
	}
	return "fresh"
}

type dagReport struct {
	Stages []dagNode `json:"stages"`
	Edges  []dagEdge `json:"edges"`
}

type dagNode struct {
	Stage string `json:"stage"`
	State string `json:"state,omitempty"`
}

type dagEdge struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func newDAGReport(g *dag.Graph) dagReport {
	r := dagReport{Stages: []dagNode{}, Edges: []dagEdge{}}
	for _, n := range g.Nodes {
		r.Stages = append(r.Stages, dagNode{n.Name, n.State})
	}
	for _, e := range g.Edges {
		r.Edges = append(r.Edges, dagEdge{g.Nodes[e.From].Name, g.Nodes[e.To].Name})
	}
	return r
}
