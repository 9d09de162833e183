package main

import (
	"fmt"
	"slices"
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
	b.WriteString(plain(s.compared()) + "\n")
	for _, part := range s.parts() {
		part.markdown(&b, files)
	}
	return b.String()
}

// compared says what is compared.
func (s *summary) compared() string {
	text := fmt.Sprintf("%s (%s) compared with %s", s.head, brief(s.commit), s.base)
	if s.noBase != "" {
		return text + ", which is not there to compare with: " + s.noBase + "."
	}
	return text + "."
}

// mark is the verdict as a picture that stands out in a list of comments.
func (s *summary) mark() string {
	return map[pipeline.Level]string{pipeline.Error: "❌", pipeline.Warning: "⚠️", "": "✅"}[s.level()]
}

// level returns how bad the worst is; "" if all is well.
func (s *summary) level() pipeline.Level {
	switch {
	case s.check.Count(pipeline.Error) > 0 || s.refuted():
		return pipeline.Error
	case s.check.Count(pipeline.Warning) > 0:
		return pipeline.Warning
	}
	return ""
}

// refuted reports whether something came out differently when it was made again.
func (s *summary) refuted() bool {
	return slices.ContainsFunc(s.verdicts, func(v stageVerdict) bool { return !v.verdict.Good() })
}

// headline is the verdict in a line.
func (s *summary) headline() string {
	errs := s.check.Count(pipeline.Error)
	switch {
	case errs > 0:
		return "xt: " + plural(errs, "error")
	case s.refuted():
		return "xt: a result could not be made again"
	case s.check.Count(pipeline.Warning) > 0:
		return "xt: the results belong to the code, " + plural(s.check.Count(pipeline.Warning), "warning")
	case len(s.verdicts) > 0 && s.left == 0:
		return "xt: the results belong to the code, and were made again"
	case len(s.verdicts) > 0:
		return "xt: the results belong to the code, and some were made again"
	}
	return "xt: the results belong to the code"
}

// markdown writes a section.
func (p *part) markdown(b *strings.Builder, files *assetFiles) {
	fmt.Fprintf(b, "\n### %s\n", p.title)
	if p.text != "" {
		fmt.Fprintf(b, "\n%s\n", plain(p.text))
	}
	p.markdownTable(b)
	writePlots(b, p.plots, files)
	if p.after != "" {
		fmt.Fprintf(b, "\n%s\n", plain(p.after))
	}
	if len(p.commands) > 0 {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", strings.Join(p.commands, "\n"))
	}
}

func (p *part) markdownTable(b *strings.Builder) {
	if len(p.rows) == 0 {
		return
	}
	var heads, rules []string
	for _, c := range p.columns {
		heads = append(heads, c.name)
		rule := "---"
		if c.kind == figure {
			rule = "---:"
		}
		rules = append(rules, rule)
	}
	fmt.Fprintf(b, "\n| %s |\n| %s |\n", strings.Join(heads, " | "), strings.Join(rules, " | "))
	for _, r := range p.rows[:min(len(p.rows), mostRows)] {
		var cells []string
		for i, text := range r {
			cells = append(cells, markdownCell(text, p.columns[i].kind))
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
	if more := len(p.rows) - mostRows; more > 0 {
		fmt.Fprintf(b, "\n… and %s more.\n", plural(more, "row"))
	}
}

// markdownCell writes a cell with no more lines than leave the table one.
func markdownCell(text string, kind columnKind) string {
	text = bidi.Replace(text)
	if kind == literal {
		return code(text)
	}
	const few = 4
	lines := strings.Split(text, "\n")
	if len(lines) > few {
		lines = append(lines[:few-1:few-1], fmt.Sprintf("and %d more", len(lines)-few+1))
	}
	for i := range lines {
		lines[i] = plain(shorten(lines[i], 160))
	}
	return strings.Join(lines, "<br>")
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
