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

// curve is some points of the curve of a run.
type curve struct {
	Run    string  `json:"run"`
	Steps  []int64 `json:"steps"`
	Times  []int64 `json:"times"`
	Values []Value `json:"values"`
}

// curves answers with points of the curves of a key, evenly spread over the steps
// that are asked for: as many as a picture shows, however many there are.
func (c *call) curves() (any, error) {
	q := track.SampleQuery{RunIDs: c.query["run"], Key: c.query.Get("key")}
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
	points, err := c.sample(q)
	if err != nil {
		return nil, err
	}
	list := make([]*curve, 0, len(q.RunIDs))
	at := map[string]*curve{}
	for _, id := range q.RunIDs {
		if at[id] == nil {
			at[id] = &curve{Run: id, Steps: []int64{}, Times: []int64{}, Values: []Value{}}
			list = append(list, at[id])
		}
	}
	for _, p := range points {
		a := at[p.RunID]
		a.Steps, a.Times, a.Values = append(a.Steps, p.Step), append(a.Times, p.Time), append(a.Values, Value(p.Value))
	}
	return list, nil
}

// sample asks for the points of some runs at a time, as many times at once as there
// are processors.
func (c *call) sample(q track.SampleQuery) ([]track.Metric, error) {
	g, ctx := errgroup.WithContext(c.r.Context())
	size := (len(q.RunIDs) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	parts := slices.Collect(slices.Chunk(q.RunIDs, size))
	found := make([][]track.Metric, len(parts))
	for i, ids := range parts {
		g.Go(func() (err error) {
			part := q
			part.RunIDs = ids
			found[i], err = c.store.SampleHistory(ctx, part)
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
