package pipeline

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/tomldoc"
)

// Look says how a plot is drawn. What it does not say the data suggests.
type Look struct {
	Template       string   // one of Templates, or the path of a Vega-Lite specification
	X              string   // the column of x
	Y              []string // columns of y
	Title          string
	XLabel, YLabel string
	NoHeader       bool // the first line of a table is data; columns are called by number from 0

	// Of a plot of several files: columns of x and of y by file. A file that is in XOf only
	// has the x of the others.
	XOf map[string]string
	YOf map[string][]string
}

// isZero reports whether it says nothing.
func (k *Look) isZero() bool {
	return k.Template+k.X+k.Title+k.XLabel+k.YLabel == "" && k.Y == nil && !k.NoHeader
}

// PlotSet is a plot that is put together from several files.
type PlotSet struct {
	Name  string
	Files []string
	Look  Look
	Pos   Position
}

// Templates are the ways to draw a plot, under the names that DVC has for them.
var Templates = []string{"linear", "simple", "smooth", "scatter", "scatter_jitter", "bar", "bar_horizontal", "bar_horizontal_sorted", "confusion", "confusion_normalized"}

// lookKeys are the keys of a plot that say how it is drawn.
func lookKeys() []key {
	return []key{
		{name: "template", shape: text("the name of a template, or the path of a Vega-Lite specification", "How it is drawn: "+strings.Join(Templates, ", ")+", or a Vega-Lite specification in a .json file.", `"scatter"`)},
		{name: "x", shape: text("the name of a column", "The column of x. By default step, epoch or iteration, or else the number of the row.", `"epoch"`)},
		{name: "y", shape: texts("a column, or a list of columns", "The columns of y. By default all that hold numbers.", `["train_loss", "val_loss"]`)},
		{name: "title", shape: text("a text", "The title.", `"Loss"`)},
		{name: "x_label", shape: text("a text", "What stands below the axis of x.", `"epoch"`)},
		{name: "y_label", shape: text("a text", "What stands beside the axis of y.", `"cross entropy"`)},
		{name: "header", shape: flag("Whether the first line of a table names the columns.", true)},
	}
}

var plotShape = table("A plot of several files.", append([]key{
	{name: "files", also: []string{"file", "path", "paths"}, shape: texts("a path, or a list of paths", "The files that it is made of.", `["build/train.csv", "build/val.csv"]`)},
}, plotKeys()...)...)

// plotKeys are those of a plot of several files, whose columns may be said by file.
func plotKeys() []key {
	keys := lookKeys()
	for i := range keys {
		k := &keys[i]
		if k.name == "x" || k.name == "y" {
			one := *k.shape
			both := one
			both.kinds |= aTable
			both.rest = &one
			k.shape = &both
		}
	}
	return keys
}

// look reads how a plot is drawn.
func (l *loader) look(n *tomldoc.Node) *Look {
	k := &Look{
		Template: l.str(n.Get("template")), X: l.str(noTable(n.Get("x"))), Title: l.str(n.Get("title")),
		XLabel: l.str(n.Get("x_label")), YLabel: l.str(n.Get("y_label")), NoHeader: !l.flag(n.Get("header"), true),
	}
	k.Y = l.columns(noTable(n.Get("y")))
	if t := n.Get("template"); l.ok(t) && !slices.Contains(Templates, k.Template) && path.Ext(k.Template) != ".json" {
		l.tell(t.At, place{where: "plots"}, "one of "+strings.Join(Templates, ", ")+", or the path of a Vega-Lite specification, NAME.json", "there is no template %q", k.Template)
	}
	return k
}

// noTable returns a value that is no table.
func noTable(n *tomldoc.Node) *tomldoc.Node {
	if n != nil && n.Kind == tomldoc.Table {
		return nil
	}
	return n
}

func (l *loader) columns(n *tomldoc.Node) []string {
	var names []string
	for _, c := range l.each(n) {
		names = append(names, l.str(c))
	}
	return names
}

func (l *loader) readPlots(n *tomldoc.Node) {
	if !l.ok(n) {
		return
	}
	for _, p := range n.Keys {
		if l.ok(p) {
			l.cfg.Plots = append(l.cfg.Plots, l.plotSet(p))
		}
	}
}

func (l *loader) plotSet(p *tomldoc.Node) PlotSet {
	set := PlotSet{Name: p.Key, Look: *l.look(p), Pos: l.pos(p.KeyAt)}
	at := place{where: fmt.Sprintf("plot %q", p.Key)}
	add := func(offset int, name string) string {
		file, ok := l.path(offset, at, "files", ".", name)
		if ok && !slices.Contains(set.Files, file) {
			set.Files = append(set.Files, file)
		}
		return file
	}
	for _, f := range l.each(p.Get("files")) {
		add(f.At, l.str(f))
	}
	for _, f := range byFile(p.Get("y")) {
		if set.Look.YOf == nil {
			set.Look.YOf = map[string][]string{}
		}
		columns := l.columns(f)
		set.Look.YOf[add(f.KeyAt, f.Key)] = columns
		for _, c := range columns {
			if !slices.Contains(set.Look.Y, c) {
				set.Look.Y = append(set.Look.Y, c)
			}
		}
	}
	for _, f := range byFile(p.Get("x")) {
		if set.Look.XOf == nil {
			set.Look.XOf = map[string]string{}
		}
		set.Look.XOf[add(f.KeyAt, f.Key)] = l.str(f)
	}
	if len(set.Files) == 0 {
		l.tell(p.KeyAt, at, `add files = ["build/train.csv", "build/val.csv"]`, "\"files\" is missing")
	}
	return set
}

// byFile returns what a table says of files; nothing if it is none.
func byFile(n *tomldoc.Node) []*tomldoc.Node {
	if n == nil {
		return nil
	}
	return n.Keys
}
