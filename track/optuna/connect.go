package optuna

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/xtrepro/xt/track/optuna/api"
)

// methods are those of the service by name.
var methods = func() map[string]grpc.MethodHandler {
	m := map[string]grpc.MethodHandler{}
	for _, d := range api.StorageService_ServiceDesc.Methods {
		m[d.MethodName] = d.Handler
	}
	return m
}()

// serveJSON answers a request of the Connect protocol.
func (s *Server) serveJSON(w http.ResponseWriter, r *http.Request) {
	handler, ok := methods[strings.TrimPrefix(r.URL.Path, service)]
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch {
	case !ok:
		sendError(w, codes.Unimplemented, "there is no method "+r.URL.Path)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	case kind != "application/json":
		w.Header().Set("Accept-Post", "application/json")
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	md := metadata.MD{}
	for _, key := range []string{RequestKey, RunKey} {
		md.Append(key, r.Header.Values(key)...)
	}
	decode := func(request any) error {
		b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
		if err != nil {
			return status.Error(codes.ResourceExhausted, err.Error())
		}
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(b, request.(proto.Message)); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		return nil
	}
	reply, err := handler(s.storage, metadata.NewIncomingContext(r.Context(), md), decode, s.intercept)
	if err != nil {
		sendError(w, status.Code(err), status.Convert(err).Message())
		return
	}
	b, err := protojson.Marshal(reply.(proto.Message))
	if err != nil {
		s.report(r.URL.Path, err)
		sendError(w, codes.Internal, "the answer cannot be written")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b) // who has gone gets nothing
}

// httpOf are the codes of the Connect protocol, by that of gRPC.
var httpOf = map[codes.Code]struct {
	status int
	name   string
}{
	codes.NotFound:           {http.StatusNotFound, "not_found"},
	codes.AlreadyExists:      {http.StatusConflict, "already_exists"},
	codes.FailedPrecondition: {http.StatusBadRequest, "failed_precondition"},
	codes.InvalidArgument:    {http.StatusBadRequest, "invalid_argument"},
	codes.Unavailable:        {http.StatusServiceUnavailable, "unavailable"},
	codes.Unimplemented:      {http.StatusNotImplemented, "unimplemented"},
	codes.ResourceExhausted:  {http.StatusTooManyRequests, "resource_exhausted"},
	codes.Unauthenticated:    {http.StatusUnauthorized, "unauthenticated"},
	codes.PermissionDenied:   {http.StatusForbidden, "permission_denied"},
	codes.Internal:           {http.StatusInternalServerError, "internal"},
}

func sendError(w http.ResponseWriter, code codes.Code, message string) {
	as, ok := httpOf[code]
	if !ok {
		as = httpOf[codes.Internal]
	}
	b, _ := json.Marshal(map[string]string{"code": as.name, "message": message}) // of texts it can't fail
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(as.status)
	_, _ = w.Write(b)
}
