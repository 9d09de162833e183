package term

import "math"

var sparks = []rune("▁▂▃▄▅▆▇█")

// Sparkline draws numbers as bars of a line of text, from the lowest to the
// highest. What is no number is a gap; fewer than two points are no curve.
func Sparkline(values []float64) string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			low, high = math.Min(low, v), math.Max(high, v)
		}
	}
	if len(values) < 2 || low > high {
		return ""
	}
	out := make([]rune, len(values))
	for i, v := range values {
		switch {
		case math.IsNaN(v):
			out[i] = ' '
		case math.IsInf(v, 1):
			out[i] = sparks[len(sparks)-1]
		case math.IsInf(v, -1) || high == low:
			out[i] = sparks[0]
		default:
			// Halves, because the difference of two finite numbers may be infinite.
			out[i] = sparks[min(len(sparks)-1, int((v/2-low/2)/(high/2-low/2)*float64(len(sparks))))]
		}
	}
	return string(out)
}
