package chart

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// SVG draws charts below one another. The picture follows the reader's choice of a
// dark or a light page, and has a description for those who do not see it.
func SVG(charts ...*Chart) []byte {
	all := stack(charts)
	s := &svg{}
	fmt.Fprintf(&s.b, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]s" height="%[2]s" viewBox="0 0 %[1]s %[2]s" role="img" font-family="system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif">`,
		number(all.width), number(all.height))
	var titles []string
	for _, c := range charts {
		if c.Title != "" {
			titles = append(titles, c.Title)
		}
	}
	fmt.Fprintf(&s.b, "<title>%s</title>", escape(strings.Join(titles, "; ")))
	s.b.WriteString(svgStyle)
	top := 0.0
	for _, c := range charts {
		fmt.Fprintf(&s.b, `<g transform="translate(0 %s)">`, number(top))
		own := c.size()
		c.draw(s, size{all.width, own.height})
		s.b.WriteString("</g>")
		top += own.height
	}
	s.b.WriteString("</svg>\n")
	return s.b.Bytes()
}

// stack returns how large charts below one another are together.
func stack(charts []*Chart) (all size) {
	for _, c := range charts {
		own := c.size()
		all.width, all.height = math.Max(all.width, own.width), all.height+own.height
	}
	return all
}

const svgStyle = `<style>.p{fill:#fff}.t{fill:#1f2328}.f{fill:#59636e}.g{stroke:#e4e7eb}.a{stroke:#8b949e}` +
	`@media(prefers-color-scheme:dark){.p{fill:#0d1117}.t{fill:#e6edf3}.f{fill:#9198a1}.g{stroke:#262c36}.a{stroke:#6e7681}}</style>`

type svg struct{ b bytes.Buffer }

// fill returns the attribute that paints with an ink.
func (i ink) fill() string {
	switch i.colour {
	case inkText:
		return `class="t"`
	case inkFaint, inkGrid:
		return `class="f"`
	case inkPaper:
		return `class="p"`
	case inkCell:
		return `fill="` + hex(mix(i.shade)) + `"`
	case inkOnCell:
		if i.shade > 0.5 {
			return `fill="#fff"`
		}
		return `fill="#1f2328"`
	}
	return `fill="` + palette[i.colour%len(palette)] + `"`
}

func (i ink) stroke() string {
	switch i.colour {
	case inkGrid:
		return `class="g"`
	case inkFaint, inkText:
		return `class="a"`
	}
	return `stroke="` + palette[max(i.colour, 0)%len(palette)] + `"`
}

// mix returns the colour of a cell: from nearly white to blue.
func mix(shade float64) [3]uint8 {
	shade = math.Sqrt(math.Min(1, shade)) // small counts among large ones are to be seen
	at := func(from, to float64) uint8 { return uint8(from + (to-from)*shade) }
	return [3]uint8{at(0xf0, 0x00), at(0xf4, 0x52), at(0xf8, 0x8a)}
}

func hex(c [3]uint8) string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

func number(v float64) string {
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

func (s *svg) rect(x, y, w, h float64, fill ink) {
	fmt.Fprintf(&s.b, `<rect x="%s" y="%s" width="%s" height="%s" %s/>`, number(x), number(y), number(w), number(h), fill.fill())
}

func (s *svg) line(points []point, stroke ink, width float64, dashed bool) {
	s.b.WriteString(`<polyline points="`)
	for i, p := range points {
		if i > 0 {
			s.b.WriteByte(' ')
		}
		s.b.WriteString(number(p.x) + "," + number(p.y))
	}
	dash := ""
	if dashed {
		dash = ` stroke-dasharray="5 3"`
	}
	fmt.Fprintf(&s.b, `" fill="none" stroke-width="%s" stroke-linejoin="round"%s %s/>`, number(width), dash, stroke.stroke())
}

func (s *svg) dot(p point, radius float64, fill ink) {
	fmt.Fprintf(&s.b, `<circle cx="%s" cy="%s" r="%s" fill-opacity="0.75" %s/>`, number(p.x), number(p.y), number(radius), fill.fill())
}

func (s *svg) text(p point, text string, size float64, a align, fill ink, turned bool) {
	anchor := [...]string{"start", "middle", "end"}[a]
	turn := ""
	if turned {
		turn = fmt.Sprintf(` transform="rotate(-90 %s %s)"`, number(p.x), number(p.y))
	}
	fmt.Fprintf(&s.b, `<text x="%s" y="%s" font-size="%s" text-anchor="%s"%s %s>%s</text>`, number(p.x), number(p.y), number(size), anchor, turn, fill.fill(), escape(text))
}

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

// escape writes a text for XML, which has no way to say most control characters.
func escape(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0xfffe || r == 0xffff || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return escapes.Replace(s)
}
