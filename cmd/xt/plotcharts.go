package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/chart"
	"github.com/xtrepro/xt/pipeline"
)

// chartsOf draws the tables of a plot: columns that measure the same, such as
// train_loss and val_loss, share a chart.
func (p *plotReader) chartsOf(plan *pipeline.PlotPlan, look *pipeline.Look, sources []source) []*chart.Chart {
	if len(sources) == 0 {
		return nil
	}
	title := cmp.Or(look.Title, plan.Name)
	template := look.Template
	if template == "" && sources[0].column("actual") >= 0 && sources[0].column("predicted") >= 0 {
		template = "confusion"
	}
	switch template {
	case "confusion", "confusion_normalized":
		return p.confusions(title, look, sources, template == "confusion_normalized")
	case "bar", "bar_horizontal":
		return p.bars(title, look, sources)
	}
	var charts []*chart.Chart
	groups := groupsOf(look, sources)
	for _, group := range groups {
		c := &chart.Chart{Title: title, XLabel: look.XLabel, YLabel: look.YLabel}
		if len(groups) > 1 {
			c.Title += ": " + group.name
		}
		if template == "scatter" {
			c.Kind = chart.Scatter
		}
		p.addSeries(c, look, sources, group.columns, template == "smooth")
		charts = append(charts, c)
	}
	return charts
}

// columnGroup is columns that share a chart.
type columnGroup struct {
	name    string
	columns []string
}

// groupsOf returns which columns share charts: those that are named all, else those
// whose names are the same but for a word such as train or val.
func groupsOf(look *pipeline.Look, sources []source) []columnGroup {
	if look.Y != nil {
		return []columnGroup{{strings.Join(look.Y, ", "), look.Y}}
	}
	var groups []columnGroup
	for i := range sources {
		s := &sources[i]
		x := s.xColumn(look)
		for j, name := range s.Columns {
			if j == x || !s.numeric(j) {
				continue
			}
			base := measure(name)
			at := slices.IndexFunc(groups, func(g columnGroup) bool { return g.name == base })
			if at < 0 {
				groups = append(groups, columnGroup{name: base})
				at = len(groups) - 1
			}
			if !slices.Contains(groups[at].columns, name) {
				groups[at].columns = append(groups[at].columns, name)
			}
		}
	}
	return groups
}

var splitWords = []string{"train", "training", "val", "valid", "validation", "test", "testing", "eval", "dev"}

// measure is the name of a column without the word for the part of the data.
func measure(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '/' || r == '.' || r == '-' || r == ' ' })
	kept := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(splitWords, strings.ToLower(w)) })
	if len(kept) == 0 {
		return name
	}
	return strings.Join(kept, "_")
}

// addSeries draws columns of each table. Older revisions are dashed, in the colours of
// the newest.
func (p *plotReader) addSeries(c *chart.Chart, look *pipeline.Look, sources []source, columns []string, smooth bool) {
	var names []string // of curves, without the revision
	several, total := severalFiles(sources), 0
	for i := range sources {
		s := &sources[i]
		x := s.xColumn(look)
		if c.XLabel == "" && x >= 0 {
			c.XLabel = s.Columns[x]
		}
		for _, column := range columns {
			j := s.column(column)
			if j < 0 {
				continue
			}
			name := column
			if several {
				name = s.file + ": " + column
			}
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
			series := chart.Series{Name: name, Colour: slices.Index(names, name), Dashed: s.rev < len(p.views)-1}
			if len(p.views) > 1 {
				series.Name = fmt.Sprintf("%s (%s)", name, s.name)
			}
			s.fill(c, &series, x, j)
			if smooth {
				series.Y = smoothed(series.Y)
			}
			total = max(total, len(series.X))
			c.Series = append(c.Series, series)
		}
	}
	if len(c.Series) == 1 && c.YLabel == "" {
		c.YLabel, c.Series[0].Name = c.Series[0].Name, ""
	}
	if total > chart.MaxPoints {
		c.Note = fmt.Sprintf("of %d points those that shape the curve are drawn", total)
	}
}

