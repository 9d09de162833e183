package sweep

import "fmt"

// maxGrid is how many points a grid may have.
const maxGrid = 100_000

// grid tries all combinations of values, the last parameter changing fastest.
type grid struct{ points []Point }

func newGrid(s *Space) (*grid, error) {
	for i := range s.Params {
		switch p := &s.Params[i]; {
		case p.Count() == 0:
			return nil, fmt.Errorf("a grid needs choices or a step for parameter %q", p.Name)
		case p.Count() > maxGrid:
			return nil, fmt.Errorf("parameter %q has %d values, and a grid at most %d points", p.Name, p.Count(), maxGrid)
		}
	}
	g := &grid{}
	if !g.add(s, s.empty(), 0) {
		return nil, fmt.Errorf("the grid has more than %d points", maxGrid)
	}
	return g, nil
}

// add adds the points that begin with the values of p for the parameters before
// the one at depth. It reports whether there was room for them.
func (g *grid) add(s *Space, p Point, depth int) bool {
	if depth == len(s.order) {
		g.points = append(g.points, append(Point(nil), p...))
		return len(g.points) <= maxGrid
	}
	i := s.order[depth]
	if !s.active(i, p) {
		return g.add(s, p, depth+1)
	}
	defer func(was float64) { p[i] = was }(p[i])
	for k := range s.Params[i].Count() {
		if p[i] = s.Params[i].at(k); !g.add(s, p, depth+1) {
			return false
		}
	}
	return true
}

// Propose implements Sampler.
func (g *grid) Propose(n int, _ []Trial) (Point, bool) {
	if n >= len(g.points) {
		return nil, false
	}
	return append(Point(nil), g.points[n]...), true
}

// Size returns how many points a sampler proposes in all, or 0 if there is no end.
func Size(s Sampler) int {
	if g, ok := s.(*grid); ok {
		return len(g.points)
	}
	return 0
}

// random draws each value for itself.
type random struct{ p *Problem }

// Propose implements Sampler.
func (r *random) Propose(n int, _ []Trial) (Point, bool) { return r.p.random(n), true }

func (p *Problem) random(n int) Point {
	rng := p.rng(forRandom, n)
	return p.Space.fill(func(i int) float64 { return p.Space.Params[i].unit(rng.Float64()) })
}
