package mlflow

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestCorrelation(t *testing.T) {
	t.Parallel()
	// What MLflow 3.17.2 says.
	for counts, want := range map[[4]int64][2]float64{
		{100, 20, 15, 10}: {0.5228787452803378, 0.5098689991831412},
		{20, 5, 5, 0}:     {math.NaN(), -0.31330979162112166},
		{5, 5, 5, 5}:      {1, 1},
		{10, 3, 3, 3}:     {1, 0.7832535366582641},
		{4, 4, 3, 2}:      {math.NaN(), math.NaN()},
		{4, 0, 3, 0}:      {math.NaN(), math.NaN()},
		{0, 0, 0, 0}:      {math.NaN(), math.NaN()},
	} {
		for i, more := range []float64{0, 0.5} {
			got := correlation(counts[0], counts[1], counts[2], counts[3], more)
			if math.IsNaN(got) != math.IsNaN(want[i]) || math.Abs(got-want[i]) > 1e-12 {
				t.Errorf("%v, %g more: %v, want %v", counts, more, got, want[i])
			}
		}
	}
}

func TestCorrelateTraces(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const traces = "/api/3.0/mlflow/traces"
	for i := range 10 {
		s.must(s.send("POST", traces, fmt.Sprintf(`{"trace": {"trace_info": {"trace_id": "tr-%d", "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}},
			"request_time": "2026-01-01T00:00:00Z", "state": "OK", "tags": {"a": "%t", "b": "%t", "c": "%t"}}}}`, i, i < 3, i >= 7, i < 5)))
	}
	ask := func(rest string) string {
		_, body := s.send("POST", traces+"/calculate-filter-correlation", `{"experiment_ids": ["0"]`+rest+`}`)
		return body
	}
	for rest, want := range map[string]string{
		`, "filter_string1": "tags.a = 'true'", "filter_string2": "tags.b = 'true'"`:                                   `{"npmi":-1.0,"npmi_smoothed":-0.30862575191318`,
		`, "filter_string1": "tags.a = 'true'", "filter_string2": "tags.a = 'true'"`:                                   `"filter1_count":3,"filter2_count":3,"joint_count":3,"total_count":10}`,
		`, "filter_string1": "tags.a = 'true'", "filter_string2": "tags.b = 'true'", "base_filter": "tags.c = 'true'"`: `{"npmi":"NaN","npmi_smoothed":"NaN","filter1_count":3,"filter2_count":0,"joint_count":0,"total_count":5}`,
		`, "filter_string1": "tags.a = 'true'"`:                                                                        "Missing value for required parameter 'filter_string2'",
		`, "filter_string1": "tags.a = 'true'", "filter_string2": "nonsense"`:                                          "INVALID_PARAMETER_VALUE",
	} {
		if got := ask(rest); !strings.Contains(got, want) {
			t.Errorf("%s: %s", rest, got)
		}
	}
}
