package chart

import (
	"fmt"
	"math"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// Bars that lie have their names to the left, one below the other, each as high as it
// needs to be: the more there are, the taller the picture.

const (
	maxLying  = 100 // how many names have bars
	thickness = 14.0
	lyingGap  = 6.0
)

// lying returns how many names are drawn, and how much room each takes.
func (c *Chart) lying() (names int, each float64) {
	bar := math.Max(4, thickness/math.Sqrt(float64(max(1, len(c.Series)))))
	return min(len(c.Categories), maxLying), bar*float64(max(1, len(c.Series))) + lyingGap
}

// lyingHeight is how tall the bars are together.
func (c *Chart) lyingHeight() float64 {
	n, each := c.lying()
	return math.Max(float64(n)*each, 40)
}

func (c *Chart) drawLying(to canvas, w, h, top float64) {
	top = c.drawLegend(to, w, top)
	_, values, ok := c.bounds()
	left := marginRight + c.widestName() + 6
	if c.YLabel != "" {
		to.text(point{14, top + c.lyingHeight()/2}, clip(c.YLabel, c.lyingHeight(), textSize), textSize, middle, plainInk(inkText), true)
		left += lineSpace
	}
	right, bottom := w-marginRight-8, top+c.lyingHeight()
	at := func(v float64) float64 { return left + values.at(v, c.LogX)*(right-left) }
	for _, t := range values.ticks(max(2, int((right-left)/80)), c.LogX) {
		to.line([]point{{at(t.at), top}, {at(t.at), bottom}}, plainInk(inkGrid), 1, false)
		to.text(point{at(t.at), bottom + 16}, t.label, textSize, middle, plainInk(inkFaint), false)
	}
	if c.XLabel != "" {
		to.text(point{(left + right) / 2, bottom + 32}, clip(c.XLabel, right-left, textSize), textSize, middle, plainInk(inkText), false)
	}
	n, each := c.lying()
	if note := c.lyingNote(); note != "" {
		to.text(point{w - marginRight, h - 4}, clip(note, w-40, 9), 9, end, plainInk(inkFaint), false)
	}
	if !ok {
		to.text(point{(left + right) / 2, (top + bottom) / 2}, "no numbers to draw", textSize, middle, plainInk(inkFaint), false)
		return
	}
	zero := at(math.Min(math.Max(0, values.low), values.high))
	bar := (each - lyingGap) / float64(len(c.Series))
	for k, name := range c.Categories[:n] {
		to.text(point{left - 6, top + (float64(k)+0.5)*each + 4}, clip(name, maxName, textSize), textSize, end, plainInk(inkFaint), false)
	}
	for nth := range c.Series {
		s := &c.Series[nth]
		for i := range s.X {
			if k := int(s.X[i]); k < n && c.drawable(s.X[i], s.Y[i]) {
				y := top + float64(k)*each + lyingGap/2 + float64(nth)*bar
				to.rect(math.Min(zero, at(s.Y[i])), y, math.Max(math.Abs(at(s.Y[i])-zero), 1), math.Max(bar-1, 1), plainInk(s.Colour))
			}
		}
	}
	to.line([]point{{zero, top}, {zero, bottom}}, plainInk(inkFaint), 1, false)
}

// lyingNote says what is not drawn.
func (c *Chart) lyingNote() string {
	if n := len(c.Categories); n > maxLying {
		return fmt.Sprintf("of %d bars the first %d are drawn", n, maxLying)
	}
	return c.Note
}

// textBars writes bars one below the other, with their names and values.
func (c *Chart) textBars(b *strings.Builder, width int, values span, paint func(int, string) string) {
	n, _ := c.lying()
	pad, widest := 0, 0
	for _, name := range c.Categories[:n] {
		pad = max(pad, displaywidth.String(name))
	}
	pad = min(pad, max(8, width/3))
	at := make([][]float64, n) // the value of each series
	for k := range at {
		at[k] = make([]float64, len(c.Series))
		for nth := range at[k] {
			at[k][nth] = math.NaN()
		}
	}
	for nth, s := range c.Series {
		for i := range s.X {
			if k := int(s.X[i]); k < n && c.drawable(s.X[i], s.Y[i]) {
				at[k][nth] = s.Y[i]
				widest = max(widest, len(Number(s.Y[i])))
			}
		}
	}
	room := max(10, width-pad-widest-7)
	for k, row := range at {
		name := fit(c.Categories[k], pad)
		for nth, v := range row {
			line := ""
			if c.marked() {
				line = mark(nth) + " "
			}
			if finite(v) {
				line += textBar(values, v, room, func(s string) string { return paint(c.Series[nth].Colour, s) }) + " " + Number(v)
			}
			fmt.Fprintf(b, "  %s │%s\n", name, strings.TrimRight(line, " "))
			name = strings.Repeat(" ", pad)
		}
	}
}

// textBar draws one bar from zero to a value.
func textBar(values span, v float64, room int, paint func(string) string) string {
	zero := values.at(math.Min(math.Max(0, values.low), values.high), false) * float64(room)
	from, to := zero, values.at(v, false)*float64(room)
	if from > to {
		from, to = to, from
	}
	left := int(math.Round(from))
	eighths := int(math.Round((to - float64(left)) * 8))
	bar := strings.Repeat("█", max(0, eighths/8))
	if rest := eighths % 8; rest > 0 {
		bar += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	if bar == "" {
		bar = "▏"
	}
	return strings.Repeat(" ", left) + paint(bar)
}

// fit writes a text as so many columns, with an ellipsis if it is wider.
func fit(s string, width int) string {
	s = displaywidth.TruncateString(s, width, "…")
	return strings.Repeat(" ", max(0, width-displaywidth.String(s))) + s
}
