package wandb

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/sql"
)

// testServer is a server of an empty store.
type testServer struct {
	*httptest.Server
	handler *Server
	store   *sql.Store
	t       testing.TB
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
	s := &testServer{handler: New(store, Options{}), store: store, t: t}
	s.Server = httptest.NewServer(s.handler)
	t.Cleanup(func() {
		s.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// send sends a request and returns the status and the body of the answer. Headers are
// "Name: value".
func (s *testServer) send(method, url, body string, headers ...string) (int, string) {
	s.t.Helper()
	if strings.HasPrefix(url, "/") {
		url = s.URL + url
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// ask sends a query and returns the answer.
func (s *testServer) ask(query string, vars map[string]any) string {
	s.t.Helper()
	b, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		s.t.Fatal(err)
	}
	status, body := s.send("POST", "/graphql", string(b))
	if status != http.StatusOK {
		s.t.Fatalf("%d: %s", status, body)
	}
	return body
}

// begin makes a run and returns the one of the store.
func (s *testServer) begin(project, name, config string) track.Run {
	s.t.Helper()
	s.ask(`mutation($p: String, $n: String, $c: JSONString) { upsertBucket(input: {modelName: $p, name: $n, config: $c, host: "h"}) { bucket { id } } }`,
		map[string]any{"p": project, "n": name, "c": config})
	return s.run(project, name)
}

func (s *testServer) run(project, name string) track.Run {
	s.t.Helper()
	kept, err := s.handler.loadRun(s.t.Context(), newRunName("", project, name))
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := s.store.Run(s.t.Context(), kept.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// stream sends a chunk of a run.
func (s *testServer) stream(project, run, chunk string) {
	s.t.Helper()
	if status, body := s.send("POST", "/files/local/"+project+"/"+run+"/file_stream", chunk); status != http.StatusOK {
		s.t.Fatalf("%d: %s", status, body)
	}
}

// serve answers a request without a network between, and returns the status.
func (s *testServer) serve(url, body string) int {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, httptest.NewRequest("POST", url, strings.NewReader(body)))
	return w.Code
}
