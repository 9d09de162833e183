package mlflow

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/track/sql"
)

// testServer is a server of an empty store.
type testServer struct {
	*httptest.Server
	store *sql.Store
	t     testing.TB
	parts atomic.Int32 // requests that were about uploads in parts
}

func newServer(t testing.TB) *testServer {
	t.Helper()
	bytes, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store, err := sql.Open(t.Context(), filepath.Join(t.TempDir(), "runs.db"), sql.Options{Cache: bytes})
	if err != nil {
		t.Fatal(err)
	}
	handler := New(store, Options{Temp: t.TempDir(), Report: func(r *http.Request, err error) { t.Errorf("%s %s: %v", r.Method, r.URL, err) }})
	s := &testServer{store: store, t: t}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/mpu/part/") {
			s.parts.Add(1)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		s.Close()
		for _, close := range []func() error{handler.Close, store.Close} {
			if err := close(); err != nil {
				t.Error(err)
			}
		}
	})
	return s
}

// send sends a request, with a body of JSON unless that is "", and returns the
// answer.
func (s *testServer) send(method, path, body string) (*http.Response, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return s.do(req)
}

func (s *testServer) do(req *http.Request) (*http.Response, string) {
	s.t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, string(b)
}

const api = "/api/2.0/mlflow"

// get returns what a GET answers with, and must succeed.
func (s *testServer) get(path string) map[string]any { return s.must(s.send("GET", path, "")) }

// post returns what a POST answers with, and must succeed.
func (s *testServer) post(path string, body any) map[string]any {
	s.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.must(s.send("POST", api+path, string(b)))
}

func (s *testServer) must(resp *http.Response, body string) map[string]any {
	s.t.Helper()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s: %s", resp.Request.URL, resp.Status, body)
	}
	var answer map[string]any
	dec := json.NewDecoder(bytes.NewReader([]byte(body)))
	if err := dec.Decode(&answer); err != nil {
		s.t.Fatalf("%s: %v: %s", resp.Request.URL, err, body)
	}
	return answer
}

// at returns what is at a place in an answer: names of fields, numbers of
// elements.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

// newRun makes an experiment and a run in it.
func (s *testServer) newRun(name string) (experiment, run string) {
	s.t.Helper()
	experiment = at(s.post("/experiments/create", object{"name": name}), "experiment_id").(string)
	return experiment, at(s.post("/runs/create", object{"experiment_id": experiment, "user_id": "u", "start_time": 1}), "run", "info", "run_id").(string)
}
