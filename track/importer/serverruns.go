package importer

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/xtrepro/xt/track"
)

// Experiments implements [Source].
func (s *Server) Experiments(ctx context.Context, f func(*Experiment) error) error {
	l := listing{path: "/api/2.0/mlflow/experiments/search", body: map[string]any{"max_results": 1000, "view_type": "ALL"}, key: "experiments"}
	return each(ctx, s, l, func(a *experimentAnswer) error {
		e := &Experiment{Key: string(a.ID)}
		e.Name, e.ArtifactLocation, e.Lifecycle, e.Created, e.Tags = a.Name, a.Location, lifecycleOf(a.Stage), a.Created.number(), tagsOf(a.Tags)
		if err := track.CheckExperimentName(e.Name); err != nil {
			s.warn("experiment "+e.Key, err.Error())
			return nil
		}
		return f(e)
	})
}

// Runs implements [Source]. The oldest come first, so that runs that are begun
// meanwhile do not move others from one page to the next.
func (s *Server) Runs(ctx context.Context, e *Experiment, f func(*Run) error) error {
	body := map[string]any{"experiment_ids": []string{e.Key}, "run_view_type": "ALL", "max_results": 200, "order_by": []string{"attributes.start_time ASC"}}
	l := listing{path: "/api/2.0/mlflow/runs/search", body: body, key: "runs"}
	return each(ctx, s, l, func(a *runAnswer) error { return f(a.run()) })
}

// Points implements [Source].
func (s *Server) Points(ctx context.Context, r *Run, f func(track.Metric) error) error {
	for _, latest := range r.Metrics {
		l := listing{
			path: "/api/2.0/mlflow/metrics/get-history", key: "metrics",
			query: query("run_id", r.ID, "run_uuid", r.ID, "metric_key", latest.Key, "max_results", "25000"),
		}
		err := each(ctx, s, l, func(a *pointAnswer) error {
			m, err := a.point()
			if err != nil {
				s.warn("run "+r.ID, fmt.Sprintf("a point of %s: %v", a.Key, err))
				return nil
			}
			return f(m)
		})
		if err != nil {
			return err
		}
	}
	for _, m := range s.points[r.ID] {
		if err := f(m); err != nil {
			return err
		}
	}
	return nil
}

// Registered implements [Source]. Prompts are found only by those who ask for them.
func (s *Server) Registered(ctx context.Context, f func(*Registered) error) error {
	if err := s.registered(ctx, "", f); err != nil {
		return err
	}
	err := s.registered(ctx, promptsOnly, f)
	if isStatus(err, http.StatusBadRequest) {
		return nil // it knows no prompts
	}
	return err
}

const promptsOnly = "tags.`" + track.PromptTag + "` = 'true'"

func (s *Server) registered(ctx context.Context, filter string, f func(*Registered) error) error {
	l := listing{path: "/api/2.0/mlflow/registered-models/search", query: query("max_results", "100"), key: "registered_models"}
	if filter != "" {
		l.query.Set("filter", filter)
	}
	return each(ctx, s, l, func(a *registeredAnswer) error {
		m := &Registered{}
		m.Name, m.Description, m.Tags = a.Name, a.Description, tagsOf(a.Tags)
		for _, alias := range a.Aliases {
			m.Aliases = append(m.Aliases, track.Alias{Name: alias.Alias, Version: alias.Version.number()})
		}
		if err := s.versions(ctx, m, filter); err != nil {
			return err
		}
		return f(m)
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
	l := listing{path: "/api/2.0/mlflow/model-versions/search", query: query("filter", where, "max_results", "1000"), key: "model_versions"}
	return each(ctx, s, l, func(a *versionAnswer) error {
		m.Versions = append(m.Versions, track.ModelVersion{
			Version: a.Version.number(), Stage: a.Stage, Description: a.Description, User: a.User, Source: a.Source,
			RunID: a.RunID, RunLink: a.RunLink, ModelID: a.ModelID, Created: a.Created.number(), Tags: tagsOf(a.Tags),
		})
		return nil
	})
}
