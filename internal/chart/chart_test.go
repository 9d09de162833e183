package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clipperhouse/displaywidth"
)

var nan, inf = math.NaN(), math.Inf(1)

// small is a chart of every thing that a curve may have.
func small() *Chart {
	return &Chart{
		Title: "Loss", XLabel: "epoch", YLabel: "cross entropy", Note: "a note",
		Series: []Series{
			{Name: "train", X: []float64{0, 1, 2, 3, 4}, Y: []float64{1, 0.5, nan, 0.25, 0.2}},
			{Name: "val", X: []float64{0, 1, 2, 3, 4}, Y: []float64{1.1, 0.7, 0.6, inf, 0.5}, Colour: 1, Dashed: true},
		},
	}
}

func heat() *Chart {
	return &Chart{Kind: Heat, Title: "confusion", XLabel: "predicted", YLabel: "actual", Cells: &Cells{
		Rows: []string{"cat", "dog"}, Columns: []string{"cat", "dog"}, Values: [][]float64{{8, 2}, {0, 10}},
	}}
}

func bars() *Chart {
	return &Chart{Kind: Bar, Title: "by class", Categories: []string{"a", "b"}, Series: []Series{
		{Name: "f1", X: []float64{0, 1}, Y: []float64{0.5, -0.25}}, {Name: "recall", X: []float64{0, 1}, Y: []float64{0.25, 1}, Colour: 1},
	}}
}

// TestTextCells makes room for names, and tells the most frequent mistakes where there is
// none.
func TestTextCells(t *testing.T) {
	c := &Chart{Kind: Heat, XLabel: "predicted", YLabel: "actual", Cells: &Cells{}}
	for i := range 9 {
		c.Cells.Rows = append(c.Cells.Rows, string(rune('a'+i))+" automobile")
		row := make([]float64, 9)
		row[i], row[(i+1)%9] = 12345, float64(i)
		c.Cells.Values = append(c.Cells.Values, row)
	}
	c.Cells.Columns = c.Cells.Rows
	for width, want := range map[int]string{
		100: "\n  a automobile    12345        ·",
		40:  "  9 classes; predicted = actual in 111105 of 111141\n         8  i automob… → a automob…\n",
	} {
		text := c.Text(width, 10, nil)
		if !strings.Contains(text, want) {
			t.Errorf("in %d columns %q is missing in\n%s", width, want, text)
		}
	}
	for line := range strings.Lines(c.Text(100, 10, nil)) {
		if got := displaywidth.String(strings.TrimSuffix(line, "   predicted →\n")); got > 101 {
			t.Errorf("%q is %d columns wide", line, got)
		}
	}
}

func lying() *Chart {
	return &Chart{Kind: Lying, Title: "importance", XLabel: "gain", Categories: []string{"age", "a name that is long", "宽"}, Series: []Series{
		{Name: "before", X: []float64{0, 1}, Y: []float64{0.5, -0.25}}, {Name: "after", X: []float64{0, 1, 2}, Y: []float64{0.25, nan, 1}, Colour: 1},
	}}
}

// TestGolden keeps what is drawn. UPDATE=1 rewrites the files; look at them then.
func TestGolden(t *testing.T) {
	for name, got := range map[string][]byte{
		"charts.svg": SVG(small(), heat(), bars(), lying()),
		"charts.txt": []byte(small().Text(60, 8, nil) + heat().Text(60, 8, nil) + bars().Text(60, 8, nil) + lying().Text(60, 8, nil)),
	} {
		file := filepath.Join("testdata", name)
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is drawn otherwise:\n%s", name, got)
		}
	}
}

