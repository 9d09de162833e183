package access

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func newGuard() *Guard {
	return &Guard{
		Next:  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }),
		Reads: func(r *http.Request) bool { return r.Method == http.MethodGet },
		Deny: func(w http.ResponseWriter, _ *http.Request, status int, message string) {
			http.Error(w, message, status)
		},
	}
}

// ask returns the status that a request is answered with; headers are
// "Name: value".
func ask(g *Guard, method, url string, headers ...string) int {
	r := httptest.NewRequest(method, url, strings.NewReader("x"))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Code
}

func TestWithoutTokens(t *testing.T) {
	t.Parallel()
	g := newGuard()
	g.Hosts = []string{"runs.example.org"}
	for _, c := range []struct {
		method, url, header string
		want                int
	}{
		{"GET", "http://127.0.0.1:5000/x", "", 200},
		{"POST", "http://localhost:5000/x", "", 200},
		{"POST", "http://[::1]:5000/x", "", 200},
		{"POST", "http://runs.example.org/x", "", 200},
		{"GET", "http://evil.example.com/x", "", 403},
		{"GET", "http://10.0.0.1:5000/x", "", 403},
		{"GET", "http://evil.example.com/health", "", 200},
		{"POST", "http://localhost:5000/x", "Origin: http://evil.example.com", 403},
		{"PUT", "http://localhost:5000/x", "Origin: null", 403},
		{"DELETE", "http://localhost:5000/x", "Sec-Fetch-Site: cross-site", 403},
		{"POST", "http://localhost:5000/x", "Origin: http://localhost:5000", 200},
	} {
		if got := ask(g, c.method, c.url, c.header); got != c.want {
			t.Errorf("%s %s, %s: %d, want %d", c.method, c.url, c.header, got, c.want)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	g := newGuard()
	g.Tokens, g.Secret = filepath.Join(t.TempDir(), "deep", "tokens"), "a secret of the server"
	writer, err := AddToken(g.Tokens, "ann", Write)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := AddToken(g.Tokens, "dashboard", Read)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := AddToken(g.Tokens, "ann", Read); err == nil {
		t.Error("two tokens have the same name")
	}
	b, err := os.ReadFile(g.Tokens)
	if err != nil || strings.Contains(string(b), writer) {
		t.Errorf("the file holds the secret: %s, %v", b, err)
	}
	basic := httptest.NewRequest("GET", "/", nil)
	basic.SetBasicAuth("ann", writer)
	for _, c := range []struct {
		method, header string
		want           int
	}{
		{"GET", "", 401},
		{"POST", "Authorization: Bearer nonsense", 401},
		{"POST", "Authorization: Bearer ", 401},
		{"POST", "Authorization: Bearer " + writer, 200},
		{"POST", "Authorization: bearer " + writer, 200},
		{"POST", "Authorization: " + basic.Header.Get("Authorization"), 200},
		{"POST", "Authorization: Bearer " + g.Secret, 200},
		{"GET", "Authorization: Bearer " + reader, 200},
		{"POST", "Authorization: Bearer " + reader, 403},
	} {
		if got := ask(g, c.method, "http://runs.example.org/x", c.header); got != c.want {
			t.Errorf("%s, %s: %d, want %d", c.method, c.header, got, c.want)
		}
	}
	if found, err := RemoveToken(g.Tokens, "ann"); !found || err != nil {
		t.Errorf("remove: %v, %v", found, err)
	}
	again := newGuard()
	again.Tokens = g.Tokens
	if got := ask(again, "GET", "/x", "Authorization: Bearer "+writer); got != 401 {
		t.Errorf("a token that was removed: %d", got)
	}
}

// A file that cannot be read must not open the door.
func TestBrokenTokens(t *testing.T) {
	t.Parallel()
	g := newGuard()
	g.Tokens = filepath.Join(t.TempDir(), "tokens")
	for _, text := range []string{"ann write", "ann write 00 2026-01-01T00:00:00Z", "ann admin " + strings.Repeat("00", 32) + " 2026-01-01T00:00:00Z"} {
		if err := os.WriteFile(g.Tokens, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		g.file = tokenFile{}
		if got := ask(g, "GET", "http://localhost/x"); got != 403 {
			t.Errorf("%q: %d", text, got)
		}
	}
}

func FuzzTokens(f *testing.F) {
	f.Add([]byte("# x\nann write " + strings.Repeat("00", 32) + " 2026-01-01T00:00:00Z\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tokens, err := parseTokens(b, "tokens")
		if err != nil {
			return
		}
		file := filepath.Join(t.TempDir(), "tokens")
		if err := writeTokens(file, tokens); err != nil {
			t.Fatal(err)
		}
		again, err := ReadTokens(file)
		if err != nil || len(again) != len(tokens) {
			t.Errorf("read %d of %d tokens back, %v", len(again), len(tokens), err)
		}
	})
}
