package sweep

import (
	"math"
	"slices"
)

// The settings of the importance of parameters, those of the paper's authors.
const (
	topPart   = 0.1 // of the trials, which are compared with all
	gridSteps = 50
)

// Importance returns how much each parameter of the space decides whether a trial
// is among the best tenth, as parts of 1, by PED-ANOVA: how far the density of the
// parameter's values in the best trials is from that in all of them (S. Watanabe
// et al., "PED-ANOVA: efficiently quantifying hyperparameter importance in
// arbitrary subspaces", 2023). A parameter with a condition counts as much as it
// is active. It is nil if there are not enough trials to say anything.
func (p *Problem) Importance(trials []Trial) []float64 {
	var all []*Trial
	for i := range trials {
		t := &trials[i]
		if p.valid(t) && t.Violation <= 0 && !slices.ContainsFunc(t.Values, func(v float64) bool { return math.IsInf(v, 0) }) {
			all = append(all, t)
		}
	}
	n := int(math.Ceil(topPart * float64(len(all))))
	if n < 2 || n == len(all) {
		return nil
	}
	all = p.byLoss(all, n)
	parts := make([]float64, len(p.Space.Params))
	sum := 0.0
	for i := range parts {
		parts[i] = divergence(&p.Space.Params[i], i, all, n)
		sum += parts[i]
	}
	if sum == 0 {
		return nil
	}
	for i := range parts {
		parts[i] /= sum
	}
	return parts
}

// divergence returns the Pearson divergence between the densities of parameter i
// in the first n trials and in all, weighed by how often it is active in them, as
// for conditional spaces in arXiv:2601.20800.
func divergence(q *Param, i int, trials []*Trial, n int) float64 {
	values := func(ts []*Trial) (vs []float64) {
		for _, t := range ts {
			if v := t.Point[i]; !math.IsNaN(v) {
				vs = append(vs, v)
			}
		}
		return vs
	}
	top, all := values(trials[:n]), values(trials)
	if len(top) == 0 || len(all) < 2 || q.single() {
		return 0
	}
	best, any := density(q, top), density(q, all)
	d := 0.0
	for k := range any {
		ratio := best[k]/any[k] - 1
		d += any[k] * ratio * ratio
	}
	inTop, inAll := float64(len(top))/float64(n), float64(len(all))/float64(len(trials))
	return d * inTop * inTop / inAll
}

// density estimates how the values of a parameter are distributed over a grid,
// with normal kernels whose width follows Scott's rule, and a wide one as prior.
func density(q *Param, values []float64) []float64 {
	size := gridSteps
	if c := q.Count(); c > 0 && (c < size || q.Choices > 0) {
		size = c
	}
	counts := make([]float64, size)
	low, high := q.scale(q.Low), q.scale(q.High)
	for _, v := range values {
		k := int(v)
		if q.Choices == 0 {
			k = int(math.Round((q.scale(v) - low) / (high - low) * float64(size-1)))
		}
		counts[min(max(k, 0), size-1)]++
	}
	dens := make([]float64, size)
	total := float64(len(values)) + 1
	if q.Choices > 0 {
		smooth(dens, counts, total)
		return dens
	}
	spread := func(mean, dev, weight float64) {
		mass := normalMass((-0.5-mean)/dev, (float64(size)-0.5-mean)/dev)
		for k := range dens {
			dens[k] += weight / total * normalMass((float64(k)-0.5-mean)/dev, (float64(k)+0.5-mean)/dev) / mass
		}
	}
	dev := scott(counts, len(values))
	for k, c := range counts {
		if c > 0 {
			spread(float64(k), dev, c)
		}
	}
	spread(float64(size-1)/2, float64(size), 1)
	for k := range dens {
		dens[k] += 1e-12
	}
	return dens
}

// smooth estimates how choices are distributed: a part of each count goes to the
// other choices, and one more is shared by all.
func smooth(dens, counts []float64, total float64) {
	share := 1.0 // of a choice that was not made, beside one that was
	for _, c := range counts {
		if c > 0 {
			share++
		}
	}
	share = 1 / share
	all := 1 + share*float64(len(counts))
	for k := range dens {
		dens[k] = (1/float64(len(counts))+(total-1)*share/all+counts[k]/all)/total + 1e-12
	}
}

// scott returns the width of kernels for counts on a grid.
func scott(counts []float64, n int) float64 {
	var sorted []float64
	mean, squares := 0.0, 0.0
	for k, c := range counts {
		mean += c * float64(k) / float64(n)
		for range int(c) {
			sorted = append(sorted, float64(k))
		}
	}
	for _, v := range sorted {
		squares += (v - mean) * (v - mean)
	}
	dev := math.Sqrt(squares / float64(max(1, n-1)))
	spread := quantile(slices.Clone(sorted), 0.75) - quantile(sorted, 0.25)
	// A kernel is no narrower than one that covers its own step.
	return max(1.059*min(spread/1.34, dev)*math.Pow(float64(n), -0.2), 0.5/1.64)
}
