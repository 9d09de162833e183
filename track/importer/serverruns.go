package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/xtrepro/xt/track"
)

func unquote(b []byte) (s string) {
	_ = json.Unmarshal(b, &s) // it is a text already
	return s
}

// Experiments implements [Source].
func (s *Server) Experiments(ctx context.Context, f func(*Experiment) error) error {
	return pages(func(token string) (string, error) {
		body := map[string]any{"max_results": 1000, "view_type": "ALL"}
		if token != "" {
			body["page_token"] = token
		}
		var answer struct {
			Experiments []experimentAnswer
			Next        string `json:"next_page_token"`
		}
		if err := s.call(ctx, "/api/2.0/mlflow/experiments/search", nil, body, &answer); err != nil {
			return "", err
		}
		for _, a := range answer.Experiments {
			e := &Experiment{Key: string(a.ID)}
			e.Name, e.ArtifactLocation, e.Lifecycle, e.Tags = a.Name, a.Location, lifecycleOf(a.Stage), tagsOf(a.Tags)
			if err := track.CheckExperimentName(e.Name); err != nil {
				s.warn("experiment "+e.Key, err.Error())
				continue
			}
			if err := f(e); err != nil {
				return "", err
			}
		}
		return answer.Next, nil
	})
}

// Runs implements [Source]. The oldest come first, so that runs that are begun
// meanwhile do not move others from one page to the next.
func (s *Server) Runs(ctx context.Context, e *Experiment, f func(*Run) error) error {
	return pages(func(token string) (string, error) {
		body := map[string]any{"experiment_ids": []string{e.Key}, "run_view_type": "ALL", "max_results": 200, "order_by": []string{"attributes.start_time ASC"}}
		if token != "" {
			body["page_token"] = token
		}
		var answer struct {
			Runs []runAnswer
			Next string `json:"next_page_token"`
		}
		if err := s.call(ctx, "/api/2.0/mlflow/runs/search", nil, body, &answer); err != nil {
			return "", err
		}
		for i := range answer.Runs {
			if err := f(answer.Runs[i].run()); err != nil {
				return "", err
			}
		}
		return answer.Next, nil
	})
}

// Points implements [Source].
func (s *Server) Points(ctx context.Context, r *Run, f func(track.Metric) error) error {
	for _, latest := range r.Metrics {
		err := pages(func(token string) (string, error) {
			var answer struct {
				Metrics []pointAnswer
				Next    string `json:"next_page_token"`
			}
			query := with(token, "run_id", r.ID, "run_uuid", r.ID, "metric_key", latest.Key, "max_results", "25000")
			if err := s.call(ctx, "/api/2.0/mlflow/metrics/get-history", query, nil, &answer); err != nil {
				return "", err
			}
			return answer.Next, s.give("run "+r.ID, answer.Metrics, f)
		})
		if err != nil {
			return err
		}
	}
	return s.modelPoints(ctx, r, f)
}

func (s *Server) give(what string, points []pointAnswer, f func(track.Metric) error) error {
	for i := range points {
		m, err := points[i].point()
		if err != nil {
			s.warn(what, fmt.Sprintf("a point of %s: %v", points[i].Key, err))
			continue
		}
		if err := f(m); err != nil {
			return err
		}
	}
	return nil
}

