package chart

import (
	"bytes"
	"io"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/go-text/typesetting/bidi"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/fontscan"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/math/fixed"
)

// letters makes outlines of texts: in the font that is built in, so that a picture is the
// same everywhere, and in those of the system for letters that it lacks, as those of
// Arabic and Chinese. What no font has is a box.
type letters struct {
	own    *font.Face
	system *fontscan.FontMap // nil as long as no text needs it
	shaper shaping.HarfbuzzShaper
	split  shaping.Segmenter
	bidi   bidi.Paragraph
	script language.Script
}

// builtIn is the font that is built in.
var builtIn = sync.OnceValues(func() (*font.Face, error) { return font.ParseTTF(bytes.NewReader(goregular.TTF)) })

func newLetters() (*letters, error) {
	face, err := builtIn()
	if err != nil {
		return nil, err
	}
	return &letters{own: font.NewFace(face.Font)}, nil
}

// ResolveFace implements [shaping.Fontmap].
func (l *letters) ResolveFace(r rune) *font.Face {
	if _, ok := l.own.NominalGlyph(r); ok {
		return l.own
	}
	if l.system == nil {
		l.system = fontscan.NewFontMap(log.New(io.Discard, "", 0))
		dir, err := os.UserCacheDir()
		if err == nil {
			dir = filepath.Join(dir, "xt") // where fonts are is remembered: it takes long to look
			err = os.MkdirAll(dir, 0o777)
		}
		if err == nil {
			_ = l.system.UseSystemFonts(dir) // without fonts, there are boxes
		}
		l.system.SetQuery(fontscan.Query{Families: []string{fontscan.SansSerif}})
	}
	l.system.SetScript(l.script)
	if face := l.system.ResolveFace(r); face != nil {
		if _, ok := face.NominalGlyph(r); ok {
			return face
		}
	}
	return l.own
}

// SetScript implements [shaping.FontmapScript].
func (l *letters) SetScript(s language.Script) { l.script = s }

// outline returns the outlines of a text, from left to right as it is read, and its
// width. The first letter stands at 0, 0, and y grows downwards.
func (l *letters) outline(text string, size float64) (segments []opentype.Segment, width float64) {
	runes := []rune(text)
	if len(runes) == 0 {
		return nil, 0
	}
	input := shaping.Input{Text: runes, RunEnd: len(runes), Direction: di.DirectionLTR, Size: fixed.Int26_6(math.Round(size * 64)), Language: language.DefaultLanguage()}
	parts := slices.Clone(l.split.Split(input, l))
	l.order(runes, parts)
	for _, part := range parts {
		run := l.shaper.Shape(part)
		unit := float32(size) / float32(run.Face.Upem())
		for _, g := range run.Glyphs {
			x, y := float32(width)+pixels(g.XOffset), -pixels(g.YOffset)
			glyph, _ := run.Face.GlyphDataOutline(g.GlyphID) // a picture, as of a face that smiles, has none
			for _, s := range glyph.Segments {
				for i := range s.Args {
					s.Args[i].X, s.Args[i].Y = x+s.Args[i].X*unit, y-s.Args[i].Y*unit
				}
				segments = append(segments, s)
			}
			width += float64(pixels(g.Advance))
		}
	}
	return segments, width
}

// order puts parts of a text as they are seen: rule L2 of the Unicode Bidirectional
// Algorithm, UAX #9.
func (l *letters) order(text []rune, parts []shaping.Input) {
	levels := make([]bidi.Level, len(text))
	highest := bidi.Level(0)
	runs := l.bidi.Segment(text, bidi.LeftToRight)
	for i, start := 0, 0; i < runs.NumRuns(); i++ {
		run := runs.Run(i)
		for ; start < run.End; start++ {
			levels[start] = run.Level
		}
		highest = max(highest, run.Level)
	}
	for level := highest; level > 0; level-- {
		for i := 0; i < len(parts); i++ {
			from := i
			for i < len(parts) && levels[parts[i].RunStart] >= level {
				i++
			}
			slices.Reverse(parts[from:i])
		}
	}
}

func pixels(n fixed.Int26_6) float32 { return float32(n) / 64 }
