package download

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// content is what the servers below have.
var content = bytes.Repeat([]byte("0123456789abcdef"), 4096)

// quick is a Downloader that does not wait.
func quick() *Downloader {
	return &Downloader{sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
}

// get downloads from a server into a new part, and returns what came.
func get(t *testing.T, d *Downloader, url string, known Known) ([]byte, Result, error) {
	t.Helper()
	p, err := OpenPart(filepath.Join(t.TempDir(), "part"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Remove()
	r, err := d.Get(t.Context(), url, p, known)
	b, readErr := os.ReadFile(p.Path())
	if readErr != nil {
		t.Fatal(readErr)
	}
	return b, r, err
}

// serve starts a server whose nth request is answered by the nth handler, and
// all that follow by the last one. n counts the requests.
func serve(t *testing.T, handlers ...http.HandlerFunc) (url string, n *atomic.Int32) {
	n = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := int(n.Add(1)) - 1
		handlers[min(i, len(handlers)-1)](w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, n
}

// whole answers as a good server does.
func whole(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"v1"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// cut ends the connection after n bytes of the whole.
func cut(n int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = w.Write(content[:n])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestGet(t *testing.T) {
	tag := []string{"ETag", `"v1"`}
	plain := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) }
	noRange := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		plain(w, r)
	}
	ranged := func(header string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", header)
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(content[1000:])
		}
	}
	tests := []struct {
		name     string
		handlers []http.HandlerFunc
		requests int32
		version  string
	}{
		{"at once", []http.HandlerFunc{whole}, 1, `"v1"`},
		{"chunked", []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			plain(w, r)
		}}, 1, ""},
		{"gone on with", []http.HandlerFunc{cut(1000, tag...), whole}, 2, `"v1"`},
		{"no ranges", []http.HandlerFunc{cut(1000, tag...), noRange}, 2, `"v1"`},
		{"no validator", []http.HandlerFunc{cut(1000), plain}, 2, ""},
		{"weak validator", []http.HandlerFunc{cut(1000, "ETag", `W/"v1"`), whole}, 2, `"v1"`},
		{"changed meanwhile", []http.HandlerFunc{cut(1000, "ETag", `"v0"`), whole}, 2, `"v1"`},
		{"another range", []http.HandlerFunc{cut(1000, tag...), ranged("bytes 999-65534/65536"), whole}, 3, `"v1"`},
		{"another size", []http.HandlerFunc{cut(1000, tag...), ranged("bytes 1000-1009/1010"), whole}, 3, `"v1"`},
		{"range refused", []http.HandlerFunc{cut(1000, tag...), status(416), whole}, 3, `"v1"`},
		{"busy", []http.HandlerFunc{status(503), status(429), status(500), whole}, 4, `"v1"`},
		{"broken again and again", []http.HandlerFunc{cut(10, tag...), status(502), status(502), cut(20, tag...), status(502), status(502), status(502), status(502), status(502), whole}, 10, `"v1"`},
		{"ends before it answers", []http.HandlerFunc{func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, whole}, 2, `"v1"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, n := serve(t, tt.handlers...)
			b, r, err := get(t, quick(), url, Known{})
			if err != nil || !bytes.Equal(b, content) || r.Size != int64(len(content)) || r.Version != tt.version || r.Unchanged {
				t.Errorf("%d bytes, %+v, %v", len(b), r, err)
			}
			if n.Load() != tt.requests {
				t.Errorf("%d requests, want %d", n.Load(), tt.requests)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			_, _ = w.Write(content)
		}
	}
	tests := []struct {
		name     string
		handler  http.HandlerFunc
		requests int32
		kind     Kind
		text     string
	}{
		{"gone", status(404), 1, Gone, "404 Not Found"},
		{"denied", status(403), 1, Denied, "403 Forbidden"},
		{"no login", status(401), 1, Denied, "401 Unauthorized"},
		{"a teapot", status(418), 1, Other, "418"},
		{"unasked 304", status(304), 1, Other, "304"},
		{"always busy", status(503), maxTries, Temporary, "503"},
		{"always cut", cut(1000), maxTries, Temporary, "unexpected EOF"},
		{"too big", whole, 1, TooBig, "65536 bytes, and 60000 are allowed"},
		{"too big without saying", endless, 1, TooBig, "more than the 60000 bytes"},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}, 1, Other, "unsupported protocol scheme"},
		{"round and round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/?secret=1", http.StatusFound) }, 10, Other, "more than 10 times"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, n := serve(t, tt.handler)
			d := quick()
			if tt.kind == TooBig {
				d.MaxSize = 60000
			}
			_, _, err := get(t, d, url+"/x?sig=secret", Known{})
			var e *Error
			if !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v", err)
			}
			if n.Load() != tt.requests {
				t.Errorf("%d requests, want %d", n.Load(), tt.requests)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	url, _ := serve(t, whole)
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, _, err := get(t, quick(), s.URL, Known{})
	var e *Error
	if !errors.As(err, &e) || e.Kind != Unreachable {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p, err := OpenPart(filepath.Join(t.TempDir(), "part"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Remove()
	if _, err := quick().Get(ctx, url, p, Known{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after an end: %v", err)
	}
}

func TestSecureOnly(t *testing.T) {
	plain, _ := serve(t, whole)
	s := httptest.NewTLSServer(http.RedirectHandler(plain+"/secret", http.StatusFound))
	s.Config.ErrorLog = nil
	defer s.Close()
	_, _, err := get(t, quick(), s.URL, Known{})
	var e *Error
	if !errors.As(err, &e) || e.Kind != Untrusted {
		t.Errorf("an unknown certificate: %v", err)
	}
	d := quick()
	d.tls = &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	_, _, err = get(t, d, s.URL, Known{})
	if !errors.Is(err, errInsecure) || strings.Contains(err.Error(), "secret") {
		t.Errorf("from https to http: %v", err)
	}
}

func TestStall(t *testing.T) {
	stuck := make(chan struct{})
	url, n := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = w.Write(content[:100])
		w.(http.Flusher).Flush()
		<-stuck
	}, whole)
	defer close(stuck)
	d := quick()
	d.stall = 50 * time.Millisecond
	b, _, err := get(t, d, url, Known{})
	if err != nil || !bytes.Equal(b, content) || n.Load() != 2 {
		t.Errorf("%d bytes in %d requests, %v", len(b), n.Load(), err)
	}
}

func TestUnchanged(t *testing.T) {
	dated := func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(content))
	}
	careless := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		_, _ = w.Write(content)
	}
	date := time.Unix(1e9, 0).UTC().Format(http.TimeFormat)
	for _, c := range []struct {
		name      string
		handler   http.HandlerFunc
		known     Known
		unchanged bool
		version   string
	}{
		{"same tag", whole, Known{`"v1"`, 1}, true, `"v1"`},
		{"another tag", whole, Known{`"v0"`, 1}, false, `"v1"`},
		{"a server that does not compare", careless, Known{`"v1"`, 1}, true, `"v1"`},
		{"same date", dated, Known{date, int64(len(content))}, true, date},
		{"later date", dated, Known{time.Unix(1e8, 0).UTC().Format(http.TimeFormat), 1}, false, date},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, _ := serve(t, c.handler)
			_, r, err := get(t, quick(), url, c.known)
			if err != nil || r.Unchanged != c.unchanged || r.Version != c.version {
				t.Errorf("got %+v, %v", r, err)
			}
		})
	}
}

// TestPartSurvives gives a download up and goes on with it in another process,
// as it were.
func TestPartSurvives(t *testing.T) {
	var asked string
	url, _ := serve(t, cut(1000, "ETag", `"v1"`), func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Get("Range")
		whole(w, r)
	})
	path := filepath.Join(t.TempDir(), "part")
	p, err := OpenPart(path)
	if err != nil {
		t.Fatal(err)
	}
	d := &Downloader{sleep: func(context.Context, time.Duration) error { return context.Canceled }}
	if _, err := d.Get(t.Context(), url, p, Known{}); err == nil {
		t.Fatal("the download was not given up")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if p, err = OpenPart(path); err != nil {
		t.Fatal(err)
	}
	r, err := quick().Get(t.Context(), url, p, Known{})
	b, _ := os.ReadFile(path)
	if err != nil || asked != "bytes=1000-" || r.Version != `"v1"` || !bytes.Equal(b, content) {
		t.Errorf("asked for %q, %+v, %v", asked, r, err)
	}
	if err := p.Remove(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestPartAfterKill finds a file without the note of an orderly end, and with a
// broken one.
func TestPartAfterKill(t *testing.T) {
	for _, note := range []string{"", "{", `{"size": 3, "validator": ""}`, `{"size": -3, "validator": "x"}`, `{"size": 30, "validator": "x"}`} {
		path := filepath.Join(t.TempDir(), "part")
		if err := errors.Join(os.WriteFile(path, []byte("rest"), 0o666), os.WriteFile(noteOf(path), []byte(note), 0o666)); err != nil {
			t.Fatal(err)
		}
		p, err := OpenPart(path)
		if err != nil || p.size != 0 {
			t.Errorf("note %q: goes on at %d, %v", note, p.size, err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("nothing can be gone on with, but the file stays")
		}
	}
}

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-1/2", "bytes 0-1/*", "bytes */2", "bytes 2-1/3", "bytes -1-2/3", "items 0-1/2", "bytes 0-1/1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		from, total, ok := contentRange(s)
		if ok && (from < 0 || total >= 0 && from >= total) {
			t.Errorf("%q: from %d of %d", s, from, total)
		}
	})
}
