package main

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) checkCommand() *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "exit with 1 unless xt.lock matches what is about to be committed",
		Description: "The gate of a pre-commit hook and of CI: quick, needs no data and runs nothing. It compares\n" +
			"xt.toml, code and parameters with xt.lock as they are staged in git, or in a commit, and looks\n" +
			"for what [check] in xt.toml asks for: results that xt did not make, missing seeds, large files,\n" +
			"secrets. Where there is no git it takes the files as they are.\n\n" +
			"examples:\n   xt check\n   xt check --rev HEAD --strict\n   xt check --remote                          # is all of it on the remote?\n" +
			"   xt check --rev HEAD --format sarif -o xt.sarif",
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.StringFlag{Name: "rev", Usage: "check the commit `REV` instead of what is staged"},
			&cli.BoolFlag{Name: "strict", Usage: "fail on warnings too"},
			&cli.BoolFlag{Name: "remote", Usage: "ask the remotes whether they have what xt.lock names"},
			&cli.StringFlag{Name: "name", Aliases: []string{"r"}, Usage: "ask only this remote: its `NAME` in xt.toml"},
			&cli.StringFlag{Name: "format", Value: "text", Usage: "`HOW` to write the findings: text, json, junit, sarif"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write them to `FILE`, and for people to standard output"},
		},
		Action: a.check,
	}
}

// checked is what a check found, and where the project is.
type checked struct {
	*pipeline.Inspection
	prefix string // of the project below the top of the repository: "" or "dir/"
	strict bool
}

// fails reports whether a finding fails the check.
func (r *checked) fails(f pipeline.Finding) bool {
	return f.Level == pipeline.Error || r.strict && f.Level == pipeline.Warning
}

// failed reports whether any of them does.
func (r *checked) failed() bool { return slices.ContainsFunc(r.Findings, r.fails) }

// checkFormats write the findings for programs.
var checkFormats = map[string]func(r *checked, w io.Writer) error{
	"json": (*checked).writeJSON, "junit": (*checked).writeJUnit, "sarif": (*checked).writeSARIF, "text": nil,
}

func (a *app) check(c *cli.Context) error {
	if c.NArg() > 0 {
		return usageErrorf("xt check takes no operands: it checks all stages")
	}
	format := c.String("format")
	if c.Bool("json") {
		format = "json"
	}
	write, ok := checkFormats[format]
	if !ok {
		return &usageError{msg: "--format: unknown format " + format, hints: []string{"one of text, json, junit, sarif"}}
	}
	r, err := a.inspect(c, c.String("rev"))
	if err != nil {
		return err
	}
	switch file := c.String("output"); {
	case file != "":
		if write == nil {
			return usageErrorf("-o FILE: name a --format for it, json, junit or sarif")
		}
		var b bytes.Buffer
		if err := write(r, &b); err != nil {
			return err
		}
		if !filepath.IsAbs(file) {
			file = filepath.Join(a.dir, file)
		}
		if err := atomicfile.Write(file, b.Bytes(), 0o666); err != nil {
			return err
		}
	case write != nil:
		if err := write(r, a.term.Out); err != nil {
			return err
		}
		return r.verdict()
	}
	a.printCheck(r)
	return r.verdict()
}

func (r *checked) verdict() error {
	if r.failed() {
		return errFailed
	}
	return nil
}

// inspect checks what is staged, or a commit, and with --remote the remotes.
func (a *app) inspect(c *cli.Context, rev string) (*checked, error) {
	// A check ends soon and leaves little behind: to collect that as often as usual
	// takes an eighth of its processor time.
	defer debug.SetGCPercent(debug.SetGCPercent(200))
	root, err := pipeline.FindRoot(a.dir)
	if err != nil {
		return nil, err
	}
	r := &checked{strict: c.Bool("strict")}
	onRemote := c.Bool("remote") || c.String("name") != ""
	s, err := pipeline.OpenToInspect(root, rev)
	if errors.Is(err, git.ErrNoRepository) && rev == "" && !onRemote {
		w, err := a.open()
		if err != nil {
			return nil, err
		}
		progress := a.watch(w, "hashing")
		defer progress.Done()
		r.Inspection, err = w.Inspect(c.Context)
		return r, err
	}
	if err != nil {
		return nil, err
	}
	r.prefix = s.Prefix()
	if r.Inspection, err = s.Inspect(c.Context); err != nil || !onRemote {
		return r, err
	}
	return r, a.inspectRemote(c, s, r.Inspection, c.String("name"))
}

