package importer

import (
	"context"
	"net/http"
	"net/url"

	"github.com/xtrepro/xt/track"
)

// Models implements [Source].
func (s *Server) Models(ctx context.Context, e *Experiment, f func(*Model) error) error {
	s.points = map[string][]track.Metric{}
	err := pages(func(token string) (string, error) {
		body := map[string]any{"experiment_ids": []string{e.Key}, "max_results": 50}
		if token != "" {
			body["page_token"] = token
		}
		var answer struct {
			Models []modelAnswer
			Next   string `json:"next_page_token"`
		}
		if err := s.call(ctx, "/api/2.0/mlflow/logged-models/search", nil, body, &answer); err != nil {
			return "", err
		}
		for i := range answer.Models {
			if err := f(s.model(&answer.Models[i])); err != nil {
				return "", err
			}
		}
		return answer.Next, nil
	})
	if isStatus(err, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented) {
		return nil // an MLflow before 3 has none
	}
	return err
}

func (s *Server) model(a *modelAnswer) *Model {
	m := &Model{}
	m.ID, m.Name, m.Type, m.SourceRun = a.Info.ID, a.Info.Name, a.Info.Type, a.Info.Run
	m.Status, m.ArtifactURI = modelStatusOf(string(a.Info.Status)), a.Info.Artifact
	m.Params, m.Tags = paramsOf(a.Data.Params), tagsOf(a.Info.Tags)
	for i := range a.Data.Metrics {
		p, err := a.Data.Metrics[i].point()
		if err != nil {
			s.warn("logged model "+m.ID, "a point of "+p.Key+": "+err.Error())
			continue
		}
		p.ModelID = m.ID
		s.points[a.Data.Metrics[i].RunID] = append(s.points[a.Data.Metrics[i].RunID], p)
	}
	return m
}

// modelPoints gives the points of a run about logged models of its experiment.
func (s *Server) modelPoints(_ context.Context, r *Run, f func(track.Metric) error) error {
	for _, m := range s.points[r.ID] {
		if err := f(m); err != nil {
			return err
		}
	}
	return nil
}

// ModelFiles implements [Source].
func (s *Server) ModelFiles(ctx context.Context, m *Model, f func(*File) error) error {
	rest, ok := proxiedPath(m.ArtifactURI)
	if !ok {
		s.warn("logged model "+m.ID, "the server does not give out its artifacts: "+m.ArtifactURI)
		return nil
	}
	list := func(dir, token string) (string, url.Values) {
		at := rest
		if dir != "" {
			at += "/" + dir
		}
		return "/api/2.0/mlflow-artifacts/artifacts", with(token, "path", at)
	}
	return s.tree(ctx, "logged model "+m.ID, "", 0, list, func(name string) (string, url.Values) {
		return "/api/2.0/mlflow-artifacts/artifacts/" + escapePath(rest+"/"+name), nil
	}, f)
}
