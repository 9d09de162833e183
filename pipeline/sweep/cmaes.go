package sweep

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// cmaes is the covariance matrix adaptation evolution strategy with rank-one and
// weighted rank-mu updates (N. Hansen, "The CMA evolution strategy: a tutorial",
// 2016), in the unit cube over the ranges that are always active. What varies
// besides is drawn at random. It begins in the middle, with a step of a sixth of
// the range.
type cmaes struct {
	p    *Problem
	dims []int // of the parameters that it adapts
	c    coefficients
}

func newCMAES(p *Problem) (*cmaes, error) {
	if len(p.Maximize) > 1 {
		return nil, errors.New("cmaes searches by one objective; with several take tpe")
	}
	c := &cmaes{p: p}
	for i := range p.Space.Params {
		if q := &p.Space.Params[i]; q.Choices == 0 && q.When == nil && !q.single() {
			c.dims = append(c.dims, i)
		}
	}
	if len(c.dims) == 0 {
		return nil, errors.New("cmaes needs a range that is always active; with choices take tpe")
	}
	if len(c.dims) > maxCMAES {
		return nil, fmt.Errorf("cmaes searches at most %d ranges, and these are %d", maxCMAES, len(c.dims))
	}
	c.c = newCoefficients(len(c.dims))
	return c, nil
}

// maxCMAES is how many ranges are searched: the effort for each proposal grows
// with the third power.
const maxCMAES = 200

// Propose implements Sampler. The state of the strategy is what it comes to when
// all trials are gone through again: of each generation the first that ended
// well, as far as each proposal knew.
func (c *cmaes) Propose(n int, past []Trial) (Point, bool) {
	point := c.p.random(n)
	s := c.replay(n, past)
	if s == nil {
		return point, true
	}
	x := s.sample(c.p.rng(forCMAES, n))
	for k, i := range c.dims {
		point[i] = c.p.Space.Params[i].unit(x[k])
	}
	return point, true
}

// replay returns the state from which trial n is drawn, or nil if that is to be
// random: the first trial is, until one has ended.
func (c *cmaes) replay(n int, past []Trial) *strategy {
	s := newStrategy(&c.c)
	started, seen := false, 0
	generation := map[int]int{} // of trials, by number
	var told []*Trial           // of this generation
	advance := func(upTo int) {
		for ; seen < len(past) && past[seen].Number <= upTo; seen++ {
			t := &past[seen]
			if !c.p.valid(t) {
				continue
			}
			started = true
			if g, ok := generation[t.Number]; ok && g == s.generation {
				told = append(told, t)
			}
		}
		if len(told) >= c.c.population {
			s.tell(c.solutions(told[:c.c.population]))
			told = nil
		}
	}
	for i := range past {
		t := &past[i]
		advance(t.Number - max(1, t.Lag))
		if started {
			generation[t.Number] = s.generation
		}
	}
	advance(n - 1) // those that are not to be seen are Running
	if !started {
		return nil
	}
	return s
}

// solutions returns where trials are in the unit cube, the best first.
func (c *cmaes) solutions(trials []*Trial) [][]float64 {
	slices.SortStableFunc(trials, func(a, b *Trial) int {
		return cmp.Or(cmp.Compare(a.Violation, b.Violation), cmp.Compare(c.p.loss(0, a.Values[0]), c.p.loss(0, b.Values[0])))
	})
	xs := make([][]float64, len(trials))
	for i, t := range trials {
		for _, d := range c.dims {
			xs[i] = append(xs[i], c.p.Space.Params[d].toUnit(t.Point[d]))
		}
	}
	return xs
}

// coefficients are what the tutorial's table 1 recommends for a dimension. The
// names are its.
type coefficients struct {
	dim, population, parents    int
	weights                     []float64 // of a generation's points, the best first; they may be negative
	muEff, cSigma, dSigma       float64
	cC, c1, cMu, chi, weightSum float64
}

func newCoefficients(dim int) coefficients {
	n := float64(dim)
	c := coefficients{dim: dim, population: 4 + int(3*math.Log(n))}
	c.parents = c.population / 2
	var raw []float64
	for i := range c.population {
		raw = append(raw, math.Log(float64(c.population+1)/2)-math.Log(float64(i+1)))
	}
	effective := func(ws []float64) (sum, eff float64) {
		squares := 0.0
		for _, w := range ws {
			sum, squares = sum+w, squares+w*w
		}
		return sum, sum * sum / squares
	}
	_, c.muEff = effective(raw[:c.parents])
	_, muEffMinus := effective(raw[c.parents:])
	c.c1 = 2 / ((n+1.3)*(n+1.3) + c.muEff)
	c.cMu = min(1-c.c1-1e-8, 2*(c.muEff-2+1/c.muEff)/((n+2)*(n+2)+c.muEff))
	alpha := min(1+c.c1/c.cMu, 1+2*muEffMinus/(c.muEff+2), (1-c.c1-c.cMu)/(n*c.cMu))
	positive, negative := 0.0, 0.0
	for _, w := range raw {
		positive, negative = positive+max(w, 0), negative+max(-w, 0)
	}
	for _, w := range raw {
		if w >= 0 {
			w /= positive
		} else {
			w *= alpha / negative
		}
		c.weights = append(c.weights, w)
		c.weightSum += w
	}
	c.cSigma = (c.muEff + 2) / (n + c.muEff + 5)
	c.dSigma = 1 + 2*max(0, math.Sqrt((c.muEff-1)/(n+1))-1) + c.cSigma
	c.cC = (4 + c.muEff/n) / (n + 4 + 2*c.muEff/n)
	c.chi = math.Sqrt(n) * (1 - 1/(4*n) + 1/(21*n*n))
	return c
}

