package wandb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"

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
	call := &call{Server: s, ctx: r.Context(), base: baseURL(r)}
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

// execution is the answering of one query.
type execution struct {
	doc    *ast.QueryDocument
	vars   map[string]any
	fields int
	path   []any         // of the field that failed
	kind   ast.Operation // for messages

	unknown func(o object, field string) // is told of a field that an object lacks; may be nil
}

// selected is a field of an answer, which several fragments may ask for, each for a
// part of it.
type selected struct {
	name string // in the answer
	*ast.Field
	set ast.SelectionSet
}

// object answers a selection of an object's fields. What it does not have is null.
func (x *execution) object(o object, set ast.SelectionSet, depth int) (map[string]any, error) {
	var fields []*selected
	if err := x.collect(&fields, o, set, depth); err != nil {
		return nil, err
	}
	out := make(map[string]any, len(fields))
	for _, f := range fields {
		if err := x.field(out, o, f, depth); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// collect gathers the fields that a selection asks an object for.
func (x *execution) collect(fields *[]*selected, o object, set ast.SelectionSet, depth int) error {
	if depth > maxDepth {
		return track.Errorf(track.InvalidParameter, "the query goes deeper than %d levels", maxDepth)
	}
	for _, sel := range set {
		if x.fields++; x.fields > maxFields {
			return track.Errorf(track.InvalidParameter, "the answer would have more than %d fields", maxFields)
		}
		var err error
		switch sel := sel.(type) {
		case *ast.Field:
			if x.wanted(sel.Directives) {
				addField(fields, sel)
			}
		case *ast.InlineFragment:
			if x.wanted(sel.Directives) && o.is(sel.TypeCondition) {
				err = x.collect(fields, o, sel.SelectionSet, depth+1)
			}
		case *ast.FragmentSpread:
			f := x.doc.Fragments.ForName(sel.Name)
			if f == nil {
				return track.Errorf(track.InvalidParameter, "there is no fragment %s", sel.Name)
			}
			if x.wanted(sel.Directives) && o.is(f.TypeCondition) {
				err = x.collect(fields, o, f.SelectionSet, depth+1)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func addField(fields *[]*selected, f *ast.Field) {
	name := f.Alias
	if name == "" {
		name = f.Name
	}
	for _, old := range *fields {
		if old.name == name {
			old.set = append(slices.Clip(old.set), f.SelectionSet...)
			return
		}
	}
	*fields = append(*fields, &selected{name, f, f.SelectionSet})
}

// wanted obeys @include and @skip, where null is false.
func (x *execution) wanted(ds ast.DirectiveList) bool {
	for _, d := range ds {
		if d.Name != "include" && d.Name != "skip" {
			continue
		}
		if a := d.Arguments.ForName("if"); a != nil {
			v, err := a.Value.Value(x.vars)
			if is, _ := v.(bool); err == nil && is != (d.Name == "include") {
				return false
			}
		}
	}
	return true
}

// interfaces are the types that stand for others.
var interfaces = map[string][]string{
	"ArtifactCollection": {"ArtifactSequence", "ArtifactPortfolio"},
	"ArtifactCreator":    {"Run", "User"},
	"RunInfo":            {"Run"},
}

// is reports whether the object is of a type, as far as it says what it is.
func (o object) is(name string) bool {
	own, ok := o["__typename"].(string)
	if !ok || name == "" || own == name {
		return true
	}
	for _, sub := range interfaces[name] {
		if sub == own {
			return true
		}
	}
	return false
}

func (x *execution) field(out map[string]any, o object, f *selected, depth int) (err error) {
	value, known := o[f.Name]
	if !known && depth == 0 && f.Name != "__typename" {
		x.path = []any{f.name}
		return track.Errorf(track.InvalidParameter, "this server of xt has no %s %s, which W&B's own may have; what the client knows beyond it is not kept", x.kind, f.Name)
	}
	if !known && x.unknown != nil {
		x.unknown(o, f.Name)
	}
	if call, ok := value.(resolver); ok {
		a := args{}
		for _, arg := range f.Arguments {
			if a[arg.Name], err = arg.Value.Value(x.vars); err != nil {
				return track.Errorf(track.InvalidParameter, "argument %s of %s: %v", arg.Name, f.Name, err)
			}
		}
		if value, err = call(a); err != nil {
			x.path = append(x.path, f.name)
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if out[f.name], err = x.complete(value, f, depth); err != nil {
		x.path = append([]any{f.name}, x.path...)
	}
	return err
}

// complete answers with a value: of objects what is selected of them.
func (x *execution) complete(value any, f *selected, depth int) (any, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case object:
		if v == nil {
			return nil, nil
		}
		return x.object(v, f.set, depth+1)
	case []object:
		list := make([]any, len(v))
		for i, o := range v {
			var err error
			if list[i], err = x.complete(o, f, depth); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.Slice && v.IsNil() {
		return []any{}, nil
	}
	return value, nil
}

// call is one request and what the fields of its answer are made of.
type call struct {
	*Server
	ctx  context.Context
	base string // how the client calls the server, without a slash at the end
}

// text returns an argument that is a text; "" if it is not given, or null.
func (a args) text(name string) string {
	s, _ := a[name].(string)
	return s
}

// texts returns an argument that is a list of texts, and whether it is given.
func (a args) texts(name string) ([]string, bool) {
	list, ok := a[name].([]any)
	if !ok {
		if s, ok := a[name].(string); ok {
			return []string{s}, true
		}
		return nil, false
	}
	out := make([]string, 0, len(list))
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out, true
}

// int returns an argument that is a number, or else a default.
func (a args) int(name string, otherwise int64) int64 {
	switch v := a[name].(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
	}
	return otherwise
}

// flag returns an argument that is true or false.
func (a args) flag(name string) bool {
	b, _ := a[name].(bool)
	return b
}

// input returns the argument that holds those of a mutation.
func (a args) input() args {
	m, _ := a["input"].(map[string]any)
	return m
}

// page returns the part of a list that is asked for by first and after, as edges.
func page(a args, list []object) object {
	from := int(min(max(offsetOf(a.text("after")), 0), int64(len(list))))
	n := a.int("first", 50)
	if n <= 0 {
		n = 50
	}
	to := int(min(int64(from)+min(n, 10_000), int64(len(list))))
	edges := make([]object, 0, to-from)
	for i, o := range list[from:to] {
		edges = append(edges, object{"node": o, "cursor": fmt.Sprint(from + i + 1), "version": o["version"]})
	}
	info := object{"__typename": "PageInfo", "hasNextPage": to < len(list), "hasPreviousPage": from > 0, "startCursor": fmt.Sprint(from), "endCursor": nil}
	if to < len(list) {
		info["endCursor"] = fmt.Sprint(to)
	}
	return object{"edges": edges, "pageInfo": info, "totalCount": len(list)}
}

func offsetOf(cursor string) int64 {
	var n int64
	_, _ = fmt.Sscan(cursor, &n) // what is none is the beginning
	return n
}
