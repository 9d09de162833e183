package chart

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"strconv"

	"github.com/go-text/typesetting/font/opentype"
	"golang.org/x/image/vector"
)

// scale is how many pixels of a PNG stand for one of the chart, so that it is sharp on
// today's screens.
const scale = 2

// maxPixels is how many there are in a PNG at most.
const maxPixels = 100e6

// PNG draws charts below one another, on white.
func PNG(charts ...*Chart) ([]byte, error) {
	all := stack(charts)
	w, h := math.Ceil(all.width*scale), math.Ceil(all.height*scale)
	if w*h > maxPixels {
		return nil, fmt.Errorf("%d charts are too many for one picture", len(charts))
	}
	img := image.NewRGBA(image.Rect(0, 0, int(w), int(h)))
	p := &raster{img: img}
	for _, c := range charts {
		own := c.size()
		c.draw(p, size{all.width, own.height})
		p.shift += own.height
	}
	if p.err != nil {
		return nil, p.err
	}
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.DefaultCompression}).Encode(&b, img)
	return b.Bytes(), err
}

// raster draws with pixels.
type raster struct {
	img     *image.RGBA
	shift   float64  // of the chart that is drawn, downwards
	letters *letters // nil as long as there was no text
	err     error
}

func (i ink) rgba() color.RGBA {
	hexColour := func(s string) color.RGBA {
		n, _ := strconv.ParseUint(s[1:], 16, 32) // they are constants
		return color.RGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255}
	}
	switch i.colour {
	case inkText:
		return hexColour("#1f2328")
	case inkFaint:
		return hexColour("#59636e")
	case inkGrid:
		return hexColour("#e4e7eb")
	case inkPaper:
		return hexColour("#ffffff")
	case inkCell:
		m := mix(i.shade)
		return color.RGBA{m[0], m[1], m[2], 255}
	case inkOnCell:
		if i.shade > 0.5 {
			return hexColour("#ffffff")
		}
		return hexColour("#1f2328")
	}
	return hexColour(palette[i.colour%len(palette)])
}

// fill fills a polygon, which is in pixels of the chart.
func (r *raster) fill(c color.RGBA, polygon []point) {
	outline := make([]opentype.Segment, len(polygon))
	for i, p := range polygon {
		outline[i].Op = opentype.SegmentOpLineTo
		outline[i].Args[0] = opentype.SegmentPoint{X: float32(p.x * scale), Y: float32((p.y + r.shift) * scale)}
	}
	outline[0].Op = opentype.SegmentOpMoveTo
	r.fillOutline(c, outline)
}

func (r *raster) rect(x, y, w, h float64, fill ink) {
	r.fill(fill.rgba(), []point{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}})
}

func (r *raster) dot(p point, radius float64, fill ink) {
	c := fill.rgba()
	c.R, c.G, c.B, c.A = uint8(int(c.R)*3/4), uint8(int(c.G)*3/4), uint8(int(c.B)*3/4), 191
	r.fill(c, circle(p, radius))
}

func circle(p point, radius float64) []point {
	const corners = 20
	poly := make([]point, corners)
	for i := range poly {
		s, c := math.Sincos(2 * math.Pi * float64(i) / corners)
		poly[i] = point{p.x + radius*c, p.y + radius*s}
	}
	return poly
}

func (r *raster) line(points []point, stroke ink, width float64, dashed bool) {
	parts := [][]point{points}
	if dashed {
		parts = dashes(points, 5, 3)
	}
	var polygons [][]point
	for _, part := range parts {
		for i := 1; i < len(part); i++ {
			a, b := part[i-1], part[i]
			d := math.Hypot(b.x-a.x, b.y-a.y)
			if d == 0 {
				continue
			}
			nx, ny := (b.y-a.y)/d*width/2, -(b.x-a.x)/d*width/2
			polygons = append(polygons, []point{{a.x + nx, a.y + ny}, {b.x + nx, b.y + ny}, {b.x - nx, b.y - ny}, {a.x - nx, a.y - ny}})
			if i > 1 {
				polygons = append(polygons, circle(a, width/2))
			}
		}
	}
	for _, poly := range polygons { // one by one: where they overlap they must not cancel out
		r.fill(stroke.rgba(), poly)
	}
}

// dashes cuts a line into pieces of a length, with gaps.
func dashes(points []point, on, off float64) [][]point {
	var out [][]point
	var part []point
	left, drawing := on, true
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		for {
			d := math.Hypot(b.x-a.x, b.y-a.y)
			if drawing && len(part) == 0 {
				part = []point{a}
			}
			if d <= left {
				left -= d
				if drawing {
					part = append(part, b)
				}
				break
			}
			t := left / d
			a = point{a.x + (b.x-a.x)*t, a.y + (b.y-a.y)*t}
			if drawing {
				out = append(out, append(part, a))
				part = nil
			}
			drawing = !drawing
			left = map[bool]float64{true: on, false: off}[drawing]
		}
	}
	if drawing && len(part) > 1 {
		out = append(out, part)
	}
	return out
}

func (r *raster) text(p point, s string, size float64, a align, fill ink, turned bool) {
	if r.letters == nil {
		var err error
		if r.letters, err = newLetters(); err != nil {
			r.err = err
			return
		}
	}
	segments, width := r.letters.outline(s, size*scale)
	shift := float32(map[align]float64{begin: 0, middle: width / 2, end: width}[a])
	x, y := float32(p.x*scale), float32((p.y+r.shift)*scale)
	for i := range segments {
		for j, at := range segments[i].Args {
			if turned { // to the left, around the point
				segments[i].Args[j] = opentype.SegmentPoint{X: x + at.Y, Y: y - at.X + shift}
			} else {
				segments[i].Args[j] = opentype.SegmentPoint{X: x + at.X - shift, Y: y + at.Y}
			}
		}
	}
	r.fillOutline(fill.rgba(), segments)
}

// fillOutline fills what outlines enclose, which are in pixels of the picture.
func (r *raster) fillOutline(c color.RGBA, segments []opentype.Segment) {
	box := image.Rectangle{}
	for i := range segments {
		for _, p := range segments[i].ArgsSlice() {
			x, y := int(math.Floor(float64(p.X))), int(math.Floor(float64(p.Y)))
			box = box.Union(image.Rect(x-1, y-1, x+2, y+2))
		}
	}
	if box = box.Intersect(r.img.Bounds()); box.Empty() {
		return
	}
	z := vector.NewRasterizer(box.Dx(), box.Dy())
	dx, dy := float32(box.Min.X), float32(box.Min.Y)
	for _, s := range segments {
		a := s.Args
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			z.ClosePath()
			z.MoveTo(a[0].X-dx, a[0].Y-dy)
		case opentype.SegmentOpLineTo:
			z.LineTo(a[0].X-dx, a[0].Y-dy)
		case opentype.SegmentOpQuadTo:
			z.QuadTo(a[0].X-dx, a[0].Y-dy, a[1].X-dx, a[1].Y-dy)
		case opentype.SegmentOpCubeTo:
			z.CubeTo(a[0].X-dx, a[0].Y-dy, a[1].X-dx, a[1].Y-dy, a[2].X-dx, a[2].Y-dy)
		}
	}
	z.ClosePath()
	z.Draw(r.img, box, image.NewUniform(c), image.Point{})
}