// fill reads the points of a series. Values of x that are texts are categories.
func (s *source) fill(c *chart.Chart, to *chart.Series, x, y int) {
	texts := x >= 0 && !s.numeric(x)
	for i, row := range s.Rows {
		at := float64(i)
		switch {
		case texts:
			name := fmt.Sprint(row[x])
			k := slices.Index(c.Categories, name)
			if k < 0 {
				c.Categories = append(c.Categories, name)
				k = len(c.Categories) - 1
			}
			at = float64(k)
		case x >= 0:
			f, ok := row[x].(float64)
			if !ok {
				continue
			}
			at = f
		}
		v, ok := row[y].(float64)
		if !ok {
			v = math.NaN()
		}
		to.X, to.Y = append(to.X, at), append(to.Y, v)
	}
}

// smoothed returns an exponential moving average, as pages for curves show it.
func smoothed(values []float64) []float64 {
	const weight = 0.8
	out, last, seen := make([]float64, len(values)), 0.0, 0.0
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			out[i] = v
			continue
		}
		last, seen = last*weight+(1-weight)*v, seen*weight+(1-weight)
		out[i] = last / seen
	}
	return out
}

// bars draws a bar for each value of a column of texts.
func (p *plotReader) bars(title string, look *pipeline.Look, sources []source) []*chart.Chart {
	c := &chart.Chart{Kind: chart.Bar, Title: title, XLabel: look.XLabel, YLabel: look.YLabel}
	for i := range sources {
		s := &sources[i]
		label := s.column(look.X)
		for j := range s.Columns {
			if label < 0 && !s.numeric(j) {
				label = j
			}
		}
		for j, name := range s.Columns {
			if j == label || !s.numeric(j) || look.Y != nil && !slices.Contains(look.Y, name) {
				continue
			}
			series := chart.Series{Name: name, Colour: len(c.Series)}
			if len(p.views) > 1 {
				series.Name = fmt.Sprintf("%s (%s)", name, s.name)
			}
			s.fillBars(c, &series, label, j)
			c.Series = append(c.Series, series)
		}
	}
	return []*chart.Chart{c}
}

func (s *source) fillBars(c *chart.Chart, to *chart.Series, label, y int) {
	for i, row := range s.Rows {
		name := fmt.Sprint(i)
		if label >= 0 {
			name = fmt.Sprint(row[label])
		}
		k := slices.Index(c.Categories, name)
		if k < 0 {
			c.Categories = append(c.Categories, name)
			k = len(c.Categories) - 1
		}
		if v, ok := row[y].(float64); ok {
			to.X, to.Y = append(to.X, float64(k)), append(to.Y, v)
		}
	}
}

// confusions draws for each revision how often what was taken for what. A row is one
// case, or, with a column count, so many.
func (p *plotReader) confusions(title string, look *pipeline.Look, sources []source, share bool) []*chart.Chart {
	actual, predicted := cmp.Or(look.X, "actual"), "predicted"
	if len(look.Y) > 0 {
		predicted = look.Y[0]
	}
	var charts []*chart.Chart
	for i := range sources {
		s := &sources[i]
		c := &chart.Chart{Kind: chart.Heat, Title: title, XLabel: cmp.Or(look.YLabel, predicted), YLabel: cmp.Or(look.XLabel, actual)}
		if severalFiles(sources) {
			c.Title += ": " + s.file
		}
		if len(p.views) > 1 {
			c.Title += " (" + s.name + ")"
		}
		if a, b := s.column(actual), s.column(predicted); a >= 0 && b >= 0 {
			c.Cells = s.cells(a, b, share)
		} else {
			c.Note = "there are no columns " + actual + " and " + predicted
		}
		charts = append(charts, c)
	}
	return charts
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
		return chart.Number(f)
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// compareLabels orders numbers as numbers, before texts.
func compareLabels(a, b string) int {
	var x, y float64
	_, errA := fmt.Sscan(a, &x)
	_, errB := fmt.Sscan(b, &y)
	switch {
	case errA == nil && errB == nil:
		return cmp.Or(cmp.Compare(x, y), strings.Compare(a, b))
	case errA == nil:
		return -1
	case errB == nil:
		return 1
	}
	return strings.Compare(a, b)
}
