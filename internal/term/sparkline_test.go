package term

import (
	"math"
	"testing"
)

func TestSparkline(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   string
	}{
		{nil, ""},
		{[]float64{1}, ""},
		{[]float64{1, 1, 1}, "▁▁▁"},
		{[]float64{0, 1, 2, 3, 4, 5, 6, 7}, "▁▂▃▄▅▆▇█"},
		{[]float64{3, 2, 1}, "█▅▁"},
		{[]float64{0, math.NaN(), 1, math.Inf(1), math.Inf(-1)}, "▁ ██▁"},
		{[]float64{math.NaN(), math.NaN()}, ""},
		{[]float64{-math.MaxFloat64, math.MaxFloat64}, "▁█"},
	} {
		if got := Sparkline(c.values); got != c.want {
			t.Errorf("Sparkline(%v) = %q, want %q", c.values, got, c.want)
		}
	}
}
