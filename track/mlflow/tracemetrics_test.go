package mlflow

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/internal/testserver"
)

// TestTraceMetrics has MLflow's own client ask for metrics of traces, once over this
// API and once of MLflow's own store, and compares what it sees.
func TestTraceMetrics(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("installs MLflow")
	}
	env := testserver.Python(t, "mlflow-skinny==3.17.2", "sqlalchemy==2.1.9", "alembic==1.20.1", "pandas==3.1.1")
	got := printed(t, env, "trace_metrics.py", newServer(t).URL)
	want := printed(t, env, "trace_metrics.py", "sqlite:///"+filepath.ToSlash(filepath.Join(t.TempDir(), "mlflow.db")))
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestTraceMetricErrors sends what is wrong, and asks for one page after the other.
func TestTraceMetricErrors(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const traces = "/api/3.0/mlflow/traces"
	for _, id := range []string{"a", "b", "c"} {
		s.must(s.send("POST", traces, `{"trace": {"trace_info": {"trace_id": "`+id+`", "trace_location": {"mlflow_experiment": {"experiment_id": "0"}},
			"request_time": "2026-01-01T00:00:00Z", "state": "OK", "tags": {"mlflow.traceName": "`+id+`"}}}}`))
	}
	const count = `"view_type": 1, "metric_name": "trace_count", "aggregations": [{"aggregation_type": 1}]`
	for rest, want := range map[string]string{
		count: `{"data_points":[{"metric_name":"trace_count","values":{"COUNT":3.0}}]}`,
		count + `, "dimensions": ["trace_name"], "max_results": 2, "page_token": "eyJvZmZzZXQiOiAyfQ=="`: `{"data_points":[{"metric_name":"trace_count","dimensions":{"trace_name":"c"},"values":{"COUNT":1.0}}]}`,
		count + `, "dimensions": ["trace_name"], "max_results": 2`:                                       `"next_page_token":"eyJvZmZzZXQiOiAyfQ=="`,
		count + `, "dimensions": ["trace_name"], "page_token": "eyJvZmZzZXQiOiA5OX0="`:                   `{}`,
		count + `, "dimensions": ["trace_name"], "page_token": "!"`:                                      "Invalid page token",
		count + `, "max_results": 0`:                                                                                                     "Invalid value 0 for parameter 'max_results'",
		count + `, "time_interval_seconds": 60`:                                                                                          "start_time_ms and end_time_ms are required if time_interval_seconds is set",
		count + `, "time_interval_seconds": -1, "start_time_ms": 0, "end_time_ms": 1`:                                                    "'time_interval_seconds'",
		count + `, "filters": ["span.name = 'x'"]`:                                                                                       "Filtering by span is only supported for SPANS view type, got TRACES",
		count + `, "filters": ["trace.tag = 'x'"]`:                                                                                       "Filtering by tag requires a key, e.g. 'trace.tag.<key> = <value>'",
		count + `, "filters": ["trace.status.x = 'x'"]`:                                                                                  "Filtering by status does not require a key, use 'trace.status' instead",
		count + `, "filters": ["trace.status = 'OK' AND trace.status = 'OK'"]`:                                                           "Expected one filter clause.",
		count + `, "dimensions": ["x", "trace_name"]`:                                                                                    "Found invalid dimension(s): ['x']. Supported dimensions: ['trace_name', 'trace_status']",
		`"metric_name": "trace_count", "aggregations": []`:                                                                               "Missing value for required parameter 'view_type'",
		`"view_type": "OTHER", "metric_name": "x", "aggregations": []`:                                                                   "view_type must be one of",
		`"view_type": 3, "metric_name": "x", "aggregations": []`:                                                                         "metric_name must be one of ['assessment_count', 'assessment_value'], got 'x'",
		`"view_type": "TRACES", "metric_name": "latency", "aggregations": [{"aggregation_type": "SUM"}]`:                                 "Found invalid aggregation_type(s): ['SUM']. Supported aggregation types: ['AVG', 'MAX', 'MIN', 'PERCENTILE']",
		`"view_type": "TRACES", "metric_name": "latency", "aggregations": [{"aggregation_type": "MODE"}]`:                                "aggregations[0].aggregation_type",
		`"view_type": "TRACES", "metric_name": "latency", "aggregations": [{}]`:                                                          "Missing value for required parameter 'aggregations[0].aggregation_type'",
		`"view_type": "TRACES", "metric_name": "latency", "aggregations": [{"aggregation_type": "PERCENTILE"}]`:                          "Percentile value is required",
		`"view_type": "TRACES", "metric_name": "latency", "aggregations": [{"aggregation_type": "PERCENTILE", "percentile_value": 101}]`: "Percentile value must be between 0 and 100, got 101",
		`"view_type": "TRACES", "metric_name": "latency", "aggregations": [{"aggregation_type": "AVG", "percentile_value": 5}]`:          "Percentile value is only allowed for PERCENTILE aggregation type, got AVG",
	} {
		if _, body := s.send("POST", traces+"/metrics", `{"experiment_ids": ["0"], `+rest+`}`); !strings.Contains(body, want) {
			t.Errorf("%s: %s", rest, body)
		}
	}
}
