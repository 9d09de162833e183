package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"strings"

	"github.com/xtrepro/xt/internal/chart"
)

// page is a document in HTML that needs nothing else: pictures are in it, and it may
// load and run nothing.
type page struct {
	title string
	body  strings.Builder
}

func newPage(title string) *page { return &page{title: title} }

const pageStyle = `:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.row{display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start}
figure{margin:0;max-width:100%}figure img{max-width:100%;height:auto;border:1px solid #8884;border-radius:6px}
figcaption,.note{color:#777;font-size:.85rem;overflow-wrap:anywhere}
table{border-collapse:collapse;margin:.5rem 0;display:block;overflow-x:auto}th,td{text-align:left;padding:.25rem .75rem;border-bottom:1px solid #8883;vertical-align:top;overflow-wrap:anywhere}
th{font-weight:600}td.n{text-align:right;font-variant-numeric:tabular-nums}code{font-size:.9em}
.good{color:#1a7f37}.bad{color:#cf222e}`

// bytes returns the document.
func (p *page) bytes() []byte {
	sum := sha256.Sum256([]byte(pageStyle))
	policy := "default-src 'none'; img-src data:; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
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
%s</body>
</html>
`, html.EscapeString(policy), html.EscapeString(p.title), pageStyle, html.EscapeString(p.title), p.body.String()))
}

// drawing adds a plot: its charts, then pictures side by side.
func (p *page) drawing(d *drawing) {
	fmt.Fprintf(&p.body, "<section>\n<h2>%s</h2>\n<div class=\"row\">\n", html.EscapeString(d.name))
	for _, c := range d.charts {
		p.figure(chart.SVG(chart.DefaultSize, c), "image/svg+xml", c.Title, "")
	}
	for _, x := range d.pictures {
		p.figure(x.bytes, x.mediaType, x.file, x.file+" ("+x.rev+")")
	}
	p.body.WriteString("</div>\n")
	for _, n := range d.notes {
		fmt.Fprintf(&p.body, "<p class=\"note\">%s</p>\n", html.EscapeString(n))
	}
	p.body.WriteString("</section>\n")
}

// figure adds a picture. A picture of SVG runs no scripts this way, whatever is in
// it.
func (p *page) figure(b []byte, mediaType, alt, caption string) {
	fmt.Fprintf(&p.body, `<figure><img alt="%s" src="data:%s;base64,%s">`, html.EscapeString(alt), mediaType, base64.StdEncoding.EncodeToString(b))
	if caption != "" {
		fmt.Fprintf(&p.body, "<figcaption>%s</figcaption>", html.EscapeString(caption))
	}
	p.body.WriteString("</figure>\n")
}

// heading adds a title of a part.
func (p *page) heading(text string) {
	fmt.Fprintf(&p.body, "<h2>%s</h2>\n", html.EscapeString(text))
}

// paragraph adds a text.
func (p *page) paragraph(text string) {
	fmt.Fprintf(&p.body, "<p>%s</p>\n", html.EscapeString(text))
}

// table adds a table of texts.
func (p *page) table(heads []string, rows [][]string) {
	p.body.WriteString("<table>\n<tr>")
	for _, h := range heads {
		fmt.Fprintf(&p.body, "<th>%s</th>", html.EscapeString(h))
	}
	p.body.WriteString("</tr>\n")
	for _, r := range rows {
		p.body.WriteString("<tr>")
		for _, text := range r {
			fmt.Fprintf(&p.body, "<td>%s</td>", strings.ReplaceAll(html.EscapeString(text), "\n", "<br>"))
		}
		p.body.WriteString("</tr>\n")
	}
	p.body.WriteString("</table>\n")
}
