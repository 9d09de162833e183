package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/internal/chart"
	"github.com/xtrepro/xt/pipeline"
)

// drawing is a plot of the project, ready to be drawn: charts of its data, and
// pictures that were made by others.
type drawing struct {
	name     string
	charts   []*chart.Chart
	pictures []picture
	spec     string      // the path of a Vega-Lite specification that it is to be drawn by; "" for none
	data     []dataPoint // for the specification, and for JSON
	filled   []byte      // the specification with the data in it
	notes    []string    // what could not be drawn, and why
	err      error       // the first mistake among these
}

// empty reports whether there is nothing to see.
func (d *drawing) empty() bool {
	return len(d.charts) == 0 && len(d.pictures) == 0 && d.filled == nil
}

// fail notes a mistake of one plot, which is no reason not to draw the others.
func (d *drawing) fail(err error) {
	d.notes = append(d.notes, err.Error())
	if d.err == nil {
		d.err = err
	}
}

// specHint says of a plot by a specification where it can be seen; "" of others.
func (d *drawing) specHint() string {
	if d.filled == nil {
		return ""
	}
	return fmt.Sprintf("%s is drawn by %s, in a page only: -o FILE.html", d.name, d.spec)
}

// picture is an image file at a revision.
type picture struct {
	rev, file, mediaType string
	bytes                []byte
}

// dataPoint is a row of the data with the revision that it is of.
type dataPoint map[string]any

// revisionKey is under which a data point says which revision it is of, as DVC's
// templates expect.
const revisionKey = "rev"

// plotReader gathers plots in one or more views, the oldest first.
type plotReader struct {
	views   []*pipeline.View
	look    pipeline.Look // what the command line says, over all else
	columns []string      // those of all data that was read
}

