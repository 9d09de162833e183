package chart

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"strconv"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/f64"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	xdraw "golang.org/x/image/draw"
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
	img   *image.RGBA
	shift float64 // of the chart that is drawn, downwards
	faces map[float64]font.Face
	err   error
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
	box := image.Rectangle{}
	for _, p := range polygon {
		x, y := p.x*scale, (p.y+r.shift)*scale
		box = box.Union(image.Rect(int(math.Floor(x))-1, int(math.Floor(y))-1, int(math.Ceil(x))+1, int(math.Ceil(y))+1))
	}
	if box = box.Intersect(r.img.Bounds()); box.Empty() {
		return
	}
	z := vector.NewRasterizer(box.Dx(), box.Dy())
	for i, p := range polygon {
		x, y := float32(p.x*scale)-float32(box.Min.X), float32((p.y+r.shift)*scale)-float32(box.Min.Y)
		if i == 0 {
			z.MoveTo(x, y)
		} else {
			z.LineTo(x, y)
		}
	}
	z.ClosePath()
	z.Draw(r.img, box, image.NewUniform(c), image.Point{})
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

var parseFont = sync.OnceValues(func() (*opentype.Font, error) { return opentype.Parse(goregular.TTF) })

func (r *raster) face(size float64) font.Face {
	if f := r.faces[size]; f != nil {
		return f
	}
	parsed, err := parseFont()
	if err != nil {
		r.err = err
		return nil
	}
	f, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size * scale, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		r.err = err
		return nil
	}
	if r.faces == nil {
		r.faces = map[float64]font.Face{}
	}
	r.faces[size] = f
	return f
}

func (r *raster) text(p point, s string, size float64, a align, fill ink, turned bool) {
	face := r.face(size)
	if face == nil {
		return
	}
	width := font.MeasureString(face, s).Ceil()
	shift := map[align]int{begin: 0, middle: width / 2, end: width}[a]
	x, y := int(p.x*scale), int((p.y+r.shift)*scale)
	if !turned {
		d := font.Drawer{Dst: r.img, Src: image.NewUniform(fill.rgba()), Face: face, Dot: fixed.P(x-shift, y)}
		d.DrawString(s)
		return
	}
	height := int(size * scale * 1.5)
	flat := image.NewRGBA(image.Rect(0, 0, width+2, height))
	d := font.Drawer{Dst: flat, Src: image.NewUniform(fill.rgba()), Face: face, Dot: fixed.P(0, int(size*scale))}
	d.DrawString(s)
	// A quarter turn to the left, around the point.
	turn := f64.Aff3{0, 1, float64(x) - size*scale, -1, 0, float64(y + shift)}
	xdraw.BiLinear.Transform(r.img, turn, flat, flat.Bounds(), draw.Over, nil)
}
