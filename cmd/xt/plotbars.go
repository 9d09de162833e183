package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/xtrepro/xt/internal/chart"
	"github.com/xtrepro/xt/pipeline"
)

// bars draws a bar for each value of a column.
func (p *plotReader) bars(title, template string, look *pipeline.Look, sources []source) *chart.Chart {
	c := &chart.Chart{Kind: chart.Bar, Title: title, XLabel: look.XLabel, YLabel: look.YLabel}
	if template != "bar" {
		c.Kind = chart.Lying
	}
	names, several := newCategories(c), severalFiles(sources)
	var columns []string
	for i := range sources {
		s := &sources[i]
		at, values := s.barColumns(look, c.Kind == chart.Lying)
		if c.Kind == chart.Lying && at >= 0 {
			c.YLabel = cmp.Or(c.YLabel, s.Columns[at])
		} else if at >= 0 {
			c.XLabel = cmp.Or(c.XLabel, s.Columns[at])
		}
		for _, j := range values {
			name := s.Columns[j]
			if several {
				name = s.file + ": " + name
			}
			if !slices.Contains(columns, name) {
				columns = append(columns, name)
			}
			series := chart.Series{Name: p.seriesName(name, s), Colour: slices.Index(columns, name)*len(p.views) + s.rev}
			s.fillBars(names, &series, at, j)
			c.Series = append(c.Series, series)
		}
	}
	// What is compared stands side by side.
	slices.SortStableFunc(c.Series, func(a, b chart.Series) int { return cmp.Compare(a.Colour, b.Colour) })
	if len(columns) == 1 {
		length := &c.YLabel
		if c.Kind == chart.Lying {
			length = &c.XLabel
		}
		*length = cmp.Or(*length, columns[0])
	}
	if len(c.Series) == 1 {
		c.Series[0].Name = ""
	}
	if template == "bar_horizontal_sorted" {
		sortBars(c)
	}
	return c
}

// barColumns returns the column that names the bars, -1 for the numbers of rows, and
// those with their lengths. Where bars lie, y is what names them, as on the paper; texts
// name them in any case.
func (s *source) barColumns(look *pipeline.Look, lying bool) (at int, values []int) {
	x := s.xName(look)
	at = s.column(x)
	y := slices.Clone(s.yNames(look))
	if at >= 0 && len(y) == 1 {
		if k := s.column(y[0]); k >= 0 && s.numeric(at) && (lying || !s.numeric(k)) {
			at, y = k, []string{x}
		}
	}
	for j := range s.Columns {
		if at < 0 && !s.numeric(j) {
			at = j
		}
	}
	for j, name := range s.Columns {
		if j != at && s.numeric(j) && (y == nil || slices.Contains(y, name)) {
			values = append(values, j)
		}
	}
	return at, values
}

func (s *source) fillBars(c *categories, to *chart.Series, at, y int) {
	for i, row := range s.Rows {
		name := fmt.Sprint(i)
		if at >= 0 {
			name = label(row[at])
		}
		if v, ok := row[y].(float64); ok {
			to.X, to.Y = append(to.X, c.number(name)), append(to.Y, v)
		}
	}
}

// sortBars puts the longest bars of the last series, which is of the newest revision,
// first, and those that it lacks last.
func sortBars(c *chart.Chart) {
	if len(c.Series) == 0 {
		return
	}
	length := make([]float64, len(c.Categories))
	for k := range length {
		length[k] = math.Inf(-1)
	}
	last := &c.Series[len(c.Series)-1]
	for i, x := range last.X {
		length[int(x)] = last.Y[i]
	}
	order := make([]int, len(length)) // of the categories as they are to stand
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(length[b], length[a]) })
	names, place := make([]string, len(order)), make([]float64, len(order))
	for to, from := range order {
		names[to], place[from] = c.Categories[from], float64(to)
	}
	c.Categories = names
	for i := range c.Series {
		for j, x := range c.Series[i].X {
			c.Series[i].X[j] = place[int(x)]
		}
	}
}
