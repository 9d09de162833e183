package sweep

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var names = []string{"random", "sobol", "tpe", "cmaes", "grid"}

// drawSpace draws a space of a few parameters, some of them with conditions.
func drawSpace(t *rapid.T) *Space {
	var ps []Param
	for i := range rapid.IntRange(1, 5).Draw(t, "params") {
		p := Param{Name: fmt.Sprint("p", i)}
		low := rapid.Float64Range(-1e3, 1e3).Draw(t, "low")
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			p.Choices = rapid.IntRange(1, 5).Draw(t, "choices")
		case 1:
			p.Low, p.High = low, low+rapid.Float64Range(1e-3, 1e6).Draw(t, "width")
		case 2:
			p.Low = math.Pow(10, low/100)
			p.High, p.Log = p.Low*(1+rapid.Float64Range(1e-3, 1e6).Draw(t, "factor")), true
		case 3:
			p.Low, p.Step, p.Integer = math.Floor(low), float64(rapid.IntRange(1, 3).Draw(t, "step")), true
			p.High = p.Low + float64(rapid.IntRange(0, 20).Draw(t, "width"))
		case 4:
			p.Low, p.Step, p.Integer, p.Log = 1+math.Floor(math.Abs(low)), 1, true, true
			p.High = p.Low + float64(rapid.IntRange(0, 1000).Draw(t, "width"))
		}
		if i > 0 && rapid.Bool().Draw(t, "conditional") {
			if parent := &ps[rapid.IntRange(0, i-1).Draw(t, "parent")]; parent.Choices > 0 {
				p.When = &Condition{Param: parent.Name, In: []float64{0}}
			}
		}
		ps = append(ps, p)
	}
	rapid.Permutation(ps).Draw(t, "order")
	s, err := NewSpace(ps)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// drawTrials draws what came of the proposals of a sampler.
func drawTrials(t *rapid.T, p *Problem, s Sampler, n, lag int) []Trial {
	var trials []Trial
	for i := range n {
		point, ok := s.Propose(i, Visible(trials, i, lag))
		if !ok {
			return trials
		}
		if err := p.Space.Check(point); err != nil {
			t.Fatalf("trial %d: %v in %+v", i, err, p.Space.Params)
		}
		trial := Trial{Number: i, Lag: lag, Point: point, State: rapid.SampledFrom([]State{Complete, Complete, Complete, Pruned, Failed}).Draw(t, "state")}
		trial.Steps = []Step{{1, rapid.Float64().Draw(t, "step")}}
		if trial.State == Complete {
			for range p.Maximize {
				trial.Values = append(trial.Values, float64(rapid.IntRange(-3, 3).Draw(t, "value")))
			}
			trial.Violation = max(0, float64(rapid.IntRange(-3, 3).Draw(t, "violation")))
		}
		trials = append(trials, trial)
	}
	return trials
}

// TestProposals checks that all proposals are points of the space, that they are
// the same when they are asked for once more by another process, and that what
// came of trials that they do not wait for makes no difference.
func TestProposals(t *testing.T) {
	for _, name := range names {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			p := &Problem{Space: drawSpace(t), Maximize: []bool{rapid.Bool().Draw(t, "maximize")}, Seed: rapid.Uint64().Draw(t, "seed")}
			if name == "tpe" && rapid.Bool().Draw(t, "several") {
				p.Maximize = append(p.Maximize, false)
			}
			s, err := p.Sampler(name)
			if err != nil {
				t.Skip(err)
			}
			lag := rapid.IntRange(1, 4).Draw(t, "lag")
			trials := drawTrials(t, p, s, 30, lag)
			again, _ := p.Sampler(name)
			for i := len(trials) - 1; i >= 0; i -= 7 {
				other := slices.Clone(trials)
				for k := max(0, i-lag+1); k < len(other); k++ {
					other[k].State, other[k].Values = Failed, nil
				}
				point, _ := again.Propose(i, Visible(other, i, lag))
				if !cmp.Equal(point, trials[i].Point, cmpopts.EquateNaNs()) {
					t.Fatalf("trial %d: %v, then %v", i, trials[i].Point, point)
				}
			}
		}))
	}
}

func TestSeedsDiffer(t *testing.T) {
	for _, name := range names[:4] {
		var first []Point
		for seed := range uint64(2) {
			p := &Problem{Space: space(t, functions[0].params), Maximize: []bool{false}, Seed: seed}
			trials := search(t, p, name, 15, 1, func(x Point) []float64 { return []float64{x[0]} })
			first = append(first, trials[0].Point, trials[14].Point)
		}
		if slices.Equal(first[0], first[2]) || slices.Equal(first[1], first[3]) {
			t.Errorf("%s proposes the same for two seeds", name)
		}
	}
}

