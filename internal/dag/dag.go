// Package dag draws a directed acyclic graph as text, SVG, Mermaid or DOT.
package dag

import (
	"fmt"
	"strings"
)

// Graph is what to draw. Nodes come after all that lead to them.
type Graph struct {
	Nodes []Node
	Edges []Edge
}

// Node is a box.
type Node struct {
	Name  string
	State string // "fresh", "stale", "frozen", or "" for none
}

// Edge leads from one node, given by its place in Nodes, to a later one.
type Edge struct{ From, To int }

// Text draws the graph as trees: below each node what follows from it. A node
// that was drawn before is named again, with "…" in place of what follows.
func (g *Graph) Text() string {
	down, up := g.neighbours()
	var b strings.Builder
	shown := make([]bool, len(g.Nodes))
	var draw func(n int, head, rest string)
	draw = func(n int, head, rest string) {
		b.WriteString(head + g.label(n))
		if shown[n] && len(down[n]) > 0 {
			b.WriteString(" …\n")
			return
		}
		b.WriteByte('\n')
		shown[n] = true
		for i, d := range down[n] {
			if i == len(down[n])-1 {
				draw(d, rest+"└─ ", rest+"   ")
			} else {
				draw(d, rest+"├─ ", rest+"│  ")
			}
		}
	}
	for n := range g.Nodes {
		if len(up[n]) == 0 {
			draw(n, "", "")
		}
	}
	return b.String()
}

func (g *Graph) label(n int) string {
	node := g.Nodes[n]
	switch node.State {
	case "":
		return node.Name
	case "fresh":
		return node.Name + " (up to date)"
	}
	return node.Name + " (" + node.State + ")"
}

func (g *Graph) neighbours() (down, up [][]int) {
	down, up = make([][]int, len(g.Nodes)), make([][]int, len(g.Nodes))
	for _, e := range g.Edges {
		down[e.From] = append(down[e.From], e.To)
		up[e.To] = append(up[e.To], e.From)
	}
	return down, up
}

// Mermaid writes the graph in Mermaid's flowchart language.
func (g *Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	for i, n := range g.Nodes {
		fmt.Fprintf(&b, "  n%d[%q]", i, strings.ReplaceAll(n.Name, `"`, "#quot;"))
		if n.State != "" {
			b.WriteString(":::" + n.State)
		}
		b.WriteByte('\n')
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  n%d --> n%d\n", e.From, e.To)
	}
	for _, s := range g.states() {
		c := colours[s]
		fmt.Fprintf(&b, "  classDef %s fill:%s,stroke:%s,color:#1f2328\n", s, c.fill, c.line)
	}
	return b.String()
}

// DOT writes the graph in Graphviz's language.
func (g *Graph) DOT() string {
	var b strings.Builder
	b.WriteString("digraph xt {\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n")
	for i, n := range g.Nodes {
		fmt.Fprintf(&b, "  n%d [label=%q, fillcolor=%q, color=%q];\n", i, n.Name, colours[n.State].fill, colours[n.State].line)
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  n%d -> n%d;\n", e.From, e.To)
	}
	b.WriteString("}\n")
	return b.String()
}

// states returns the states that occur, in a fixed order.
func (g *Graph) states() []string {
	var found []string
	for _, s := range []string{"fresh", "stale", "frozen"} {
		for _, n := range g.Nodes {
			if n.State == s {
				found = append(found, s)
				break
			}
		}
	}
	return found
}

type colour struct{ fill, line string }

var colours = map[string]colour{
	"":       {"#f6f8fa", "#57606a"},
	"fresh":  {"#dafbe1", "#1a7f37"},
	"stale":  {"#fff8c5", "#9a6700"},
	"frozen": {"#ddf4ff", "#0969da"},
}
