package testserver

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Disturbance is a proxy that disturbs connections.
type Disturbance struct {
	Addr string // host:port that it listens on

	t     testing.TB
	proxy *toxiproxy.Proxy
}

// Proxy runs a [toxiproxy] in front of a server.
//
// [toxiproxy]: https://github.com/Shopify/toxiproxy
func Proxy(t testing.TB, upstream string) *Disturbance {
	t.Helper()
	zerolog.SetGlobalLevel(zerolog.Disabled) // toxics print on their own
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, "proxy", "127.0.0.1:0", upstream)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return &Disturbance{Addr: p.Listen, t: t, proxy: p}
}

// Add adds a toxic, such as "latency", "bandwidth", "timeout", "reset_peer",
// "slicer" or "limit_data", with its attributes, to a stream: "upstream" or
// "downstream".
func (d *Disturbance) Add(kind, stream string, attributes map[string]any) {
	d.t.Helper()
	text, err := json.Marshal(map[string]any{"name": kind, "type": kind, "stream": stream, "attributes": attributes})
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.proxy.Toxics.AddToxicJson(bytes.NewReader(text)); err != nil {
		d.t.Fatal(err)
	}
}

// Remove removes a toxic.
func (d *Disturbance) Remove(kind string) {
	d.t.Helper()
	if err := d.proxy.Toxics.RemoveToxic(d.t.Context(), kind); err != nil {
		d.t.Fatal(err)
	}
}

// Fault is a proxy that answers HTTP in place of a server, or changes what it
// answers.
type Fault struct {
	Addr string // host:port that it listens on

	mu     sync.Mutex
	before func(http.ResponseWriter, *http.Request) bool
	after  func(*http.Response) error
}

// Faulty runs such a proxy in front of a server.
func Faulty(t testing.TB, upstream string) *Fault {
	t.Helper()
	f := &Fault{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: upstream})
			r.Out.Host = r.In.Host // it is signed
		},
		ModifyResponse: func(answer *http.Response) error {
			if after := f.hooks().after; after != nil {
				return after(answer)
			}
			return nil
		},
		FlushInterval: -1, // what comes before a fault is passed on
		ErrorLog:      log.New(io.Discard, "", 0),
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before := f.hooks().before; before != nil && before(w, r) {
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	f.Addr = strings.TrimPrefix(server.URL, "http://")
	return f
}

type hooks struct {
	before func(http.ResponseWriter, *http.Request) bool
	after  func(*http.Response) error
}

func (f *Fault) hooks() hooks {
	f.mu.Lock()
	defer f.mu.Unlock()
	return hooks{f.before, f.after}
}

// Before sets what may answer a request; it returns whether it did. nil ends
// that.
func (f *Fault) Before(hook func(http.ResponseWriter, *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = hook
}

// After sets what may change an answer, or cut it off by an error. nil ends
// that.
func (f *Fault) After(hook func(*http.Response) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.after = hook
}
