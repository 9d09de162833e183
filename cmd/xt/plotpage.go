package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"strings"

	"github.com/xtrepro/xt/internal/chart"
	"github.com/xtrepro/xt/internal/vega"
	"github.com/xtrepro/xt/pipeline"
)

// document is a page of HTML that needs nothing else: pictures are in it. It may load
// nothing, and run only the programs of package vega, if something is drawn by these.
type document struct {
	title string
	body  strings.Builder
	vega  bool // whether these programs are needed
}

func newDocument(title string) *document { return &document{title: title} }

const pageStyle = `:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.row{display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start}
.pair{margin:.5rem 0}.pair img{background:#fff}.pair figure{flex:0 1 auto;max-width:calc(50% - .5rem)}@media(max-width:40rem){.pair figure{max-width:100%}}
figure{margin:0;max-width:100%}figure img{max-width:100%;height:auto;border:1px solid #8884;border-radius:6px}
figcaption,.note{color:#777;font-size:.85rem;overflow-wrap:anywhere}
table{border-collapse:collapse;margin:.5rem 0;display:block;overflow-x:auto}th,td{text-align:left;padding:.25rem .75rem;border-bottom:1px solid #8883;vertical-align:top;overflow-wrap:break-word}
th{font-weight:600;white-space:nowrap}.n{text-align:right;font-variant-numeric:tabular-nums}h3{font-size:1rem;margin:1.5rem 0 .5rem}code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em}
pre{overflow-x:auto;padding:.75rem 1rem;border:1px solid #8884;border-radius:6px}
.vega svg{max-width:100%;height:auto}
.verdict{font-weight:600;border-left:4px solid;padding-left:.75rem}.good{color:#1a7f37}.fair{color:#9a6700}.bad{color:#cf222e}
@media(prefers-color-scheme:dark){.good{color:#3fb950}.fair{color:#d29922}.bad{color:#f85149}.note,figcaption{color:#9198a1}}`

// bytes returns the document.
func (p *document) bytes() ([]byte, error) {
	policy := "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; style-src " + sourceHash(pageStyle)
	var scripts strings.Builder
	if p.vega {
		list, err := vega.Scripts()
		if err != nil {
			return nil, err
		}
		policy += "; script-src"
		for i, text := range list {
			policy += " " + sourceHash(text)
			kind := ""
			if i == len(list)-1 {
				kind = ` type="module"` // so that its names are its own
			}
			fmt.Fprintf(&scripts, "<script%s>%s</script>\n", kind, text)
		}
	}
	return []byte(fmt.Sprintf(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%s">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>%s</title>
<style>%s</style>
</head>
<body>
<h1>%s</h1>
%s%s</body>
</html>
`, html.EscapeString(policy), html.EscapeString(p.title), pageStyle, html.EscapeString(p.title), p.body.String(), scripts.String())), nil
}

// sourceHash names a text in a content security policy.
func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// drawing adds a plot, under a heading of that level: its charts, then pictures side by
// side.
func (p *document) drawing(d *drawing, level int) {
	fmt.Fprintf(&p.body, "<section>\n<h%d>%s</h%[1]d>\n<div class=\"row\">\n", level, html.EscapeString(d.name))
	for _, c := range d.charts {
		p.figure(chart.SVG(c), "image/svg+xml", c.Title, "")
	}
	if d.filled != nil {
		p.vega = true
		// The JSON has no < in it: it cannot end the element.
		fmt.Fprintf(&p.body, "<figure class=\"vega\" aria-label=\"%s\"><script type=\"application/json\">%s</script></figure>\n", html.EscapeString(d.name), d.filled)
	}
	p.body.WriteString("</div>\n")
	for _, pair := range d.pairs() {
		p.body.WriteString("<div class=\"row pair\">\n")
		for i, x := range pair {
			caption := x.file + " (" + x.rev + ")"
			if i > 0 && bytes.Equal(x.bytes, pair[i-1].bytes) {
				caption += ", the same"
			}
			p.figure(x.bytes, x.mediaType, x.file, caption)
		}
		p.body.WriteString("</div>\n")
	}
	for _, n := range d.notes {
		fmt.Fprintf(&p.body, "<p class=\"note\">%s</p>\n", html.EscapeString(n))
	}
	p.body.WriteString("</section>\n")
}

// figure adds a picture. A picture of SVG runs no scripts this way, whatever is in
// it.
func (p *document) figure(b []byte, mediaType, alt, caption string) {
	fmt.Fprintf(&p.body, `<figure><img alt="%s" src="data:%s;base64,%s">`, html.EscapeString(alt), mediaType, base64.StdEncoding.EncodeToString(b))
	if caption != "" {
		fmt.Fprintf(&p.body, "<figcaption>%s</figcaption>", html.EscapeString(caption))
	}
	p.body.WriteString("</figure>\n")
}

// verdict adds a line that says how things stand, in a colour too.
func (p *document) verdict(level pipeline.Level, text string) {
	class := map[pipeline.Level]string{pipeline.Error: "bad", pipeline.Warning: "fair"}[level]
	fmt.Fprintf(&p.body, "<p class=\"verdict %s\">%s</p>\n", cmp.Or(class, "good"), html.EscapeString(text))
}

// paragraph adds a text.
func (p *document) paragraph(text string) {
	fmt.Fprintf(&p.body, "<p>%s</p>\n", html.EscapeString(text))
}

// part adds a section of a report.
func (p *document) part(x *part) {
	fmt.Fprintf(&p.body, "<h2>%s</h2>\n", html.EscapeString(x.title))
	if x.text != "" {
		p.paragraph(x.text)
	}
	if len(x.rows) > 0 {
		p.table(x.columns, x.rows)
	}
	for _, d := range x.plots {
		p.drawing(d, 3)
	}
	if x.after != "" {
		p.paragraph(x.after)
	}
	if len(x.commands) > 0 {
		fmt.Fprintf(&p.body, "<pre>%s</pre>\n", html.EscapeString(strings.Join(x.commands, "\n")))
	}
}

// table adds a table of texts.
func (p *document) table(columns []column, rows [][]string) {
	p.body.WriteString("<table>\n<tr>")
	for _, c := range columns {
		fmt.Fprintf(&p.body, "<th%s>%s</th>", c.kind.class(""), html.EscapeString(c.name))
	}
	p.body.WriteString("</tr>\n")
	for _, r := range rows {
		p.body.WriteString("<tr>")
		for i, text := range r {
			cell := strings.ReplaceAll(html.EscapeString(bidi.Replace(text)), "\n", "<br>")
			if columns[i].kind == literal && cell != "" {
				cell = "<code>" + cell + "</code>"
			}
			fmt.Fprintf(&p.body, "<td%s>%s</td>", columns[i].kind.class(text), cell)
		}
		p.body.WriteString("</tr>\n")
	}
	p.body.WriteString("</table>\n")
}

// class returns the attribute of a cell: numbers stand below one another, and what is
// said to be good or bad has its colour too.
func (k columnKind) class(text string) string {
	var names []string
	if k == figure {
		names = append(names, "n")
	}
	switch {
	case strings.HasPrefix(text, "✓ "), strings.HasSuffix(text, " better"):
		names = append(names, "good")
	case strings.HasPrefix(text, "✗ "), strings.HasSuffix(text, " worse"), text == string(pipeline.Error):
		names = append(names, "bad")
	case text == string(pipeline.Warning):
		names = append(names, "fair")
	}
	if len(names) == 0 {
		return ""
	}
	return ` class="` + strings.Join(names, " ") + `"`
}