// read gathers the plots that are named; all if none is.
func (p *plotReader) read(names []string) ([]*drawing, error) {
	newest := p.views[len(p.views)-1]
	plans := newest.PlotPlans()
	for _, v := range p.views[:len(p.views)-1] {
		for _, old := range v.PlotPlans() {
			if !slices.ContainsFunc(plans, func(x pipeline.PlotPlan) bool { return x.Name == old.Name }) {
				plans = append(plans, old)
			}
		}
	}
	plans, err := choosePlots(plans, names)
	if err != nil {
		return nil, err
	}
	var all []*drawing
	for i := range plans {
		d, err := p.drawing(&plans[i])
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// choosePlots returns the plots that are named by name or by file. A file that is in
// no plot is one of its own.
func choosePlots(plans []pipeline.PlotPlan, names []string) ([]pipeline.PlotPlan, error) {
	if len(names) == 0 {
		return plans, nil
	}
	var chosen []pipeline.PlotPlan
	for _, name := range names {
		found := slices.DeleteFunc(slices.Clone(plans), func(p pipeline.PlotPlan) bool {
			return p.Name != name && !slices.Contains(p.Files, name) && !strings.HasPrefix(p.Name, name+"/")
		})
		if len(found) == 0 {
			found = []pipeline.PlotPlan{{Name: name, Files: []string{name}}}
		}
		chosen = append(chosen, found...)
	}
	return chosen, nil
}

// drawing reads the data of a plot in all views.
func (p *plotReader) drawing(plan *pipeline.PlotPlan) (*drawing, error) {
	d := &drawing{name: plan.Name}
	look := p.over(plan.Look)
	var sources []source
	for _, v := range p.views {
		for _, named := range plan.Files {
			for _, file := range v.PlotFiles(named) {
				s, err := p.source(v, file, &look, d)
				if err != nil {
					return nil, err
				}
				if s != nil {
					sources = append(sources, *s)
				}
			}
		}
	}
	for i := range sources {
		d.data = append(d.data, sources[i].points()...)
		p.note(d, &look, &sources[i])
	}
	if strings.HasSuffix(look.Template, ".json") {
		d.spec = look.Template
		if len(sources) > 0 {
			if err := d.readSpec(p.views[len(p.views)-1], &look, sources); err != nil {
				d.fail(err)
			}
		}
		return d, nil
	}
	d.charts = p.chartsOf(plan, &look, sources)
	return d, nil
}

// note tells what is missing in a table.
func (p *plotReader) note(d *drawing, look *pipeline.Look, s *source) {
	for _, c := range s.Columns {
		if !slices.Contains(p.columns, c) {
			p.columns = append(p.columns, c)
		}
	}
	where := s.file
	if len(p.views) > 1 {
		where += " at " + s.name
	}
	if len(s.Rows) == 0 {
		d.fail(&pipeline.MisuseError{Msg: where + " has no points"})
		return
	}
	numbers := false
	for j := range s.Columns {
		numbers = numbers || s.numeric(j)
	}
	var lacks []string
	for _, c := range append([]string{look.X}, look.Y...) {
		if c != "" && s.column(c) < 0 {
			lacks = append(lacks, strconv.Quote(c))
		}
	}
	if len(lacks) > 0 {
		d.fail(&pipeline.MisuseError{Msg: fmt.Sprintf("%s has no column %s: its columns are %s", where, strings.Join(lacks, ", "), columnList(s.Columns))})
	} else if !numbers && !s.counted(look) {
		d.fail(&pipeline.MisuseError{Msg: fmt.Sprintf("%s has no column of numbers: its columns are %s", where, columnList(s.Columns))})
	}
}

// counted reports whether a table is one of cases that are counted.
func (s *source) counted(look *pipeline.Look) bool {
	return strings.HasPrefix(look.Template, "confusion") || strings.HasSuffix(look.Template, ".json") ||
		look.Template == "" && s.column("actual") >= 0 && s.column("predicted") >= 0
}

// columnList names columns for people.
func columnList(names []string) string {
	const most = 20
	var list []string
	for _, n := range names[:min(len(names), most)] {
		list = append(list, strconv.Quote(shorten(n, 40)))
	}
	if len(names) > most {
		list = append(list, fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(list, ", ")
}

// unknownColumn returns a mistake if the command line names a column that is nowhere.
func (p *plotReader) unknownColumn() error {
	for _, c := range append([]string{p.look.X}, p.look.Y...) {
		if c != "" && p.columns != nil && !slices.Contains(p.columns, c) {
			return &usageError{msg: fmt.Sprintf("there is no column %q", c), hints: []string{"the columns are " + columnList(p.columns)}}
		}
	}
	return nil
}

// over lays what the command line says over the look of a plot.
func (p *plotReader) over(k pipeline.Look) pipeline.Look {
	k.Template, k.X, k.Title = cmp.Or(p.look.Template, k.Template), cmp.Or(p.look.X, k.X), cmp.Or(p.look.Title, k.Title)
	k.XLabel, k.YLabel = cmp.Or(p.look.XLabel, k.XLabel), cmp.Or(p.look.YLabel, k.YLabel)
	if p.look.Y != nil {
		k.Y = p.look.Y
	}
	k.NoHeader = k.NoHeader || p.look.NoHeader
	return k
}

// source is the table of one file at one revision.
type source struct {
	rev  int // index of the view
	name string
	file string
	*pipeline.PlotTable
}

// source reads a file. A picture, and what is to be told of a file that cannot be
// drawn, goes to the drawing. A file that is absent at one revision of several is no
// mistake.
func (p *plotReader) source(v *pipeline.View, file string, look *pipeline.Look, d *drawing) (*source, error) {
	b, err := v.ReadPlot(file)
	var misuse *pipeline.MisuseError
	switch {
	case pipeline.Missing(err):
		if len(p.views) == 1 {
			d.fail(&pipeline.MisuseError{Msg: file + " is not there", Hint: "\"xt repro\" makes what stages make, \"xt pull\" fetches it"})
		} else {
			d.notes = append(d.notes, fmt.Sprintf("%s is not there at %s", file, v.Name))
		}
		return nil, nil
	case errors.As(err, &misuse):
		d.fail(misuse)
		return nil, nil
	case err != nil:
		return nil, err
	}
	if media, ok := pipeline.IsPicture(file); ok {
		d.pictures = append(d.pictures, picture{v.Name, file, media, b})
		return nil, nil
	}
	t, err := pipeline.ParsePlot(file, b, !look.NoHeader)
	if err != nil {
		d.fail(err)
		return nil, nil
	}
	return &source{slices.Index(p.views, v), v.Name, file, t}, nil
}

// points returns the rows with what they are of, for programs and specifications.
func (s *source) points() []dataPoint {
	var list []dataPoint
	for i, row := range s.Rows {
		m := dataPoint{revisionKey: s.name, "filename": s.file, "step": float64(i)}
		for j, name := range s.Columns {
			m[name] = row[j]
			if f, ok := row[j].(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
				m[name] = nil // JSON has no such number
			}
		}
		list = append(list, m)
	}
	return list
}

// stepNames are columns that count, the likeliest first.
var stepNames = []string{"step", "epoch", "iteration", "iter", "global_step", "_step", "x", "fpr", "recall"}

// column returns the index of a column; -1 if there is none.
func (s *source) column(name string) int { return slices.Index(s.Columns, name) }

// xColumn returns the column of x; -1 stands for the number of the row.
func (s *source) xColumn(look *pipeline.Look) int {
	if look.X != "" {
		return s.column(look.X)
	}
	for _, name := range stepNames {
		for i, c := range s.Columns {
			if strings.EqualFold(c, name) && s.numeric(i) {
				return i
			}
		}
	}
	return -1
}

// numeric reports whether a column holds numbers, and nothing else.
func (s *source) numeric(i int) bool {
	some := false
	for _, row := range s.Rows {
		switch row[i].(type) {
		case nil:
		case float64:
			some = true
		default:
			return false
		}
	}
	return some
}

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
	files := map[string]bool{}
	for i := range sources {
		files[sources[i].file] = true
	}
	total := 0
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
			if len(files) > 1 {
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
