package mlflow

import (
	"net/http"
	"strings"
)

// route is an endpoint: what routes requests to it, and what describes it in
// /docs and /openapi.json.
type route struct {
	method string
	path   string // below /api/ and /ajax-api/, or from the root if it starts with a slash
	about  string
	fields string // "run_id! step:int"; see parseFields
	handle func(*call) error
}

// field is an argument of an endpoint.
type field struct {
	name     string
	kind     string // string, integer, number, boolean, array, object, enum
	required bool
}

// parseFields reads the fields of a route: names, with a ! after those that are
// required, and with a type unless that is string.
func parseFields(text string) []field {
	var fields []field
	for _, word := range strings.Fields(text) {
		name, kind, typed := strings.Cut(word, ":")
		if !typed {
			kind = "string"
		}
		name, required := strings.CutSuffix(name, "!")
		fields = append(fields, field{name, kind, required})
	}
	return fields
}

// schema returns the type of the field in JSON.
func (f field) schema() object {
	if f.kind == "enum" {
		return object{"type": "string"}
	}
	return object{"type": f.kind}
}

// table is all endpoints.
func table() []route {
	var all []route
	for _, part := range [][]route{experimentRoutes, runRoutes, metricRoutes, modelRoutes, registeredRoutes, versionRoutes, traceRoutes, oldTraceRoutes, assessmentRoutes, evaluationRoutes, artifactRoutes, otherRoutes} {
		all = append(all, part...)
	}
	return all
}

// routes adds the endpoints to the mux.
func (s *Server) routes() {
	s.all = append(table(), documentRoutes...)
	for i := range s.all {
		r := &s.all[i]
		handler := s.handler(r)
		for _, path := range r.paths() {
			s.mux.HandleFunc(r.method+" "+path, handler)
		}
	}
	s.mux.HandleFunc("/", s.notFound)
}

// paths returns where the endpoint is.
func (r *route) paths() []string {
	if strings.HasPrefix(r.path, "/") {
		return []string{r.path}
	}
	return []string{"/api/" + r.path, "/ajax-api/" + r.path}
}

// inPath returns the names of the arguments in the path.
func (r *route) inPath() []string {
	var names []string
	for _, part := range strings.Split(r.path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimRight(name, ".}"))
		}
	}
	return names
}

// handler returns what answers requests for the endpoint.
func (s *Server) handler(r *route) http.HandlerFunc {
	fields, inPath, raw := parseFields(r.fields), r.inPath(), r.fields == plain
	answer := func(c *call) error {
		if raw {
			return r.handle(c)
		}
		if err := c.readArguments(inPath); err != nil {
			return err
		}
		for _, f := range fields {
			if f.required {
				c.need(f.name)
			}
			c.check(f)
		}
		if c.err != nil {
			return c.err
		}
		return r.handle(c)
	}
	return func(w http.ResponseWriter, req *http.Request) { s.serve(w, req, answer) }
}

// plain, in place of fields, marks endpoints that read the request themselves.
const plain = "-"

// notFound answers requests for what is not there.
func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(c *call) error {
		var allowed []string
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			other := *r
			other.Method = method
			if _, pattern := s.mux.Handler(&other); pattern != "/" {
				allowed = append(allowed, method)
			}
		}
		if allowed == nil {
			return &apiError{http.StatusNotFound, endpointNotFound, "There is no " + r.URL.Path + "; see /docs for what there is."}
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return &apiError{http.StatusMethodNotAllowed, endpointNotFound, r.Method + " is not for " + r.URL.Path + ", but " + strings.Join(allowed, ", ") + "."}
	})
}
