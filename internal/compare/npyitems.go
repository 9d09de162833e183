package compare

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/cmplx"
	"strconv"
	"strings"
)

// decode appends the numbers of a block, little endian; a complex one is two.
func decode(dst []float64, src []byte, h *npyHeader) []float64 {
	le := binary.LittleEndian
	switch key := string(h.kind) + strconv.FormatInt(h.size, 10); key {
	case "f2":
		for ; len(src) >= 2; src = src[2:] {
			dst = append(dst, half(le.Uint16(src)))
		}
	case "f4", "c8":
		for ; len(src) >= 4; src = src[4:] {
			dst = append(dst, float64(math.Float32frombits(le.Uint32(src))))
		}
	case "f8", "c16":
		for ; len(src) >= 8; src = src[8:] {
			dst = append(dst, math.Float64frombits(le.Uint64(src)))
		}
	case "i1":
		for _, b := range src {
			dst = append(dst, float64(int8(b)))
		}
	case "u1":
		for _, b := range src {
			dst = append(dst, float64(b))
		}
	case "i2":
		for ; len(src) >= 2; src = src[2:] {
			dst = append(dst, float64(int16(le.Uint16(src))))
		}
	case "u2":
		for ; len(src) >= 2; src = src[2:] {
			dst = append(dst, float64(le.Uint16(src)))
		}
	case "i4":
		for ; len(src) >= 4; src = src[4:] {
			dst = append(dst, float64(int32(le.Uint32(src))))
		}
	case "u4":
		for ; len(src) >= 4; src = src[4:] {
			dst = append(dst, float64(le.Uint32(src)))
		}
	}
	return dst
}

// half returns the value of a float of 16 bits.
func half(b uint16) float64 {
	sign := 1.0
	if b&0x8000 != 0 {
		sign = -1
	}
	exp, frac := int(b>>10&0x1f), float64(b&0x3ff)
	switch exp {
	case 0:
		return sign * math.Ldexp(frac, -24)
	case 0x1f:
		if frac != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+frac, exp-25)
}

// nearComplex is near for complex numbers: where all is finite, the distance is
// that of the points, as in NumPy; else, the parts are looked at.
func (t *tally) nearComplex(want, got complex128) bool {
	finite := func(z complex128) bool { return !cmplx.IsNaN(z) && !cmplx.IsInf(z) }
	if t.exact() || !finite(want) || !finite(got) {
		re := t.near(real(want), real(got))
		return t.near(imag(want), imag(got)) && re
	}
	return want == got || t.allows(cmplx.Abs(want), cmplx.Abs(got), cmplx.Abs(want-got))
}

// show writes a number with as many digits as its type has.
func (c *items) show(v float64) string {
	if c.h.kind != 'f' {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return showFloat(v, c.h.size)
}

func showFloat(v float64, size int64) string {
	bits := 64
	if size < 8 {
		bits = 32
	}
	s := strconv.FormatFloat(v, 'g', -1, bits)
	return strings.Replace(strings.Replace(s, "+Inf", "inf", 1), "-Inf", "-inf", 1)
}

func (c *items) showComplex(z complex128) string {
	re, im := showFloat(real(z), c.h.size/2), showFloat(imag(z), c.h.size/2)
	if im[0] != '-' {
		im = "+" + im
	}
	return re + im + "j"
}

func (c *items) showLong(v uint64) string {
	if c.h.kind == 'i' {
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatUint(v, 10)
}

// showOpaque shows two items that are not numbers.
func (c *items) showOpaque(want, got []byte) (string, string) {
	switch c.h.kind {
	case 'S':
		return showTexts(strings.TrimRight(string(want), "\x00"), strings.TrimRight(string(got), "\x00"))
	case 'U':
		return showTexts(utf32(want), utf32(got))
	case 'b':
		return showBool(want[0]), showBool(got[0])
	case 'M', 'm':
		unit := func(b []byte) string {
			v := int64(binary.LittleEndian.Uint64(b))
			if v == math.MinInt64 {
				return "NaT"
			}
			return strings.TrimSpace(strconv.FormatInt(v, 10) + " " + strings.Trim(c.h.unit, "[]"))
		}
		return unit(want), unit(got)
	}
	return showPlain("0x" + hex.EncodeToString(want)), showPlain("0x" + hex.EncodeToString(got))
}

func showBool(b byte) string {
	switch b {
	case 0:
		return "False"
	case 1:
		return "True"
	}
	return "True (" + strconv.Itoa(int(b)) + ")"
}

// utf32 decodes text of four bytes a character.
func utf32(b []byte) string {
	var s strings.Builder
	for ; len(b) >= 4; b = b[4:] {
		s.WriteRune(rune(binary.LittleEndian.Uint32(b)))
	}
	return strings.TrimRight(s.String(), "\x00")
}
