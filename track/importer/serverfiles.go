package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// proxy is where a server gives out artifacts itself.
const proxy = "/api/2.0/mlflow-artifacts/artifacts"

// Files implements [Source].
func (s *Server) Files(ctx context.Context, r *Run, f func(*File) error) error {
	t := &tree{Server: s, what: "run " + r.ID, f: f, left: maxListed}
	t.list = func(dir string) listing {
		q := query("run_id", r.ID, "run_uuid", r.ID)
		if dir != "" {
			q.Set("path", dir)
		}
		return listing{path: "/api/2.0/mlflow/artifacts/list", query: q, key: "files"}
	}
	rest, proxied := proxiedPath(r.ArtifactURI)
	t.get = func(name string) (string, url.Values) {
		if proxied {
			return proxy + "/" + escapePath(rest+"/"+name), nil
		}
		return "/get-artifact", query("run_id", r.ID, "run_uuid", r.ID, "path", name)
	}
	return t.walk(ctx, "", 0)
}

// ModelFiles implements [Source].
func (s *Server) ModelFiles(ctx context.Context, m *Model, f func(*File) error) error {
	rest, ok := proxiedPath(m.ArtifactURI)
	if !ok {
		s.warn("logged model "+m.ID, "the server does not give out its artifacts: "+m.ArtifactURI)
		return nil
	}
	t := &tree{Server: s, what: "logged model " + m.ID, f: f, left: maxListed}
	t.list = func(dir string) listing {
		return listing{path: proxy, query: query("path", strings.TrimSuffix(rest+"/"+dir, "/")), key: "files"}
	}
	t.get = func(name string) (string, url.Values) { return proxy + "/" + escapePath(rest+"/"+name), nil }
	return t.walk(ctx, "", 0)
}

// proxiedPath returns the path of artifacts that the server itself gives out.
func proxiedPath(uri string) (string, bool) {
	rest, local := artifactRest(uri)
	return rest, strings.HasPrefix(uri, "mlflow-artifacts:") && !local && rest != ""
}

func escapePath(p string) string {
	names := strings.Split(p, "/")
	for i, name := range names {
		names[i] = url.PathEscape(name)
	}
	return strings.Join(names, "/")
}

// tree is the artifacts of something.
type tree struct {
	*Server
	what string // whose they are
	list func(dir string) listing
	get  func(name string) (path string, query url.Values)
	f    func(*File) error
	left int // how many more it may have
}

// errTooMany ends the listing of artifacts.
var errTooMany = errors.New("too many artifacts")

// walk calls f for the files below a folder.
func (t *tree) walk(ctx context.Context, dir string, depth int) error {
	if depth > maxDepth {
		t.warn(t.what, fmt.Sprintf("the folder %.100q of artifacts is too deep", dir))
		return nil
	}
	var below []string
	err := each(ctx, t.Server, t.list(dir), func(a *fileAnswer) error {
		name, ok := a.below(dir)
		if t.left--; t.left < 0 {
			return errTooMany
		}
		switch {
		case !ok:
			t.warn(t.what, fmt.Sprintf("the server lists %.100q in the folder %.100q", a.Path, dir))
		case a.IsDir:
			below = append(below, name)
		default:
			return t.f(t.file(ctx, name, a))
		}
		return nil
	})
	for _, name := range below {
		if err == nil {
			err = t.walk(ctx, name, depth+1)
		}
	}
	status := (*statusError)(nil)
	if errors.As(err, &status) && !status.passing() && !status.denied() {
		t.warn(t.what, fmt.Sprintf("the artifacts in %q: %v", dir+"/", err)) // in a place that the server itself cannot read
		return nil
	}
	if depth == 0 && errors.Is(err, errTooMany) {
		t.warn(t.what, fmt.Sprintf("it has more than %d artifacts; the others are passed over", maxListed))
		return nil
	}
	return err
}

func (t *tree) file(ctx context.Context, name string, a *fileAnswer) *File {
	size := int64(-1)
	if a.Size != "" {
		size = a.Size.number()
	}
	return &File{Path: name, Size: size, Open: func() (io.ReadCloser, error) {
		path, query := t.get(name)
		return t.open(ctx, path, query)
	}}
}

// denied reports whether the server does not know who asks.
func (e *statusError) denied() bool { return e.status == http.StatusUnauthorized }
