// Package sweep decides which values of parameters to try next, from those that
// were tried: search spaces, samplers, pruners, and what the results say. It
// does no input or output; a proposal is a function of the space, the seed and
// the trials before it.
package sweep

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// State is how far a trial is.
type State uint8

// The states of a trial.
const (
	Running State = iota
	Complete
	Pruned
	Failed
)

// Point holds a value for each parameter of a space, in its order: a number, of
// a choice its index, and NaN for a parameter that is not active.
type Point []float64

// Step is what an objective was at a step.
type Step struct {
	Step  int64
	Value float64
}

// Trial is one try.
type Trial struct {
	Number    int
	Lag       int // how many trials before it were not waited for when it was proposed, and itself; at least 1
	State     State
	Point     Point
	Values    []float64 // one for each objective, if it is complete
	Violation float64   // by how much its constraints are missed, in all; 0: feasible
	Steps     []Step    // by step
}

// Problem is what is sought.
type Problem struct {
	Space    *Space
	Maximize []bool // for each objective
	Seed     uint64
}

// Sampler proposes what to try.
type Sampler interface {
	// Propose returns what trial n is to try, given the trials before it by
	// number, and false if nothing is left to try. Of trials that are Running only
	// the points are used.
	Propose(n int, past []Trial) (Point, bool)
}

// Samplers are the names that [Problem.Sampler] takes.
var samplers = []string{"cmaes", "grid", "random", "sobol", "tpe"}

// Sampler returns the sampler of a name: "grid", "random", "sobol", "tpe" or
// "cmaes". It is an error if the sampler cannot search the space.
func (p *Problem) Sampler(name string) (Sampler, error) {
	switch name {
	case "grid":
		return newGrid(p.Space)
	case "random":
		return &random{p}, nil
	case "sobol":
		return newSobol(p)
	case "tpe":
		return &tpe{p}, nil
	case "cmaes":
		return newCMAES(p)
	}
	return nil, fmt.Errorf("there is no sampler %q, but %q", name, samplers)
}

// Visible returns the trials before trial n as its proposal is to see them: of
// the last lag-1 of them it knows the points, but not what came of them. So the
// proposals do not depend on which of several trials that go on together ends
// first. All others must have ended.
func Visible(trials []Trial, n, lag int) []Trial {
	var past []Trial
	for _, t := range trials {
		if t.Number >= n {
			continue
		}
		if t.Number > n-lag {
			t = Trial{Number: t.Number, Lag: t.Lag, Point: t.Point}
		}
		past = append(past, t)
	}
	return past
}

// rng returns the source of randomness for a purpose. Each trial has its own,
// so that a proposal does not depend on those that were made before by the same
// process.
func (p *Problem) rng(purpose uint64, n int) *rand.Rand {
	return rand.New(rand.NewPCG(p.Seed^purpose*0x9e3779b97f4a7c15, uint64(n)*0xd1342543de82ef95+purpose))
}

// The purposes of randomness.
const (
	forRandom uint64 = iota + 1
	forTPE
	forCMAES
	forSobol
)

// losses returns the values of a trial such that less is better.
func (p *Problem) losses(t *Trial) []float64 {
	ls := make([]float64, len(t.Values))
	for i, v := range t.Values {
		ls[i] = p.loss(i, v)
	}
	return ls
}

func (p *Problem) loss(objective int, v float64) float64 {
	if p.Maximize[objective] {
		return -v
	}
	return v
}

// valid reports whether a trial has a usable value for each objective.
func (p *Problem) valid(t *Trial) bool {
	if t.State != Complete || len(t.Values) != len(p.Maximize) {
		return false
	}
	for _, v := range t.Values {
		if math.IsNaN(v) {
			return false
		}
	}
	return true
}

// Looks reports whether the proposals of a sampler depend on what came of trials.
func Looks(s Sampler) bool {
	switch s.(type) {
	case *tpe, *cmaes:
		return true
	}
	return false
}
