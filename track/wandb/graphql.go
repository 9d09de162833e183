package wandb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/xtrepro/xt/track"
)

// Limits of a query: far more than any client asks.
const (
	maxBody   = 128 << 20 // bytes; a config or a summary may be large
	maxTokens = 20_000
	maxDepth  = 60
	maxFields = 2_000_000 // of an answer
)

// object is a value with fields. A field may be a [resolver], which is called
// when the field is asked for.
type object map[string]any

// resolver computes a field.
type resolver func(a args) (any, error)

// args are the arguments of a field.
type args map[string]any

// query is a request for GraphQL.
type query struct {
	Query         string         `json:"query"`
	Variables     map[string]any `json:"variables"`
	OperationName string         `json:"operationName"`
}

// graphql answers a query. Errors of fields are in the answer, as clients expect,
// but for those of the store, for which they are to come again.
func (s *Server) graphql(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var q query
	if err := json.Unmarshal(body, &q); err != nil {
		s.fail(w, r, track.Errorf(track.InvalidParameter, "the request is no JSON: %v", err))
		return
	}
	op, doc, err := q.operation()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	call := &call{Server: s, ctx: r.Context(), base: baseURL(r), shared: isShared(r)}
	root := call.queries()
	if op.Operation == ast.Mutation {
		root = call.mutations()
	}
	x := &execution{doc: doc, vars: q.defaults(op), kind: op.Operation}
	if s.report != nil {
		x.unknown = func(o object, field string) { s.note(r, o, field) }
	}
	data, err := x.object(root, op.SelectionSet, 0)
	if err == nil {
		writeJSON(w, http.StatusOK, map[string]any{"data": data})
		return
	}
	status := statusOf(err)
	if status >= http.StatusInternalServerError {
		if s.report != nil {
			s.report(r, err)
		}
	} else {
		status = http.StatusOK
	}
	writeJSON(w, status, map[string]any{"data": nil, "errors": []any{map[string]any{"message": err.Error(), "path": x.path}}})
}

// maxNotes bounds what is remembered of fields that are not known.
const maxNotes = 200

// note reports a field that a client asks for and that is not known here, once.
func (s *Server) note(r *http.Request, o object, field string) {
	kind, _ := o["__typename"].(string)
	if kind == "" {
		return // a small part of an answer; most of what clients ask of those is no loss
	}
	s.notesMu.Lock()
	known := s.notes[kind+"."+field] || len(s.notes) >= maxNotes
	if !known {
		s.notes[kind+"."+field] = true
	}
	s.notesMu.Unlock()
	if !known {
		s.report(r, fmt.Errorf("%.100q asks for %s.%s, which is not known here: the answer is null", r.UserAgent(), kind, track.Clip(field, 100)))
	}
}

// readBody reads the body of a request, compressed or not.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := plainBody(http.MaxBytesReader(w, r.Body, maxBody), r.Header.Get("Content-Encoding"))
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large) || len(b) > maxBody:
		return nil, track.Errorf(track.InvalidParameter, "the request is larger than %d MiB", maxBody>>20)
	case err != nil:
		return nil, track.Errorf(track.InvalidParameter, "read the request: %v", err)
	}
	return b, nil
}

// operation returns what is to be done.
func (q *query) operation() (*ast.OperationDefinition, *ast.QueryDocument, error) {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: q.Query}, maxTokens)
	if err != nil {
		return nil, nil, track.Errorf(track.InvalidParameter, "the query cannot be read: %v", err)
	}
	for _, op := range doc.Operations {
		if op.Operation != ast.Subscription && (q.OperationName == "" || op.Name == q.OperationName) {
			return op, doc, nil
		}
	}
	return nil, nil, track.Errorf(track.InvalidParameter, "the query has no operation %q", q.OperationName)
}

// defaults returns the variables, with defaults for those that are not given.
func (q *query) defaults(op *ast.OperationDefinition) map[string]any {
	vars := map[string]any{}
	for _, v := range op.VariableDefinitions {
		if v.DefaultValue != nil {
			if value, err := v.DefaultValue.Value(nil); err == nil {
				vars[v.Variable] = value
			}
		}
	}
	for name, value := range q.Variables {
		vars[name] = value
	}
	return vars
}

// Reads reports whether a request only reads. The body of a query is read for
// that, and put back.
func Reads(r *http.Request) bool {
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return true
	case r.URL.Path != "/graphql":
		return false
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(b), r.Body), r.Body}
	var q query
	if err != nil || json.Unmarshal(b, &q) != nil {
		return false
	}
	op, _, err := q.operation()
	return err == nil && op.Operation == ast.Query
}

// call is one request and what the fields of its answer are made of.
type call struct {
	*Server
	ctx  context.Context
	base string // how the client calls the server, without a slash at the end

	shared bool // the client is one of several of a run
}
