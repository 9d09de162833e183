package importer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/xtrepro/xt/track"
)

// traceAnswer is a trace as a server describes it, and the file trace_info.yaml.
type traceAnswer struct {
	ID          string             `json:"trace_id"`
	Client      string             `json:"client_request_id"`
	Time        text               `json:"request_time"`
	Duration    text               `json:"execution_duration"`
	DurationMS  text               `json:"execution_duration_ms"`
	State       text               `json:"state"`
	Request     string             `json:"request_preview"`
	Response    string             `json:"response_preview"`
	Metadata    map[string]text    `json:"trace_metadata"`
	Tags        map[string]text    `json:"tags"`
	Assessments []assessmentAnswer `json:"assessments"`

	// As MLflow 2 has it.
	OldID       string `json:"request_id"`
	OldTime     text   `json:"timestamp_ms"`
	OldDuration text   `json:"execution_time_ms"`
	OldState    text   `json:"status"`
}

func (a *traceAnswer) info() track.TraceInfo {
	t := track.TraceInfo{
		ID: cmp.Or(a.ID, a.OldID), ClientRequestID: a.Client, RequestTime: timeOf(cmp.Or(a.Time, a.OldTime)), Duration: -1,
		State: string(cmp.Or(a.State, a.OldState)), RequestPreview: a.Request, ResponsePreview: a.Response,
		Tags: tagsIn(a.Tags), Metadata: tagsIn(a.Metadata),
	}
	if d, err := time.ParseDuration(string(a.Duration)); err == nil {
		t.Duration = d.Milliseconds()
	} else if ms, ok := parseNumber(string(cmp.Or(a.DurationMS, a.OldDuration))); ok {
		t.Duration = ms
	}
	for i := range a.Assessments {
		t.Assessments = append(t.Assessments, a.Assessments[i].assessment())
	}
	return t
}

func tagsIn(m map[string]text) []track.Tag {
	var tags []track.Tag
	for _, key := range slices.Sorted(maps.Keys(m)) {
		tags = append(tags, track.Tag{Key: key, Value: string(m[key])})
	}
	return tags
}

// timeOf returns a time that is written as a date, or as milliseconds.
func timeOf(s text) int64 {
	if t, err := time.Parse(time.RFC3339Nano, string(s)); err == nil {
		return t.UnixMilli()
	}
	return s.number()
}

// assessmentAnswer is an assessment as a server describes it, and its file.
type assessmentAnswer struct {
	ID     string `json:"assessment_id"`
	Name   string `json:"assessment_name"`
	Span   string `json:"span_id"`
	Source struct {
		Type string `json:"source_type"`
		ID   string `json:"source_id"`
	} `json:"source"`
	Created  text `json:"create_time"`
	Updated  text `json:"last_update_time"`
	Feedback *struct {
		Value, Error json.RawMessage
	} `json:"feedback"`
	Expectation *struct {
		Value      json.RawMessage
		Serialized *struct{ Value string } `json:"serialized_value"`
	} `json:"expectation"`
	Rationale string          `json:"rationale"`
	Metadata  map[string]text `json:"metadata"`
	Overrides string          `json:"overrides"`
	Valid     *bool           `json:"valid"`
}

func (a *assessmentAnswer) assessment() track.Assessment {
	m := track.Assessment{
		ID: a.ID, SpanID: a.Span, Name: a.Name, SourceType: a.Source.Type, SourceID: a.Source.ID, Created: timeOf(a.Created), Updated: timeOf(a.Updated),
		Rationale: a.Rationale, Metadata: tagsIn(a.Metadata), Overrides: a.Overrides, Valid: a.Valid == nil || *a.Valid,
	}
	switch {
	case a.Feedback != nil:
		m.Value, m.Error = jsonText(a.Feedback.Value), jsonText(a.Feedback.Error)
	case a.Expectation != nil && a.Expectation.Serialized != nil:
		m.Expectation, m.Value = true, jsonText([]byte(a.Expectation.Serialized.Value))
	case a.Expectation != nil:
		m.Expectation, m.Value = true, jsonText(a.Expectation.Value)
	}
	return m
}

// jsonText returns what a value says, "" for none.
func jsonText(b []byte) string {
	b = quoteNumbers(b)
	if !json.Valid(b) || bytes.Equal(b, []byte("null")) {
		return ""
	}
	return string(b)
}
