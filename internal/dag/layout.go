package dag

import (
	"slices"
	"unicode/utf8"
)

// The measures of a drawing, in pixels.
const (
	charWidth = 8
	padding   = 14
	boxHeight = 34
	gapX      = 28
	gapY      = 46
	margin    = 16
)

// sweeps is how often the layers are put in order, down and up again. More
// changes little.
const sweeps = 4

// maxWaypoints bounds what edges over many layers can cost. In a graph that has
// more of them they run straight, behind the boxes: nobody could follow them.
const maxWaypoints = 20_000

// place is where a box is drawn; or, without width, where an edge passes a layer
// on its way to a lower one.
type place struct {
	x, w     int // the middle, the width
	layer    int
	rank     int // from the left
	up, down []int
}

// layout is where everything is drawn. A node's layer is the longest way that
// leads to it, so that edges lead down.
type layout struct {
	places []place // first the nodes of the graph, in its order
	layers [][]int // the places in each, from the left
	routes [][]int // the places that each edge leads over, both ends included
}

func newLayout(g *Graph) *layout {
	l := &layout{places: make([]place, len(g.Nodes))}
	l.addNodes(g)
	l.addEdges(g)
	for range sweeps {
		l.sort(func(p *place) []int { return p.up })
		l.sort(func(p *place) []int { return p.down })
	}
	l.align()
	return l
}

func (l *layout) addNodes(g *Graph) {
	_, up := g.neighbours()
	for n := range l.places {
		p := &l.places[n]
		p.w = utf8.RuneCountInString(g.Nodes[n].Name)*charWidth + 2*padding
		for _, u := range up[n] {
			p.layer = max(p.layer, l.places[u].layer+1)
		}
		l.enter(n)
	}
}

// enter puts a place at the right end of its layer.
func (l *layout) enter(n int) {
	p := &l.places[n]
	for len(l.layers) <= p.layer {
		l.layers = append(l.layers, nil)
	}
	p.rank = len(l.layers[p.layer])
	l.layers[p.layer] = append(l.layers[p.layer], n)
}

func (l *layout) addEdges(g *Graph) {
	between := 0
	for _, e := range g.Edges {
		between += l.places[e.To].layer - l.places[e.From].layer - 1
	}
	for _, e := range g.Edges {
		route := []int{e.From}
		for layer := l.places[e.From].layer + 1; layer < l.places[e.To].layer && between <= maxWaypoints; layer++ {
			l.places = append(l.places, place{layer: layer})
			route = append(route, len(l.places)-1)
			l.enter(len(l.places) - 1)
		}
		l.connect(append(route, e.To))
	}
}

func (l *layout) connect(route []int) {
	for i, to := range route[1:] {
		from := route[i]
		l.places[from].down = append(l.places[from].down, to)
		l.places[to].up = append(l.places[to].up, from)
	}
	l.routes = append(l.routes, route)
}

// sort orders each layer by the middle of the neighbours on one side, so that
// few edges cross.
func (l *layout) sort(neighbours func(*place) []int) {
	for _, layer := range l.layers {
		middle := make(map[int]int, len(layer))
		for _, n := range layer {
			middle[n] = l.mean(neighbours(&l.places[n]), l.places[n].rank, func(p *place) int { return p.rank })
		}
		slices.SortStableFunc(layer, func(a, b int) int { return middle[a] - middle[b] })
		for i, n := range layer {
			l.places[n].rank = i
		}
	}
}

// mean returns the mean of a measure of places, times 1000 so that it can be a
// whole number; of none, it is the given one's.
func (l *layout) mean(ns []int, without int, measure func(*place) int) int {
	if len(ns) == 0 {
		return 1000 * without
	}
	sum := 0
	for _, n := range ns {
		sum += 1000 * measure(&l.places[n])
	}
	return sum / len(ns)
}

// align moves the places below and above their neighbours, as far as the order
// and the gaps allow.
func (l *layout) align() {
	x := func(p *place) int { return p.x }
	for i := range 2*sweeps + 1 {
		for _, layer := range l.layers {
			want := make([]int, len(layer))
			for j, n := range layer {
				p := &l.places[n]
				near := [...][]int{p.up, p.down}[i%2]
				if i == 2*sweeps {
					near = slices.Concat(p.up, p.down)
				}
				want[j] = l.mean(near, p.x, x) / 1000
			}
			l.settle(layer, want)
		}
	}
	left := 0
	for i := range l.places {
		left = min(left, l.places[i].x-l.places[i].w/2)
	}
	for i := range l.places {
		l.places[i].x += margin - left
	}
}

// run is a stretch of places that stand as close together as they may.
type run struct{ n, sum int }

// settle gives the places of a layer the positions nearest to those that they
// want, in the sense of least squares: those that want to stand too close are
// joined into runs, and a run stands where its members want it to on average.
func (l *layout) settle(layer, want []int) {
	offset := make([]int, len(layer))
	var runs []run
	for i, n := range layer {
		if i > 0 {
			offset[i] = offset[i-1] + (l.places[layer[i-1]].w+l.places[n].w)/2 + gapX
		}
		r := run{1, want[i] - offset[i]}
		for len(runs) > 0 && runs[len(runs)-1].sum*r.n > r.sum*runs[len(runs)-1].n {
			last := runs[len(runs)-1]
			runs, r = runs[:len(runs)-1], run{r.n + last.n, r.sum + last.sum}
		}
		runs = append(runs, r)
	}
	i := 0
	for _, r := range runs {
		for range r.n {
			l.places[layer[i]].x = r.sum/r.n + offset[i]
			i++
		}
	}
}

// top returns where the boxes of a layer begin.
func top(layer int) int { return margin + layer*(boxHeight+gapY) }

// size returns the width and height of the drawing.
func (l *layout) size() (width, height int) {
	width = 2 * margin
	for i := range l.places {
		width = max(width, l.places[i].x+l.places[i].w/2+margin)
	}
	return width, 2*margin + max(0, len(l.layers)*(boxHeight+gapY)-gapY)
}
