package main

import (
	"fmt"
	"strings"

	"github.com/xtrepro/xt/pipeline"
)

// part is a section of a report, which is gathered once and written as HTML and as
// Markdown.
type part struct {
	title    string
	text     string // before the table
	columns  []column
	rows     [][]string // a cell may have several lines
	plots    []*drawing
	after    string
	commands []string // to copy
}

// column is the head of a column, and what stands in it.
type column struct {
	name string
	kind columnKind
}

type columnKind uint8

const (
	prose   columnKind = iota
	literal            // a name or a path
	figure             // a number
)

func (p *part) isEmpty() bool {
	return p.text == "" && len(p.rows) == 0 && len(p.plots) == 0 && len(p.commands) == 0
}

// bidi takes out what would turn the rest of a line around.
var bidi = strings.NewReplacer("\u202a", "\uFFFD", "\u202b", "\uFFFD", "\u202c", "\uFFFD", "\u202d", "\uFFFD", "\u202e", "\uFFFD", "\u2066", "\uFFFD", "\u2067", "\uFFFD", "\u2068", "\uFFFD", "\u2069", "\uFFFD")

// parts returns all that is to be told, what a reader asks for first first.
func (s *summary) parts() []part {
	all := []part{
		{title: "Metrics", text: s.noMetrics, columns: valueColumns(figure), rows: valueRows(s.metrics, true)},
		{title: "Plots", plots: s.plots},
		{title: "Parameters", columns: valueColumns(prose), rows: valueRows(s.params, false)},
		s.stagePart(), s.modelPart(), s.findingPart(), s.verificationPart(), s.rebuildPart(),
	}
	var some []part
	for i := range all {
		if !all[i].isEmpty() {
			some = append(some, all[i])
		}
	}
	return some
}

func valueColumns(kind columnKind) []column {
	return []column{{"file", literal}, {"key", literal}, {"before", kind}, {"after", kind}, {"change", figure}}
}

// valueRows shows values before and after; arrows say which way a number went.
func valueRows(deltas []pipeline.Delta, arrows bool) [][]string {
	var rows [][]string
	for _, d := range deltas {
		change := changeText(d)
		if arrows {
			change = strings.TrimSpace(change + " " + arrow(d))
		}
		rows = append(rows, []string{d.File, d.Key, shorten(valueText(d.Old), 80), shorten(valueText(d.New), 80), change})
	}
	return rows
}

func (s *summary) stagePart() part {
	p := part{title: "Stages", columns: []column{{"stage", literal}, {"", prose}, {"why", prose}}}
	if len(s.stages) == 0 {
		p.text = "No stage ran again."
	}
	for _, st := range s.stages {
		p.rows = append(p.rows, []string{st.stage, st.what, strings.Join(st.why, "\n")})
	}
	return p
}

func (s *summary) modelPart() part {
	p := part{title: "Models", columns: []column{{"model", literal}, {"file", literal}, {"latest", prose}, {"stages", prose}, {"before", prose}, {"after", prose}}}
	for _, m := range s.models {
		p.rows = append(p.rows, []string{m.name, m.path, m.latest, strings.Join(m.stages, "\n"), strings.Join(m.before, "\n"), strings.Join(m.after, "\n")})
	}
	return p
}

func (s *summary) findingPart() part {
	p := part{title: "Findings of xt check", columns: []column{{"", prose}, {"rule", literal}, {"where", literal}, {"what", prose}}}
	for _, f := range s.check.Findings {
		where := f.File
		if f.Line > 0 {
			where = pipeline.Position{File: f.File, Line: f.Line}.String()
		}
		p.rows = append(p.rows, []string{string(f.Level), string(f.Rule), where, strings.Join(append([]string{f.Message}, f.Details...), "\n")})
	}
	if hints := hintsOf(s.check.Findings, func(pipeline.Finding) bool { return true }); len(hints) > 0 {
		p.after = "To mend it: " + strings.Join(hints, "; ") + "."
	}
	return p
}

func (s *summary) verificationPart() part {
	p := part{title: "Verification", columns: []column{{"stage made again", literal}, {"verdict", prose}, {"first difference", prose}}}
	if len(s.verdicts) == 0 {
		p.text = "Not verified: nobody has made this again and compared the bytes."
		return p
	}
	for _, v := range s.verdicts {
		mark := "✓ "
		if !v.verdict.Good() {
			mark = "✗ "
		}
		p.rows = append(p.rows, []string{v.stage, mark + string(v.verdict), strings.Join(v.differs, "\n")})
	}
	if s.left > 0 {
		p.after = fmt.Sprintf("Not verified: %s.", plural(s.left, "other stage"))
	}
	return p
}

// mostRemade is how many stages are named in a command.
const mostRemade = 8

// rebuildPart has the commands that make again what the branch has made.
func (s *summary) rebuildPart() part {
	var made []madeStage
	for _, st := range s.stages {
		if st.fingerprint != "" {
			made = append(made, madeStage{st.stage, st.fingerprint})
		}
	}
	if len(made) > mostRemade {
		made = nil
	}
	return part{title: "How to rebuild this", commands: append([]string{switchTo(s.commit)}, remake(s.remote, made...)...)}
}
