package main

import (
	"fmt"
	"strings"

	"github.com/xtrepro/xt/pipeline"
)

// mostRows is how many rows a table has: a comment has a limit, and a reader too.
const mostRows = 40

// markdown writes the summary as code hosts show it. files, which may be nil, takes
// the pictures.
func (s *summary) markdown(files *assetFiles) string {
	var b strings.Builder
	b.WriteString("<!-- xt -->\n## " + s.mark() + " " + s.headline() + "\n\n")
	fmt.Fprintf(&b, "%s compared with %s", code(s.head), code(s.base))
	if s.noBase != "" {
		fmt.Fprintf(&b, ", which is not there to compare with: %s", plain(s.noBase))
	}
	b.WriteString(".\n")
	s.writeStages(&b)
	s.writeMetrics(&b)
	if len(s.plots) > 0 {
		b.WriteString("\n### Plots\n")
		writePlots(&b, s.plots, files)
	}
	s.writeValues(&b, "Parameters", s.params)
	s.writeFindings(&b)
	s.writeVerification(&b)
	return b.String()
}

// mark is the verdict as a picture that stands out in a list of comments.
func (s *summary) mark() string {
	return map[pipeline.Level]string{pipeline.Error: "❌", pipeline.Warning: "⚠️", "": "✅"}[s.level()]
}

// level returns how bad the worst is; "" if all is well.
func (s *summary) level() pipeline.Level {
	switch {
	case s.check.Count(pipeline.Error) > 0 || s.verified != nil && !s.verified.OK:
		return pipeline.Error
	case s.check.Count(pipeline.Warning) > 0:
		return pipeline.Warning
	}
	return ""
}

// headline is the verdict in a line.
func (s *summary) headline() string {
	errs := s.check.Count(pipeline.Error)
	switch {
	case errs > 0:
		return "xt: " + plural(errs, "error")
	case s.verified != nil && !s.verified.OK:
		return "xt: a result could not be made again"
	case s.check.Count(pipeline.Warning) > 0:
		return "xt: the results belong to the code, " + plural(s.check.Count(pipeline.Warning), "warning")
	case s.verified != nil:
		return "xt: the results belong to the code, and were made again"
	}
	return "xt: the results belong to the code"
}

// section writes a heading and a table.
func section(b *strings.Builder, title string, heads []string, rows [][]string) {
	fmt.Fprintf(b, "\n### %s\n\n| %s |\n|%s\n", title, strings.Join(heads, " | "), strings.Repeat(" --- |", len(heads)))
	for i, r := range rows {
		if i == mostRows {
			fmt.Fprintf(b, "\n… and %s more.\n", plural(len(rows)-mostRows, "row"))
			break
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(r, " | "))
	}
}

func (s *summary) writeStages(b *strings.Builder) {
	if len(s.stages) == 0 {
		b.WriteString("\nNo stage ran again.\n")
		return
	}
	var rows [][]string
	for _, st := range s.stages {
		const few = 3
		why := st.why
		if len(why) > few {
			why = append(why[:few:few], fmt.Sprintf("and %d more", len(st.why)-few))
		}
		for i := range why {
			why[i] = plain(shorten(why[i], 160))
		}
		rows = append(rows, []string{code(st.stage), st.what, strings.Join(why, "<br>")})
	}
	section(b, "Stages", []string{"stage", "", "why"}, rows)
}

func (s *summary) writeMetrics(b *strings.Builder) {
	if len(s.metrics) == 0 {
		return
	}
	var rows [][]string
	for _, d := range s.metrics {
		rows = append(rows, []string{code(d.File), code(d.Key), plain(shorten(valueText(d.Old), 80)), plain(shorten(valueText(d.New), 80)), strings.TrimSpace(changeText(d) + " " + arrow(d))})
	}
	section(b, "Metrics", []string{"file", "key", "before", "after", "change"}, rows)
}

func (s *summary) writeValues(b *strings.Builder, title string, deltas []pipeline.Delta) {
	if len(deltas) == 0 {
		return
	}
	var rows [][]string
	for _, d := range deltas {
		rows = append(rows, []string{code(d.File), code(d.Key), plain(shorten(valueText(d.Old), 80)), plain(shorten(valueText(d.New), 80)), changeText(d)})
	}
	section(b, title, []string{"file", "key", "before", "after", "change"}, rows)
}

func (s *summary) writeFindings(b *strings.Builder) {
	if len(s.check.Findings) == 0 {
		return
	}
	var rows [][]string
	for _, f := range s.check.Findings {
		where := f.File
		if f.Line > 0 {
			where = pipeline.Position{File: f.File, Line: f.Line}.String()
		}
		text := plain(f.Message)
		for _, d := range f.Details {
			text += "<br>" + plain(shorten(d, 160))
		}
		rows = append(rows, []string{string(f.Level), code(string(f.Rule)), code(where), text})
	}
	section(b, "Findings of xt check", []string{"", "rule", "where", "what"}, rows)
	fmt.Fprintf(b, "\nTo mend it: %s.\n", plain(strings.Join(hintsOf(s.check.Findings, func(pipeline.Finding) bool { return true }), "; ")))
}

func (s *summary) writeVerification(b *strings.Builder) {
	if s.verified == nil {
		b.WriteString("\n### Verification\n\nNo stage was made again for this summary.\n")
		return
	}
	var rows [][]string
	for _, st := range s.verified.Stages {
		var differ []string
		for _, o := range st.Outputs {
			if o.Want != "" || o.Got != "" {
				differ = append(differ, fmt.Sprintf("%s %s: %s, recorded was %s", code(o.Path), plain(o.Where), code(shorten(o.Got, 60)), code(shorten(o.Want, 60))))
			}
		}
		if st.Error != "" {
			differ = append(differ, plain(shorten(st.Error, 200)))
		}
		rows = append(rows, []string{code(st.Stage), plain(st.Verdict), strings.Join(differ, "<br>")})
	}
	section(b, "Verification", []string{"stage made again", "verdict", "first difference"}, rows)
}

// escapes are what Markdown and a table would take for something else. An @ would
// call somebody.
var escapes = strings.NewReplacer("\\", "\\\\", "|", "\\|", "`", "\\`", "*", "\\*", "_", "\\_", "<", "&lt;", ">", "&gt;", "[", "\\[", "]", "\\]", "#", "\\#", "@", "@\u200b", "~", "\\~", "\r", " ", "\n", " ")

// plain writes a text for Markdown as it is.
func plain(s string) string { return escapes.Replace(s) }

// code writes a text as code, also in a table.
func code(s string) string {
	s = strings.NewReplacer("\r", " ", "\n", " ", "|", "\\|").Replace(s)
	if s == "" {
		return ""
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}
