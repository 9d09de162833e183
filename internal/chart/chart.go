// Package chart draws curves, points, bars and tables of counts: as SVG, as PNG,
// and with characters for a terminal.
package chart

import (
	"fmt"
	"math"
	"slices"
)

// Kind is how the series of a chart are drawn.
type Kind uint8

// The kinds.
const (
	Line Kind = iota
	Scatter
	Bar   // of each series the value of each category
	Lying // the same, with bars that lie one below the other
	Heat  // counts in cells
)

// Chart is what is drawn. Values that are no finite numbers are gaps.
type Chart struct {
	Kind           Kind
	Title          string
	XLabel, YLabel string
	Series         []Series
	Categories     []string // names of the values of x, which are then 0, 1, …; nil for numbers
	Cells          *Cells   // of a Heat
	LogX, LogY     bool
	Note           string // what the reader has to know, such as that points are left out
}

// Series is a curve. X and Y are equally long.
type Series struct {
	Name   string
	X, Y   []float64
	Dashed bool
	Colour int // index of the palette
}

// Cells are counts, such as those of a confusion matrix.
type Cells struct {
	Rows, Columns []string
	Values        [][]float64 // by row, then column
	Share         bool        // values are shares of 1
}

// size is how large a picture is, in pixels.
type size struct{ width, height float64 }

// size returns how large the chart is drawn: curves all alike, and taller by what a long
// legend takes; cells no larger than their numbers need, so that two stand side by side.
func (c *Chart) size() size {
	s := size{528, 312}
	if c.Kind != Heat {
		if rows := len(c.legend(s.width)); rows > 1 {
			s.height += float64(rows-1) * lineSpace
		}
		if c.Kind == Lying {
			s.height = s.height - 312 + c.lyingHeight() + 96
		} else {
			s.height += c.turnedNames(s.width - marginLeft - marginRight)
		}
		return s
	}
	m := c.Cells
	if m == nil || len(m.Rows) == 0 || len(m.Rows) > maxCells || len(m.Columns) > maxCells {
		return size{360, 120}
	}
	n := float64(max(len(m.Rows), len(m.Columns)))
	cell := math.Min(math.Max(420/n, smallestCell), 36)
	return size{math.Max(cell*float64(len(m.Columns))+c.cellsLeft()+marginRight, 260), cell*float64(len(m.Rows)) + 76 + c.cellsBelow(cell)}
}

// smallestCell is how small a cell is where there are very many: two tables of 100 have
// room beside one another on a page.
const smallestCell = 4.4

// MaxPoints is how many points of a series are drawn.
const MaxPoints = 2000

// Thin returns a series with no more than about n points that looks the same: of
// each stretch the first, the lowest, the highest and the last are kept.
func (s Series) Thin(n int) Series {
	if len(s.X) <= n || n < 8 {
		return s
	}
	out := s
	out.X, out.Y = nil, nil
	buckets := n / 4
	for b := range buckets {
		from, to := b*len(s.X)/buckets, (b+1)*len(s.X)/buckets
		low, high := from, from
		for i := from; i < to; i++ {
			if s.Y[i] < s.Y[low] || math.IsNaN(s.Y[low]) {
				low = i
			}
			if s.Y[i] > s.Y[high] || math.IsNaN(s.Y[high]) {
				high = i
			}
		}
		keep := []int{from, low, high, to - 1}
		slices.Sort(keep)
		for _, i := range slices.Compact(keep) {
			out.X, out.Y = append(out.X, s.X[i]), append(out.Y, s.Y[i])
		}
	}
	return out
}

// Spread returns a series with no more than n points, evenly chosen.
func (s Series) Spread(n int) Series {
	if len(s.X) <= n {
		return s
	}
	out := s
	out.X, out.Y = nil, nil
	for i := range n {
		k := i * len(s.X) / n
		out.X, out.Y = append(out.X, s.X[k]), append(out.Y, s.Y[k])
	}
	return out
}

// note is what the reader has to know of a picture.
func (c *Chart) note() string {
	most := 0
	for i := range c.Series {
		most = max(most, len(c.Series[i].X))
	}
	switch {
	case c.Kind == Lying:
		return c.lyingNote()
	case c.Note != "" || most <= MaxPoints:
		return c.Note
	case c.Kind == Scatter:
		return fmt.Sprintf("of %d points %d are drawn", most, MaxPoints)
	}
	return fmt.Sprintf("of %d points those that shape the curve are drawn", most)
}

// Extremes returns values of the curve; ok is false if it has no numbers.
func (s Series) Extremes() (first, least, greatest, last float64, ok bool) {
	for _, v := range s.Y {
		if !finite(v) {
			continue
		}
		if !ok {
			first, least, greatest = v, v, v
		}
		least, greatest, last, ok = math.Min(least, v), math.Max(greatest, v), v, true
	}
	return first, least, greatest, last, ok
}

// Sample returns n values of the curve, evenly spread, the last among them.
func (s Series) Sample(n int) []float64 {
	if len(s.Y) <= n {
		return s.Y
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = s.Y[(i+1)*len(s.Y)/n-1]
	}
	return out
}

// bounds returns the range of the values of all series that can be drawn; ok is false
// if there are none.
func (c *Chart) bounds() (x, y span, ok bool) {
	x, y = emptySpan, emptySpan
	for _, s := range c.Series {
		for i := range s.X {
			if c.drawable(s.X[i], s.Y[i]) {
				x.add(s.X[i])
				y.add(s.Y[i])
			}
		}
	}
	if x.low > x.high {
		return anySpan(c.LogX), anySpan(c.LogY), false
	}
	if c.Kind == Bar || c.Kind == Lying {
		y.add(0)
		x = span{x.low - 0.5, x.high + 0.5}
	}
	return x.widened(c.LogX), y.widened(c.LogY), true
}

func (c *Chart) drawable(x, y float64) bool {
	return finite(x) && finite(y) && (!c.LogX || x > 0) && (!c.LogY || y > 0)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// span is a range of values.
type span struct{ low, high float64 }

var emptySpan = span{math.Inf(1), math.Inf(-1)}

func (s *span) add(v float64) { s.low, s.high = math.Min(s.low, v), math.Max(s.high, v) }

// anySpan is the range of an axis that nothing is on.
func anySpan(log bool) span {
	if log {
		return span{1, 10}
	}
	return span{0, 1}
}

// widened makes a range of one value one that can be drawn.
func (s span) widened(log bool) span {
	switch {
	case log && s.low < s.high, !log && s.low/2 < s.high/2:
		return s
	case log:
		// The smallest number of all has no half.
		return span{math.Max(s.low/2, math.SmallestNonzeroFloat64), math.Min(s.high*2, math.MaxFloat64)}
	case math.Abs(s.low) < math.SmallestNonzeroFloat64*4:
		return span{-1, 1}
	}
	d := math.Abs(s.low) / 2
	return span{math.Max(s.low-d, -math.MaxFloat64), math.Min(s.high+d, math.MaxFloat64)}
}

// at returns where a value lies in the range, from 0 to 1.
func (s span) at(v float64, log bool) float64 {
	if log {
		return (math.Log10(v) - math.Log10(s.low)) / (math.Log10(s.high) - math.Log10(s.low))
	}
	// Halves, because the difference of two finite numbers may be infinite.
	return (v/2 - s.low/2) / (s.high/2 - s.low/2)
}