// Files implements [Source].
func (s *Server) Files(ctx context.Context, r *Run, f func(*File) error) error {
	rest, proxied := proxiedPath(r.ArtifactURI)
	list := func(dir, token string) (string, url.Values) {
		q := with(token, "run_id", r.ID, "run_uuid", r.ID)
		if dir != "" {
			q.Set("path", dir)
		}
		return "/api/2.0/mlflow/artifacts/list", q
	}
	return s.tree(ctx, "run "+r.ID, "", 0, list, func(name string) (string, url.Values) {
		if proxied {
			return "/api/2.0/mlflow-artifacts/artifacts/" + escapePath(rest+"/"+name), nil
		}
		return "/get-artifact", with("", "run_id", r.ID, "run_uuid", r.ID, "path", name)
	}, f)
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

type request func(name string) (path string, query url.Values)

// tree calls f for the files below a folder of artifacts.
func (s *Server) tree(ctx context.Context, what, dir string, depth int, list func(dir, token string) (string, url.Values), get request, f func(*File) error) error {
	if depth > maxDepth {
		s.warn(what, "the folder "+dir+" of artifacts is too deep")
		return nil
	}
	var below []string
	err := pages(func(token string) (string, error) {
		var answer struct {
			Files []fileAnswer
			Next  string `json:"next_page_token"`
		}
		path, query := list(dir, token)
		if err := s.call(ctx, path, query, nil, &answer); err != nil {
			return "", err
		}
		for i := range answer.Files {
			a := &answer.Files[i]
			name, ok := a.below(dir)
			switch {
			case !ok:
				s.warn(what, fmt.Sprintf("the server lists %q in the folder %q", a.Path, dir))
			case a.IsDir:
				below = append(below, name)
			default:
				if err := f(s.file(ctx, name, a, get)); err != nil {
					return "", err
				}
			}
		}
		return answer.Next, nil
	})
	if isStatus(err, http.StatusBadRequest, http.StatusNotFound, http.StatusNotImplemented, http.StatusInternalServerError, http.StatusServiceUnavailable) {
		s.warn(what, "the artifacts in "+dir+"/: "+err.Error()) // in a place that the server itself cannot read
		return nil
	}
	for _, name := range below {
		if err == nil {
			err = s.tree(ctx, what, name, depth+1, list, get, f)
		}
	}
	return err
}

func (s *Server) file(ctx context.Context, name string, a *fileAnswer, get request) *File {
	size := int64(-1)
	if a.Size != "" {
		size = a.Size.number()
	}
	return &File{name, size, func() (io.ReadCloser, error) {
		path, query := get(name)
		resp, err := s.send(ctx, http.MethodGet, path, query, nil)
		if err != nil {
			return nil, err
		}
		return resp.Body, nil
	}}
}

// Registered implements [Source]. Prompts are found only by those who ask for them.
func (s *Server) Registered(ctx context.Context, f func(*Registered) error) error {
	err := s.registered(ctx, "", f)
	if err != nil {
		return err
	}
	err = s.registered(ctx, promptsOnly, f)
	if isStatus(err, http.StatusBadRequest) {
		return nil // it knows no prompts
	}
	return err
}

const promptsOnly = "tags.`" + track.PromptTag + "` = 'true'"

func (s *Server) registered(ctx context.Context, filter string, f func(*Registered) error) error {
	return pages(func(token string) (string, error) {
		query := with(token, "max_results", "100")
		if filter != "" {
			query.Set("filter", filter)
		}
		var answer struct {
			Models []registeredAnswer `json:"registered_models"`
			Next   string             `json:"next_page_token"`
		}
		if err := s.call(ctx, "/api/2.0/mlflow/registered-models/search", query, nil, &answer); err != nil {
			return "", err
		}
		for i := range answer.Models {
			a := &answer.Models[i]
			m := &Registered{}
			m.Name, m.Description, m.Tags = a.Name, a.Description, tagsOf(a.Tags)
			for _, alias := range a.Aliases {
				m.Aliases = append(m.Aliases, track.Alias{Name: alias.Alias, Version: alias.Version.number()})
			}
			if err := s.versions(ctx, m, filter); err != nil {
				return "", err
			}
			if err := f(m); err != nil {
				return "", err
			}
		}
		return answer.Next, nil
	})
}

func (s *Server) versions(ctx context.Context, m *Registered, filter string) error {
	quote := "'"
	if strings.Contains(m.Name, "'") {
		quote = `"`
	}
	where := "name = " + quote + m.Name + quote
	if filter != "" {
		where += " AND " + filter
	}
	return pages(func(token string) (string, error) {
		var answer struct {
			Versions []versionAnswer `json:"model_versions"`
			Next     string          `json:"next_page_token"`
		}
		if err := s.call(ctx, "/api/2.0/mlflow/model-versions/search", with(token, "filter", where, "max_results", "1000"), nil, &answer); err != nil {
			return "", err
		}
		for i := range answer.Versions {
			a := &answer.Versions[i]
			m.Versions = append(m.Versions, track.ModelVersion{
				Version: a.Version.number(), Stage: a.Stage, Description: a.Description, User: a.User, Source: a.Source,
				RunID: a.RunID, RunLink: a.RunLink, ModelID: a.ModelID, Tags: tagsOf(a.Tags),
			})
		}
		return answer.Next, nil
	})
}
