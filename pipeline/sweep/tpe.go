package sweep

import (
	"cmp"
	"math"
	"slices"
)

// The settings of TPE, which are those of Optuna's sampler.
const (
	tpeStartup    = 10 // trials that are random
	tpeCandidates = 24 // points that are drawn for each proposal
	tpeRecent     = 25 // trials that have full weight, and the most that are "good"
)

// tpe models the densities of good points and of the others with Parzen
// estimators and proposes where their ratio is greatest (J. Bergstra et al.,
// "Algorithms for hyper-parameter optimization", 2011), with the components that
// S. Watanabe, "Tree-structured Parzen estimator: understanding its algorithm
// components" (2023), found best: with one objective the parameters that are
// active together are modelled jointly, and with several each for itself, as
// Optuna does. Trials that go on count as bad ones, so that several at a time do
// not try the same.
type tpe struct{ p *Problem }

// Propose implements Sampler.
func (t *tpe) Propose(n int, past []Trial) (Point, bool) {
	ended := 0
	for i := range past {
		if past[i].State == Complete || past[i].State == Pruned {
			ended++
		}
	}
	if ended < tpeStartup {
		return t.p.random(n), true
	}
	below, above := t.p.split(past, t.good(ended))
	rng := t.p.rng(forTPE, n)
	point := t.p.Space.empty()
	for _, g := range t.p.Space.groups {
		if !t.p.Space.active(g[0], point) {
			continue
		}
		for _, params := range t.together(g) {
			good := t.estimate(params, below, len(t.p.Maximize) == 1)
			best := t.choose(good, t.estimate(params, above, true), good.sample(rng, tpeCandidates))
			for k, i := range params {
				point[i] = best[k]
			}
		}
	}
	return point, true
}

// good returns how many of the trials that ended are good ones.
func (t *tpe) good(ended int) int {
	n := int(math.Ceil(0.1 * float64(ended)))
	if len(t.p.Maximize) == 1 {
		n = min(n, tpeRecent)
	}
	return n
}

// together splits parameters into those that are modelled jointly. One without a
// choice needs no model, but does no harm.
func (t *tpe) together(group []int) [][]int {
	if len(t.p.Maximize) == 1 {
		return [][]int{group}
	}
	var each [][]int
	for _, i := range group {
		each = append(each, []int{i})
	}
	return each
}

// estimate models the density of the trials' points in some parameters. Recent
// ones may weigh more.
func (t *tpe) estimate(params []int, trials []*Trial, recent bool) *parzen {
	var rows [][]float64
	for _, trial := range trials {
		row := make([]float64, len(params))
		for k, i := range params {
			row[k] = trial.Point[i]
		}
		if !slices.ContainsFunc(row, math.IsNaN) {
			rows = append(rows, row)
		}
	}
	weights := make([]float64, len(rows))
	for i := range weights {
		weights[i] = 1
		if recent {
			weights[i] = weight(i, len(rows))
		}
	}
	dims := make([]*Param, len(params))
	for k, i := range params {
		dims[k] = &t.p.Space.Params[i]
	}
	return newParzen(dims, rows, weights)
}

// weight returns that of observation i of n: the last have full weight, and those
// before them less the older they are.
func weight(i, n int) float64 {
	ramp := n - tpeRecent
	switch {
	case i >= ramp:
		return 1
	case ramp == 1:
		return 1 / float64(n)
	}
	first := 1 / float64(n)
	return first + (1-first)*float64(i)/float64(ramp-1)
}

func (t *tpe) choose(good, bad *parzen, candidates [][]float64) []float64 {
	best, at := math.Inf(-1), 0
	for i, c := range candidates {
		if v := good.logDensity(c) - bad.logDensity(c); v > best {
			best, at = v, i
		}
	}
	return candidates[at]
}

// split divides trials into good ones, of which there are n, and the others, both
// by number. Feasible ones are better than others, complete ones better than
// those that were pruned, and of these the later the better.
func (p *Problem) split(trials []Trial, n int) (below, above []*Trial) {
	var complete, pruned, infeasible []*Trial
	for i := range trials {
		switch t := &trials[i]; {
		case t.State == Running:
			above = append(above, t)
		case t.State != Pruned && !p.valid(t):
		case t.Violation > 0:
			infeasible = append(infeasible, t)
		case t.State == Complete:
			complete = append(complete, t)
		default:
			pruned = append(pruned, t)
		}
	}
	take := func(sorted []*Trial) {
		k := min(n, len(sorted))
		below, above = append(below, sorted[:k]...), append(above, sorted[k:]...)
		n -= k
	}
	take(p.byLoss(complete, n))
	slices.SortStableFunc(pruned, p.comparePruned)
	take(pruned)
	slices.SortStableFunc(infeasible, func(a, b *Trial) int { return cmp.Compare(a.Violation, b.Violation) })
	take(infeasible)
	byNumber := func(a, b *Trial) int { return a.Number - b.Number }
	slices.SortFunc(below, byNumber)
	slices.SortFunc(above, byNumber)
	return below, above
}

// comparePruned compares trials by how far they came, and then by what they had
// there.
func (p *Problem) comparePruned(a, b *Trial) int {
	last := func(t *Trial) (step, loss float64) {
		if len(t.Steps) == 0 {
			return math.Inf(-1), 0
		}
		s := t.Steps[len(t.Steps)-1]
		if loss = p.loss(0, s.Value); math.IsNaN(loss) {
			loss = math.Inf(1)
		}
		return float64(s.Step), loss
	}
	as, al := last(a)
	bs, bl := last(b)
	return cmp.Or(cmp.Compare(bs, as), cmp.Compare(al, bl))
}
