package chart

import (
	"fmt"
	"math"
	"strings"
)

// canvas takes what a chart consists of. Coordinates are pixels from the upper left
// corner.
type canvas interface {
	rect(x, y, w, h float64, fill ink)
	line(points []point, stroke ink, width float64, dashed bool)
	dot(p point, radius float64, fill ink)
	text(p point, s string, size float64, align align, fill ink, turned bool)
}

type point struct{ x, y float64 }

// align is which part of a text lies at its point.
type align uint8

const (
	begin align = iota
	middle
	end
)

// ink is a colour: one of the palette, or one that depends on the background.
type ink struct {
	colour int // of the palette; below 0 one of those below
	shade  float64
}

const (
	inkText = -1 - iota
	inkFaint
	inkGrid
	inkPaper
	inkCell // of a shade from 0 to 1
	inkOnCell
)

func plainInk(n int) ink { return ink{colour: n} }

// palette is the one of Okabe and Ito, which people who see few colours can tell
// apart, in an order that suits lines.
var palette = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#b2a300"}

// The margins around the axes, and sizes of texts, in pixels.
const (
	marginTop, marginRight, marginBottom, marginLeft = 16.0, 16.0, 34.0, 58.0

	textSize  = 11.0
	titleSize = 13.0
	lineSpace = 16.0
)

// frame is where the axes are.
type frame struct {
	left, top, right, bottom float64
	x, y                     span
	logX, logY               bool
	turned                   float64 // how much room names below the axis take that are turned; 0 if they are not
}

func (f *frame) point(x, y float64) point {
	return point{f.left + f.x.at(x, f.logX)*(f.right-f.left), f.bottom - f.y.at(y, f.logY)*(f.bottom-f.top)}
}

// Colour returns the n-th colour of curves.
func Colour(n int) string { return palette[n%len(palette)] }

// draw draws the chart.
func (c *Chart) draw(to canvas, size size) {
	w, h := size.width, size.height
	to.rect(0, 0, w, h, plainInk(inkPaper))
	top := marginTop
	if c.Title != "" {
		to.text(point{w / 2, top + 4}, clip(c.Title, w-20, titleSize), titleSize, middle, plainInk(inkText), false)
		top += 20
	}
	if c.Kind == Heat {
		c.drawCells(to, w, h, top)
		return
	}
	if c.Kind == Lying {
		c.drawLying(to, w, h, top)
		return
	}
	top = c.drawLegend(to, w, top)
	x, y, ok := c.bounds()
	f := &frame{left: marginLeft, top: top, right: w - marginRight, bottom: h - marginBottom, x: x, y: y, logX: c.LogX, logY: c.LogY}
	if c.XLabel != "" {
		f.bottom -= lineSpace
	}
	f.turned = c.turnedNames(f.right - f.left)
	f.bottom -= f.turned
	if c.YLabel != "" {
		f.left += lineSpace
	}
	c.drawAxes(to, f, w, h)
	if !ok {
		to.text(point{(f.left + f.right) / 2, (f.top + f.bottom) / 2}, "no numbers to draw", textSize, middle, plainInk(inkFaint), false)
		return
	}
	for i := range c.Series {
		switch c.Kind {
		case Scatter:
			s := c.Series[i].Spread(MaxPoints)
			c.drawDots(to, f, &s)
		case Bar:
			s := c.Series[i].Thin(MaxPoints)
			c.drawBars(to, f, &s, i)
		default:
			s := c.Series[i].Thin(MaxPoints)
			c.drawLine(to, f, &s)
		}
	}
}

// maxLegend is how many lines the names of series take.
const maxLegend = 8

// legend returns the names of the series with what they take, in lines. Of very many not
// all are named.
func (c *Chart) legend(w float64) [][]entry {
	if len(c.Series) < 2 && (len(c.Series) == 0 || c.Series[0].Name == "") {
		return nil
	}
	lines, x := [][]entry{nil}, marginLeft
	for i := range c.Series {
		s := &c.Series[i]
		e := entry{s, clip(s.Name, w-marginLeft-40, textSize), 0, 0}
		e.width = 30 + textWidth(e.name, textSize)
		if x > marginLeft && x+e.width > w-marginRight {
			if len(lines) == maxLegend {
				last := &lines[maxLegend-1][len(lines[maxLegend-1])-1]
				last.name, last.series = fmt.Sprintf("and %d more", len(c.Series)-i+1), nil
				break
			}
			lines, x = append(lines, nil), marginLeft
		}
		e.x = x
		lines[len(lines)-1] = append(lines[len(lines)-1], e)
		x += e.width
	}
	return lines
}

// entry is a name in a legend; with no series it stands for those that are not named.
type entry struct {
	series   *Series
	name     string
	x, width float64
}

// drawLegend names the series and returns where the axes begin.
func (c *Chart) drawLegend(to canvas, w, top float64) float64 {
	for _, line := range c.legend(w) {
		for _, e := range line {
			switch {
			case e.series == nil:
			case c.Kind == Line:
				to.line([]point{{e.x, top}, {e.x + 16, top}}, plainInk(e.series.Colour), 2, e.series.Dashed)
			default:
				to.rect(e.x+3, top-5, 10, 10, plainInk(e.series.Colour))
			}
			to.text(point{e.x + 20, top + 4}, e.name, textSize, begin, plainInk(inkText), false)
		}
		top += lineSpace
	}
	return top
}