// TestMedians holds the samplers to what they find in 100 trials.
func TestMedians(t *testing.T) {
	most := map[string][]float64{ // one for each of functions
		"tpe":   {0.47, -2.95, 130, 0.001},
		"cmaes": {0.46, -2.85, 220, 0.02},
		"sobol": {1.1, -1.8, 6000, 0.15},
	}
	for name, limits := range most {
		for i, limit := range limits {
			for _, lag := range []int{1, 8} {
				if name == "cmaes" && lag > 1 {
					continue // 100 trials are too few generations then
				}
				if got := median(t, &functions[i], name, 10, 100, lag); got > limit*float64(1+(lag-1)/4) && limit > 0 || limit < 0 && got > limit/float64(1+(lag-1)/40.0) {
					t.Errorf("%s on %s, %d at a time: %g, want at most %g", name, functions[i].name, lag, got, limit)
				}
			}
		}
	}
}

// TestConditional searches where each branch has parameters of its own.
func TestConditional(t *testing.T) {
	p := &Problem{Maximize: []bool{true}, Space: space(t, []Param{
		{Name: "depth", Low: 1, High: 10, Step: 1, Integer: true, When: &Condition{"model", []float64{0}}},
		{Name: "model", Choices: 2},
		{Name: "rate", Low: 1e-4, High: 1, Log: true, When: &Condition{"model", []float64{1}}},
		{Name: "decay", Low: 0, High: 1, When: &Condition{"model", []float64{1}}},
	})}
	trials := search(t, p, "tpe", 80, 1, func(x Point) []float64 {
		if x[1] == 0 {
			return []float64{-math.Abs(x[0] - 3)}
		}
		return []float64{1 - math.Abs(math.Log10(x[2])+2) - math.Abs(x[3]-0.5)}
	})
	best := p.Rank(trials)[0]
	if best.Values[0] < 0.75 {
		t.Errorf("the best is %v", best)
	}
	parts := p.Importance(trials)
	if sum := parts[0] + parts[1] + parts[2] + parts[3]; math.Abs(sum-1) > 1e-9 || parts[1] < parts[0] {
		t.Errorf("importance %v", parts)
	}
}

// TestConstraints searches where most of the space, and the best of it, is not
// allowed.
func TestConstraints(t *testing.T) {
	for _, name := range []string{"tpe", "cmaes"} {
		p := &Problem{Space: space(t, ranges("ab", 0, 1)), Maximize: []bool{false}}
		s := sampler(t, p, name)
		var trials []Trial
		for i := range 100 {
			x, _ := s.Propose(i, trials)
			trials = append(trials, Trial{Number: i, Lag: 1, State: Complete, Point: x, Values: []float64{x[0] + x[1]}, Violation: max(0, 1.6-x[0]-x[1])})
		}
		best := p.Rank(trials)[0]
		if best.Violation > 0 || best.Values[0] > 1.65 {
			t.Errorf("%s: the best is %v", name, best)
		}
		if front := p.Front(trials); len(front) == 0 || front[0].Number != best.Number {
			t.Errorf("%s: front %v, best %v", name, front, best)
		}
	}
}

// TestPareto compares what two objectives find with random search.
func TestPareto(t *testing.T) {
	volume := func(name string, seed uint64) float64 {
		p := &Problem{Space: space(t, ranges("abcd", 0, 1)), Maximize: []bool{false, true}, Seed: seed}
		trials := search(t, p, name, 100, 1, func(x Point) []float64 {
			g := 1 + 3*(x[1]+x[2]+x[3])
			return []float64{x[0], -g * (1 - math.Sqrt(x[0]/g))}
		})
		var points [][]float64
		for _, f := range p.Front(trials) {
			points = append(points, p.losses(&f))
		}
		return hypervolume(points, []float64{1, 10})
	}
	for seed := range uint64(3) {
		if tpe, rnd := volume("tpe", seed), volume("random", seed); tpe < rnd+0.2 {
			t.Errorf("seed %d: tpe covers %.3f, random %.3f", seed, tpe, rnd)
		}
	}
}

