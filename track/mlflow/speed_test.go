package mlflow

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkParseBatch reads what a client sends in one batch, without the store.
func BenchmarkParseBatch(b *testing.B) {
	body := []byte(`{"run_id": "r", "metrics": [` + points(1000) + `]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var a args
		a.parse(body)
		if m := a.metrics("metrics"); len(m) != 1000 || a.err != nil {
			b.Fatal(len(m), a.err)
		}
	}
}

// BenchmarkLogMetric is a point by itself, with the store and without the
// network.
func BenchmarkLogMetric(b *testing.B) {
	s := newServer(b)
	_, run := s.newRun("speed")
	body := `{"run_uuid":"` + run + `","key":"loss","value":0.25,"timestamp":1,"step":1,"run_id":"` + run + `"}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", api+"/runs/log-metric", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Config.Handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