func (c *Chart) drawAxes(to canvas, f *frame, w, h float64) {
	for _, t := range f.y.ticks(max(2, int((f.bottom-f.top)/36)), c.LogY) {
		p := f.point(f.x.low, t.at)
		to.line([]point{{f.left, p.y}, {f.right, p.y}}, plainInk(inkGrid), 1, false)
		to.text(point{f.left - 6, p.y + 4}, t.label, textSize, end, plainInk(inkFaint), false)
	}
	for _, t := range c.xTicks(f) {
		p := f.point(t.at, f.y.low)
		to.line([]point{{p.x, f.bottom}, {p.x, f.bottom + 4}}, plainInk(inkFaint), 1, false)
		if f.turned > 0 {
			to.text(point{p.x + 4, f.bottom + 7}, t.label, textSize, end, plainInk(inkFaint), true)
		} else {
			to.text(point{p.x, f.bottom + 16}, t.label, textSize, middle, plainInk(inkFaint), false)
		}
	}
	to.line([]point{{f.left, f.bottom}, {f.right, f.bottom}}, plainInk(inkFaint), 1, false)
	if c.XLabel != "" {
		to.text(point{(f.left + f.right) / 2, f.bottom + f.turned + 32}, clip(c.XLabel, f.right-f.left, textSize), textSize, middle, plainInk(inkText), false)
	}
	if c.YLabel != "" {
		to.text(point{14, (f.top + f.bottom) / 2}, clip(c.YLabel, f.bottom-f.top, textSize), textSize, middle, plainInk(inkText), true)
	}
	if note := c.note(); note != "" {
		to.text(point{w - marginRight, h - 4}, clip(note, w-40, 9), 9, end, plainInk(inkFaint), false)
	}
}

// xTicks are marks at round numbers, or at the categories, as many as there is room
// for.
func (c *Chart) xTicks(f *frame) []tick {
	room := f.right - f.left
	if c.Categories == nil {
		return f.x.ticks(max(2, int(room/80)), c.LogX)
	}
	each := c.widestName() + 12
	if f.turned > 0 {
		each = textSize + 3
	}
	every := max(1, int(math.Ceil(float64(len(c.Categories))*each/room)))
	var list []tick
	for i := 0; i < len(c.Categories); i += every {
		if v := float64(i); v >= f.x.low && v <= f.x.high {
			list = append(list, tick{v, clip(c.Categories[i], maxName, textSize)})
		}
	}
	return list
}

// maxName is how wide the name of a category is drawn.
const maxName = 120

func (c *Chart) widestName() float64 {
	widest := 8.0
	for _, name := range c.Categories {
		widest = math.Max(widest, textWidth(clip(name, maxName, textSize), textSize))
	}
	return widest
}

// turnedNames returns how much room the names of categories take below the axis beyond
// that of numbers: some where they are too wide to stand beside one another, and are
// turned.
func (c *Chart) turnedNames(room float64) float64 {
	widest := c.widestName()
	if len(c.Categories) < 2 || float64(len(c.Categories))*(widest+12) <= room {
		return 0
	}
	return math.Max(1, widest-8)
}

// drawLine draws a curve, with gaps where there are no numbers.
func (c *Chart) drawLine(to canvas, f *frame, s *Series) {
	var run []point
	flush := func() {
		switch {
		case len(run) > 1:
			to.line(run, plainInk(s.Colour), 1.8, s.Dashed)
		case len(run) == 1:
			to.dot(run[0], 2.5, plainInk(s.Colour))
		}
		run = nil
	}
	for i := range s.X {
		if !c.drawable(s.X[i], s.Y[i]) {
			flush()
			continue
		}
		run = append(run, f.point(s.X[i], s.Y[i]))
	}
	flush()
}

func (c *Chart) drawDots(to canvas, f *frame, s *Series) {
	for i := range s.X {
		if c.drawable(s.X[i], s.Y[i]) {
			to.dot(f.point(s.X[i], s.Y[i]), 3, plainInk(s.Colour))
		}
	}
}

// drawBars draws the bars of a series beside those of the others.
func (c *Chart) drawBars(to canvas, f *frame, s *Series, nth int) {
	slot := (f.right - f.left) / (f.x.high - f.x.low)
	width := slot * 0.8 / float64(len(c.Series))
	zero := f.point(0, math.Max(0, f.y.low)).y
	for i := range s.X {
		if !c.drawable(s.X[i], s.Y[i]) {
			continue
		}
		p := f.point(s.X[i], s.Y[i])
		x := p.x - slot*0.4 + float64(nth)*width
		to.rect(x, math.Min(p.y, zero), math.Max(width-1, 1), math.Abs(zero-p.y), plainInk(s.Colour))
	}
}

// textWidth is about how wide a text is, in pixels.
func textWidth(s string, size float64) float64 {
	w := 0.0
	for _, r := range s {
		w += runeWidth(r)
	}
	return w * size
}

// runeWidth is about how wide a letter is, in sizes of the text.
func runeWidth(r rune) float64 {
	switch {
	case r > 0x2e80:
		return 1
	case strings.ContainsRune("mwMW%@", r):
		return 0.85
	case strings.ContainsRune("iljtfI.,: ", r):
		return 0.33
	}
	return 0.57
}

// clip shortens a text to what fits into a width.
func clip(s string, width, size float64) string {
	used, end := 0.0, 0 // end is of what fits before an ellipsis
	for i, r := range s {
		if used+size <= width {
			end = i
		}
		if used += runeWidth(r) * size; used > width {
			return s[:end] + "…"
		}
	}
	return s
}
