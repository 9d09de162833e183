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
	{name: "files", required: true, also: []string{"file", "path", "paths"}, shape: texts("a path, or a list of paths", "The files that it is made of.", `["build/train.csv", "build/val.csv"]`)},
}, lookKeys()...)...)

// look reads how a plot is drawn.
func (l *loader) look(n *tomldoc.Node) *Look {
	k := &Look{
		Template: l.str(n.Get("template")), X: l.str(n.Get("x")), Title: l.str(n.Get("title")),
		XLabel: l.str(n.Get("x_label")), YLabel: l.str(n.Get("y_label")), NoHeader: !l.flag(n.Get("header"), true),
	}
	for _, y := range l.each(n.Get("y")) {
		k.Y = append(k.Y, l.str(y))
	}
	if t := n.Get("template"); l.ok(t) && !slices.Contains(Templates, k.Template) && path.Ext(k.Template) != ".json" {
		l.tell(t.At, place{where: "plots"}, "one of "+strings.Join(Templates, ", ")+", or the path of a Vega-Lite specification, NAME.json", "there is no template %q", k.Template)
	}
	return k
}

func (l *loader) readPlots(n *tomldoc.Node) {
	if !l.ok(n) {
		return
	}
	for _, p := range n.Keys {
		if !l.ok(p) {
			continue
		}
		set := PlotSet{Name: p.Key, Look: *l.look(p), Pos: l.pos(p.KeyAt)}
		for _, f := range l.each(p.Get("files")) {
			if file, ok := l.path(f.At, place{where: fmt.Sprintf("plot %q", p.Key)}, "files", ".", l.str(f)); ok {
				set.Files = append(set.Files, file)
			}
		}
		l.cfg.Plots = append(l.cfg.Plots, set)
	}
}
