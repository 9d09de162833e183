package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/internal/chart"
	"github.com/xtrepro/xt/pipeline"
)

// separate returns tables of numbers, and those of cases that are counted.
func separate(sources []source) (numbers, counted []source) {
	for _, s := range sources {
		if s.column("actual") >= 0 && s.column("predicted") >= 0 {
			counted = append(counted, s)
		} else {
			numbers = append(numbers, s)
		}
	}
	return numbers, counted
}

// confusions draws for each revision how often what was taken for what. A row is one
// case, or, with a column count, so many.
func (p *plotReader) confusions(title string, look *pipeline.Look, sources []source, share bool) []*chart.Chart {
	var charts []*chart.Chart
	for i := range sources {
		s := &sources[i]
		actual, predicted := s.caseColumns(look)
		c := &chart.Chart{Kind: chart.Heat, Title: title, XLabel: cmp.Or(look.YLabel, predicted), YLabel: cmp.Or(look.XLabel, actual)}
		if severalFiles(sources) {
			c.Title += ": " + s.file
		}
		if len(p.views) > 1 {
			c.Title += " (" + s.name + ")"
		}
		if a, b := s.column(actual), s.column(predicted); a >= 0 && b >= 0 {
			c.Cells = s.cells(a, b, share)
			charts = append(charts, c)
		}
	}
	return charts
}

// caseColumns returns the columns of a table of cases: of what there was, and of what it was
// taken for. Of a file that is there for the others' x it is none.
func (s *source) caseColumns(look *pipeline.Look) (actual, predicted string) {
	y := s.yNames(look)
	switch {
	case y == nil:
		y = []string{"predicted"}
	case len(y) == 0:
		return "", ""
	}
	return cmp.Or(s.xName(look), "actual"), y[0]
}

func severalFiles(sources []source) bool {
	return slices.ContainsFunc(sources, func(s source) bool { return s.file != sources[0].file })
}

func (s *source) cells(a, b int, share bool) *chart.Cells {
	weight := s.column("count")
	if weight >= 0 && !s.numeric(weight) {
		weight = -1
	}
	counts, names := map[[2]string]float64{}, map[string]bool{}
	for _, row := range s.Rows {
		n := 1.0
		if weight >= 0 {
			n, _ = row[weight].(float64)
		}
		from, to := label(row[a]), label(row[b])
		names[from], names[to] = true, true
		counts[[2]string{from, to}] += n
	}
	var all []string
	for name := range names {
		all = append(all, name)
	}
	slices.SortFunc(all, compareLabels)
	cells := &chart.Cells{Rows: all, Columns: all, Share: share}
	for _, from := range all {
		row, sum := make([]float64, len(all)), 0.0
		for j, to := range all {
			row[j] = counts[[2]string{from, to}]
			sum += row[j]
		}
		for j := range row {
			if share && sum > 0 {
				row[j] /= sum
			}
		}
		cells.Values = append(cells.Values, row)
	}
	return cells
}

func label(v any) string {
	if f, ok := v.(float64); ok {
		if f == math.Trunc(f) && math.Abs(f) < 1e15 {
			return strconv.FormatFloat(f, 'f', -1, 64)
		}
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// compareLabels orders texts as people do: numbers in them by what they are worth, and
// before letters.
func compareLabels(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		restX, restY := strings.TrimLeft(x, "0123456789"), strings.TrimLeft(y, "0123456789")
		m, n := x[:len(x)-len(restX)], y[:len(y)-len(restY)]
		switch {
		case m != "" && n != "":
			m, n = strings.TrimLeft(m, "0"), strings.TrimLeft(n, "0")
			if c := cmp.Or(cmp.Compare(len(m), len(n)), strings.Compare(m, n)); c != 0 {
				return c
			}
			x, y = restX, restY
		case x[0] != y[0]:
			return cmp.Compare(x[0], y[0])
		default:
			x, y = x[1:], y[1:]
		}
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(a, b))
}
