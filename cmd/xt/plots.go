package main

import (
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/chart"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) plotsCommand() *cli.Command {
	return &cli.Command{
		Name:  "plots",
		Usage: "draw the plots, on the terminal or into a file, or compare those of commits",
		Subcommands: []*cli.Command{
			{
				Name: "show", Usage: "draw plots", ArgsUsage: "[PLOT|FILE…]",
				Description: "Draws the plots that xt.toml declares, or those named, or any file of points, on the terminal. -o FILE\n" +
					"writes them into a file instead: .html holds all, with pictures; .svg, .png; .md.\n\n" +
					"examples:\n   xt plots show\n   xt plots show build/loss.csv\n   xt plots show --rev v1.0 -o plots.html --open\n   xt plots show points.csv -x n -y seconds --template scatter",
				Flags:  append(plotFlags(), &cli.StringFlag{Name: "rev", Usage: "as they are in the commit `REV` rather than in the workspace"}),
				Action: a.showPlots,
			},
			{
				Name: "diff", Usage: "draw the plots of commits over one another", ArgsUsage: "[REV [REV…]]",
				Description: "Draws the plots of commit REV, HEAD unless given, and of others, or of the workspace, in the same\n" +
					"axes: of two the older dashed. Pictures and tables of counts are side by side.\n\n" +
					"examples:\n   xt plots diff\n   xt plots diff main\n   xt plots diff v1.0 v1.1 -o diff.html\n   xt plots diff v1.0 v1.1 v1.2\n   xt plots diff main --targets build/loss.csv",
				Flags:  append(plotFlags(), &cli.StringSliceFlag{Name: "targets", Usage: "only this `PLOT`"}),
				Action: a.diffPlots,
			},
		},
	}
}

func plotFlags() []cli.Flag {
	return []cli.Flag{
		jsonFlag(),
		&cli.StringFlag{Name: "output", Aliases: []string{"o", "out"}, Usage: "write into `FILE`: .html, .svg, .png or .md"},
		&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "replace the file if it is there"},
		&cli.BoolFlag{Name: "open", Usage: "open the file that was written"},
		&cli.StringFlag{Name: "template", Aliases: []string{"t"}, Usage: "draw them as `TEMPLATE`: " + strings.Join(pipeline.Templates, ", ") + ", or a file of Vega-Lite"},
		&cli.StringFlag{Name: "x", Usage: "the `COLUMN` of x"},
		&cli.StringSliceFlag{Name: "y", Usage: "a `COLUMN` of y"},
		&cli.StringFlag{Name: "title", Usage: "the `TITLE`"},
		&cli.StringFlag{Name: "x-label", Usage: "what stands below the axis of x: `TEXT`"},
		&cli.StringFlag{Name: "y-label", Usage: "what stands beside the axis of y: `TEXT`"},
		&cli.BoolFlag{Name: "no-header", Usage: "the first line of a table is data"},
	}
}

// lookOf reads what the command line says of how plots are drawn.
func (a *app) lookOf(c *cli.Context, w *pipeline.Workspace) (pipeline.Look, error) {
	k := pipeline.Look{
		Template: c.String("template"), X: c.String("x"), Title: c.String("title"), XLabel: c.String("x-label"), YLabel: c.String("y-label"), NoHeader: c.Bool("no-header"),
	}
	if y := c.StringSlice("y"); len(y) > 0 {
		k.Y = y
	}
	if strings.HasSuffix(k.Template, ".json") {
		rel, err := a.rel(w, k.Template)
		if err != nil {
			return k, err
		}
		k.Template = rel
	} else if t := k.Template; t != "" {
		for _, known := range pipeline.Templates {
			if t == known {
				return k, nil
			}
		}
		return k, &usageError{msg: fmt.Sprintf("there is no template %q", t), hints: []string{"use " + strings.Join(pipeline.Templates, ", ")}}
	}
	return k, nil
}

func (a *app) showPlots(c *cli.Context) error {
	w, err := a.open()
	if err != nil {
		return err
	}
	view := w.View()
	if rev := c.String("rev"); rev != "" {
		if view, err = w.ViewAt(rev); err != nil {
			return err
		}
	}
	names := make([]string, 0, c.NArg())
	for _, arg := range c.Args().Slice() {
		name, err := a.plotName(w, view, arg)
		if err != nil {
			return err
		}
		names = append(names, name)
	}
	return a.drawPlots(c, w, []*pipeline.View{view}, names)
}

// plotName returns what a word names: a plot by its name, or a file by its path from
// where the user stands.
func (a *app) plotName(w *pipeline.Workspace, v *pipeline.View, word string) (string, error) {
	for _, p := range v.PlotPlans() {
		if p.Name == word {
			return word, nil
		}
	}
	return a.rel(w, word)
}

func (a *app) diffPlots(c *cli.Context) error {
	w, err := a.open()
	if err != nil {
		return err
	}
	vs, err := viewsOf(c, w)
	if err != nil {
		return err
	}
	var names []string
	for _, t := range c.StringSlice("targets") {
		name, err := a.plotName(w, vs[len(vs)-1], t)
		if err != nil {
			return err
		}
		names = append(names, name)
	}
	return a.drawPlots(c, w, vs, names)
}