func TestTicks(t *testing.T) {
	labels := func(list []tick) string {
		var all []string
		for _, m := range list {
			all = append(all, m.label)
		}
		return strings.Join(all, " ")
	}
	for _, tt := range []struct {
		low, high float64
		n         int
		log       bool
		want      string
	}{
		{0, 1, 5, false, "0 0.2 0.4 0.6 0.8 1.0"},
		{-1, 1, 4, false, "-1.0 -0.5 0 0.5 1.0"},
		{0, 1e9, 4, false, "0 5e8 1e9"},
		{0.999, 1.001, 4, false, "0.9990 0.9995 1.0000 1.0005 1.0010"},
		{1, 1000, 5, true, "1 10 100 1000"},
		{2, 3, 5, true, "2 3"},
		{-math.MaxFloat64, math.MaxFloat64, 4, false, "-1.798e+308 1.798e+308"},
		{5, 5, 4, false, "5 5"},
		{0, 5e-324, 4, false, "0 4.941e-324"},
	} {
		if got := labels(span{tt.low, tt.high}.ticks(tt.n, tt.log)); got != tt.want {
			t.Errorf("ticks of %g to %g: %s, want %s", tt.low, tt.high, got, tt.want)
		}
	}
}

func TestSpan(t *testing.T) {
	for _, tt := range []struct {
		s    span
		log  bool
		v    float64
		want float64
	}{
		{span{0, 10}, false, 5, 0.5},
		{span{-math.MaxFloat64, math.MaxFloat64}, false, 0, 0.5},
		{span{-math.MaxFloat64, math.MaxFloat64}, false, math.MaxFloat64, 1},
		{span{1, 100}, true, 10, 0.5},
		{span{7, 7}.widened(false), false, 7, 0.5},
		{span{0, 0}.widened(false), false, 0, 0.5},
		{span{4, 4}.widened(true), true, 4, 0.5},
		{span{-math.MaxFloat64, -math.MaxFloat64}.widened(false), false, -math.MaxFloat64, 0},
	} {
		if got := tt.s.at(tt.v, tt.log); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%g lies at %g of %v, want %g", tt.v, got, tt.s, tt.want)
		}
	}
}

func TestThin(t *testing.T) {
	s := Series{Name: "s"}
	for i := range 100_000 {
		s.X, s.Y = append(s.X, float64(i)), append(s.Y, math.Sin(float64(i)/1000))
	}
	s.Y[54321], s.Y[77777], s.Y[0] = 50, -50, nan
	thin := s.Thin(2000)
	if len(thin.X) > 2000 || len(thin.X) != len(thin.Y) || len(thin.X) < 500 {
		t.Errorf("%d points of x and %d of y are left", len(thin.X), len(thin.Y))
	}
	_, least, greatest, _, _ := thin.Extremes()
	if least != -50 || greatest != 50 {
		t.Errorf("the extremes are %g and %g, want those of the whole curve", least, greatest)
	}
	if thin.X[0] != 0 || thin.X[len(thin.X)-1] != 99_999 {
		t.Errorf("the curve goes from %g to %g", thin.X[0], thin.X[len(thin.X)-1])
	}
}

func TestClip(t *testing.T) {
	for _, s := range []string{"", "short", strings.Repeat("long ", 1000), strings.Repeat("宽", 50)} {
		got := clip(s, 100, textSize)
		if textWidth(got, textSize) > 100 || textWidth(s, textSize) <= 100 && got != s {
			t.Errorf("%.20q is cut to %q", s, got)
		}
	}
}

func TestExtremes(t *testing.T) {
	if _, _, _, _, ok := (Series{Y: []float64{nan, inf}}).Extremes(); ok {
		t.Error("a curve without numbers has extremes")
	}
	first, least, greatest, last, ok := Series{Y: []float64{nan, 3, 1, 5, 2, inf}}.Extremes()
	if !ok || first != 3 || least != 1 || greatest != 5 || last != 2 {
		t.Errorf("the extremes are %g, %g, %g, %g, %v", first, least, greatest, last, ok)
	}
	if got := (Series{Y: []float64{1, 2, 3, 4, 5, 6}}).Sample(3); len(got) != 3 || got[2] != 6 {
		t.Errorf("the sample is %v", got)
	}
}

