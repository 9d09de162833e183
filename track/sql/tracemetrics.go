package sql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/filter"
)

// TraceMetrics implements [track.Traces]. The database tells how often there is
// which value in which group; the rest is made of that here, for values are
// in JSON that clients wrote, and the same is to come out of each database.
func (s *Store) TraceMetrics(ctx context.Context, query track.TraceMetricQuery) (page track.Page[track.TraceMetricPoint], err error) {
	v, m, err := checkTraceMetric(&query)
	if err != nil {
		return page, err
	}
	offset, err := track.ParseOffset(query.PageToken)
	if err != nil {
		return page, err
	}
	q := &text{}
	if err := s.traceMetricQuery(q, v, m, &query); err != nil {
		return page, err
	}
	all := newGroups(m, &query)
	err = s.view(ctx, func(c *conn) error {
		all.reset()
		return c.eachOnce(q.String(), q.args, func(scan func(...any) error) error { return all.scan(v, scan) })
	})
	if err != nil {
		return page, err
	}
	points := all.points()
	return cutPage(points[min(offset, len(points)):], query.Max, offset), nil
}

func checkTraceMetric(q *track.TraceMetricQuery) (*traceView, *traceMetric, error) {
	if err := track.CheckMax(q.Max, maxPage); err != nil {
		return nil, nil, err
	}
	v, ok := traceViews[q.View]
	if !ok {
		return nil, nil, track.Errorf(track.InvalidParameter, "view_type must be one of ['TRACES', 'SPANS', 'ASSESSMENTS'], got '%s'", q.View)
	}
	m := v.metric(q.Metric)
	if m == nil {
		return nil, nil, track.Errorf(track.InvalidParameter, "metric_name must be one of %s, got '%s'", quoteAll(v.names()), q.Metric)
	}
	if err := m.checkAggregations(q.Aggregations); err != nil {
		return nil, nil, err
	}
	if bad := without(q.Dimensions, m.dimensions); bad != nil {
		return nil, nil, track.Errorf(track.InvalidParameter, "Found invalid dimension(s): %s. Supported dimensions: %s", quoteAll(bad), quoteAll(m.dimensions))
	}
	switch {
	case q.Interval < 0 || q.Interval > maxInterval:
		return nil, nil, track.Errorf(track.InvalidParameter, "Invalid value %d for parameter 'time_interval_seconds' supplied. It must be from 0 to %d", q.Interval, int64(maxInterval))
	case q.Interval > 0 && (q.From == nil || q.To == nil):
		return nil, nil, track.Errorf(track.InvalidParameter, "start_time_ms and end_time_ms are required if time_interval_seconds is set")
	}
	return v, m, nil
}

const maxInterval = 1 << 40 // seconds: in milliseconds it is still a number

func (m *traceMetric) checkAggregations(list []track.Aggregation) error {
	var types []string
	for _, a := range list {
		types = append(types, a.Type)
		if a.Type == "PERCENTILE" && !(a.Percentile >= 0 && a.Percentile <= 100) {
			return track.Errorf(track.InvalidParameter, "Percentile value must be between 0 and 100, got %v", a.Percentile)
		}
	}
	if bad := without(types, m.aggregations); bad != nil {
		return track.Errorf(track.InvalidParameter, "Found invalid aggregation_type(s): %s. Supported aggregation types: %s", quoteAll(bad), quoteAll(m.aggregations))
	}
	return nil
}

// without returns what is in a list and not in another, sorted.
func without(list, known []string) (rest []string) {
	for _, text := range list {
		if !slices.Contains(known, text) {
			rest = append(rest, text)
		}
	}
	slices.Sort(rest)
	return slices.Compact(rest)
}

func quoteAll(list []string) string { return "['" + strings.Join(list, "', '") + "']" }

// traceMetricQuery adds the query for the rows that [groups.scan] reads: the interval,
// the dimensions, a value, and how often it is there.
func (s *Store) traceMetricQuery(q *text, v *traceView, m *traceMetric, query *track.TraceMetricQuery) error {
	bucket := "0"
	if query.Interval > 0 {
		bucket = fmt.Sprintf("%s - ((%[1]s %% %[2]d) + %[2]d) %% %[2]d", v.time, query.Interval*1000)
	}
	columns := []string{bucket}
	for _, d := range query.Dimensions {
		columns = append(columns, v.dimensions[d].column(s.dialect))
	}
	columns = append(columns, "CAST("+m.value.column(s.dialect)+" AS text)")
	q.add("SELECT " + strings.Join(columns, ", ") + ", count(*) FROM " + v.from)
	joins := append([]column{m.value}, columnsOf(v, query.Dimensions)...)
	for i, c := range joins {
		if c.join != "" && !slices.Contains(joins[:i], c) {
			q.add(" " + c.join)
		}
	}
	q.add(" WHERE "+s.inInts("t.experiment"), s.ints(query.Experiments))
	if v.where != "" {
		q.add(" AND " + v.where)
	}
	if m.where != "" {
		q.add(" AND " + m.where)
	}
	during := "t.request_time"
	if m.spanTime {
		during = v.time
	}
	if query.From != nil {
		q.add(" AND "+during+" >= ?", *query.From)
	}
	if query.To != nil {
		q.add(" AND "+during+" <= ?", *query.To)
	}
	if err := s.traceMetricFilters(q, query); err != nil {
		return err
	}
	q.add(" GROUP BY 1")
	for i := range columns[1:] {
		q.add(fmt.Sprintf(", %d", i+2))
	}
	return nil
}