func TestHypervolume(t *testing.T) {
	points := [][]float64{{1, 2, 2}, {2, 1, 2}, {2, 2, 1}, {2, 2, 2}, {1, 2, 2}}
	// Three boxes of 2 that share one of 1.
	if v := hypervolume(points, []float64{3, 3, 3}); v != 4 {
		t.Errorf("hypervolume %v, want 4", v)
	}
	want := [][]int{{0, 1, 2, 4}, {3}}
	if got := fronts(points); !cmp.Equal(got, want) {
		t.Errorf("fronts %v, want %v", got, want)
	}
}

// TestParzen compares the density with that of another implementation of the
// published algorithm, Optuna's, for a parameter of each kind.
func TestParzen(t *testing.T) {
	s := space(t, []Param{
		{Name: "x", Low: -5, High: 10}, {Name: "lr", Low: 1e-5, High: 1, Log: true}, {Name: "d", Low: 1, High: 16, Step: 1, Integer: true},
		{Name: "w", Low: 2, High: 512, Step: 1, Integer: true, Log: true}, {Name: "s", High: 1, Step: 0.25}, {Name: "k", Choices: 3},
	})
	var dims []*Param
	for i := range s.Params {
		dims = append(dims, &s.Params[i])
	}
	m := newParzen(dims, [][]float64{{-4.5, 1e-4, 1, 2, 0, 0}, {9, 3e-4, 16, 64, .25, 1}, {1, .5, 5, 64, 1, 1}, {1.5, 1e-5, 5, 500, .5, 2}}, []float64{1, 1, 1, 1})
	want := []float64{-16.191292465481602, -10.360360513260106, -18.31891976374741}
	for i, x := range [][]float64{{0, 1e-3, 4, 100, .5, 1}, {-5, 1e-5, 1, 2, 0, 0}, {8.8, .9, 16, 64, 1, 2}} {
		// It leaves out a constant for each continuous parameter.
		if got := m.logDensity(x) - math.Log(2*math.Pi); math.Abs(got-want[i]) > 1e-6 {
			t.Errorf("log density at %v: %v, want %v", x, got, want[i])
		}
	}
	var ws []float64
	for i := range 5 {
		ws = append(ws, weight(i, 28))
	}
	if want := []float64{1.0 / 28, 0.5178571428571429, 1, 1, 1}; !cmp.Equal(ws, want, cmpopts.EquateApprox(0, 1e-12)) {
		t.Errorf("weights %v, want %v", ws, want)
	}
}

// TestImportance compares with the numbers of Optuna's implementation.
func TestImportance(t *testing.T) {
	p := &Problem{Space: space(t, append(ranges("xy", 0, 1), Param{Name: "k", Choices: 3})), Maximize: []bool{false}}
	var trials []Trial
	for i := range 200 {
		x, y, k := math.Mod(float64(i)*0.6180339887, 1), math.Mod(float64(i)*0.7548776662, 1), float64(i%3)
		trials = append(trials, Trial{Number: i, State: Complete, Point: Point{x, y, k}, Values: []float64{(x-.3)*(x-.3) + 0.1*y + 0.02*k}})
	}
	if got, want := p.Importance(trials), []float64{0.51, 0.45, 0.04}; !cmp.Equal(got, want, cmpopts.EquateApprox(0, 0.05)) {
		t.Errorf("importance %v, want about %v", got, want)
	}
	if got := p.Importance(trials[:10]); got != nil {
		t.Errorf("importance of ten trials: %v", got)
	}
}

func TestSobol(t *testing.T) {
	want := [][]float64{{0, 0, 0, 0, 0}, {.5, .5, .5, .5, .5}, {.75, .25, .25, .25, .75}, {.25, .75, .75, .75, .25}, {.375, .375, .625, .875, .375}}
	s := &sobol{space: space(t, ranges("abcde", 0, 1)), shift: make([]uint32, 5)}
	for i := range 5 {
		d, err := directions(i)
		if err != nil {
			t.Fatal(err)
		}
		s.dirs = append(s.dirs, d)
	}
	for n, w := range want {
		if p, _ := s.Propose(n, nil); !slices.Equal(p, w) {
			t.Errorf("point %d is %v, want %v", n, p, w)
		}
	}
}

// TestSobolEven checks that of each 2^k scrambled points every interval of that
// part of the range holds one, in each of all dimensions.
func TestSobolEven(t *testing.T) {
	var ps []Param
	for i := range maxSobol {
		ps = append(ps, Param{Name: fmt.Sprint(i), High: 1})
	}
	s := sampler(t, &Problem{Space: space(t, ps), Maximize: []bool{false}, Seed: 7}, "sobol")
	seen := make([][64]bool, maxSobol)
	for n := range 64 {
		p, _ := s.Propose(n, nil)
		for i, v := range p {
			seen[i][min(63, int(v*64))] = true
		}
	}
	for i := range seen {
		if slices.Contains(seen[i][:], false) {
			t.Errorf("dimension %d leaves an interval out", i)
		}
	}
	if _, err := (&Problem{Space: space(t, append(ps, Param{Name: "more", High: 1}))}).Sampler("sobol"); err == nil {
		t.Error("one dimension more is taken")
	}
}

