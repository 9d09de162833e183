package sql

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/xtrepro/xt/track"
)

// groups collects the values of a query for metrics of traces.
type groups struct {
	metric *traceMetric
	query  *track.TraceMetricQuery
	of     map[string]*group
}

type group struct {
	bucket     int64
	dimensions []track.Tag
	count      int64
	values     []weighted // by value once they are sorted
}

// weighted is a value that is there several times.
type weighted struct {
	value float64
	times int64
}

func newGroups(m *traceMetric, q *track.TraceMetricQuery) *groups {
	g := &groups{metric: m, query: q}
	g.reset()
	return g
}

// reset forgets what was added. Where groups differ in nothing, there is always one.
func (g *groups) reset() {
	g.of = map[string]*group{}
	if len(g.query.Dimensions) == 0 && g.query.Interval == 0 {
		g.of[""] = &group{}
	}
}

// add adds a value that is in a group n times.
func (g *groups) add(bucket int64, dimensions []track.Tag, value string, n int64) {
	v := 0.0
	if g.metric.number != nil {
		var ok bool
		if v, ok = g.metric.number(value); !ok {
			return
		}
	}
	if g.metric.distinct {
		n = 1
	}
	var key strings.Builder
	for _, d := range dimensions {
		key.WriteString(d.Value)
		key.WriteByte(0)
	}
	one := g.of[key.String()]
	if one == nil {
		one = &group{bucket: bucket, dimensions: dimensions}
		g.of[key.String()] = one
	}
	one.count += n
	if g.metric.number != nil {
		one.values = append(one.values, weighted{v, n})
	}
}

// points returns what the groups have, in their order.
func (g *groups) points() []track.TraceMetricPoint {
	sorted := make([]*group, 0, len(g.of))
	for _, one := range g.of {
		sorted = append(sorted, one)
	}
	slices.SortFunc(sorted, func(a, b *group) int {
		if c := cmp.Compare(a.bucket, b.bucket); c != 0 {
			return c
		}
		return slices.CompareFunc(a.dimensions, b.dimensions, func(a, b track.Tag) int { return cmp.Compare(a.Value, b.Value) })
	})
	var points []track.TraceMetricPoint
	for _, one := range sorted {
		p := track.TraceMetricPoint{Dimensions: one.dimensions}
		slices.SortFunc(one.values, func(a, b weighted) int { return cmp.Compare(a.value, b.value) })
		for _, a := range g.query.Aggregations {
			if v, ok := one.aggregate(a); ok {
				p.Values = append(p.Values, track.AggregateValue{Name: a.String(), Value: v})
			}
		}
		if p.Values != nil {
			points = append(points, p)
		}
	}
	return points
}

// aggregate returns what an aggregation makes of the group, if it has a value.
func (g *group) aggregate(a track.Aggregation) (float64, bool) {
	if a.Type == "COUNT" {
		return float64(g.count), true
	}
	if len(g.values) == 0 {
		return 0, false
	}
	switch a.Type {
	case "MIN":
		return g.values[0].value, true
	case "MAX":
		return g.values[len(g.values)-1].value, true
	case "PERCENTILE":
		return g.percentile(a.Percentile / 100), true
	}
	sum := 0.0
	for _, v := range g.values {
		sum += v.value * float64(v.times)
	}
	if a.Type == "AVG" {
		sum /= float64(g.count)
	}
	return sum, true
}

// percentile returns the value below which a part of the others is. Between two
// values it is on the straight line from the one to the other.
func (g *group) percentile(part float64) float64 {
	at := part * float64(g.count-1)
	low := math.Floor(at)
	below := g.nth(int64(low))
	return below + (at-low)*(g.nth(min(int64(low)+1, g.count-1))-below)
}

// nth returns a value by its place in the order.
func (g *group) nth(n int64) float64 {
	for _, v := range g.values {
		if n -= v.times; n < 0 {
			return v.value
		}
	}
	return math.NaN() // there is no such place
}
