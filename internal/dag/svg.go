package dag

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The measures of the drawing, in pixels.
const (
	charWidth = 8
	padding   = 14
	boxHeight = 34
	gapX      = 28
	gapY      = 46
	margin    = 16
)

// box is where a node is drawn.
type box struct{ x, y, w int }

// SVG draws the graph as a picture that stands alone: layer by layer, each node
// below all that lead to it.
func (g *Graph) SVG() string {
	boxes, width, height := g.layout()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="ui-monospace,monospace" font-size="13">`+"\n", width, height, width, height)
	b.WriteString(`<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#57606a"/></marker></defs>` + "\n")
	for _, e := range g.Edges {
		from, to := boxes[e.From], boxes[e.To]
		x1, y1, x2, y2 := from.x+from.w/2, from.y+boxHeight, to.x+to.w/2, to.y
		mid := (y1 + y2) / 2
		fmt.Fprintf(&b, `<path d="M%d %dC%d %d %d %d %d %d" fill="none" stroke="#57606a" marker-end="url(#a)"/>`+"\n", x1, y1, x1, mid, x2, mid, x2, y2)
	}
	for i, n := range g.Nodes {
		bx, c := boxes[i], colours[n.State]
		fmt.Fprintf(&b, `<g><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="6" fill="%s" stroke="%s"/>`, escape(g.label(i)), bx.x, bx.y, bx.w, boxHeight, c.fill, c.line)
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle" fill="#1f2328">%s</text></g>`+"\n", bx.x+bx.w/2, bx.y+boxHeight/2+5, escape(n.Name))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder never fails
	return b.String()
}

// layout places the nodes: a layer is the longest way from a root, and within a
// layer nodes stand in the order of the middle of what leads to them, so that
// few edges cross.
func (g *Graph) layout() (boxes []box, width, height int) {
	_, up := g.neighbours()
	layers := g.layers(up)
	boxes = make([]box, len(g.Nodes))
	for y, layer := range layers {
		slices.SortStableFunc(layer, func(a, b int) int { return middle(boxes, up[a]) - middle(boxes, up[b]) })
		x := margin
		for _, n := range layer {
			w := utf8.RuneCountInString(g.Nodes[n].Name)*charWidth + 2*padding
			boxes[n] = box{x, margin + y*(boxHeight+gapY), w}
			x += w + gapX
		}
		width = max(width, x-gapX+margin)
	}
	centre(boxes, layers, width)
	return boxes, max(width, 2*margin), 2*margin + max(0, len(layers)*(boxHeight+gapY)-gapY)
}

func (g *Graph) layers(up [][]int) [][]int {
	depth := make([]int, len(g.Nodes))
	var layers [][]int
	for n := range g.Nodes {
		for _, u := range up[n] {
			depth[n] = max(depth[n], depth[u]+1)
		}
		for len(layers) <= depth[n] {
			layers = append(layers, nil)
		}
		layers[depth[n]] = append(layers[depth[n]], n)
	}
	return layers
}

func middle(boxes []box, ns []int) int {
	if len(ns) == 0 {
		return 0
	}
	sum := 0
	for _, n := range ns {
		sum += boxes[n].x + boxes[n].w/2
	}
	return sum / len(ns)
}

func centre(boxes []box, layers [][]int, width int) {
	for _, layer := range layers {
		last := boxes[layer[len(layer)-1]]
		shift := (width - margin - (last.x + last.w)) / 2
		for _, n := range layer {
			boxes[n].x += shift
		}
	}
}