// odd are charts that are hard to draw.
func odd() map[string]*Chart {
	long := strings.Repeat("very long ", 100)
	many := &Chart{Title: "many"}
	for i := range 200 {
		many.Series = append(many.Series, Series{Name: long, X: []float64{0, 1}, Y: []float64{0, float64(i)}, Colour: i})
	}
	categories := &Chart{Kind: Bar, Series: []Series{{}}}
	for i := range 3000 {
		categories.Categories = append(categories.Categories, long)
		categories.Series[0].X, categories.Series[0].Y = append(categories.Series[0].X, float64(i)), append(categories.Series[0].Y, 1)
	}
	one := func(x, y float64) []Series { return []Series{{X: []float64{x}, Y: []float64{y}}} }
	return map[string]*Chart{
		"nothing":        {},
		"no numbers":     {Series: []Series{{X: []float64{1, nan}, Y: []float64{nan, 2}}}},
		"one point":      {Series: one(3, 4)},
		"zero":           {Kind: Bar, Series: one(0, 0)},
		"extreme":        {Series: []Series{{X: []float64{-math.MaxFloat64, math.MaxFloat64}, Y: []float64{math.MaxFloat64, -math.MaxFloat64}}}},
		"one extreme":    {Series: one(math.MaxFloat64, -math.MaxFloat64)},
		"tiny":           {Series: []Series{{X: []float64{0, 5e-324}, Y: []float64{0, 5e-324}}}},
		"log":            {LogX: true, LogY: true, Series: []Series{{X: []float64{-1, 0, 1e-300, 1e300}, Y: []float64{1, 1, 5e-324, math.MaxFloat64}}}},
		"log below zero": {LogY: true, Series: one(1, -1)},
		"many":           many,
		"categories":     categories,
		"lying":          {Kind: Lying, Categories: categories.Categories, Series: categories.Series},
		"lying nothing":  {Kind: Lying},
		"lying extreme":  {Kind: Lying, Categories: []string{"a", "b"}, Series: []Series{{X: []float64{0, 1}, Y: []float64{math.MaxFloat64, -math.MaxFloat64}}}},
		"no cells":       {Kind: Heat},
		"cells of none":  {Kind: Heat, Cells: &Cells{}},
		"odd cells":      {Kind: Heat, Cells: &Cells{Rows: []string{long}, Columns: []string{"a", "b"}, Values: [][]float64{{nan, -1}}}},
		"too many cells": {Kind: Heat, Cells: &Cells{Rows: make([]string, 500), Columns: make([]string, 500), Values: make([][]float64, 500)}},
		"hostile":        {Title: "</title><script>alert(1)</script>\x00\x1b[31m\u202e", XLabel: `"'<&>`, YLabel: "\xff\xfe", Series: []Series{{Name: "\x1b]0;x\x07<img>", X: []float64{1, 2}, Y: []float64{1, 2}}}},
	}
}

func TestOdd(t *testing.T) {
	for name, c := range odd() {
		t.Run(name, func(t *testing.T) {
			svg := SVG(c)
			wellFormed(t, svg)
			if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
				t.Errorf("a coordinate is no number: %s", svg)
			}
			for _, bad := range []string{"<script", "<img", "\x1b", "\x00", "\u202e"} {
				if bytes.Contains(svg, []byte(bad)) {
					t.Errorf("the SVG has %q in it", bad)
				}
			}
			if text := c.Text(60, 8, nil); strings.ContainsAny(text, "\x1b\x07\x00") {
				t.Errorf("the text has a control character in it: %q", text)
			}
			if _, err := PNG(c); err != nil {
				t.Error(err)
			}
		})
	}
}

func wellFormed(t *testing.T, b []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("the SVG is not well-formed: %v", err)
		}
	}
}

// TestPNG looks whether curves, cells and bars are to be seen, each in its place.
func TestPNG(t *testing.T) {
	b, err := PNG(small(), heat(), bars())
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if all := stack([]*Chart{small(), heat(), bars()}); img.Bounds().Dx() != int(all.width*scale) || img.Bounds().Dy() != int(all.height*scale) {
		t.Errorf("the picture is %v, want %v", img.Bounds(), all)
	}
	seen := map[string]int{}
	box := img.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			r, g, b, _ := img.At(x, y).RGBA()
			seen[hex([3]uint8{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8)})]++
		}
	}
	for _, colour := range []string{"#ffffff", Colour(0), Colour(1), hex(mix(1)), hex(mix(0.2))} {
		if seen[colour] < 50 {
			t.Errorf("there are %d pixels of %s", seen[colour], colour)
		}
	}
	many := make([]*Chart, 500)
	for i := range many {
		many[i] = small()
	}
	if _, err := PNG(many...); err == nil {
		t.Error("a picture of 500 charts is no mistake")
	}
}
