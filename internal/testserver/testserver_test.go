package testserver

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestServersStartAgain(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *Server{"s3": S3, "azure": Azure, "gcs": GCS, "sftp": SFTP, "postgres": Postgres} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			s.Stop()
			s.Start()
		})
	}
}

// upstream is a server that says hello.
func upstream(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func get(t *testing.T, addr string) (int, string, error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + addr)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), err
}

func TestFaulty(t *testing.T) {
	f := Faulty(t, upstream(t))
	if _, body, err := get(t, f.Addr); body != "hello" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
	f.After(func(answer *http.Response) error {
		answer.Body = FlipBit(answer.Body, 1)
		return nil
	})
	if _, body, err := get(t, f.Addr); body != "hdllo" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
	f.After(func(answer *http.Response) error {
		answer.Body = Truncate(answer.Body, 2)
		return nil
	})
	if _, body, err := get(t, f.Addr); body != "he" || err == nil {
		t.Errorf("%q, %v", body, err)
	}
	f.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	if status, _, _ := get(t, f.Addr); status != http.StatusServiceUnavailable {
		t.Errorf("it answers %d", status)
	}
}

func TestProxy(t *testing.T) {
	p := Proxy(t, upstream(t))
	p.Add("reset_peer", "downstream", map[string]any{"timeout": 0})
	if _, _, err := get(t, p.Addr); err == nil {
		t.Error("it was not reset")
	}
	p.Remove("reset_peer")
	if _, body, err := get(t, p.Addr); body != "hello" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
}
