package sweep

import (
	"cmp"
	"math"
	"slices"
)

// byLoss returns complete trials such that the first n are the best n. With
// several objectives those are the ranks that nothing dominates but better ranks,
// and of the last rank that counts those that together cover most.
func (p *Problem) byLoss(trials []*Trial, n int) []*Trial {
	if len(p.Maximize) == 1 {
		slices.SortStableFunc(trials, func(a, b *Trial) int {
			return cmp.Compare(p.loss(0, a.Values[0]), p.loss(0, b.Values[0]))
		})
		return trials
	}
	losses := make([][]float64, len(trials))
	for i, t := range trials {
		losses[i] = p.losses(t)
	}
	var sorted []*Trial
	for _, front := range fronts(losses) {
		if room := n - len(sorted); room > 0 && room < len(front) {
			front = cover(losses, front, room)
		}
		for _, i := range front {
			sorted = append(sorted, trials[i])
		}
	}
	return sorted
}

// dominates reports whether a is no worse than b in anything, and better in
// something.
func dominates(a, b []float64) bool {
	better := false
	for i := range a {
		if a[i] > b[i] {
			return false
		}
		better = better || a[i] < b[i]
	}
	return better
}

// fronts returns the indices of losses by how many layers of others have to be
// taken away until nothing dominates them.
func fronts(losses [][]float64) [][]int {
	by := make([]int, len(losses)) // how many dominate each
	for i := range losses {
		for j := range losses {
			if dominates(losses[j], losses[i]) {
				by[i]++
			}
		}
	}
	var all [][]int
	for left := len(losses); left > 0; {
		var front []int
		for i, n := range by {
			if n == 0 {
				front = append(front, i)
			}
		}
		for _, i := range front {
			by[i] = -1
			for j := range losses {
				if dominates(losses[i], losses[j]) {
					by[j]--
				}
			}
		}
		all, left = append(all, front), left-len(front)
	}
	return all
}

// cover brings those n of a front to its beginning that dominate the greatest
// volume together, chosen one after the other.
func cover(losses [][]float64, front []int, n int) []int {
	ref := reference(losses, front)
	if ref == nil {
		return front
	}
	// What a point adds only shrinks as others are chosen, so that what it added
	// before is a bound, and most need not be looked at again.
	adds := map[int]float64{}
	for _, i := range front {
		adds[i] = math.Inf(1)
	}
	rest := slices.Clone(front)
	var chosen []int
	var covered [][]float64
	for len(chosen) < n {
		slices.SortStableFunc(rest, func(a, b int) int { return cmp.Compare(adds[b], adds[a]) })
		best, at := math.Inf(-1), 0
		for k, i := range rest {
			if adds[i] <= best {
				break
			}
			if adds[i] = exclusive(losses[i], covered, ref); adds[i] > best {
				best, at = adds[i], k
			}
		}
		chosen, covered = append(chosen, rest[at]), append(covered, losses[rest[at]])
		rest = slices.Delete(rest, at, at+1)
	}
	return append(chosen, rest...)
}

// reference returns a point that is worse than those of a front in everything, or
// nil if there is none.
func reference(losses [][]float64, front []int) []float64 {
	ref := slices.Clone(losses[front[0]])
	for _, i := range front {
		for k, v := range losses[i] {
			if math.IsInf(v, 0) {
				return nil
			}
			ref[k] = max(ref[k], v)
		}
	}
	for k, v := range ref {
		if ref[k] = max(1.1*v, 0.9*v); ref[k] == 0 {
			ref[k] = 1e-12
		}
	}
	return ref
}

// exclusive returns the volume between a point and ref that the others do not
// dominate (L. While et al., "A fast way of calculating exact hypervolumes",
// 2012).
func exclusive(point []float64, others [][]float64, ref []float64) float64 {
	volume := 1.0
	for k := range point {
		volume *= ref[k] - point[k]
	}
	var limited [][]float64
	for _, o := range others {
		l := make([]float64, len(o))
		for k := range o {
			l[k] = max(o[k], point[k])
		}
		limited = append(limited, l)
	}
	return volume - hypervolume(limited, ref)
}

// hypervolume returns the volume between points and ref.
func hypervolume(points [][]float64, ref []float64) float64 {
	points = undominated(points)
	volume := 0.0
	for i, p := range points {
		volume += exclusive(p, points[i+1:], ref)
	}
	return volume
}

// undominated returns the points that no other dominates, each once.
func undominated(points [][]float64) [][]float64 {
	var kept [][]float64
	for i, p := range points {
		worse := slices.ContainsFunc(points, func(q []float64) bool { return dominates(q, p) })
		if !worse && !slices.ContainsFunc(points[:i], func(q []float64) bool { return slices.Equal(p, q) }) {
			kept = append(kept, p)
		}
	}
	return kept
}

// Front returns the trials that none is better than in everything, by number: of
// the feasible ones, or if none is, of those that come nearest to it. With one
// objective that is the best trial, of several that are as good the first.
func (p *Problem) Front(trials []Trial) []Trial {
	var candidates []*Trial
	for i := range trials {
		if p.valid(&trials[i]) {
			candidates = append(candidates, &trials[i])
		}
	}
	if len(candidates) == 0 {
		return nil
	}
	least := slices.MinFunc(candidates, func(a, b *Trial) int { return cmp.Compare(a.Violation, b.Violation) }).Violation
	candidates = slices.DeleteFunc(candidates, func(t *Trial) bool { return t.Violation > least })
	losses := make([][]float64, len(candidates))
	for i, t := range candidates {
		losses[i] = p.losses(t)
	}
	var front []Trial
	for i, t := range candidates {
		if !slices.ContainsFunc(losses, func(l []float64) bool { return dominates(l, losses[i]) }) {
			front = append(front, *t)
		}
	}
	if len(p.Maximize) == 1 {
		front = front[:1]
	}
	return front
}

// Rank returns the trials that have values from the best to the worst: feasible
// ones first, with several objectives those that fewer dominate.
func (p *Problem) Rank(trials []Trial) []Trial {
	var valid []*Trial
	for i := range trials {
		if p.valid(&trials[i]) {
			valid = append(valid, &trials[i])
		}
	}
	var feasible, infeasible []*Trial
	for _, t := range valid {
		if t.Violation > 0 {
			infeasible = append(infeasible, t)
		} else {
			feasible = append(feasible, t)
		}
	}
	slices.SortStableFunc(infeasible, func(a, b *Trial) int { return cmp.Compare(a.Violation, b.Violation) })
	var ranked []Trial
	for _, t := range append(p.byLoss(feasible, 0), infeasible...) {
		ranked = append(ranked, *t)
	}
	return ranked
}
