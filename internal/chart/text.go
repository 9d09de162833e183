package chart

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/clipperhouse/displaywidth"
)

// braille has the dots of a character cell, two wide and four high.
var braille = [4][2]rune{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

// Text draws the chart with characters, in about width columns and height lines.
// Paint, if not nil, colours a text as the palette's n-th colour.
func (c *Chart) Text(width, height int, paint func(n int, s string) string) string {
	if paint == nil {
		paint = func(_ int, s string) string { return s }
	}
	c = c.visible()
	var b strings.Builder
	if c.Title != "" {
		b.WriteString(c.Title + "\n")
	}
	if c.Kind == Heat {
		c.textCells(&b, width)
		return b.String()
	}
	x, y, ok := c.bounds()
	if !ok {
		b.WriteString("  no numbers to draw\n")
		return b.String()
	}
	if c.Kind == Bar || c.Kind == Lying {
		c.textBars(&b, width, y, paint)
		c.textFoot(&b, 0, width, paint)
		return b.String()
	}
	g := newGrid(max(width-12, 10), max(height, 4))
	marks := make([]string, g.height) // of the curves that end in a line
	for i := range c.Series {
		if row := g.series(c, i, x, y); row >= 0 && c.marked() && len(marks[row]) < 3 {
			marks[row] += mark(i)
		}
	}
	low, high := Number(y.low), Number(y.high)
	pad := max(len(low), len(high))
	for row := range g.height {
		label := ""
		switch row {
		case 0:
			label = high
		case g.height - 1:
			label = low
		}
		line := g.row(row, paint)
		if marks[row] != "" {
			line += strings.Repeat(" ", g.width-g.used(row)+1) + marks[row]
		}
		fmt.Fprintf(&b, "%*s │%s\n", pad, label, line)
	}
	fmt.Fprintf(&b, "%*s └%s\n", pad, "", strings.Repeat("─", g.width))
	from, to := c.xName(x.low), c.xName(x.high)
	gap := max(1, g.width-displaywidth.String(from)-displaywidth.String(to))
	if label := displaywidth.String(c.XLabel); label > 0 && gap > label+2 {
		left := (gap - label) / 2
		fmt.Fprintf(&b, "%*s  %s%s%s%s%s\n", pad, "", from, strings.Repeat(" ", left), c.XLabel, strings.Repeat(" ", gap-left-label), to)
	} else {
		fmt.Fprintf(&b, "%*s  %s%s%s\n", pad, "", from, strings.Repeat(" ", gap), to)
	}
	c.textFoot(&b, pad, width, paint)
	return b.String()
}

// textFoot names the series, and says what the reader has to know.
func (c *Chart) textFoot(b *strings.Builder, pad, width int, paint func(int, string) string) {
	if len(c.Series) > 1 || len(c.Series) == 1 && c.Series[0].Name != "" {
		c.textLegend(b, pad, width, paint)
	}
	note := c.Note
	if c.Kind == Bar || c.Kind == Lying {
		note = c.lyingNote()
	}
	if note != "" {
		fmt.Fprintf(b, "%*s  (%s)\n", pad, "", note)
	}
}

// marked reports whether series have letters: without colour, and where an older one has
// that of the newer, they look the same.
func (c *Chart) marked() bool { return c.Kind != Scatter && len(c.Series) > 1 }

// mark is the letter of the n-th curve; "" if there are more than letters.
func mark(n int) string {
	if n >= 26 {
		return ""
	}
	return string(rune('a' + n))
}

// textLegend names the series, as many as there is room for in a few lines.
func (c *Chart) textLegend(b *strings.Builder, pad, width int, paint func(int, string) string) {
	const most = 4
	line, used, lines := "", 0, 0
	flush := func() {
		fmt.Fprintf(b, "%*s  %s\n", pad, "", strings.TrimRight(line, " "))
		line, used, lines = "", 0, lines+1
	}
	for i, s := range c.Series {
		sign := paint(s.Colour, "━ ")
		n := displaywidth.String(s.Name) + 5
		if m := mark(i); c.marked() && m != "" {
			sign, n = m+" "+sign, n+2
		}
		if used > 0 && pad+2+used+n > width {
			flush()
			if lines == most {
				line = fmt.Sprintf("and %d more", len(c.Series)-i)
				break
			}
		}
		line, used = line+sign+s.Name+"   ", used+n
	}
	flush()
}

// visible returns the chart with texts that no terminal takes for commands.
func (c *Chart) visible() *Chart {
	v := *c
	v.Title, v.XLabel, v.YLabel, v.Note = printable(c.Title), printable(c.XLabel), printable(c.YLabel), printable(c.Note)
	v.Series, v.Categories = slices.Clone(c.Series), slices.Clone(c.Categories)
	for i := range v.Series {
		v.Series[i].Name = printable(v.Series[i].Name)
	}
	for i := range v.Categories {
		v.Categories[i] = printable(v.Categories[i])
	}
	if c.Cells != nil {
		cells := *c.Cells
		cells.Rows, cells.Columns = slices.Clone(cells.Rows), slices.Clone(cells.Columns)
		for _, names := range [][]string{cells.Rows, cells.Columns} {
			for i := range names {
				names[i] = printable(names[i])
			}
		}
		v.Cells = &cells
	}
	return &v
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

// xName is how an end of the horizontal axis is called.
func (c *Chart) xName(v float64) string {
	if c.Categories == nil {
		return Number(v)
	}
	i := min(max(int(math.Round(v)), 0), len(c.Categories)-1)
	if i < 0 {
		return ""
	}
	return c.Categories[i]
}

// grid is character cells with dots in them.
type grid struct {
	width, height int
	dots          [][]rune
	colour        [][]int
}

func newGrid(width, height int) *grid {
	g := &grid{width: width, height: height}
	for range height {
		g.dots = append(g.dots, make([]rune, width))
		g.colour = append(g.colour, make([]int, width))
	}
	return g
}

func (g *grid) dot(x, y, colour int) {
	if x < 0 || y < 0 || x >= 2*g.width || y >= 4*g.height {
		return
	}
	g.dots[y/4][x/2] |= braille[y%4][x%2]
	g.colour[y/4][x/2] = colour
}

// series draws the n-th series and returns the line where it ends; -1 if it has no points.
func (g *grid) series(c *Chart, nth int, x, y span) (end int) {
	s := &c.Series[nth]
	w, h := float64(2*g.width-1), float64(4*g.height-1)
	var before *point
	end = -1
	for i := range s.X {
		if !c.drawable(s.X[i], s.Y[i]) {
			before = nil
			continue
		}
		p := point{x.at(s.X[i], c.LogX) * w, (1 - y.at(s.Y[i], c.LogY)) * h}
		switch {
		case c.Kind == Line && before != nil:
			g.stroke(*before, p, s.Colour)
		default:
			g.dot(int(math.Round(p.x)), int(math.Round(p.y)), s.Colour)
		}
		before, end = &p, int(math.Round(p.y))/4
	}
	return end
}

// used returns up to where a line has dots.
func (g *grid) used(y int) int {
	for x := g.width; x > 0; x-- {
		if g.dots[y][x-1] != 0 {
			return x
		}
	}
	return 0
}

func (g *grid) stroke(a, b point, colour int) {
	n := int(math.Max(math.Abs(b.x-a.x), math.Abs(b.y-a.y))) + 1
	for i := range n + 1 {
		t := float64(i) / float64(n)
		g.dot(int(math.Round(a.x+(b.x-a.x)*t)), int(math.Round(a.y+(b.y-a.y)*t)), colour)
	}
}

// row writes a line, each stretch of one colour painted at once.
func (g *grid) row(y int, paint func(int, string) string) string {
	var b strings.Builder
	for x := 0; x < g.width; {
		if g.dots[y][x] == 0 {
			b.WriteByte(' ')
			x++
			continue
		}
		from := x
		var part []rune
		for x < g.width && g.dots[y][x] != 0 && g.colour[y][x] == g.colour[y][from] {
			part = append(part, 0x2800+g.dots[y][x])
			x++
		}
		b.WriteString(paint(g.colour[y][from], string(part)))
	}
	return strings.TrimRight(b.String(), " ")
}
