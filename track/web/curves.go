package web

import (
	"math"
	"runtime"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/xtrepro/xt/track"
)

// maxCurves is how many runs curves are asked for at once.
const maxCurves = 100

// line is some points of a curve.
type line struct {
	Steps  []int64 `json:"steps"`
	Times  []int64 `json:"times"`
	Values []Value `json:"values"`
}

func newLine(points []track.Point) line {
	l := line{make([]int64, len(points)), make([]int64, len(points)), make([]Value, len(points))}
	for i, p := range points {
		l.Steps[i], l.Times[i], l.Values[i] = p.Step, p.Time, Value(p.Value)
	}
	return l
}

// MarshalJSON writes the lists by itself, which takes a fraction of the time: there are
// tens of thousands of numbers.
func (l line) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 32+len(l.Steps)*40)
	b = appendList(append(b, `{"steps":`...), l.Steps, appendInt)
	b = appendList(append(b, `,"times":`...), l.Times, appendInt)
	b = appendList(append(b, `,"values":`...), l.Values, Value.append)
	return append(b, '}'), nil
}

func appendInt(n int64, b []byte) []byte { return strconv.AppendInt(b, n, 10) }

func appendList[T any](b []byte, list []T, one func(T, []byte) []byte) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(v, b)
	}
	return append(b, ']')
}

// curve is what the curve of a run looks like.
type curve struct {
	Run   string `json:"run"`
	Line  line   `json:"line"`
	Means *line  `json:"means,omitempty"` // what to smooth, if there are more points than those of the line
}

// curves answers with the outlines of the curves of a key: as many points as a picture
// shows, however many there are.
func (c *call) curves() (any, error) {
	q := track.OutlineQuery{RunIDs: c.query["run"], Key: c.query.Get("key")}
	if len(q.RunIDs) == 0 || len(q.RunIDs) > maxCurves || q.Key == "" {
		return nil, track.Errorf(track.InvalidParameter, "Name a key and from 1 to %d runs.", maxCurves)
	}
	var err error
	if q.Max, err = c.number("max", 500, 2, 5000); err != nil {
		return nil, err
	}
	if q.From, err = c.step("from"); err != nil {
		return nil, err
	}
	if q.To, err = c.step("to"); err != nil {
		return nil, err
	}
	outlines, err := c.outlines(q)
	curves := make([]curve, len(outlines))
	for i, o := range outlines {
		curves[i] = curve{Run: o.RunID, Line: newLine(o.Points)}
		if o.Means != nil {
			means := newLine(o.Means)
			curves[i].Means = &means
		}
	}
	return curves, err
}

// outlines asks for those of some runs at a time, as many times at once as there
// are processors.
func (c *call) outlines(q track.OutlineQuery) ([]track.Outline, error) {
	g, ctx := errgroup.WithContext(c.r.Context())
	size := (len(q.RunIDs) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	parts := slices.Collect(slices.Chunk(q.RunIDs, size))
	found := make([][]track.Outline, len(parts))
	for i, ids := range parts {
		g.Go(func() (err error) {
			part := q
			part.RunIDs = ids
			found[i], err = c.store.Outlines(ctx, part)
			return err
		})
	}
	err := g.Wait()
	return slices.Concat(found...), err
}

// step reads a limit of steps; nil for none.
func (c *call) step(name string) (*int64, error) {
	text := c.query.Get(name)
	if text == "" {
		return nil, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(f) > 1<<53 {
		return nil, track.Errorf(track.InvalidParameter, "%s must be a step, not %q.", name, text)
	}
	n := int64(f)
	return &n, nil
}
