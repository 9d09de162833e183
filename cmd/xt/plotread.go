package main

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
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
	sources  []source
	spec     string   // the path of a Vega-Lite specification that it is to be drawn by; "" for none
	filled   []byte   // the specification with the data in it
	notes    []string // what could not be drawn, and why
	err      error    // the first mistake among these
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

// pairs returns the pictures by file, those of one in the order of the revisions.
func (d *drawing) pairs() [][]picture {
	var all [][]picture
	for _, x := range d.pictures {
		if n := len(all); n > 0 && all[n-1][0].file == x.file {
			all[n-1] = append(all[n-1], x)
		} else {
			all = append(all, []picture{x})
		}
	}
	return all
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
	plans, err := choosePlots(p.plans(), names)
	if err != nil {
		return nil, err
	}
	var all []*drawing
	for _, plan := range p.expand(plans) {
		d, err := p.drawing(&plan)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// plans returns the plots of all views, those of the newest first.
func (p *plotReader) plans() []pipeline.PlotPlan {
	var plans []pipeline.PlotPlan
	for _, v := range slices.Backward(p.views) {
		for _, plan := range v.PlotPlans() {
			if !slices.ContainsFunc(plans, func(x pipeline.PlotPlan) bool { return x.Name == plan.Name }) {
				plans = append(plans, plan)
			}
		}
	}
	return p.expand(plans)
}

// expand makes a plot of each file in a directory, but for those that are in a plot of
// several files.
func (p *plotReader) expand(plans []pipeline.PlotPlan) []pipeline.PlotPlan {
	var all []pipeline.PlotPlan
	for _, plan := range plans {
		if !plan.Single() {
			all = append(all, plan)
			continue
		}
		files := p.filesOf(&plan)
		if len(files) == 0 {
			all = append(all, plan)
		}
		for _, file := range files {
			if file == plan.Name || !slices.ContainsFunc(plans, func(x pipeline.PlotPlan) bool { return !x.Single() && x.Has(file) }) {
				all = append(all, pipeline.PlotPlan{Name: file, Files: []string{file}, Look: plan.Look})
			}
		}
	}
	return all
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
	files := p.filesOf(plan)
	if len(files) == 0 {
		d.fail(&pipeline.MisuseError{Msg: strings.Join(plan.Files, ", ") + " has no files of points and no pictures in it"})
	}
	for _, file := range files {
		for _, v := range p.views {
			s, err := p.source(v, file, &look, d)
			if err != nil {
				return nil, err
			}
			if s != nil {
				d.sources = append(d.sources, *s)
			}
		}
	}
	for i := range d.sources {
		p.note(d, &look, &d.sources[i])
		p.addX(d, &look, &d.sources[i])
	}
	p.noteColumns(d, &look)
	if strings.HasSuffix(look.Template, ".json") {
		d.spec = look.Template
		if len(d.sources) > 0 {
			if err := d.readSpec(p.views[len(p.views)-1], &look); err != nil {
				d.fail(err)
			}
		}
		return d, nil
	}
	d.charts = p.chartsOf(plan, &look, d.sources)
	return d, nil
}

// filesOf returns the files of a plot in all views, those of the newest first. What else
// lies in a directory is none of them.
func (p *plotReader) filesOf(plan *pipeline.PlotPlan) []string {
	var files []string
	for _, v := range slices.Backward(p.views) {
		for _, named := range plan.Files {
			for _, file := range v.PlotFiles(named) {
				if !slices.Contains(files, file) && (file == named || pipeline.IsPlot(file)) {
					files = append(files, file)
				}
			}
		}
	}
	return files
}

// note tells what is missing in a table.
func (p *plotReader) note(d *drawing, look *pipeline.Look, s *source) {
	for _, c := range s.Columns {
		if !slices.Contains(p.columns, c) {
			p.columns = append(p.columns, c)
		}
	}
	where := p.where(s)
	if len(s.Rows) == 0 {
		d.fail(&pipeline.MisuseError{Msg: where + " has no points"})
		return
	}
	numbers, x := false, s.xColumn(look)
	for j := range s.Columns {
		numbers = numbers || (j != x || strings.HasPrefix(look.Template, "bar")) && s.numeric(j)
	}
	if !numbers && !s.counted(look) {
		d.fail(&pipeline.MisuseError{Msg: fmt.Sprintf("%s has no column of numbers to draw: its columns are %s", where, columnList(s.Columns))})
	}
}

// noteColumns tells which files lack columns that are to be drawn. Of a plot of several
// files one is enough to have a column of y.
func (p *plotReader) noteColumns(d *drawing, look *pipeline.Look) {
	for i := range d.sources {
		s := &d.sources[i]
		x, ys := s.xName(look), s.yNames(look)
		if strings.HasPrefix(look.Template, "confusion") {
			actual, predicted := s.caseColumns(look)
			x, ys = actual, []string{predicted}
		}
		var lacks []string
		if x != "" && s.column(x) < 0 {
			lacks = append(lacks, strconv.Quote(x))
		}
		for _, y := range ys {
			_, own := look.YOf[s.file]
			if y != "" && s.column(y) < 0 && (own || !slices.ContainsFunc(d.sources, func(o source) bool { return o.rev == s.rev && o.column(y) >= 0 })) {
				lacks = append(lacks, strconv.Quote(y))
			}
		}
		if len(lacks) > 0 && len(s.Rows) > 0 {
			d.fail(&pipeline.MisuseError{Msg: fmt.Sprintf("%s has no column %s: its columns are %s", p.where(s), strings.Join(lacks, ", "), columnList(s.Columns))})
		}
	}
}

// where names a file, with the revision if there is more than one.
func (p *plotReader) where(s *source) string {
	if len(p.views) == 1 {
		return s.file
	}
	return s.file + " at " + s.name
}

// counted reports whether a table is one of cases that are counted.
func (s *source) counted(look *pipeline.Look) bool {
	return strings.HasPrefix(look.Template, "confusion") || look.YOf != nil && len(s.yNames(look)) == 0 || strings.HasSuffix(look.Template, ".json") ||
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
	if p.look.X != "" {
		k.XOf = nil
	}
	if p.look.Y != nil {
		k.Y, k.YOf = p.look.Y, nil
	}
	k.NoHeader = k.NoHeader || p.look.NoHeader
	return k
}

// source is the table of one file at one revision.
type source struct {
	rev  int // index of the view
	name string
	file string
	x    string // the column of x, if it came from another file
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
	return &source{rev: slices.Index(p.views, v), name: v.Name, file: file, PlotTable: t}, nil
}

// data returns the points of all tables, for specifications.
func (d *drawing) data() []dataPoint { return slices.AppendSeq([]dataPoint{}, d.points()) }

// points goes through the points of all tables: their rows with what they are of.
func (d *drawing) points() iter.Seq[dataPoint] {
	return func(yield func(dataPoint) bool) {
		for i := range d.sources {
			s := &d.sources[i]
			for k := range s.Rows {
				if !yield(s.point(k)) {
					return
				}
			}
		}
	}
}

func (s *source) point(row int) dataPoint {
	m := dataPoint{revisionKey: s.name, fileKey: s.file, "step": float64(row)}
	for j, name := range s.Columns {
		m[name] = s.Rows[row][j]
		if f, ok := m[name].(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			m[name] = nil // JSON has no such number
		}
	}
	return m
}

// stepNames are columns that count, the likeliest first; the last has no name, as that of
// the rows where pandas writes a table.
var stepNames = []string{"step", "epoch", "iteration", "iter", "global_step", "_step", "x", "fpr", "recall", ""}

// counters are columns of numbers that measure nothing.
var counters = []string{"step", "epoch", "iteration", "iter", "global_step", "_step", "timestamp", "_timestamp", ""}

// column returns the index of a column; -1 if there is none.
func (s *source) column(name string) int { return slices.Index(s.Columns, name) }

// addX gives a table the x that another file of the plot has, row by row.
func (p *plotReader) addX(d *drawing, look *pipeline.Look, s *source) {
	if _, own := look.XOf[s.file]; own || len(look.XOf) == 0 {
		return
	}
	for i := range d.sources {
		o := &d.sources[i]
		name, ok := look.XOf[o.file]
		j := o.column(name)
		if !ok || o.rev != s.rev || j < 0 || len(s.yNames(look)) == 0 {
			continue
		}
		if len(o.Rows) != len(s.Rows) {
			d.fail(&pipeline.MisuseError{Msg: fmt.Sprintf("%s has %s, and %s, which has the x for it, has %s", p.where(s), plural(len(s.Rows), "row"), o.file, plural(len(o.Rows), "row"))})
			return
		}
		for s.column(name) >= 0 {
			name += " of " + o.file
		}
		s.Columns, s.x = append(s.Columns, name), name
		for k := range s.Rows {
			s.Rows[k] = append(s.Rows[k], o.Rows[k][j])
		}
		return
	}
}

// xName returns the column of x that is asked for; "" if none is.
func (s *source) xName(look *pipeline.Look) string {
	return cmp.Or(s.x, look.X, look.XOf[s.file])
}

// yNames returns the columns of y that are asked for; nil if none is.
func (s *source) yNames(look *pipeline.Look) []string {
	if columns, ok := look.YOf[s.file]; ok {
		return columns
	}
	if _, ok := look.XOf[s.file]; ok && look.YOf != nil {
		return []string{}
	}
	return look.Y
}

// xColumn returns the column of x; -1 stands for the number of the row.
func (s *source) xColumn(look *pipeline.Look) int {
	if x := s.xName(look); x != "" {
		return s.column(x)
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

// numeric reports whether a column holds numbers. A few texts, such as "n/a", are gaps.
func (s *source) numeric(i int) bool {
	numbers, others := 0, 0
	for _, row := range s.Rows {
		switch row[i].(type) {
		case nil:
		case float64:
			numbers++
		default:
			others++
		}
	}
	return numbers > others
}
