// Package wandb answers W&B's clients out of a run store: what wandb.init, log,
// Table, Artifact and finish say, and what wandb.Api asks. A run of W&B's is a run of
// the store, in the experiment that is named after its project; its config is
// parameters, its history metrics, its files artifacts. What the store has no words
// for is kept in [track.Records].
//
// The protocol is GraphQL at /graphql, a stream of lines for each run at /files, and
// uploads and downloads at addresses that answers name. Clients of many versions ask
// for different fields, so that a field that is not known is null, and no mistake.
package wandb

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/xtrepro/xt/internal/keylock"
	"github.com/xtrepro/xt/track"
)

// Options say how a server works.
type Options struct {
	// Report, if not nil, is told what went wrong in answering a request.
	Report func(*http.Request, error)
}

// Server answers W&B's clients.
type Server struct {
	store  track.Store
	report func(*http.Request, error)
	mux    *http.ServeMux
	locks  keylock.Locks[string]

	notesMu sync.Mutex
	notes   map[string]bool // fields that were asked for and are not known

	sweepMu sync.Mutex
	swept   time.Time

	secretOnce sync.Mutex
	secret     []byte // signs addresses; see key
}

// New returns a server over a store.
func New(store track.Store, opts Options) *Server {
	s := &Server{store: store, report: opts.Report, mux: http.NewServeMux(), notes: map[string]bool{}}
	s.mux.HandleFunc("POST /graphql", s.graphql)
	s.mux.HandleFunc("POST /files/{entity}/{project}/{run}/file_stream", s.fileStream)
	s.mux.HandleFunc("PUT "+signedPrefix+"{mac}/{expires}/{path...}", s.upload)
	s.mux.HandleFunc("GET "+signedPrefix+"{mac}/{expires}/{path...}", s.download)
	s.mux.HandleFunc("GET /artifactsV2/{region}/{entity}/{rest}/{path...}", s.blob)
	s.mux.HandleFunc("GET /artifacts/{entity}/{path}", s.blob)
	s.mux.HandleFunc("GET /{entity}/{project}/runs/{run}", show)
	s.mux.HandleFunc("POST "+telemetryPrefix, func(http.ResponseWriter, *http.Request) {})
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close does nothing: all that was answered is in the store.
func (s *Server) Close() error { return nil }

// signedPrefix is where files are uploaded to and downloaded from.
const signedPrefix = "/wandb/file/"

// telemetryPrefix is where clients tell their maker of themselves.
const telemetryPrefix = "/sdk/otel/"

// Owns reports whether a request is of W&B's protocol.
func Owns(r *http.Request) bool {
	for _, prefix := range []string{signedPrefix, telemetryPrefix, "/artifactsV2/", "/artifacts/"} {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return true
		}
	}
	return r.URL.Path == "/graphql" || isPage(r) || strings.HasPrefix(r.URL.Path, "/files/") && strings.HasSuffix(r.URL.Path, "/file_stream")
}

// IsCapability reports whether the address of a request is one that a server
// signed: clients send no key there.
//
// So are the addresses of runs, which tell nothing, and that where clients tell of
// themselves, also without a key, and nothing is kept.
func IsCapability(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, signedPrefix) || strings.HasPrefix(r.URL.Path, telemetryPrefix) || isPage(r)
}

// isPage reports whether the address of a request is one of those that clients print
// for people.
func isPage(r *http.Request) bool {
	words := strings.Split(r.URL.Path, "/")
	return r.Method == http.MethodGet && len(words) == 5 && words[0] == "" && words[3] == "runs" && words[1] != "ui" && !strings.HasSuffix(words[1], "api")
}

// show sends people from where W&B has a run to where it is on the page.
func show(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("run")
	if strings.ContainsAny(id, "'\"`\\") {
		http.NotFound(w, r)
		return
	}
	q := url.Values{"view": {"runs"}, "q": {"tags.wandb.id = '" + id + "'"}}
	http.Redirect(w, r, "/?"+q.Encode(), http.StatusFound)
}

// Deny answers a request that may not pass.
func Deny(w http.ResponseWriter, _ *http.Request, status int, message string) {
	if status == http.StatusUnauthorized {
		message = "This server needs a token as the key: set WANDB_API_KEY to what \"xt serve token add\" said."
	}
	writeJSON(w, status, map[string]any{"error": message, "errors": []any{map[string]any{"message": message}}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client has gone; nobody is left to tell
}

// fail answers with an error. What is not the client's fault is reported.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	if status >= http.StatusInternalServerError && s.report != nil {
		s.report(r, err)
	}
	Deny(w, r, status, err.Error())
}

func statusOf(err error) int {
	switch track.CodeOf(err) {
	case track.NotFound:
		return http.StatusNotFound
	case track.AlreadyExists:
		return http.StatusConflict
	case track.InvalidParameter, track.InvalidState:
		return http.StatusBadRequest
	case track.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// The kinds of records.
const (
	runKind          = "wandb.run"
	summaryKind      = "wandb.summary"
	artifactKind     = "wandb.artifact"
	collectionKind   = "wandb.collection"
	collectionIDKind = "wandb.collectionid" // the keys of collections, by their IDs
	clientKind       = "wandb.client"       // what a client calls an artifact or a collection before it is told
	secretKind       = "wandb.secret"
	projectKind      = "wandb.project"
	sharedKind       = "wandb.shared" // by the IDs of runs in the store
)

// key returns what addresses are signed with. It is in the store, so that one that
// was handed out is good after a restart.
func (s *Server) key(ctx context.Context) ([]byte, error) {
	s.secretOnce.Lock()
	defer s.secretOnce.Unlock()
	if s.secret != nil {
		return s.secret, nil
	}
	text, err := s.store.Record(ctx, secretKind, "")
	if track.CodeOf(err) == track.NotFound {
		b := make([]byte, 32)
		_, _ = rand.Read(b) // never fails
		text = hex.EncodeToString(b)
		if err = s.store.SwapRecord(ctx, secretKind, "", "", text); track.CodeOf(err) == track.InvalidState {
			text, err = s.store.Record(ctx, secretKind, "") // another process was quicker
		}
	}
	if err != nil {
		return nil, err
	}
	s.secret, err = hex.DecodeString(text)
	return s.secret, err
}

// kept is the text of a record as it was read, which a change is checked against:
// other processes may use the store at the same time.
type kept struct{ text string }

// load reads a record into v. It is NotFound if there is none.
func (s *Server) load(ctx context.Context, kind, key string, v any, k *kept) error {
	text, err := s.store.Record(ctx, kind, key)
	if err != nil {
		return err
	}
	k.text = text
	return json.Unmarshal([]byte(text), v)
}

// save writes v as a record, unless that is another than what was read: clients come
// again then.
func (s *Server) save(ctx context.Context, kind, key string, v any, k *kept) error {
	b, err := json.Marshal(v)
	if err != nil || string(b) == k.text {
		return err
	}
	err = s.store.SwapRecord(ctx, kind, key, k.text, string(b))
	if track.CodeOf(err) == track.InvalidState {
		return &track.Error{Code: track.Unavailable, Message: "another process was quicker; try again", Err: err}
	}
	if err == nil {
		k.text = string(b)
	}
	return err
}
