package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
)

// valueReader returns the values that a command is about, in one view.
type valueReader func(v *pipeline.View) ([]pipeline.Value, error)

func (a *app) valuesCommand(name, one string, read valueReader) *cli.Command {
	return &cli.Command{
		Name:  name,
		Usage: "show the " + name + ", or compare those of two commits",
		Subcommands: []*cli.Command{
			{
				Name: "show", Usage: "show each " + one + " and its value", ArgsUsage: "[REV]",
				Description: "As they are in the workspace, or in a commit.\n\nexamples:\n   xt " + name + " show\n   xt " + name + " show HEAD~1 --json",
				Flags:       []cli.Flag{jsonFlag(), mdFlag()},
				Action:      func(c *cli.Context) error { return a.showValues(c, read) },
			},
			{
				Name: "diff", Usage: "show each " + one + " that differs", ArgsUsage: "[A [B]]",
				Description: "Compares commit A, HEAD unless given, with commit B, or with the workspace.\n\nexamples:\n   xt " + name + " diff\n   xt " + name + " diff main\n   xt " + name + " diff v1.0 v1.1 --md",
				Flags:       []cli.Flag{jsonFlag(), mdFlag(), &cli.BoolFlag{Name: "all", Usage: "show also what is the same"}},
				Action:      func(c *cli.Context) error { return a.diffValues(c, read) },
			},
		},
	}
}

func mdFlag() cli.Flag { return &cli.BoolFlag{Name: "md", Usage: "write a Markdown table"} }

func (a *app) showValues(c *cli.Context, read valueReader) error {
	if c.NArg() > 1 {
		return usageErrorf("%s takes one revision, not %d", c.Command.HelpName, c.NArg())
	}
	w, err := a.open()
	if err != nil {
		return err
	}
	view := w.View()
	if c.NArg() == 1 {
		if view, err = w.ViewAt(c.Args().First()); err != nil {
			return err
		}
	}
	values, err := read(view)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		for i := range values {
			values[i].Val = jsonValue(values[i].Val)
		}
		return a.writeJSON(values)
	}
	if len(values) == 0 {
		a.term.Sayf("there are none")
		return nil
	}
	rows := [][]string{{"file", "key", "value"}}
	for _, v := range values {
		rows = append(rows, []string{v.File, v.Key, valueText(v.Val)})
	}
	a.table(rows, c.Bool("md"))
	return nil
}

func (a *app) diffValues(c *cli.Context, read valueReader) error {
	w, err := a.open()
	if err != nil {
		return err
	}
	old, new, err := views(c, w)
	if err != nil {
		return err
	}
	deltas, err := read.diff(old, new, c.Bool("all"))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.writeJSON(jsonDeltas(deltas))
	}
	if len(deltas) == 0 {
		a.term.Sayf("no difference between %s and %s", old.Name, new.Name)
		return nil
	}
	rows := [][]string{{"file", "key", old.Name, new.Name, "change"}}
	for _, d := range deltas {
		rows = append(rows, []string{d.File, d.Key, valueText(d.Old), valueText(d.New), changeText(d)})
	}
	a.table(rows, c.Bool("md"))
	return nil
}

// diff returns the values that differ between two views, or all.
func (read valueReader) diff(old, new *pipeline.View, all bool) ([]pipeline.Delta, error) {
	before, err := read(old)
	if err != nil {
		return nil, err
	}
	after, err := read(new)
	if err != nil {
		return nil, err
	}
	return pipeline.DiffValues(before, after, all), nil
}

// views returns the two sides of a comparison: HEAD and the workspace, unless
// the operands say otherwise.
func views(c *cli.Context, w *pipeline.Workspace) (old, new *pipeline.View, err error) {
	if c.NArg() > 2 {
		return nil, nil, usageErrorf("%s compares two revisions, not %d", c.Command.HelpName, c.NArg())
	}
	rev := c.Args().First()
	if rev == "" {
		rev = "HEAD"
	}
	if old, err = w.ViewAt(rev); err != nil {
		return nil, nil, err
	}
	if c.NArg() < 2 {
		return old, w.View(), nil
	}
	new, err = w.ViewAt(c.Args().Get(1))
	return old, new, err
}

func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case float64:
		text := strconv.FormatFloat(v, 'g', 6, 64)
		if !strings.ContainsAny(text, ".eNI") {
			text += ".0" // a float is not an integer, here as in the fingerprint
		}
		return text
	case string:
		return v
	}
	return fmt.Sprint(v)
}

// changeText returns the difference of two numbers; empty for others.
func changeText(d pipeline.Delta) string {
	a, okA := number(d.Old)
	b, okB := number(d.New)
	if !okA || !okB {
		return ""
	}
	return fmt.Sprintf("%+.6g", b-a)
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}

// jsonValue spells the numbers that JSON does not have as text.
func jsonValue(v any) any {
	if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	if _, err := json.Marshal(v); err != nil {
		return fmt.Sprint(v)
	}
	return v
}

// jsonDeltas returns differences as JSON has them.
func jsonDeltas(deltas []pipeline.Delta) []pipeline.Delta {
	out := []pipeline.Delta{}
	for _, d := range deltas {
		d.Old, d.New = jsonValue(d.Old), jsonValue(d.New)
		out = append(out, d)
	}
	return out
}

// table writes rows, the first of which is the heading.
func (a *app) table(rows [][]string, md bool) {
	if md {
		for i, r := range rows {
			a.term.Printf("| %s |\n", strings.ReplaceAll(strings.Join(r, " | "), "\n", " "))
			if i == 0 {
				a.term.Printf("|%s\n", strings.Repeat(" --- |", len(r)))
			}
		}
		return
	}
	for i, line := range aligned(rows) {
		if i == 0 {
			line = a.term.Paint(term.Dim, line)
		}
		a.term.Printf("%s\n", line)
	}
}
