package mlflow

import (
	"github.com/xtrepro/xt/track"
)

// queryTraceMetrics answers what charts of traces show.
func (c *call) queryTraceMetrics() error {
	const most = 1000 // in a page, unless more is asked for
	q := track.TraceMetricQuery{
		Experiments: c.experiments("experiment_ids"), View: c.enum("view_type", "", "TRACES", "SPANS", "ASSESSMENTS"), Metric: c.text("metric_name"),
		Dimensions: c.texts("dimensions"), Filters: c.texts("filters"), Interval: c.int("time_interval_seconds", 0),
		From: c.bound("start_time_ms"), To: c.bound("end_time_ms"), Max: int(c.int("max_results", most)), PageToken: c.text("page_token"),
	}
	c.each("aggregations", func(a *args) { q.Aggregations = append(q.Aggregations, a.aggregation()) })
	if c.err != nil {
		return c.err
	}
	page, err := c.store.TraceMetrics(c.ctx, q)
	return answerPage(c, "data_points", page, err, func(e *encoder, p *track.TraceMetricPoint) {
		e.open()
		e.str("metric_name", q.Metric)
		e.dict("dimensions", p.Dimensions)
		e.name("values")
		e.open()
		for _, v := range p.Values {
			e.float(v.Name, v.Value)
		}
		e.close()
		e.close()
	})
}

// bound returns a time, nil without one.
func (a *args) bound(name string) *int64 {
	if a.get(name) == nil {
		return nil
	}
	time := a.int(name, 0)
	return &time
}

// aggregation reads what is to be made of the values of a group.
func (a *args) aggregation() track.Aggregation {
	a.need("aggregation_type")
	g := track.Aggregation{Type: a.enum("aggregation_type", "", "COUNT", "SUM", "AVG", "PERCENTILE", "MIN", "MAX"), Percentile: a.float("percentile_value")}
	switch has := a.get("percentile_value") != nil; {
	case g.Type == "" && a.err == nil:
		a.mistyped("aggregation_type", a.get("aggregation_type"))
	case g.Type == "PERCENTILE" && !has:
		a.note(track.Errorf(track.InvalidParameter, "Percentile value is required for PERCENTILE aggregation"))
	case g.Type != "PERCENTILE" && has:
		a.note(track.Errorf(track.InvalidParameter, "Percentile value is only allowed for PERCENTILE aggregation type, got %s", g.Type))
	}
	return g
}
