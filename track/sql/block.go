package sql

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/xtrepro/xt/track"
)

// block is what is kept of points of a curve that follow each other.
type block struct {
	first, low, high, last track.Point // low and high are finite, if any is
	finite                 int64       // how many are
	sum                    float64     // of those
}

func blockOf(p track.Point) block {
	b := block{first: p, low: p, high: p, last: p}
	if isFinite(p.Value) {
		b.finite, b.sum = 1, p.Value
	}
	return b
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// add puts the block that comes after b to it.
func (b *block) add(next *block) {
	if next.finite > 0 && (b.finite == 0 || next.low.Value < b.low.Value) {
		b.low = next.low
	}
	if next.finite > 0 && (b.finite == 0 || next.high.Value > b.high.Value) {
		b.high = next.high
	}
	b.last = next.last
	b.finite += next.finite
	b.sum += next.sum
}

// isPoint reports whether there is but one point in a block.
func (b *block) isPoint() bool { return b.finite <= 1 && comparePoints(b.first, b.last) == 0 }

// meets reports whether a point that is kept of a block is at one of the steps.
func (b *block) meets(from, to int64) bool {
	return slices.ContainsFunc([]track.Point{b.first, b.low, b.high, b.last}, func(p track.Point) bool { return p.Step >= from && p.Step <= to })
}

// points returns those of a block, in their order.
func (b *block) points() []track.Point {
	list := []track.Point{b.first, b.low, b.high, b.last}
	slices.SortStableFunc(list[1:3], comparePoints)
	return slices.CompactFunc(list, func(p, q track.Point) bool { return comparePoints(p, q) == 0 })
}

// comparePoints orders points as their keys are, but for what is not a number.
func comparePoints(p, q track.Point) int {
	return cmp.Or(cmp.Compare(p.Time, q.Time), cmp.Compare(p.Step, q.Step), cmp.Compare(p.Value, q.Value))
}

// mean returns the mean of the finite values, at the last point.
func (b *block) mean() track.Point {
	p := b.last
	p.Value = b.sum / float64(b.finite) // NaN without any
	return p
}

// blocksOf puts points into blocks of n, which come after others.
func blocksOf(blocks []block, points []track.Point, n int) []block {
	blocks = slices.Grow(blocks, (len(points)+n-1)/n)
	for i, p := range points {
		one := blockOf(p)
		if i%n == 0 {
			blocks = append(blocks, one)
		} else {
			blocks[len(blocks)-1].add(&one)
		}
	}
	return blocks
}

// join puts blocks together so that n are left, at most.
func join(blocks []block, n int) []block {
	if len(blocks) <= n {
		return blocks
	}
	joined := make([]block, n)
	for i := range joined {
		from, to := i*len(blocks)/n, (i+1)*len(blocks)/n
		joined[i] = blocks[from]
		for k := from + 1; k < to; k++ {
			joined[i].add(&blocks[k])
		}
	}
	return joined
}

// The form of blocks in the database: for each the number of finite values and their
// sum, then how many points and which of them are low and high, in a byte, and the
// points: time and step as the difference to the point before, and the value.
// Integers are varints, floats in little-endian order.

func encodeBlocks(blocks []block) []byte {
	var b []byte
	var before track.Point
	for i := range blocks {
		bl := &blocks[i]
		b = binary.AppendUvarint(b, uint64(bl.finite))
		b = appendFloat(b, bl.sum)
		points := bl.points()
		at := func(p track.Point) byte {
			return byte(slices.IndexFunc(points, func(q track.Point) bool { return comparePoints(p, q) == 0 }))
		}
		b = append(b, byte(len(points)-1)|at(bl.low)<<2|at(bl.high)<<4)
		for _, p := range points {
			b = binary.AppendVarint(b, p.Time-before.Time)
			b = binary.AppendVarint(b, p.Step-before.Step)
			b = appendFloat(b, p.Value)
			before = p
		}
	}
	return b
}

func appendFloat(b []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
}

var errSegment = errors.New("a segment of a curve is spoilt")

func decodeBlocks(b []byte, blocks []block) ([]block, error) {
	r := reader{b: b}
	var before track.Point
	for len(r.b) > 0 && !r.bad {
		bl := block{finite: int64(r.uvarint()), sum: r.float()}
		kinds := r.byte()
		points := make([]track.Point, kinds&3+1, 4)
		for i := range points {
			points[i] = track.Point{Time: before.Time + r.varint(), Step: before.Step + r.varint(), Value: r.float()}
			before = points[i]
		}
		low, high := int(kinds>>2&3), int(kinds>>4&3)
		if low >= len(points) || high >= len(points) || kinds>>6 != 0 || bl.finite < 0 {
			return nil, errSegment
		}
		bl.first, bl.low, bl.high, bl.last = points[0], points[low], points[high], points[len(points)-1]
		blocks = append(blocks, bl)
	}
	if r.bad {
		return nil, errSegment
	}
	return blocks, nil
}

// reader takes values from the front of b. If something is missing, bad is set, and
// what it returns means nothing.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n <= 0 || n > len(r.b) {
		r.bad = true
		return make([]byte, 8)
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) byte() byte { return r.take(1)[0] }

func (r *reader) float() float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(r.take(8)))
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.take(n)
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	r.take(n)
	return v
}
