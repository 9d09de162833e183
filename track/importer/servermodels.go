package importer

import (
	"context"
	"net/http"

	"github.com/xtrepro/xt/track"
)

// isUnknown reports whether a server is too old to know what it was asked for.
func isUnknown(err error) bool {
	return isStatus(err, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented)
}

// Models implements [Source].
func (s *Server) Models(ctx context.Context, e *Experiment, f func(*Model) error) error {
	s.points = map[string][]track.Metric{}
	l := listing{path: "/api/2.0/mlflow/logged-models/search", body: map[string]any{"experiment_ids": []string{e.Key}, "max_results": 50}, key: "models"}
	err := each(ctx, s, l, func(a *modelAnswer) error { return f(s.model(a)) })
	if isUnknown(err) {
		return nil // an MLflow before 3
	}
	return err
}

func (s *Server) model(a *modelAnswer) *Model {
	m := &Model{}
	m.ID, m.Name, m.Type, m.SourceRun, m.Created = a.Info.ID, a.Info.Name, a.Info.Type, a.Info.Run, a.Info.Created.number()
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
