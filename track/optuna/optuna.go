// Package optuna speaks the gRPC protocol of Optuna's GrpcStorageProxy over a
// [track.Store], so that studies of any number of processes are kept in it. Each
// trial that ends becomes a run, nested in one of its study.
//
// It answers as Optuna's own proxy server does: the same status codes, which
// clients make exceptions of, and times of day without a zone, in that of the
// server.
//
// The same methods are there for clients without gRPC, by the Connect protocol: a
// POST of JSON, which needs no HTTP/2.
//
// # What xt's own clients add
//
// Metadata of a call, or headers, all of which may be missing: [RequestKey] makes it safe to
// repeat a call whose answer was lost, and [RunKey] names the run that the code of
// a trial has opened by itself, which then is the run of the trial.
package optuna

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/optuna/api"
)

// Keys of metadata.
const (
	RequestKey = "xt-request"
	RunKey     = "xt-run"
)

// maxMessage is how much a request may hold, in bytes.
const maxMessage = 32 << 20

// Options are what a server has besides its store.
type Options struct {
	// Report, if not nil, is told of errors that are not the caller's.
	Report func(r *http.Request, err error)
}

// Server is the protocol as a handler.
type Server struct {
	grpc     *grpc.Server
	storage  *storage
	recorder *recorder
	report   func(method string, err error)
}

// New returns a server of a store. What is logged through a [track.Session] is
// nested in the run of that.
func New(store track.Store, opts Options) *Server {
	s := &Server{report: func(string, error) {}}
	if opts.Report != nil {
		s.report = func(method string, err error) {
			opts.Report(&http.Request{Method: http.MethodPost, URL: &url.URL{Path: method}}, err)
		}
	}
	s.recorder = newRecorder(store, func(err error) { s.report(service+"runs", err) })
	s.grpc = grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage), grpc.UnaryInterceptor(s.intercept))
	s.storage = &storage{store: store, recorder: s.recorder}
	api.RegisterStorageServiceServer(s.grpc, s.storage)
	return s
}

// Close waits until what has ended is in its runs.
func (s *Server) Close() error {
	s.recorder.close()
	s.grpc.Stop()
	return nil
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !isGRPC(r):
		s.serveJSON(w, r)
	case r.ProtoMajor < 2:
		http.Error(w, "gRPC needs HTTP/2", http.StatusHTTPVersionNotSupported)
	default:
		s.grpc.ServeHTTP(w, r)
	}
}

// intercept gives a call what its metadata says, and its error a status.
func (s *Server) intercept(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if request := first(ctx, RequestKey); request != "" && len(request) <= track.MaxKey {
		ctx = track.Once(ctx, request)
	}
	reply, err := handler(ctx, request)
	if err == nil {
		return reply, nil
	}
	code := codeOf(ctx, err)
	if code == codes.Internal {
		s.report(info.FullMethod, err)
		return nil, status.Error(code, "an error of the server; its output says more")
	}
	return nil, status.Error(code, err.Error())
}

// first returns the first value of a key of the metadata of a call.
func first(ctx context.Context, key string) string {
	if values := metadata.ValueFromIncomingContext(ctx, key); len(values) > 0 {
		return values[0]
	}
	return ""
}

func codeOf(ctx context.Context, err error) codes.Code {
	switch track.CodeOf(err) {
	case track.NotFound:
		return codes.NotFound
	case track.AlreadyExists:
		return codes.AlreadyExists
	case track.InvalidState:
		return codes.FailedPrecondition
	case track.InvalidParameter:
		return codes.InvalidArgument
	case track.Unavailable:
		return codes.Unavailable
	}
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Code()
	}
	return codes.Internal
}

// service is what the paths of all requests begin with.
const service = "/optuna.StorageService/"

// Owns reports whether a request is one of gRPC, or for this service.
func Owns(r *http.Request) bool { return isGRPC(r) || strings.HasPrefix(r.URL.Path, service) }

func isGRPC(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
}

// Reads reports whether a request only reads.
func Reads(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, service+"Get") }

// Deny answers a request that may not pass.
func Deny(w http.ResponseWriter, r *http.Request, status int, message string) {
	code := codes.PermissionDenied
	if status == http.StatusUnauthorized {
		code = codes.Unauthenticated
	}
	if !isGRPC(r) {
		sendError(w, code, message)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set("Grpc-Status", strconv.Itoa(int(code)))
	h.Set("Grpc-Message", url.PathEscape(message))
	w.WriteHeader(http.StatusOK)
}