// strategy is the state of the evolution strategy: the normal distribution from
// which points are drawn, and the paths that its mean took.
type strategy struct {
	c          *coefficients
	generation int
	mean       []float64
	sigma      float64
	cov        [][]float64
	pathSigma  []float64
	pathC      []float64

	axes   [][]float64 // columns are the eigenvectors of cov; nil: not known yet
	scales []float64   // the roots of its eigenvalues
}

func newStrategy(c *coefficients) *strategy {
	s := &strategy{c: c, sigma: 1.0 / 6, mean: make([]float64, c.dim), pathSigma: make([]float64, c.dim), pathC: make([]float64, c.dim), cov: identity(c.dim)}
	for i := range s.mean {
		s.mean[i] = 0.5
	}
	return s
}

// decompose finds the axes of the distribution.
func (s *strategy) decompose() {
	if s.axes != nil {
		return
	}
	values, axes := eigen(s.cov)
	s.axes, s.scales = axes, make([]float64, len(values))
	for i, v := range values {
		s.scales[i] = math.Sqrt(max(v, 1e-16))
	}
}

// sample draws a point. One outside of the cube is drawn again, and after some
// tries moved to its border.
func (s *strategy) sample(rng *rand.Rand) []float64 {
	s.decompose()
	var x []float64
	for range 10*s.c.dim + 1 {
		z := make([]float64, s.c.dim)
		for i := range z {
			z[i] = s.scales[i] * rng.NormFloat64()
		}
		x = product(s.axes, z)
		inside := true
		for i := range x {
			x[i] = s.mean[i] + s.sigma*x[i]
			inside = inside && x[i] >= 0 && x[i] <= 1
		}
		if inside {
			return x
		}
	}
	for i := range x {
		x[i] = min(max(x[i], 0), 1)
	}
	return x
}

// tell goes on to the next generation, given the points of this one, the best
// first.
func (s *strategy) tell(points [][]float64) {
	s.decompose()
	c := s.c
	steps := make([][]float64, len(points))
	mean := make([]float64, c.dim)
	for i, x := range points {
		steps[i] = make([]float64, c.dim)
		for k := range x {
			steps[i][k] = (x[k] - s.mean[k]) / s.sigma
			if i < c.parents {
				mean[k] += c.weights[i] * steps[i][k]
			}
		}
	}
	for k := range mean {
		s.mean[k] += s.sigma * mean[k]
	}
	white := s.whiten(mean)
	for k := range white {
		s.pathSigma[k] = (1-c.cSigma)*s.pathSigma[k] + math.Sqrt(c.cSigma*(2-c.cSigma)*c.muEff)*white[k]
	}
	s.generation++
	length := norm(s.pathSigma)
	still := 0.0 // 1: the path is not too long, so that the covariance may follow it
	if length/math.Sqrt(1-math.Pow(1-c.cSigma, 2*float64(s.generation))) < (1.4+2/float64(c.dim+1))*c.chi {
		still = 1
	}
	for k := range mean {
		s.pathC[k] = (1-c.cC)*s.pathC[k] + still*math.Sqrt(c.cC*(2-c.cC)*c.muEff)*mean[k]
	}
	s.adapt(steps, still)
	s.sigma = min(s.sigma*math.Exp(c.cSigma/c.dSigma*(length/c.chi-1)), 1e32)
	s.axes = nil
}

// adapt updates the covariance matrix.
func (s *strategy) adapt(steps [][]float64, still float64) {
	c := s.c
	weights := slices.Clone(c.weights)
	for i, w := range weights {
		if w < 0 {
			length := norm(s.whiten(steps[i]))
			weights[i] *= float64(c.dim) / (length*length + 1e-8)
		}
	}
	keep := 1 + c.c1*(1-still)*c.cC*(2-c.cC) - c.c1 - c.cMu*c.weightSum
	for i := range c.dim {
		for j := range i + 1 {
			v := keep*s.cov[i][j] + c.c1*s.pathC[i]*s.pathC[j]
			for k, w := range weights {
				v += c.cMu * w * steps[k][i] * steps[k][j]
			}
			s.cov[i][j], s.cov[j][i] = v, v
		}
	}
}

// whiten returns what a vector is where the distribution is round.
func (s *strategy) whiten(v []float64) []float64 {
	along := make([]float64, len(v))
	for i := range along {
		for k := range v {
			along[i] += s.axes[k][i] * v[k]
		}
		along[i] /= s.scales[i]
	}
	return product(s.axes, along)
}
