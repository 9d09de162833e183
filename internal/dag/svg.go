package dag

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// portGap is how far apart edges leave or reach a box, in pixels.
const portGap = 14

// SVG draws the graph as a picture that stands alone: layer by layer, each node
// below all that lead to it.
func (g *Graph) SVG() string {
	l := newLayout(g)
	width, height := l.size()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="ui-monospace,monospace" font-size="13">`+"\n", width, height, width, height)
	b.WriteString(`<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#57606a"/></marker></defs>` + "\n")
	out := l.ports(func(p *place) []int { return p.down })
	in := l.ports(func(p *place) []int { return p.up })
	for _, r := range l.routes {
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="#57606a" marker-end="url(#a)"/>`+"\n", l.curve(r, out, in))
	}
	for i, n := range g.Nodes {
		p, c := l.places[i], colours[n.State]
		fmt.Fprintf(&b, `<g><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="6" fill="%s" stroke="%s"/>`, escape(g.label(i)), p.x-p.w/2, top(p.layer), p.w, boxHeight, c.fill, c.line)
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle" fill="#1f2328">%s</text></g>`+"\n", p.x, top(p.layer)+boxHeight/2+5, escape(n.Name))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder never fails
	return b.String()
}

// step is a part of an edge, from one place to another.
type step struct{ from, to int }

// ports returns where on the side of each box its edges begin or end: side by
// side, in the order of where they lead.
func (l *layout) ports(neighbours func(*place) []int) map[step]int {
	ports := map[step]int{}
	for n := range l.places {
		p := &l.places[n]
		near := slices.Clone(neighbours(p))
		slices.SortStableFunc(near, func(a, b int) int { return cmp.Compare(l.places[a].x, l.places[b].x) })
		gap := min(portGap, p.w/(len(near)+1))
		for i, m := range near {
			ports[step{n, m}] = p.x + (2*i-len(near)+1)*gap/2
		}
	}
	return ports
}

// curve returns the path of an edge: down through a layer, bent between layers.
func (l *layout) curve(route []int, out, in map[step]int) string {
	var b strings.Builder
	for i, to := range route[1:] {
		from := route[i]
		x1, y1 := out[step{from, to}], top(l.places[from].layer)+boxHeight
		x2, y2 := in[step{to, from}], top(l.places[to].layer)
		if i == 0 {
			fmt.Fprintf(&b, "M%d %d", x1, y1)
		} else {
			fmt.Fprintf(&b, "V%d", y1)
		}
		mid := (y1 + y2) / 2
		fmt.Fprintf(&b, "C%d %d %d %d %d %d", x1, mid, x2, mid, x2, y2)
	}
	return b.String()
}