func columnsOf(v *traceView, dimensions []string) (list []column) {
	for _, d := range dimensions {
		list = append(list, v.dimensions[d])
	}
	return list
}

func (s *Store) traceMetricFilters(q *text, query *track.TraceMetricQuery) error {
	for _, text := range query.Filters {
		clauses, err := filter.TraceMetrics().Parse(text)
		if err != nil {
			return err
		}
		if len(clauses) != 1 {
			return track.Errorf(track.InvalidParameter, "Invalid filter: '%s'. Expected one filter clause.", text)
		}
		q.add(" AND ")
		if err := s.traceMetricClause(q, query.View, &clauses[0]); err != nil {
			return err
		}
	}
	return nil
}

// traceMetricClause adds a condition. Spans and assessments have some only where
// it is they that are counted.
func (s *Store) traceMetricClause(q *text, view string, c *filter.Clause) error {
	entity, key, keyed := strings.Cut(c.Key, ".")
	known := map[filter.Kind][]string{filter.Metadata: {"status", "tag", "metadata"}, filter.Span: {"name", "status", "type"}, filter.Feedback: {"name", "type"}}[c.Kind]
	words := map[filter.Kind]string{filter.Metadata: "trace", filter.Span: "span", filter.Feedback: "assessment"}
	needsKey := entity == "tag" || entity == "metadata"
	switch word := words[c.Kind]; {
	case !slices.Contains(known, entity):
		return track.Errorf(track.InvalidParameter, "Invalid entity '%s' specified for view type '%s'. Valid entities are %s", entity, word, quoteAll(known))
	case needsKey && !keyed:
		return track.Errorf(track.InvalidParameter, "Filtering by %s requires a key, e.g. '%s.%[1]s.<key> = <value>'", entity, word)
	case !needsKey && keyed:
		return track.Errorf(track.InvalidParameter, "Filtering by %s does not require a key, use '%s.%[1]s' instead", entity, word)
	case c.Kind == filter.Span && view != "SPANS", c.Kind == filter.Feedback && view != "ASSESSMENTS":
		return track.Errorf(track.InvalidParameter, "Filtering by %s is only supported for %sS view type, got %s", word, strings.ToUpper(word), view)
	}
	switch {
	case needsKey:
		kind := filter.Tag
		if entity == "metadata" {
			kind = filter.Metadata
		}
		s.traceTag(q, &filter.Clause{Kind: kind, Key: key, Op: filter.Equal, Text: c.Text})
	case c.Kind == filter.Metadata:
		q.add("t.state = ?", c.Text)
	case c.Kind == filter.Span:
		q.add("p."+entity+" = ?", c.Text)
	case entity == "name":
		q.add("a.name = ?", c.Text)
	default:
		q.add("CASE a.expectation WHEN 1 THEN 'expectation' ELSE 'feedback' END = ?", c.Text)
	}
	return nil
}

// scan reads a row of a query.
func (g *groups) scan(v *traceView, scan func(...any) error) error {
	var bucket, n int64
	var value sql.NullString
	dimensions := make([]sql.NullString, len(g.query.Dimensions))
	into := []any{&bucket}
	for i := range dimensions {
		into = append(into, &dimensions[i])
	}
	if err := scan(append(into, &value, &n)...); err != nil || !value.Valid {
		return err
	}
	var of []track.Tag
	if g.query.Interval > 0 {
		of = append(of, track.Tag{Key: track.TimeBucket, Value: time.UnixMilli(bucket).UTC().Format("2006-01-02T15:04:05+00:00")})
	}
	for i, d := range g.query.Dimensions {
		text, ok := v.dimensions[d].read(dimensions[i].String)
		if !dimensions[i].Valid || !ok {
			return nil // what has no such dimension is in no group
		}
		of = append(of, track.Tag{Key: d, Value: text})
	}
	g.add(bucket, of, value.String, n)
	return nil
}