// viewsOf returns the commits that operands name, in their order: HEAD if there are none,
// and the workspace after a single one.
func viewsOf(c *cli.Context, w *pipeline.Workspace) ([]*pipeline.View, error) {
	revs := c.Args().Slice()
	if len(revs) == 0 {
		revs = []string{"HEAD"}
	}
	var vs []*pipeline.View
	for _, rev := range revs {
		v, err := w.ViewAt(rev)
		if err != nil {
			return nil, err
		}
		vs = append(vs, v)
	}
	if len(vs) == 1 {
		vs = append(vs, w.View())
	}
	return vs, nil
}

// drawPlots draws the plots of one view, or of several over one another.
func (a *app) drawPlots(c *cli.Context, w *pipeline.Workspace, vs []*pipeline.View, names []string) error {
	look, err := a.lookOf(c, w)
	if err != nil {
		return err
	}
	r := &plotReader{views: vs, look: look}
	all, err := r.read(names)
	if err != nil {
		return err
	}
	if err := r.unknownColumn(); err != nil {
		return err
	}
	if err := nothingDrawn(all, names); err != nil {
		return err
	}
	if c.Bool("json") {
		return streamPlots(a.term.Out, all, vs)
	}
	if len(all) == 0 {
		a.term.Sayf("there are no plots: a stage lists those that it makes under plots")
		return nil
	}
	file := c.String("output")
	if file == "" && c.Bool("open") {
		file = "xt-plots.html"
	}
	if file == "" {
		a.printPlots(all)
		return nil
	}
	text, err := plotFile(file, titleOf(vs), all)
	if err != nil {
		return err
	}
	if err := a.writeFile(file, text, c.Bool("force") || c.Bool("open")); err != nil {
		return err
	}
	if c.Bool("open") {
		return openFile(a.resolve(file))
	}
	return nil
}

// nothingDrawn returns the mistake for which a plot that was asked for cannot be seen, or
// none of all.
func nothingDrawn(all []*drawing, names []string) error {
	var first error
	for _, d := range all {
		switch {
		case !d.empty():
			if len(names) == 0 {
				return nil
			}
		case first == nil:
			first = d.err
		}
	}
	return first
}

func titleOf(vs []*pipeline.View) string {
	var names []string
	for _, v := range vs {
		names = append(names, v.Name)
	}
	return "Plots: " + strings.Join(names, " and ")
}

// plotFile draws into the kind of file that a name says.
func plotFile(name, title string, all []*drawing) ([]byte, error) {
	var charts []*chart.Chart
	for _, d := range all {
		charts = append(charts, d.charts...)
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".html", ".htm":
		p := newDocument(title)
		for _, d := range all {
			p.drawing(d, 2)
		}
		return p.bytes()
	case ".md":
		var b strings.Builder
		fmt.Fprintf(&b, "## %s\n", plain(title))
		writePlots(&b, all, nil)
		return []byte(b.String()), nil
	case ".svg", ".png":
		if len(charts) == 0 {
			return nil, &usageError{msg: "there is nothing to draw there: pictures and what specifications draw are in pages only", hints: []string{"-o FILE.html"}}
		}
		if strings.EqualFold(filepath.Ext(name), ".svg") {
			return chart.SVG(charts...), nil
		}
		return chart.PNG(charts...)
	}
	return nil, &usageError{msg: fmt.Sprintf("--output %s: the ending says what is written, and this is none that is known", name), hints: []string{"use .html, .svg, .png or .md"}}
}

// printPlots draws on the terminal.
func (a *app) printPlots(all []*drawing) {
	width := min(a.term.Width(), 100)
	for _, d := range all {
		for _, c := range d.charts {
			a.term.Printf("%s\n", c.Text(width, 12, a.paintSeries))
		}
		for _, p := range d.pictures {
			a.term.Printf("%s (%s): a picture, %s; -o FILE.html shows it\n", shown(p.file), shown(p.rev), term.Bytes(int64(len(p.bytes))))
		}
		if hint := d.specHint(); hint != "" {
			a.term.Printf("%s\n", shown(hint))
		}
		for _, n := range d.notes {
			a.term.Warnf("%s", n)
		}
	}
}

var seriesColours = []term.Style{term.Blue, term.Red, term.Green, term.Purple, term.Yellow, term.Cyan}

func (a *app) paintSeries(n int, s string) string {
	return a.term.Paint(seriesColours[n%len(seriesColours)], s)
}

// streamPlots writes plots for programs, point by point, since there may be a million.
func streamPlots(out io.Writer, all []*drawing, vs []*pipeline.View) error {
	s := newJSONStream(out)
	s.open("{")
	s.field("revisions")
	s.open("[")
	for _, v := range vs {
		s.value(v.Name)
	}
	s.end("]")
	s.field("plots")
	s.open("[")
	for _, d := range all {
		d.stream(s)
	}
	s.end("]")
	s.end("}")
	return s.flush()
}

func (d *drawing) stream(s *jsonStream) {
	s.open("{")
	s.field("name")
	s.value(d.name)
	s.field("data")
	s.open("[")
	for p := range d.points() {
		s.value(p)
	}
	s.end("]")
	if len(d.pictures) > 0 {
		s.field("pictures")
		s.open("[")
		for _, p := range d.pictures {
			s.value(p.file)
		}
		s.end("]")
	}
	if len(d.notes) > 0 {
		s.field("notes")
		s.value(d.notes)
	}
	s.end("}")
}

// openFile shows a file with the program that the user has for it.
func openFile(name string) error {
	program := map[string]string{"darwin": "open", "windows": "explorer"}[runtime.GOOS]
	if program == "" {
		program = "xdg-open"
	}
	if err := exec.Command(program, name).Start(); err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	return nil
}
