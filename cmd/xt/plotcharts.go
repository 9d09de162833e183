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
	var counted []source
	if template == "" && look.Y == nil {
		sources, counted = separate(sources)
	}
	if len(counted) > 0 {
		charts := p.confusions(title, look, counted, false)
		if len(sources) > 0 {
			charts = append(p.curves(title, template, look, sources), charts...)
		}
		return charts
	}
	switch template {
	case "confusion", "confusion_normalized":
		return p.confusions(title, look, sources, template == "confusion_normalized")
	case "bar", "bar_horizontal", "bar_horizontal_sorted":
		if c := p.bars(title, template, look, sources); len(c.Series) > 0 {
			return []*chart.Chart{c}
		}
		return nil
	}
	return p.curves(title, template, look, sources)
}

// curves draws columns of numbers.
func (p *plotReader) curves(title, template string, look *pipeline.Look, sources []source) []*chart.Chart {
	var charts []*chart.Chart
	groups := groupsOf(look, sources)
	for _, group := range groups {
		c := &chart.Chart{Title: title, XLabel: look.XLabel, YLabel: look.YLabel}
		if len(group.columns) == 1 {
			group.name = group.columns[0]
		}
		if len(groups) > 1 {
			c.Title += ": " + group.name
		}
		if strings.HasPrefix(template, "scatter") {
			c.Kind = chart.Scatter
		}
		p.addSeries(c, look, sources, group.columns, template)
		if len(c.Series) > 0 {
			charts = append(charts, c)
		}
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
			if j == x || !s.numeric(j) || s.counts(j) {
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

// counts reports whether a column only counts rows, and others are there to be drawn.
func (s *source) counts(i int) bool {
	counter := func(j int) bool { return slices.Contains(counters, strings.ToLower(s.Columns[j])) }
	if !counter(i) {
		return false
	}
	for j := range s.Columns {
		if !counter(j) && s.numeric(j) {
			return true
		}
	}
	return false
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

// addSeries draws columns of each table. Of two revisions the curves of the older are
// dashed, in the colours of the newer; else each has its own.
func (p *plotReader) addSeries(c *chart.Chart, look *pipeline.Look, sources []source, columns []string, template string) {
	var names []string // of curves, without the revision
	categories := newCategories(c)
	several := severalFiles(sources)
	for i := range sources {
		s := &sources[i]
		x := s.xColumn(look)
		if c.XLabel == "" && x >= 0 {
			c.XLabel = s.Columns[x]
		}
		for _, column := range columns {
			j := s.column(column)
			if y := s.yNames(look); j < 0 || y != nil && !slices.Contains(y, column) {
				continue
			}
			name := column
			if several {
				name = s.file + ": " + column
			}
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
			series := chart.Series{Name: p.seriesName(name, s), Colour: slices.Index(names, name), Dashed: len(p.views) == 2 && s.rev == 0}
			if len(p.views) > 2 || c.Kind == chart.Scatter {
				series.Colour = series.Colour*len(p.views) + s.rev
			}
			s.fill(categories, &series, x, j)
			switch template {
			case "smooth":
				series.Y = smoothed(series.Y)
			case "scatter_jitter":
				jitter(series.X, 0)
				jitter(series.Y, 0.5)
			}
			c.Series = append(c.Series, series)
		}
	}
	// What is compared stands side by side in the legend.
	slices.SortStableFunc(c.Series, func(a, b chart.Series) int { return cmp.Compare(a.Colour, b.Colour) })
	if len(names) == 1 && c.YLabel == "" {
		c.YLabel = names[0]
	}
	if len(c.Series) == 1 && c.YLabel == names[0] {
		c.Series[0].Name = ""
	}
}

// seriesName is a name with the revision, if there is more than one.
func (p *plotReader) seriesName(name string, s *source) string {
	if len(p.views) == 1 {
		return name
	}
	return fmt.Sprintf("%s (%s)", name, s.name)
}

// categories numbers the texts on the axis of a chart.
type categories struct {
	chart *chart.Chart
	at    map[string]int
}

func newCategories(c *chart.Chart) *categories { return &categories{c, map[string]int{}} }

func (c *categories) number(name string) float64 {
	k, ok := c.at[name]
	if !ok {
		k = len(c.chart.Categories)
		c.at[name] = k
		c.chart.Categories = append(c.chart.Categories, name)
	}
	return float64(k)
}

// jitter moves whole numbers, and the places of texts, apart a little, the same ones the
// same way each time, so that points on one another can be seen.
func jitter(values []float64, phase float64) {
	for _, v := range values {
		if v != math.Trunc(v) {
			return
		}
	}
	const golden = 0.6180339887498949
	for i := range values {
		_, f := math.Modf(float64(i)*golden*(1+phase) + phase)
		values[i] += (f - 0.5) * 0.5
	}
}

// fill reads the points of a series. Values of x that are texts are categories.
func (s *source) fill(c *categories, to *chart.Series, x, y int) {
	texts := x >= 0 && !s.numeric(x)
	for i, row := range s.Rows {
		at := float64(i)
		switch {
		case texts:
			at = c.number(label(row[x]))
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