func TestGrid(t *testing.T) {
	p := &Problem{Space: space(t, []Param{
		{Name: "k", Choices: 2}, {Name: "x", Low: 0.1, High: 0.35, Step: 0.1}, {Name: "y", Choices: 2, When: &Condition{"k", []float64{1}}},
	})}
	s := sampler(t, p, "grid")
	var got []string
	for n := range Size(s) {
		point, _ := s.Propose(n, nil)
		got = append(got, fmt.Sprint(point))
	}
	want := "[0 0.1 NaN] [0 0.2 NaN] [0 0.3 NaN] [1 0.1 0] [1 0.1 1] [1 0.2 0] [1 0.2 1] [1 0.3 0] [1 0.3 1]"
	if strings.Join(got, " ") != want {
		t.Errorf("grid %v\nwant %v", got, want)
	}
	if _, ok := s.Propose(9, nil); ok {
		t.Error("there is a tenth point")
	}
}

func TestSpaceErrors(t *testing.T) {
	nan := math.NaN()
	for want, ps := range map[string][]Param{
		"no parameter varies":  nil,
		"there twice":          {{Name: "a", High: 1}, {Name: "a", High: 1}},
		"two finite ends":      {{Name: "a", Low: nan, High: 1}},
		"not be above":         {{Name: "a", Low: 1}},
		"positive on a log":    {{Name: "a", High: 1, Log: true}},
		"exclude each other":   {{Name: "a", Low: 1, High: 2, Step: 0.5, Log: true}},
		"does not vary":        {{Name: "a", High: 1, When: &Condition{"b", nil}}},
		"depends on the param": {{Name: "a", High: 1, When: &Condition{"b", nil}}, {Name: "b", High: 1, When: &Condition{"a", nil}}},
	} {
		if _, err := NewSpace(ps); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", ps, err, want)
		}
	}
}

func TestSamplerErrors(t *testing.T) {
	range1 := ranges("a", 0, 1)
	choice := []Param{{Name: "a", Choices: 2}}
	for _, tt := range []struct {
		name, want string
		params     []Param
		objectives int
	}{
		{"bayes", "no sampler", range1, 1},
		{"grid", "needs choices or a step", range1, 1},
		{"grid", "at most", []Param{{Name: "a", High: 1e6, Step: 1}}, 1},
		{"grid", "more than", []Param{{Name: "a", High: 1e3, Step: 1}, {Name: "b", High: 1e3, Step: 1}}, 1},
		{"cmaes", "one objective", range1, 2},
		{"cmaes", "needs a range", choice, 1},
	} {
		p := &Problem{Space: space(t, tt.params), Maximize: make([]bool, tt.objectives)}
		if _, err := p.Sampler(tt.name); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// FuzzSpace checks that whatever makes a space can be searched.
func FuzzSpace(f *testing.F) {
	f.Add(0.0, 1.0, 0.1, byte(0), uint64(1))
	f.Add(1e-300, 1e300, 0.0, byte(1), uint64(2))
	f.Add(-5.0, 1e16, 3.0, byte(2), uint64(3))
	f.Add(1.0, 1e9, 1.0, byte(3), uint64(4))
	f.Add(-1e308, 1e308, 0.0, byte(0), uint64(5))
	f.Fuzz(func(t *testing.T, low, high, step float64, flags byte, seed uint64) {
		a := Param{Name: "a", Low: low, High: high, Step: step, Log: flags&1 != 0, Integer: flags&2 != 0}
		b := Param{Name: "b", Choices: 1 + int(flags>>2)}
		s, err := NewSpace([]Param{a, b})
		if err != nil {
			t.Skip()
		}
		p := &Problem{Space: s, Maximize: []bool{false}, Seed: seed}
		for _, name := range names {
			if _, err := p.Sampler(name); err != nil || name == "grid" {
				continue
			}
			search(t, p, name, 24, 1, func(x Point) []float64 {
				var bits [8]byte
				binary.LittleEndian.PutUint64(bits[:], math.Float64bits(x[0]))
				return []float64{float64(bits[0])}
			})
		}
	})
}
