package importer

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/xtrepro/xt/track"
)

// Traces implements [Source].
func (d *Database) Traces(ctx context.Context, e *Experiment, f func(*Trace) error) error {
	var list []*Trace
	columns := append([]string{
		"request_id", "client_request_id", "timestamp_ms", "execution_time_ms", "status", "request_preview", "response_preview", "trace_name", "session_id",
	}, countColumns...)
	err := d.sel(ctx, "trace_info", columns, "experiment_id = ? ORDER BY timestamp_ms, request_id", []any{e.Key}, func(r *row) {
		t := &Trace{}
		t.ID, t.ClientRequestID, t.RequestTime, t.Duration = r.text(), r.text(), r.number(), r.numberOr(-1)
		t.State, t.RequestPreview, t.ResponsePreview = r.text(), r.text(), r.text()
		t.Tags, t.Metadata = promoted("mlflow.traceName", r.text()), promoted(track.TraceSessionKey, r.text())
		t.Metadata = append(t.Metadata, counts(r)...)
		t.Spans = func() ([]track.Span, error) { return d.spans(ctx, t) }
		list = append(list, t)
	})
	for _, t := range list {
		if err == nil {
			err = d.fillTrace(ctx, t)
		}
		if err == nil {
			err = f(t)
		}
	}
	return err
}

// countColumns are columns in which newer databases have what was metadata, in
// the order of the keys of counts.
var countColumns = []string{
	"input_tokens", "output_tokens", "total_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
	"cache_creation_input_tokens_above_1hr", "input_cost", "output_cost", "total_cost",
}

// counts returns the metadata that [countColumns] were made of.
func counts(r *row) (tags []track.Tag) {
	for _, of := range []struct {
		key     string
		columns []string
	}{{track.TraceUsageKey, countColumns[:6]}, {"mlflow.trace.cost", countColumns[6:]}} {
		values := map[string]json.Number{}
		for _, column := range of.columns {
			if text := r.text(); text != "" {
				values[column] = json.Number(text)
			}
		}
		if b, err := json.Marshal(values); err == nil && len(values) > 0 {
			tags = append(tags, track.Tag{Key: of.key, Value: string(b)})
		}
	}
	return tags
}

func promoted(key, value string) []track.Tag {
	if value == "" {
		return nil
	}
	return []track.Tag{{Key: key, Value: value}}
}

// fillTrace reads what belongs to a trace, besides its spans.
func (d *Database) fillTrace(ctx context.Context, t *Trace) error {
	tags, err := d.tags(ctx, "trace_tags", "key", "value", "request_id = ?", t.ID)
	if err != nil {
		return err
	}
	metadata, err := d.tags(ctx, "trace_request_metadata", "key", "value", "request_id = ?", t.ID)
	if err != nil {
		return err
	}
	t.Tags, t.Metadata = append(tags, t.Tags...), append(metadata, t.Metadata...)
	err = d.sel(ctx, "entity_associations", []string{"destination_id"}, "source_type = 'trace' AND destination_type = 'run' AND source_id = ?", []any{t.ID}, func(r *row) {
		t.Runs = append(t.Runs, r.text())
	})
	if err != nil {
		return err
	}
	columns := []string{
		"assessment_id", "name", "assessment_type", "value", "error", "created_timestamp", "last_updated_timestamp", "source_type", "source_id", "span_id",
		"rationale", "overrides", "valid", "assessment_metadata",
	}
	return d.sel(ctx, "assessments", columns, "trace_id = ? ORDER BY created_timestamp, assessment_id", []any{t.ID}, func(r *row) {
		a := track.Assessment{ID: r.text(), Name: r.text()}
		kind := r.text()
		a.Expectation = kind == "expectation"
		a.Value, a.Error, a.Created, a.Updated = jsonText([]byte(r.text())), jsonText([]byte(r.text())), r.number(), r.number()
		a.SourceType, a.SourceID, a.SpanID, a.Rationale, a.Overrides, a.Valid = r.text(), r.text(), r.text(), r.text(), r.text(), r.text() != "0"
		var metadata map[string]text
		if json.Unmarshal([]byte(r.text()), &metadata) == nil {
			a.Metadata = tagsIn(metadata)
		}
		if kind != "expectation" && kind != "feedback" {
			d.warn("trace "+t.ID, fmt.Sprintf("the assessment %s is of the kind %q, which is not taken", a.ID, kind))
			return
		}
		t.Assessments = append(t.Assessments, a)
	})
}

// spans reads the spans of a trace, which are in a table or among its artifacts.
func (d *Database) spans(ctx context.Context, t *Trace) (spans []track.Span, err error) {
	if d.columns["spans.content"] {
		query := fmt.Sprintf("SELECT CASE WHEN length(content) <= %d THEN CAST(content AS TEXT) END FROM spans WHERE trace_id = ? ORDER BY start_time_unix_nano, span_id", maxSpansFile)
		err = d.each(ctx, query, []any{t.ID}, func(r *row) {
			s, err := parseSpan(t.ID, []byte(r.text()))
			if err != nil {
				d.warn("trace "+t.ID, err.Error())
				return
			}
			spans = append(spans, s)
		}, 1)
	}
	uri := tagOf(t.Tags, "mlflow.artifactLocation")
	if err != nil || spans != nil || uri == "" || tagOf(t.Tags, "mlflow.trace.spansLocation") == "TRACKING_STORE" {
		return spans, err
	}
	return readSpans(t.ID, d.warn, func(f func(*File) error) error {
		return d.files("trace "+t.ID, uri, "traces/"+t.ID+"/artifacts", f)
	})
}
