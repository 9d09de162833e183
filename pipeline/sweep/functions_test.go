package sweep

import (
	"math"
	"slices"
	"testing"
)

// function is one of the functions that searches are tried on.
type function struct {
	name   string
	params []Param
	f      func(x Point) float64
}

func ranges(names string, low, high float64) []Param {
	var ps []Param
	for _, n := range names {
		ps = append(ps, Param{Name: string(n), Low: low, High: high})
	}
	return ps
}

// functions are those of bench/sweep.py, which tries Optuna's samplers on them.
var functions = []function{
	{"branin", []Param{{Name: "x", Low: -5, High: 10}, {Name: "y", High: 15}}, func(x Point) float64 {
		a, b := x[0], x[1]
		return math.Pow(b-5.1/(4*math.Pi*math.Pi)*a*a+5/math.Pi*a-6, 2) + 10*(1-1/(8*math.Pi))*math.Cos(a) + 10
	}},
	{"hartmann6", ranges("abcdef", 0, 1), hartmann6},
	{"rosen5", ranges("abcde", -5, 10), func(x Point) float64 {
		s := 0.0
		for i := range len(x) - 1 {
			s += 100*math.Pow(x[i+1]-x[i]*x[i], 2) + math.Pow(1-x[i], 2)
		}
		return s
	}},
	{"mixed", []Param{
		{Name: "lr", Low: 1e-5, High: 1, Log: true},
		{Name: "kind", Choices: 4},
		{Name: "depth", Low: 1, High: 16, Step: 1, Integer: true},
	}, func(x Point) float64 {
		return math.Pow(math.Log10(x[0])+3, 2)/4 + []float64{0.5, 0, 1, 0.3}[int(x[1])] + math.Pow(x[2]-5, 2)/50
	}},
}

func hartmann6(x Point) float64 {
	alpha := []float64{1, 1.2, 3, 3.2}
	a := [][]float64{{10, 3, 17, 3.5, 1.7, 8}, {.05, 10, 17, .1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, .05, 10, .1, 14}}
	p := [][]float64{{1312, 1696, 5569, 124, 8283, 5886}, {2329, 4135, 8307, 3736, 1004, 9991}, {2348, 1451, 3522, 2883, 3047, 6650}, {4047, 8828, 8732, 5743, 1091, 381}}
	y := 0.0
	for i := range alpha {
		s := 0.0
		for j := range x {
			s += a[i][j] * math.Pow(x[j]-1e-4*p[i][j], 2)
		}
		y -= alpha[i] * math.Exp(-s)
	}
	return y
}

func space(t testing.TB, params []Param) *Space {
	t.Helper()
	s, err := NewSpace(params)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sampler(t testing.TB, p *Problem, name string) Sampler {
	t.Helper()
	s, err := p.Sampler(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// search tries n points of a function, as a sweep does that runs jobs at a time.
func search(t testing.TB, p *Problem, name string, n, lag int, f func(Point) []float64) []Trial {
	t.Helper()
	s := sampler(t, p, name)
	var trials []Trial
	for i := range n {
		point, ok := s.Propose(i, Visible(trials, i, lag))
		if !ok {
			break
		}
		if err := p.Space.Check(point); err != nil {
			t.Fatalf("%s proposes %v for trial %d: %v", name, point, i, err)
		}
		trials = append(trials, Trial{Number: i, Lag: lag, State: Complete, Point: point, Values: f(point)})
	}
	return trials
}

// median returns the median, over searches with several seeds, of the best that
// they found.
func median(t testing.TB, fn *function, name string, seeds, n, lag int) float64 {
	t.Helper()
	var bests []float64
	for seed := range seeds {
		p := &Problem{Space: space(t, fn.params), Maximize: []bool{false}, Seed: uint64(seed)}
		best := math.Inf(1)
		for _, trial := range search(t, p, name, n, lag, func(x Point) []float64 { return []float64{fn.f(x)} }) {
			best = min(best, trial.Values[0])
		}
		bests = append(bests, best)
	}
	slices.Sort(bests)
	return (bests[len(bests)/2] + bests[(len(bests)-1)/2]) / 2
}

// BenchmarkSearch reports the median of the best value that 100 trials find, over
// 20 seeds; bench/sweep.py compares it with Optuna's.
func BenchmarkSearch(b *testing.B) {
	for i := range functions {
		for _, name := range []string{"random", "sobol", "cmaes", "tpe"} {
			b.Run(functions[i].name+"/"+name, func(b *testing.B) {
				m := 0.0
				for b.Loop() {
					m = median(b, &functions[i], name, 20, 100, 1)
				}
				b.ReportMetric(m, "best")
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*20*100), "us/trial")
			})
		}
	}
}
