// Package web is the page that people look at runs with: a store of runs behind an
// API of its own, and the page that asks it, which is in this binary.
//
// The page is at "/", and keeps what it shows in the query, so that its address can
// be given to others. Everything else is below "/ui/": the assets, which may be had
// without a token, and the API, which may not.
//
// # What the page trusts
//
// Nothing that is in the store: names, values and artifacts may be anybody's. The
// page puts texts into nodes and never into markup, its policy allows no script and
// no style but the files served here, and no request to anywhere else. Artifacts are
// served as downloads, or for previews in a sandbox in which nothing runs.
package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/xtrepro/xt/track"
)

// Options say what the page knows besides the runs.
type Options struct {
	Title    string         // what the runs are of
	Version  string         // of xt
	Registry track.Registry // of models and prompts; nil for that of the store
	Runs     Runs           // nil: nothing is known of how runs were made
	Project  Project        // nil outside a project
	Models   Models         // nil where there is no registry in git
	// Report, if not nil, is told what went wrong in answering a request.
	Report func(*http.Request, error)
}

// Handler answers for the page.
type Handler struct {
	Options
	store track.Store
	mux   *http.ServeMux
}

// New returns what answers for the page over a store.
func New(store track.Store, opts Options) *Handler {
	h := &Handler{Options: opts, store: store, mux: http.NewServeMux()}
	if h.Registry == nil {
		h.Registry = store
	}
	h.mux.HandleFunc("GET /{$}", h.servePage)
	h.mux.HandleFunc("GET /ui/assets/{digest}/{path...}", h.serveAsset)
	h.mux.HandleFunc("GET /ui/artifact", h.serveArtifact)
	for pattern, f := range map[string]func(*call) (any, error){
		"GET session": (*call).session, "POST session": (*call).login, "DELETE session": (*call).logout,
		"GET experiments": (*call).experiments, "GET runs": (*call).runs, "GET count": (*call).count,
		"GET groups": (*call).groups, "GET keys": (*call).keys, "GET run": (*call).run, "GET curves": (*call).curves,
		"GET log": (*call).log, "GET artifacts": (*call).artifacts, "GET changes": (*call).changes,
		"GET traces": (*call).traces, "GET trace": (*call).trace, "GET prompts": (*call).prompts,
		"GET pipeline": (*call).pipeline, "GET compare": (*call).compare, "GET data": (*call).data, "GET holdings": (*call).holdings,
		"GET models": (*call).models, "POST promote": (*call).promote,
	} {
		method, name, _ := strings.Cut(pattern, " ")
		h.mux.HandleFunc(method+" "+api+name, func(w http.ResponseWriter, r *http.Request) { h.answer(w, r, f) })
	}
	h.mux.HandleFunc("/ui/", func(w http.ResponseWriter, r *http.Request) {
		h.fail(w, r, track.Errorf(track.NotFound, "There is nothing at %s.", r.URL.Path))
	})
	return h
}

// api is where the endpoints are.
const api = "/ui/api/"

// Owns reports whether a request is for the page: the page itself, and what is below
// its own folder.
func Owns(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/ui/") || r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead)
}

// Reads reports whether a request only reads. To sign in and out is to read.
func Reads(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead || r.URL.Path == api+"session"
}

// IsPublic reports whether a request needs no token: one for what is the same for
// everybody, so that there is a page to ask for the token.
func IsPublic(r *http.Request) bool {
	return Reads(r) && (r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, "/ui/assets/"))
}

// Deny answers a request that may not pass.
func Deny(w http.ResponseWriter, r *http.Request, status int, message string) {
	w.Header().Del("WWW-Authenticate") // the browser would ask before the page can
	if status == http.StatusUnauthorized {
		message = "This server needs a token; xt serve token add NAME makes one."
	}
	writeError(w, status, message)
}

// Close implements [io.Closer].
func (h *Handler) Close() error { return nil }

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.mux.ServeHTTP(w, r)
}

// call is one request to the API.
type call struct {
	*Handler
	w     http.ResponseWriter
	r     *http.Request
	query url.Values
}

// answer writes what f returns.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, f func(*call) (any, error)) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, track.Errorf(track.InvalidParameter, "The query cannot be read: %v", err))
		return
	}
	value, err := f(&call{Handler: h, w: w, r: r, query: query})
	if err != nil {
		h.fail(w, r, err)
		return
	}
	b, err := json.Marshal(value)
	if err != nil {
		h.fail(w, r, fmt.Errorf("write the answer: %w", err))
		return
	}
	writeJSON(w, r, b)
}

// writeJSON writes an answer, unless the browser has the same already: the page asks
// again and again, and mostly nothing has changed.
func writeJSON(w http.ResponseWriter, r *http.Request, b []byte) {
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Cache-Control", "no-cache, private")
	sum := sha256.Sum256(b)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	head.Set("ETag", tag)
	head.Set("Vary", "Accept-Encoding, Cookie, Authorization")
	if r.Method == http.MethodGet && r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if len(b) > 8<<10 && takesGzip(r) {
		head.Set("Content-Encoding", "gzip")
		b = compress(b, gzip.BestSpeed)
	}
	_, _ = w.Write(b) // the client has gone; nobody is left to tell
}

func takesGzip(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
}

func compress(b []byte, level int) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, level) // the level is right
	_, _ = z.Write(b)                        // memory takes it
	_ = z.Close()
	return out.Bytes()
}

// statuses are what the codes of errors are over HTTP.
var statuses = map[track.Code]int{
	track.Internal: http.StatusInternalServerError, track.NotFound: http.StatusNotFound, track.AlreadyExists: http.StatusConflict,
	track.InvalidParameter: http.StatusBadRequest, track.InvalidState: http.StatusConflict, track.Unavailable: http.StatusServiceUnavailable,
}

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the browser wants no answer any more
	}
	status := statuses[track.CodeOf(err)]
	if h.Report != nil && status >= 500 {
		h.Report(r, err)
	}
	writeError(w, status, err.Error())
}

func writeError(w http.ResponseWriter, status int, message string) {
	b, _ := json.Marshal(map[string]string{"error": strings.ToValidUTF8(message, "�")}) // of a text it can't fail
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// number returns a number of the query within limits, or what stands for none.
func (c *call) number(name string, none, least, most int) (int, error) {
	text := c.query.Get(name)
	if text == "" {
		return none, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, track.Errorf(track.InvalidParameter, "%s must be a number from %d to %d, not %q.", name, least, most, text)
	}
	return n, nil
}

// Value is a number that JSON may not have: not a number, or infinite.
type Value float64

// MarshalJSON writes the names that JavaScript has for those.
func (v Value) MarshalJSON() ([]byte, error) { return v.append(nil), nil }

func (v Value) append(b []byte) []byte {
	switch f := float64(v); {
	case f != f:
		return append(b, `"NaN"`...)
	case f > maxFloat:
		return append(b, `"Infinity"`...)
	case f < -maxFloat:
		return append(b, `"-Infinity"`...)
	default:
		return strconv.AppendFloat(b, f, 'g', -1, 64)
	}
}

// maxFloat is what is shown as infinite beyond: MLflow's clients write it for that.
const maxFloat = 1.797693134862315e308
