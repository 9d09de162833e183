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

// curves draws columns of numbers.
func (p *plotReader) curves(title, template string, look *pipeline.Look, sources []source) []*chart.Chart {
	var charts []*chart.Chart
	groups := groupsOf(look, sources)
	for _, group := range groups {
		c := &chart.Chart{Title: title, XLabel: look.XLabel, YLabel: look.YLabel}
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
