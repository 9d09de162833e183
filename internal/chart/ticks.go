package chart

import (
	"math"
	"strconv"
	"strings"
)

// tick is a mark on an axis.
type tick struct {
	at    float64
	label string
}

// ticks returns marks at round numbers, about n of them. Log says that the axis is
// logarithmic.
func (s span) ticks(n int, log bool) []tick {
	if log {
		return s.logTicks(n)
	}
	step := roundStep((s.high/2 - s.low/2) * 2 / float64(max(n, 1)))
	if step == 0 || math.IsInf(step, 0) {
		return []tick{{s.low, Number(s.low)}, {s.high, Number(s.high)}}
	}
	var list []tick
	first := math.Ceil(s.low/step - 1e-9)
	for i := range 50 {
		v := (first + float64(i)) * step
		if !finite(v) || v > s.high+step*1e-9 {
			break
		}
		list = append(list, tick{v, tickLabel(v, step)})
	}
	return list
}

// roundStep returns the next of 1, 2, 5, 10, … at or above a distance.
func roundStep(d float64) float64 {
	if d <= 0 || !finite(d) {
		return 0
	}
	base := math.Pow(10, math.Floor(math.Log10(d)))
	for _, m := range []float64{1, 2, 5} {
		if d <= m*base*(1+1e-9) {
			return m * base
		}
	}
	return 10 * base
}

// tickLabel writes a mark with as many digits as its neighbours need.
func tickLabel(v, step float64) string {
	if math.Abs(v) < step*1e-9 {
		return "0"
	}
	if a := math.Abs(v); a >= 1e6 || a < 1e-4 {
		return Number(v)
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

func (s span) logTicks(n int) []tick {
	low, high := math.Floor(math.Log10(s.low)), math.Ceil(math.Log10(s.high))
	every := math.Max(1, math.Ceil((high-low)/float64(max(n, 1))))
	var list []tick
	for e := low; e <= high; e += every {
		if v := math.Pow(10, e); v >= s.low*(1-1e-9) && v <= s.high*(1+1e-9) {
			list = append(list, tick{v, Number(v)})
		}
	}
	if len(list) < 2 {
		return []tick{{s.low, Number(s.low)}, {s.high, Number(s.high)}}
	}
	return list
}

// Number writes a number for people: four digits, or those of whole thousands.
func Number(v float64) string {
	if a := math.Abs(v); a >= 1e4 && a < 1e6 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	text := strconv.FormatFloat(v, 'g', 4, 64)
	return strings.Replace(strings.Replace(text, "e+0", "e", 1), "e-0", "e-", 1)
}
