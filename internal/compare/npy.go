package compare

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

func compareNpy(t *tally, p *pair) error {
	return compareArrays(t, stream{p.want.reader(), p.want.Size()}, stream{p.got.reader(), p.got.Size()})
}

// stream is a file that is read from its start, and its size in bytes.
type stream struct {
	io.Reader
	size int64
}

// compareArrays compares two arrays. What is none, or holds items that are
// looked into no further, is compared as bytes.
func compareArrays(t *tally, want, got stream) error {
	a, rawA, errA := readNpyHeader(want)
	b, rawB, errB := readNpyHeader(got)
	if errA == nil && errB == nil {
		switch {
		case !a.sameType(b):
			t.differ("dtype "+b.typeName()+" instead of "+a.typeName(), "", "")
			return nil
		case showShape(a.shape) != showShape(b.shape):
			t.differ("shape "+tuple(b.shape)+" instead of "+tuple(a.shape), "", "")
			return nil
		case a.kind != 0 && a.dataIs(want.size-int64(len(rawA))) && b.dataIs(got.size-int64(len(rawB))):
			return compareItems(t, a, b, want, got)
		}
	}
	for _, err := range []error{errA, errB} {
		if err != nil && err != errFormat { //nolint:errorlint // it is never wrapped
			return err
		}
	}
	return compareMembers(t, stream{io.MultiReader(bytes.NewReader(rawA), want), want.size},
		stream{io.MultiReader(bytes.NewReader(rawB), got), got.size})
}

// dataIs says whether so many bytes are what the array takes.
func (h *npyHeader) dataIs(bytes int64) bool { return h.items*h.size == bytes }

// compareMembers compares what is nothing but bytes.
func compareMembers(t *tally, want, got stream) error {
	d, err := firstDiff(want, got, max(want.size, got.size))
	if err == nil && d.at >= 0 && t.first() {
		x, y := d.show(want.size, got.size)
		t.say(d.where(), x, y)
	}
	return err
}

// compareItems compares the items of arrays of the same type and shape.
func compareItems(t *tally, want, got *npyHeader, a, b io.Reader) error {
	if want.fortran != got.fortran {
		name := map[bool]string{true: "Fortran", false: "C"}
		t.differ(fmt.Sprintf("%s order instead of %s order", name[got.fortran], name[want.fortran]), "", "")
		return nil
	}
	if want.size == 0 {
		return nil
	}
	per := min(block/want.size, max(want.items, 1))
	c := &items{t: t, h: want}
	x, y := make([]byte, per*want.size), make([]byte, per*want.size)
	for ; c.at < want.items; c.at += per {
		n := min(per, want.items-c.at) * want.size
		if err := readExactly(a, x[:n]); err != nil {
			return err
		}
		if err := readExactly(b, y[:n]); err != nil {
			return err
		}
		toLittle(x[:n], want)
		toLittle(y[:n], got)
		if !bytes.Equal(x[:n], y[:n]) {
			c.compare(x[:n], y[:n])
		}
	}
	return nil
}

// toLittle turns items into those of little endian.
func toLittle(b []byte, h *npyHeader) {
	if !h.big {
		return
	}
	width := int(h.size)
	switch h.kind {
	case 'c':
		width /= 2
	case 'U':
		width = 4
	case 'S', 'V':
		return
	}
	for ; len(b) >= width; b = b[width:] {
		for i, k := 0, width-1; i < k; i, k = i+1, k-1 {
			b[i], b[k] = b[k], b[i]
		}
	}
}

// items compares a block of items.
type items struct {
	t    *tally
	h    *npyHeader
	at   int64     // of the first in the block
	a, b []float64 // the block in numbers
}

func (c *items) compare(a, b []byte) {
	switch c.h.kind {
	case 'f', 'c':
		c.floats(a, b)
	case 'i', 'u':
		if c.h.size < 8 {
			c.floats(a, b)
		} else {
			c.longs(a, b)
		}
	default:
		c.opaque(a, b)
	}
}

// floats compares what a float64 holds exactly.
func (c *items) floats(a, b []byte) {
	width := int(c.h.size)
	if c.h.kind == 'c' {
		width /= 2
	}
	c.a = decode(slices.Grow(c.a[:0], len(a)/width), a, c.h)
	c.b = decode(slices.Grow(c.b[:0], len(b)/width), b, c.h)
	if c.h.kind == 'c' {
		c.complexes()
		return
	}
	got := c.b[:len(c.a)]
	tol := c.t.tol
	for i, want := range c.a {
		if want == got[i] && want != 0 {
			continue
		}
		// What near would say, without asking: most are like this.
		d := math.Abs(want - got[i])
		if 0 < d && d <= tol.Abs+tol.Rel*math.Abs(want) && d <= c.t.largest && d <= math.MaxFloat64 {
			continue
		}
		if !c.t.near(want, got[i]) && c.t.first() {
			c.say(i, c.show(want), c.show(got[i]))
		}
	}
}

func (c *items) complexes() {
	for i := 0; i+1 < len(c.a); i += 2 {
		want, got := complex(c.a[i], c.a[i+1]), complex(c.b[i], c.b[i+1])
		if !c.t.nearComplex(want, got) && c.t.first() {
			c.say(i/2, c.showComplex(want), c.showComplex(got))
		}
	}
}

// longs compares integers of 64 bits.
func (c *items) longs(a, b []byte) {
	for i := 0; i < len(a); i += 8 {
		want, got := binary.LittleEndian.Uint64(a[i:]), binary.LittleEndian.Uint64(b[i:])
		if want == got {
			continue
		}
		x, y, distance := float64(want), float64(got), float64(max(want, got)-min(want, got))
		if c.h.kind == 'i' {
			s, u := int64(want), int64(got)
			x, y, distance = float64(s), float64(u), float64(uint64(max(s, u))-uint64(min(s, u)))
		}
		if !c.t.allows(x, y, distance) && c.t.first() {
			c.say(i/8, c.showLong(want), c.showLong(got))
		}
	}
}

// opaque compares items that have to be equal.
func (c *items) opaque(a, b []byte) {
	size := int(c.h.size)
	for i := 0; i < len(a); i += size {
		want, got := a[i:i+size], b[i:i+size]
		if !bytes.Equal(want, got) && c.t.first() {
			x, y := c.showOpaque(want, got)
			c.say(i/size, x, y)
		}
	}
}

// say keeps the first difference, which is at an item of the block.
func (c *items) say(i int, want, got string) {
	c.t.say(c.h.index(c.at+int64(i)), want, got)
}
