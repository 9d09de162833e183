package sql

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xtrepro/xt/track"
)

// testTraceMetrics asks in each way for what is in JSON, and what is not.
func testTraceMetrics(t *testing.T, s track.Store) {
	ctx := t.Context()
	for i, usage := range []string{`{"input_tokens": 1, "output_tokens": "8"}`, `{"input_tokens": 2.5}`, "[", `{"input_tokens": 4}`, `{"input_tokens": 1}`} {
		must[track.TraceInfo](t)(s.PutTrace(ctx, track.TraceInfo{ID: fmt.Sprint("tr-", i), RequestTime: int64(i) * 600, Duration: int64(i*10 - 10), State: "OK",
			Tags:     []track.Tag{{Key: "mlflow.traceName", Value: []string{"a", "b"}[i%2]}},
			Metadata: []track.Tag{{Key: "mlflow.trace.session", Value: fmt.Sprint(i / 2)}, {Key: "mlflow.trace.tokenUsage", Value: usage}}}))
	}
	var spans []track.Span
	for i, attributes := range []string{`"mlflow.llm.model": "\"m\"", "mlflow.llm.cost": "{\"input_cost\": 0.25}"`, `"mlflow.llm.model": "plain", "mlflow.llm.cost": "{"`, `"x": "\u0000"`} {
		spans = append(spans, track.Span{TraceID: "tr-4", ID: fmt.Sprint(i), Name: "n", Type: "LLM", Status: "OK", StartNano: 2400e6, EndNano: 2410e6 * int64(i), Content: `{"attributes": {` + attributes + `}}`})
	}
	check(t, s.PutSpans(ctx, 0, spans))
	for i, value := range []string{"true", `"No"`, "0.5", `"0.5"`, ""} {
		must[track.Assessment](t)(s.CreateAssessment(ctx, track.Assessment{TraceID: "tr-1", Name: "n", Value: value, Expectation: i == 2}))
	}
	zero, end := int64(0), int64(2000)
	for _, c := range []struct {
		query track.TraceMetricQuery
		want  string
	}{
		{track.TraceMetricQuery{View: "TRACES", Metric: "trace_count"}, "COUNT=5"},
		{track.TraceMetricQuery{View: "TRACES", Metric: "trace_count", Experiments: []int64{9}}, "COUNT=0"},
		{track.TraceMetricQuery{View: "TRACES", Metric: "trace_count", Experiments: []int64{9}, Dimensions: []string{"trace_name"}}, ""},
		{track.TraceMetricQuery{View: "TRACES", Metric: "session_count"}, "COUNT=3"},
		{track.TraceMetricQuery{View: "TRACES", Metric: "trace_count", Interval: 1, From: &zero, To: &end, Dimensions: []string{"trace_name"}},
			"1970-01-01T00:00:00+00:00,a COUNT=1; 1970-01-01T00:00:00+00:00,b COUNT=1; 1970-01-01T00:00:01+00:00,a COUNT=1; 1970-01-01T00:00:01+00:00,b COUNT=1"},
		{track.TraceMetricQuery{View: "TRACES", Metric: "latency"}, "AVG=15 MIN=0 MAX=30 P50.0=15 P99.9=29.97"},
		{track.TraceMetricQuery{View: "TRACES", Metric: "input_tokens"}, "AVG=2 MIN=1 MAX=4 P50.0=1 P99.9=3.994"},
		{track.TraceMetricQuery{View: "TRACES", Metric: "output_tokens", Dimensions: []string{"trace_name"}}, "a AVG=8 MIN=8 MAX=8 P50.0=8 P99.9=8"},
		{track.TraceMetricQuery{View: "TRACES", Metric: "total_tokens"}, ""},
		{track.TraceMetricQuery{View: "TRACES", Metric: "trace_count", Filters: []string{"trace.tag.mlflow.traceName = 'b'"}}, "COUNT=2"},
		{track.TraceMetricQuery{View: "SPANS", Metric: "span_count", Dimensions: []string{"span_type", "span_model_name"}}, "LLM,m COUNT=1; LLM,plain COUNT=1"},
		{track.TraceMetricQuery{View: "SPANS", Metric: "latency"}, "AVG=1215 MIN=10 MAX=2420 P50.0=1215 P99.9=2417.59"},
		{track.TraceMetricQuery{View: "SPANS", Metric: "input_cost"}, "AVG=0.25 MIN=0.25 MAX=0.25 P50.0=0.25 P99.9=0.25"},
		{track.TraceMetricQuery{View: "SPANS", Metric: "input_cost", To: &end}, ""},
		{track.TraceMetricQuery{View: "ASSESSMENTS", Metric: "assessment_count", Dimensions: []string{"assessment_value"}}, `"0.5" COUNT=1; "No" COUNT=1; 0.5 COUNT=1; null COUNT=1; true COUNT=1`},
		{track.TraceMetricQuery{View: "ASSESSMENTS", Metric: "assessment_value"}, "AVG=0.5 MIN=0 MAX=1 P50.0=0.5 P99.9=0.999"},
		{track.TraceMetricQuery{View: "ASSESSMENTS", Metric: "assessment_count", Filters: []string{"assessment.type = 'expectation'"}}, "COUNT=1"},
	} {
		c.query.Max = 100
		if c.query.Experiments == nil {
			c.query.Experiments = []int64{0}
		}
		if c.query.Aggregations = []track.Aggregation{{Type: "COUNT"}}; !strings.HasSuffix(c.query.Metric, "count") {
			c.query.Aggregations = []track.Aggregation{{Type: "AVG"}, {Type: "MIN"}, {Type: "MAX"}, {Type: "PERCENTILE", Percentile: 50}, {Type: "PERCENTILE", Percentile: 99.9}}
		}
		page, err := s.TraceMetrics(ctx, c.query)
		if got := writePoints(page.Items); got != c.want || err != nil {
			t.Errorf("%+v: %s, %v", c.query, got, err)
		}
	}
}

// writePoints writes the dimensions of each point, and what it has.
func writePoints(points []track.TraceMetricPoint) string {
	var all []string
	for _, p := range points {
		var dimensions, words []string
		for _, d := range p.Dimensions {
			dimensions = append(dimensions, d.Value)
		}
		if dimensions != nil {
			words = append(words, strings.Join(dimensions, ","))
		}
		for _, v := range p.Values {
			words = append(words, fmt.Sprintf("%s=%.6g", v.Name, v.Value))
		}
		all = append(all, strings.Join(words, " "))
	}
	return strings.Join(all, "; ")
}