func (a *app) inspectRemote(c *cli.Context, s *pipeline.Snapshot, in *pipeline.Inspection, name string) error {
	w, err := a.open()
	if err != nil {
		return err
	}
	progress := a.term.Start("asking the remote", 0)
	defer progress.Done()
	return w.InspectRemote(c.Context, s, in, pipeline.Transfer{Remote: name, Received: progress.Moved})
}

// printCheck writes the findings for people, and how to mend them.
func (a *app) printCheck(r *checked) {
	if len(r.Findings) == 0 {
		a.term.Sayf("xt.lock matches: %s", plural(len(r.Plan.Steps), "stage"))
		return
	}
	rule := pipeline.Rule("")
	for _, f := range r.Findings {
		if f.Rule != rule {
			rule = f.Rule
			a.term.Printf("%s\n", a.term.Paint(term.Bold, string(rule)))
		}
		a.printFinding(f)
	}
	errs, warnings := r.Count(pipeline.Error), r.Count(pipeline.Warning)
	words := plural(warnings, "warning")
	if errs > 0 {
		words = plural(errs, "error")
		if warnings > 0 {
			words += ", " + plural(warnings, "warning")
		}
	}
	switch {
	case r.failed():
		a.term.Error(words+": this does not pass", hintsOf(r.Findings, r.fails)...)
	default:
		a.term.Sayf("xt.lock matches: %s, %s", plural(len(r.Plan.Steps), "stage"), words)
	}
}

func (a *app) printFinding(f pipeline.Finding) {
	style := term.Red
	if f.Level == pipeline.Warning {
		style = term.Yellow
	}
	where := ""
	if f.Line > 0 {
		where = pipeline.Position{File: shown(f.File), Line: f.Line}.String() + ": "
	}
	a.term.Printf("  %s %s%s\n", a.term.Paint(style, string(f.Level)+":"), where, f.Message)
	for _, d := range f.Details {
		a.term.Printf("    - %s\n", d)
	}
}

// hintsOf returns how to mend findings: what holds for several once, and of what
// concerns one each, no more than fit on a screen.
func hintsOf(findings []pipeline.Finding, which func(pipeline.Finding) bool) []string {
	const each, most = 3, 12
	var hints []string
	of := map[pipeline.Rule]int{}
	for _, f := range findings {
		if !which(f) || f.Hint == "" || slices.Contains(hints, f.Hint) || of[f.Rule] == each || len(hints) == most {
			continue
		}
		of[f.Rule]++
		hints = append(hints, f.Hint)
	}
	return hints
}

// checkReport is the JSON of xt check. Its first keys are those of xt status.
type checkReport struct {
	*statusReport
	Findings []pipeline.Finding `json:"findings"`
}

func (r *checked) writeJSON(w io.Writer) error {
	status := newStatusReport(r.Plan, nil)
	status.Clean = status.Clean && r.Count(pipeline.Error) == 0
	return encodeJSON(w, &checkReport{status, r.Findings})
}

// findingText returns a finding as one text, with all that is known of it.
func findingText(f pipeline.Finding) string {
	var b strings.Builder
	b.WriteString(f.Message)
	for _, d := range f.Details {
		b.WriteString("\n- " + d)
	}
	if f.Hint != "" {
		b.WriteString("\n" + f.Hint)
	}
	return b.String()
}
