package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// webServer serves a directory of a script, and disturbs what it serves.
type webServer struct {
	mu       sync.Mutex
	dir      string
	fault    string
	left     int // how often the fault comes; negative for always
	answered []string
}

// webCommand starts a web server that serves a directory at $WEB, makes it fail, and
// says what it has answered since it was last asked:
//
//	web serve files
//	web fault cut 1        # the next answer ends half-way
//	web fault 404          # all answers
//	web fault none
//	web answered 200 304
//
// Other faults are "noranges" (whoever wants the rest gets all), "untagged" (no
// ETag, and no date) and "stuck" (half of it comes, and nothing more).
func webCommand(ts *testscript.TestScript, neg bool, args []string) {
	s, ok := ts.Value(webKey{}).(*webServer)
	if neg || !ok || len(args) < 2 {
		ts.Fatalf("usage: web serve DIR | fault FAULT [N] | answered CODE…")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch args[0] {
	case "serve":
		s.dir = ts.MkAbs(args[1])
		h := httptest.NewServer(s)
		ts.Defer(h.Close)
		ts.Setenv("WEB", h.URL)
	case "fault":
		s.fault, s.left = args[1], -1
		if len(args) == 3 {
			n, err := strconv.Atoi(args[2])
			ts.Check(err)
			s.left = n
		}
	case "answered":
		if got := strings.Join(s.answered, " "); got != strings.Join(args[1:], " ") {
			ts.Fatalf("answered %s", got)
		}
		s.answered = nil
	default:
		ts.Fatalf("unknown: web %s", args[0])
	}
}

type webKey struct{}

// ServeHTTP implements [http.Handler].
func (s *webServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	fault := s.fault
	if s.left == 0 {
		fault = "none"
	}
	s.left--
	s.mu.Unlock()
	rec := &recorder{ResponseWriter: w, code: http.StatusOK}
	defer func() {
		s.mu.Lock()
		s.answered = append(s.answered, strconv.Itoa(rec.code))
		s.mu.Unlock()
	}()
	s.answer(rec, r, fault)
}

// recorder notes the status.
type recorder struct {
	http.ResponseWriter
	code int
}

func (r *recorder) WriteHeader(code int) {
	r.code = code
	r.ResponseWriter.WriteHeader(code)
}

func (s *webServer) answer(w http.ResponseWriter, r *http.Request, fault string) {
	if code, err := strconv.Atoi(fault); err == nil {
		w.WriteHeader(code)
		return
	}
	name := filepath.Join(s.dir, filepath.FromSlash(path.Clean("/"+r.URL.Path)))
	b, err := os.ReadFile(name)
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if fault != "untagged" {
		w.Header().Set("ETag", fmt.Sprintf(`"%x-%d"`, len(b), b[0]))
	}
	switch fault {
	case "cut", "stuck":
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		_, _ = w.Write(b[:len(b)/2])
		_ = http.NewResponseController(w).Flush()
		if fault == "stuck" {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	case "noranges", "untagged":
		_, _ = w.Write(b)
		return
	}
	f, err := os.Open(name)
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		http.ServeContent(w, r, "x", info.ModTime(), f)
	}
}

// Unwrap lets the response be flushed.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
