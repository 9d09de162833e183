package sql

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"math/rand/v2"

	"github.com/xtrepro/xt/track"
)

// A curve is summed up in segments, each in blocks. These numbers are part of
// the format: with others, there is to be a migration that empties the table.
const (
	segmentPoints = 1024
	blockPoints   = 32
)

// summarizer sums up the curves that become long, after their points were
// written and answered for.
type summarizer struct {
	store *Store
	queue chan curveKey
	stop  context.CancelFunc
	ended chan struct{}
}

// curveKey is what rows of a curve have in common.
type curveKey struct{ run, name int64 }

func newSummarizer(s *Store) *summarizer {
	ctx, stop := context.WithCancel(context.Background())
	z := &summarizer{store: s, queue: make(chan curveKey, 256), stop: stop, ended: make(chan struct{})}
	go z.loop(ctx)
	return z
}

// add has a curve summed up. If there is too much to do it is left out; who reads the
// curve asks again.
func (z *summarizer) add(k curveKey) {
	select {
	case z.queue <- k:
	default:
	}
}

// grown is told of every point. Which curves it adds is left to chance, so that
// nothing has to be counted for each of them: one is added about as often as it has
// become a segment longer.
func (z *summarizer) grown(run int64, names []int64, points int) {
	for _, name := range names {
		if rand.IntN(segmentPoints) < points/len(names) {
			z.add(curveKey{run, name})
		}
	}
}

func (z *summarizer) loop(ctx context.Context) {
	defer close(z.ended)
	for {
		select {
		case <-ctx.Done():
			return
		case k := <-z.queue:
			// An error is that of the database, of which the next who write will hear.
			_ = z.store.sumUp(ctx, k)
		}
	}
}

func (z *summarizer) close() {
	z.stop()
	<-z.ended
}

// sumUp makes the segments of a curve that are missing, one in a transaction:
// others are to write in between.
func (s *Store) sumUp(ctx context.Context, k curveKey) error {
	for {
		next, err := s.nextSegment(ctx, k)
		if err != nil || next == nil {
			return err
		}
		if err := s.repeat(ctx, func(t *tx) error { return t.addSegment(k, next) }); err != nil {
			return err
		}
	}
}

// newSegment is one that is to be added.
type newSegment struct {
	after, end pointKey // where the one before it ends, and where it does
	low, high  int64
	points     []byte
}

// nextSegment returns what follows the segments of a curve, nil if that has too few
// points for one. It takes its time, and lets others write.
func (s *Store) nextSegment(ctx context.Context, k curveKey) (next *newSegment, err error) {
	err = s.view(ctx, func(c *conn) error {
		last, err := c.lastSegment(k)
		if err != nil {
			return err
		}
		rest := "FROM metrics WHERE run = ? AND name = ? AND (time, step, value, is_nan) > (?, ?, ?, ?) ORDER BY time, step, value, is_nan LIMIT ? OFFSET ?"
		// To skip points costs a tenth of reading them.
		enough, err := c.exists("SELECT 1 "+rest, append(last.of(k), int64(1), int64(segmentPoints-1))...)
		if err != nil || !enough {
			return err
		}
		points, err := c.plainPoints("SELECT time, step, value, is_nan "+rest, append(last.of(k), int64(segmentPoints), int64(0)))
		if err != nil {
			return err
		}
		next = &newSegment{after: last, end: keyOf(points[len(points)-1]), low: points[0].Step, high: points[0].Step}
		for _, p := range points {
			next.low, next.high = min(next.low, p.Step), max(next.high, p.Step)
		}
		next.points = encodeBlocks(blocksOf(nil, points, blockPoints))
		return nil
	})
	return next, err
}

// addSegment adds a segment, unless points have come in between since it was made, or
// it has been added.
func (t *tx) addSegment(k curveKey, next *newSegment) error {
	last, err := t.lastSegment(k)
	if err != nil || last != next.after {
		return err
	}
	var n int
	query := "SELECT count(*) FROM metrics WHERE run = ? AND name = ? AND (time, step, value, is_nan) > (?, ?, ?, ?) AND (time, step, value, is_nan) <= (?, ?, ?, ?)"
	if err := t.row(query, append(last.of(k), next.end.args()...), &n); err != nil || n != segmentPoints {
		return err
	}
	_, err = t.exec("INSERT INTO segments (run, name, time, step, value, is_nan, low, high, points) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		append(next.end.of(k), next.low, next.high, next.points)...)
	return err
}

// plainPoints reads points of a curve.
func (c *conn) plainPoints(query string, args []any) (points []track.Point, err error) {
	err = c.eachPoint(query, args, func(p track.Point) { points = append(points, p) })
	return points, err
}

// pointKey is the place of a point among those of a curve.
type pointKey struct {
	time, step int64
	value      float64
	isNaN      int64
}

// What is before and after every point.
var (
	beforeAll = pointKey{math.MinInt64, math.MinInt64, math.Inf(-1), -1}
	afterAll  = pointKey{math.MaxInt64, math.MaxInt64, math.Inf(1), 1}
)

func keyOf(p track.Point) pointKey {
	if math.IsNaN(p.Value) {
		return pointKey{p.Time, p.Step, 0, 1}
	}
	return pointKey{p.Time, p.Step, p.Value, 0}
}

// of returns the key of the row of a point of a curve.
func (p pointKey) of(k curveKey) []any { return append([]any{k.run, k.name}, p.args()...) }

func (p pointKey) args() []any { return []any{p.time, p.step, p.value, p.isNaN} }

// lastSegment returns where the last segment of a curve ends.
func (c *conn) lastSegment(k curveKey) (pointKey, error) {
	var p pointKey
	err := c.row("SELECT time, step, value, is_nan FROM segments WHERE run = ? AND name = ? ORDER BY time DESC, step DESC, value DESC, is_nan DESC LIMIT 1",
		[]any{k.run, k.name}, &p.time, &p.step, &p.value, &p.isNaN)
	if errors.Is(err, sql.ErrNoRows) {
		return beforeAll, nil
	}
	return p, err
}

// reopenSegments removes the segments that points come too late for, and those after
// them, of the curves that the points may belong to.
func (t *tx) reopenSegments(run int64, names []int64, metrics []track.Metric) error {
	first := afterAll
	for i := range metrics {
		if m := &metrics[i]; m.Time < first.time || m.Time == first.time && m.Step < first.step {
			first = pointKey{m.Time, m.Step, math.Inf(-1), 0}
		}
	}
	query, list := "DELETE FROM segments WHERE run = ? AND name = ? AND (time, step, value, is_nan) >= (?, ?, ?, ?)", any(names[0])
	if len(names) > 1 {
		query, list = "DELETE FROM segments WHERE run = ? AND "+t.inInts("name")+" AND (time, step, value, is_nan) >= (?, ?, ?, ?)", t.ints(names)
	}
	_, err := t.exec(query, append([]any{run, list}, first.args()...)...)
	t.store.curves.grown(run, names, len(metrics))
	return err
}
