// Package mlflow speaks the REST API of MLflow's tracking server over a
// [track.Store], so that MLflow's clients log into it, search it, and keep
// artifacts, models and traces in it.
//
// It answers as MLflow 3.17.2 does: the same fields, status codes, error codes
// and messages, for clients branch on all of them. Three things differ on
// purpose. A caller's mistake is never answered with a 5xx, which clients repeat
// for minutes. An unknown endpoint is an error in JSON, and not a page. And the
// token NaN in a number, which Python's clients may write, is a NaN.
package mlflow

import (
	"context"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/xtrepro/xt/track"
)

// Version is the release of MLflow whose API this is. From 3.4 on, clients send
// their traces as OpenTelemetry does.
const Version = "3.17.2"

// The most that a request may have in its body, in bytes. Artifacts, and their
// parts, are streamed to the disk, and may have any size.
const (
	maxJSON  = 64 << 20
	maxSpans = 64 << 20
)

// Options are what a server has besides its store.
type Options struct {
	// Registry keeps the registered models; nil for the store.
	Registry track.Registry
	// Temp is where the parts of uploads are kept until they are complete; "" is
	// the system's place for such files.
	Temp string
	// Report, if not nil, is told of errors that are not the caller's.
	Report func(r *http.Request, err error)
}

// Server is the API as a handler.
type Server struct {
	store    track.Store
	registry track.Registry
	report   func(*http.Request, error)
	mux      *http.ServeMux
	all      []route
	uploads  uploads
	calls    sync.Pool
}

// New returns a server of a store.
func New(store track.Store, opts Options) *Server {
	s := &Server{store: store, registry: opts.Registry, report: opts.Report, mux: http.NewServeMux()}
	if s.registry == nil {
		s.registry = store
	}
	if s.report == nil {
		s.report = func(*http.Request, error) {}
	}
	s.uploads.temp = opts.Temp
	s.calls.New = func() any { return new(call) }
	s.routes()
	return s
}

// Close removes what is left of uploads that were not completed.
func (s *Server) Close() error { return s.uploads.close() }

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if uncleanArtifact(r.URL.Path) {
		// The mux would redirect to what the path may be taken for.
		s.serve(w, r, func(*call) error { return track.Errorf(track.InvalidParameter, "Invalid path") })
		return
	}
	s.mux.ServeHTTP(w, r)
}

// uncleanArtifact reports whether a path of a request is about artifacts, and
// has empty names or dots in it.
func uncleanArtifact(p string) bool {
	if !strings.HasPrefix(p, "/api/2.0/mlflow-artifacts/") && !strings.HasPrefix(p, "/ajax-api/2.0/mlflow-artifacts/") {
		return false
	}
	return path.Clean(p) != strings.TrimSuffix(p, "/")
}

// call is a request that is being answered.
type call struct {
	*Server
	ctx context.Context
	w   http.ResponseWriter
	r   *http.Request
	args
	out  encoder // of the answer
	body []byte  // of the request
	sent bool    // an answer other than the encoder's was written
}

// serve answers a request with what f encodes, or with its error.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, f func(*call) error) {
	c := s.calls.Get().(*call)
	*c = call{Server: s, ctx: r.Context(), w: w, r: r, body: c.body[:0], out: encoder{c.out.b[:0]}, args: args{members: c.members[:0]}}
	if err := f(c); err != nil {
		c.fail(err)
	} else if !c.sent {
		c.send(http.StatusOK)
	}
	const keep = 1 << 20 // more would stay in memory for a request that is rare
	if cap(c.body) <= keep && cap(c.out.b) <= keep {
		s.calls.Put(c)
	}
}

// send writes what was encoded.
func (c *call) send(status int) {
	if len(c.out.b) == 0 {
		c.out.b = append(c.out.b, "{}"...)
	}
	c.write(status, "application/json", c.out.b)
}

func (c *call) write(status int, contentType string, body []byte) {
	c.sent = true
	c.w.Header().Set("Content-Type", contentType)
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // the client has gone; nobody is left to tell
}

// readBody reads the body of the request into memory.
func (c *call) readBody(max int64) error {
	r := http.MaxBytesReader(c.w, c.r.Body, max)
	if n := c.r.ContentLength; n > int64(cap(c.body)) && n <= 1<<20 {
		c.body = make([]byte, 0, n+1) // one more, to see the end without growing
	}
	for {
		if len(c.body) == cap(c.body) {
			c.body = append(c.body, 0)[:len(c.body)]
		}
		n, err := r.Read(c.body[len(c.body):cap(c.body)])
		c.body = c.body[:len(c.body)+n]
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &bodyError{err}
		}
	}
}

// readArguments reads what a request says: in the body, or in the query if it has
// none, and in the path, which comes before both.
func (c *call) readArguments(inPath []string) error {
	if err := c.readFields(); err != nil {
		return err
	}
	for _, name := range inPath {
		c.add(name, c.r.PathValue(name))
	}
	return nil
}

func (c *call) readFields() error {
	switch c.r.Method {
	case http.MethodGet, http.MethodHead:
		c.query(c.r.URL.RawQuery)
		return nil
	case http.MethodDelete:
		if c.r.ContentLength == 0 {
			c.query(c.r.URL.RawQuery)
			return nil
		}
	}
	if err := checkContentType(c.r.Header.Get("Content-Type")); err != nil {
		return err
	}
	if err := c.readBody(maxJSON); err != nil {
		return err
	}
	c.parse(c.body)
	return nil
}

func checkContentType(header string) error {
	if header == "" {
		return &apiError{http.StatusBadRequest, invalidParameter, "Bad Request. Content-Type header is missing."}
	}
	kind, _, _ := strings.Cut(header, ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return &apiError{http.StatusBadRequest, invalidParameter, "Bad Request. Content-Type must be one of ['application/json']."}
	}
	return nil
}
