package sweep

import (
	"math"
	"testing"
)

// curve is a trial whose steps from 1 on have the given values.
func curve(number int, s State, values ...float64) Trial {
	t := Trial{Number: number, State: s}
	for i, v := range values {
		t.Steps = append(t.Steps, Step{int64(i + 1), v})
	}
	return t
}

func pruner(t *testing.T, maximize bool, o PrunerOptions) Pruner {
	t.Helper()
	p := &Problem{Maximize: []bool{maximize}}
	pr, err := p.Pruner(o)
	if err != nil {
		t.Fatal(err)
	}
	return pr
}

func TestMedianPruner(t *testing.T) {
	others := []Trial{curve(0, Complete, 1, 5), curve(1, Complete, 2, 6), curve(2, Complete, 3, 7), curve(3, Pruned, 9, 9), curve(4, Running, 9)}
	o := PrunerOptions{Name: "median", Startup: 3}
	for _, tt := range []struct {
		name     string
		o        PrunerOptions
		maximize bool
		steps    []float64
		want     bool
	}{
		{"no step", o, false, nil, false},
		{"as good as the median", o, false, []float64{2}, false},
		{"worse", o, false, []float64{2.5}, true},
		{"once better", o, false, []float64{2, 9}, false},
		{"less is worse", o, true, []float64{1.5}, true},
		{"NaN only", o, false, []float64{math.NaN()}, true},
		{"a step that nobody had", o, false, []float64{9, 9, 9}, false},
		{"too few complete", PrunerOptions{Name: "median", Startup: 4}, false, []float64{9}, false},
		{"default startup", PrunerOptions{Name: "median"}, false, []float64{9}, false},
		{"warmup", PrunerOptions{Name: "median", Startup: 3, Warmup: 2}, false, []float64{9}, false},
		{"after warmup", PrunerOptions{Name: "median", Startup: 3, Warmup: 2}, false, []float64{9, 9}, true},
		{"not due", PrunerOptions{Name: "median", Startup: 3, Interval: 4}, false, []float64{9, 9}, false},
		{"among the best third", PrunerOptions{Name: "median", Startup: 3, Quantile: 0.1}, false, []float64{1.9}, true},
	} {
		trial := curve(9, Running, tt.steps...)
		if got := pruner(t, tt.maximize, tt.o).Prune(&trial, others); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestASHA(t *testing.T) {
	others := []Trial{curve(0, Complete, 1, 1), curve(1, Pruned, 2), curve(2, Running, 3), curve(3, Failed, 0), curve(4, Pruned, 4)}
	o := PrunerOptions{Name: "asha", Reduction: 2}
	for _, tt := range []struct {
		name  string
		steps []float64
		want  bool
	}{
		{"the better half of five", []float64{1.5}, false},
		{"the worse half", []float64{2.5}, true},
		{"better at the next rung", []float64{1, 0.5}, false},
		{"worse at the next rung", []float64{1, 1.5}, true},
		{"the first at a rung", []float64{1, 1, 1, 99}, false},
		{"between rungs", []float64{1, 1, 99}, false},
		{"NaN", []float64{math.NaN()}, true},
	} {
		trial := curve(9, Running, tt.steps...)
		if got := pruner(t, false, o).Prune(&trial, others); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if _, err := (&Problem{}).Pruner(PrunerOptions{Name: "hope"}); err == nil {
		t.Error("there is a pruner of any name")
	}
}
