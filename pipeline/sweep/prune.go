package sweep

import (
	"fmt"
	"math"
	"slices"
)

// Pruner decides whether a trial is worth going on.
type Pruner interface {
	// Prune reports whether a trial that goes on is to be stopped after the last
	// of its steps, given the other trials. It is asked after each step.
	Prune(t *Trial, others []Trial) bool
}

// PrunerOptions say how a pruner goes about it. A field that is 0 has its default.
type PrunerOptions struct {
	Name      string  // "median" or "asha"
	Startup   int     // of median: how many trials must be complete before any is pruned; 5
	Warmup    int64   // before which step none is pruned; of asha the first rung, at least 1
	Interval  int64   // of median: how many steps lie between decisions; 1
	Quantile  float64 // of median: what part of the trials goes on; 0.5
	Reduction int     // of asha: one of how many goes on from a rung to the next; 4
}

// Pruner returns a pruner for the first objective.
func (p *Problem) Pruner(o PrunerOptions) (Pruner, error) {
	switch o.Name {
	case "median":
		m := &medianPruner{p: p, o: o}
		if m.o.Startup == 0 {
			m.o.Startup = 5
		}
		m.o.Interval = max(1, m.o.Interval)
		if m.o.Quantile == 0 {
			m.o.Quantile = 0.5
		}
		return m, nil
	case "asha":
		a := &asha{p: p, first: max(1, o.Warmup), reduction: o.Reduction}
		if a.reduction == 0 {
			a.reduction = 4
		}
		return a, nil
	}
	return nil, fmt.Errorf("there is no pruner %q, but \"median\" and \"asha\"", o.Name)
}

// medianPruner stops a trial whose best value so far is worse than what half of
// the complete trials had at the step (D. Golovin et al., "Google Vizier", 2017).
type medianPruner struct {
	p *Problem
	o PrunerOptions
}

// Prune implements Pruner.
func (m *medianPruner) Prune(t *Trial, others []Trial) bool {
	if len(t.Steps) == 0 {
		return false
	}
	now := t.Steps[len(t.Steps)-1].Step
	if now < m.o.Warmup || !m.due(t, now) {
		return false
	}
	var losses []float64
	complete := 0
	for i := range others {
		o := &others[i]
		if o.State != Complete || o.Number == t.Number {
			continue
		}
		complete++
		if v, ok := at(o.Steps, now); ok && !math.IsNaN(v) {
			losses = append(losses, m.p.loss(0, v))
		}
	}
	if complete < m.o.Startup {
		return false
	}
	best := math.NaN()
	for _, s := range t.Steps {
		if l := m.p.loss(0, s.Value); math.IsNaN(best) || l < best {
			best = l
		}
	}
	return math.IsNaN(best) || len(losses) > 0 && best > quantile(losses, m.o.Quantile)
}

// due reports whether the step is the first of its interval.
func (m *medianPruner) due(t *Trial, now int64) bool {
	start := now - (now-m.o.Warmup)%m.o.Interval
	return len(t.Steps) == 1 || t.Steps[len(t.Steps)-2].Step < start
}

// quantile interpolates between the two nearest values.
func quantile(values []float64, q float64) float64 {
	slices.Sort(values)
	pos := q * float64(len(values)-1)
	low := int(pos)
	if low+1 >= len(values) || values[low] == values[low+1] {
		return values[low]
	}
	return values[low] + (pos-float64(low))*(values[low+1]-values[low])
}

// at returns the value of a step.
func at(steps []Step, step int64) (float64, bool) {
	i, ok := slices.BinarySearchFunc(steps, step, func(s Step, step int64) int { return int(min(1, max(-1, s.Step-step))) })
	if !ok {
		return 0, false
	}
	return steps[i].Value, true
}

// asha is asynchronous successive halving (L. Li et al., "A system for massively
// parallel hyperparameter tuning", 2020): at rungs, each so many times the steps
// of the one before, only the best part of the trials that came there goes on.
type asha struct {
	p         *Problem
	first     int64
	reduction int
}

// Prune implements Pruner.
func (a *asha) Prune(t *Trial, others []Trial) bool {
	if len(t.Steps) == 0 {
		return false
	}
	now, before := t.Steps[len(t.Steps)-1], int64(-1)
	if len(t.Steps) > 1 {
		before = t.Steps[len(t.Steps)-2].Step
	}
	for rung := a.first; rung <= now.Step && rung > 0; rung *= int64(a.reduction) {
		if before < rung && !a.promoted(now.Value, rung, t.Number, others) {
			return true
		}
	}
	return false
}

// promoted reports whether a value is among the best part of those at a rung.
func (a *asha) promoted(v float64, rung int64, number int, others []Trial) bool {
	if math.IsNaN(v) {
		return false
	}
	loss := a.p.loss(0, v)
	count, better := 1, 0
	for i := range others {
		o := &others[i]
		first := slices.IndexFunc(o.Steps, func(s Step) bool { return s.Step >= rung })
		if o.Number == number || o.State == Failed || first < 0 || math.IsNaN(o.Steps[first].Value) {
			continue
		}
		count++
		if a.p.loss(0, o.Steps[first].Value) < loss {
			better++
		}
	}
	// While there are too few for a part of them to be one, the best goes on.
	return better < max(1, count/a.reduction)
}
