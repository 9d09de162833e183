package sql

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"slices"

	"github.com/xtrepro/xt/track"
)

// manyPoints is how many points the outlines of an answer are made from, besides
// what is in no segment yet. That many take some hundredths of a second.
const manyPoints = 40_000

// Outlines implements [track.Metrics].
func (s *Store) Outlines(ctx context.Context, q track.OutlineQuery) (list []track.Outline, err error) {
	plain := max(manyPoints/max(1, len(q.RunIDs)), segmentPoints)
	begin := func() { list = make([]track.Outline, 0, len(q.RunIDs)) }
	err = s.eachCurve(ctx, q.RunIDs, q.Key, begin, func(c *conn, id string, k curveKey) error {
		o := outliner{conn: c, curve: k, from: math.MinInt64, to: math.MaxInt64, plain: plain}
		if q.From != nil {
			o.from = *q.From
		}
		if q.To != nil {
			o.to = *q.To
		}
		blocks, err := o.blocks()
		if err != nil {
			return err
		}
		if o.tail >= 2*segmentPoints {
			s.curves.add(k)
		}
		list = append(list, o.outline(id, blocks, max(1, q.Max)))
		return nil
	})
	return list, err
}

// outline returns that of blocks, of about most points or less.
func (o *outliner) outline(id string, blocks []block, most int) track.Outline {
	line := track.Outline{RunID: id}
	short := blocks
	if len(blocks) > most || slices.ContainsFunc(blocks, func(b block) bool { return !b.isPoint() }) {
		short = join(blocks, (most+3)/4)
		for i := range short {
			line.Means = append(line.Means, short[i].mean())
		}
	}
	for i := range short {
		line.Points = append(line.Points, short[i].points()...)
	}
	line.Points, line.Means = o.inOrder(line.Points), o.inOrder(line.Means)
	return line
}

// inOrder returns points by their steps, of which those that are not wanted are left
// out: a block at the end of what is wanted has some of them.
func (o *outliner) inOrder(points []track.Point) []track.Point {
	points = slices.DeleteFunc(points, func(p track.Point) bool { return p.Step < o.from || p.Step > o.to })
	slices.SortStableFunc(points, func(a, b track.Point) int { return cmp.Compare(a.Step, b.Step) })
	return points
}

// outliner reads a curve, or the steps of it that are asked for.
type outliner struct {
	*conn
	curve    curveKey
	from, to int64 // steps
	plain    int   // points that are read one by one, rather than in segments
	tail     int   // points that were in no segment
}

// blocks returns the curve: in blocks of a point each, if there are few.
func (o *outliner) blocks() ([]block, error) {
	segments, err := o.segments()
	if err != nil {
		return nil, err
	}
	end, begin, last := beforeAll, beforeAll, beforeAll // of all, and around those that are wanted
	wanted := 0
	for _, s := range segments {
		if s.high >= o.from && s.low <= o.to {
			if wanted == 0 {
				begin = end
			}
			wanted++
			last = s.end
		}
		end = s.end
	}
	tail, err := o.points(end, afterAll)
	if err != nil {
		return nil, err
	}
	o.tail = len(tail)
	if wanted*segmentPoints <= o.plain {
		points, err := o.points(begin, last)
		points = append(points, tail...)
		return blocksOf(nil, points, 1), err
	}
	blocks, err := o.summed(begin, last)
	return blocksOf(blocks, tail, blockPoints), err
}

// segment says where a segment ends, and which steps it has.
type segment struct {
	end       pointKey
	low, high int64
}

func (o *outliner) segments() (list []segment, err error) {
	query := "SELECT time, step, value, is_nan, low, high FROM segments WHERE run = ? AND name = ? ORDER BY time, step, value, is_nan"
	err = o.each(query, []any{o.curve.run, o.curve.name}, func(scan func(...any) error) error {
		var s segment
		err := scan(&s.end.time, &s.end.step, &s.end.value, &s.end.isNaN, &s.low, &s.high)
		list = append(list, s)
		return err
	})
	return list, err
}

// points returns the points after one, up to another.
func (o *outliner) points(after, to pointKey) ([]track.Point, error) {
	query := `SELECT time, step, value, is_nan FROM metrics WHERE run = ? AND name = ? AND (time, step, value, is_nan) > (?, ?, ?, ?) AND (time, step, value, is_nan) <= (?, ?, ?, ?)
		AND step >= ? AND step <= ? ORDER BY time, step, value, is_nan`
	return o.plainPoints(query, slices.Concat(after.of(o.curve), to.args(), []any{o.from, o.to}))
}

// summed returns the blocks of the segments after a point, up to another.
func (o *outliner) summed(after, to pointKey) (blocks []block, err error) {
	query := `SELECT points FROM segments WHERE run = ? AND name = ? AND (time, step, value, is_nan) > (?, ?, ?, ?) AND (time, step, value, is_nan) <= (?, ?, ?, ?)
		AND high >= ? AND low <= ? ORDER BY time, step, value, is_nan`
	var b sql.RawBytes
	err = o.each(query, slices.Concat(after.of(o.curve), to.args(), []any{o.from, o.to}), func(scan func(...any) error) error {
		err := scan(&b)
		if err == nil {
			blocks, err = decodeBlocks(b, blocks)
		}
		return err
	})
	return slices.DeleteFunc(blocks, func(b block) bool { return !b.meets(o.from, o.to) }), err
}
