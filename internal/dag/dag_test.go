package dag

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// digits is a pipeline in which an edge passes a layer.
func digits() *Graph {
	return &Graph{
		Nodes: []Node{{Name: "prepare", State: "fresh"}, {Name: "train", State: "stale"}, {Name: "evaluate@val"}, {Name: `a<b>&"c"`}},
		Edges: []Edge{{0, 1}, {0, 2}, {1, 2}, {0, 3}, {1, 3}},
	}
}

func TestText(t *testing.T) {
	want := `prepare (up to date)
├─ train (stale)
│  ├─ evaluate@val
│  └─ a<b>&"c"
├─ evaluate@val
└─ a<b>&"c"
`
	if got := digits().Text(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestTextDrawsASubtreeOnce(t *testing.T) {
	g := &Graph{Nodes: []Node{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}}, Edges: []Edge{{0, 2}, {1, 2}, {2, 3}}}
	want := "a\n└─ c\n   └─ d\nb\n└─ c …\n"
	if got := g.Text(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestMermaid(t *testing.T) {
	got := digits().Mermaid()
	for _, want := range []string{"flowchart TD\n", `n0["prepare"]:::fresh`, `n3["a<b>&#quot;c#quot;"]`, "n1 --> n3\n", "classDef stale "} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestDOT(t *testing.T) {
	got := digits().DOT()
	for _, want := range []string{"digraph xt {", `label="prepare"`, `label="a<b>&\"c\""`, "n1 -> n3;"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestSVGIsXML(t *testing.T) {
	for _, g := range []*Graph{{}, {Nodes: []Node{{Name: "lone"}}}, digits()} {
		d := xml.NewDecoder(strings.NewReader(g.SVG()))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in\n%s", err, g.SVG())
			}
		}
	}
}

// An edge that passes a layer does so beside the boxes, not behind them.
func TestEdgesPassBesideBoxes(t *testing.T) {
	l := newLayout(digits())
	if len(l.places) != 6 {
		t.Fatalf("%d places, want 4 boxes and 2 waypoints", len(l.places))
	}
	train := l.places[1]
	for _, w := range l.places[4:] {
		if w.layer != train.layer || abs(w.x-train.x) < train.w/2+gapX {
			t.Errorf("a waypoint at %d in layer %d, train at %d±%d in layer %d", w.x, w.layer, train.x, train.w/2, train.layer)
		}
	}
}

// Whatever the graph, boxes keep their distance, stay in the picture, and stand
// below what leads to them.
func TestLayoutOfRandomGraphs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		g := random(r, 1+r.IntN(40), r.IntN(80))
		l := newLayout(g)
		width, height := l.size()
		for _, layer := range l.layers {
			for i, n := range layer {
				p := l.places[n]
				if p.x-p.w/2 < margin || p.x+p.w/2+margin > width || top(p.layer)+boxHeight+margin > height {
					t.Fatalf("place %+v is not within %d by %d", p, width, height)
				}
				if i > 0 && p.x-p.w/2 < right(l.places[layer[i-1]])+gapX-2 {
					t.Fatalf("%+v is too close to %+v", p, l.places[layer[i-1]])
				}
			}
		}
		for _, e := range g.Edges {
			if l.places[e.From].layer >= l.places[e.To].layer {
				t.Fatalf("edge %v leads up", e)
			}
		}
	}
}

// A graph of very many long edges is drawn without waypoints, in bounded time.
func TestDenseGraph(t *testing.T) {
	g := &Graph{}
	for i := range 300 {
		g.Nodes = append(g.Nodes, Node{Name: fmt.Sprint(i)})
		for j := range i {
			g.Edges = append(g.Edges, Edge{j, i})
		}
	}
	if l := newLayout(g); len(l.places) != len(g.Nodes) {
		t.Errorf("%d waypoints", len(l.places)-len(g.Nodes))
	}
}

func random(r *rand.Rand, nodes, edges int) *Graph {
	g := &Graph{}
	for range nodes {
		g.Nodes = append(g.Nodes, Node{Name: strings.Repeat("x", 1+r.IntN(20))})
	}
	seen := map[Edge]bool{}
	for range edges {
		to := r.IntN(nodes)
		if to == 0 {
			continue
		}
		if e := (Edge{r.IntN(to), to}); !seen[e] {
			seen[e] = true
			g.Edges = append(g.Edges, e)
		}
	}
	return g
}

func right(p place) int { return p.x + p.w/2 }

func abs(n int) int { return max(n, -n) }
