package importer

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"

	"github.com/xtrepro/xt/track"
)

// Traces implements [Source].
func (s *Server) Traces(ctx context.Context, e *Experiment, f func(*Trace) error) error {
	at := map[string]any{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": map[string]any{"experiment_id": e.Key}}
	body := map[string]any{"locations": []any{at}, "max_results": 500, "order_by": []string{"timestamp_ms ASC"}}
	err := each(ctx, s, listing{path: "/api/3.0/mlflow/traces/search", body: body, key: "traces"}, func(a *traceAnswer) error {
		t := &Trace{TraceInfo: a.info()}
		t.Spans = func() ([]track.Span, error) { return s.spans(ctx, t) }
		return f(t)
	})
	if isUnknown(err) {
		return nil // an MLflow before 3
	}
	return err
}

// spans asks for the spans of a trace, which the server has itself, or among the
// artifacts.
func (s *Server) spans(ctx context.Context, t *Trace) (spans []track.Span, err error) {
	warn := func(problem string) { s.warn("trace "+t.ID, problem) }
	if tagOf(t.Tags, "mlflow.trace.spansLocation") == "TRACKING_STORE" {
		spans, err = s.storedSpans(ctx, t.ID, warn)
	} else {
		spans, err = s.filedSpans(ctx, t, warn)
	}
	status := (*statusError)(nil)
	if errors.As(err, &status) && !status.passing() && !status.denied() {
		warn("its spans: " + err.Error())
		return nil, nil
	}
	return spans, err
}

func (s *Server) storedSpans(ctx context.Context, id string, warn func(string)) (spans []track.Span, err error) {
	var answer struct {
		Trace struct{ Spans []json.RawMessage }
	}
	if err := s.call(ctx, "/api/3.0/mlflow/traces/get", query("trace_id", id), nil, &answer); err != nil {
		return nil, err
	}
	for _, raw := range answer.Trace.Spans {
		span, err := parseOTLP(id, raw)
		if err != nil {
			warn(err.Error())
			continue
		}
		spans = append(spans, span)
	}
	return spans, nil
}

func (s *Server) filedSpans(ctx context.Context, t *Trace, warn func(string)) ([]track.Span, error) {
	path, q := "/ajax-api/2.0/mlflow/get-trace-artifact", url.Values{"request_id": {t.ID}}
	if rest, ok := proxiedPath(tagOf(t.Tags, "mlflow.artifactLocation")); ok {
		path, q = proxy+"/"+escapePath(rest+"/"+spansFile), nil
	}
	r, err := s.open(ctx, path, q)
	if err != nil {
		return nil, err
	}
	b, err := readAll(r, maxSpansFile)
	if err != nil {
		return nil, err
	}
	return parseSpans(t.ID, b, warn), nil
}
