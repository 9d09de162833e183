package mlflow

import "testing"

// TestHistoriesInOrder answers with runs in the order of their ids, however they
// are asked for.
func TestHistoriesInOrder(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	_, a := s.newRun("a")
	_, b := s.newRun("b")
	for _, run := range []string{a, b} {
		s.post("/runs/log-metric", object{"run_id": run, "key": "m", "value": 1, "timestamp": 1})
	}
	for _, query := range []string{"run_id=" + a + "&run_id=" + b, "run_id=" + b + "&run_id=" + a} {
		got := s.get(api + "/metrics/get-history-bulk?metric_key=m&" + query)
		if at(got, "metrics", 0, "run_id") != min(a, b) || at(got, "metrics", 1, "run_id") != max(a, b) {
			t.Errorf("%s: %v", query, got)
		}
	}
}
