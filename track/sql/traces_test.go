package sql

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/track"
)

func testTraces(t *testing.T, s track.Store) {
	ctx := t.Context()
	a := track.TraceInfo{ID: "tr-a", RequestTime: 100, Duration: 20, State: "OK", RequestPreview: "q", ResponsePreview: "r", ClientRequestID: "c",
		Tags: []track.Tag{{Key: "mlflow.traceName", Value: "predict"}}, Metadata: []track.Tag{{Key: "mlflow.sourceRun", Value: "run1"}}}
	if d := cmp.Diff(a, must[track.TraceInfo](t)(s.PutTrace(ctx, a))); d != "" {
		t.Error(d)
	}
	// Again, with more of it.
	more := must[track.TraceInfo](t)(s.PutTrace(ctx, track.TraceInfo{ID: "tr-a", Duration: -1, State: "ERROR", Tags: []track.Tag{{Key: "x", Value: "1"}},
		Assessments: []track.Assessment{{ID: "a-1", Name: "ok", Value: "true", Valid: true, Created: 1, Updated: 1}}}))
	if more.State != "ERROR" || more.RequestTime != 100 || more.Duration != 20 || len(more.Tags) != 2 || len(more.Assessments) != 1 || more.Assessments[0].TraceID != "tr-a" {
		t.Errorf("%+v", more)
	}
	_, err := s.TraceInfo(ctx, "nope")
	wantError(t, err, track.NotFound, "Trace with ID 'nope' not found.")

	spans := []track.Span{
		{TraceID: "tr-b", ID: "2", Parent: "1", Name: "llm", Type: "LLM", Status: "OK", StartNano: 201e6, EndNano: 202e6, Content: `{"attributes": {"model": "\"gpt\"", "n": "3"}}`},
		{TraceID: "tr-b", ID: "1", Name: "root", Type: "CHAIN", Status: "ERROR", StartNano: 200e6, EndNano: 250e6, Content: `{"name": "\u0000", "attributes": {"nul": "\"a\\u0000\""}}`},
	}
	check(t, s.PutSpans(ctx, 0, spans[:1]))
	if b := must[track.TraceInfo](t)(s.TraceInfo(ctx, "tr-b")); b.State != inProgress || b.Duration != -1 || b.RequestTime != 201 {
		t.Errorf("%+v", b)
	}
	check(t, s.PutSpans(ctx, 0, spans))
	list := must[[]track.Trace](t)(s.Traces(ctx, []string{"nope", "tr-b", "tr-a"}))
	if len(list) != 2 || list[0].State != "ERROR" || list[0].Duration != 50 || list[0].RequestTime != 200 || list[1].Spans != nil {
		t.Errorf("%+v", list)
	}
	if d := cmp.Diff([]track.Span{spans[1], spans[0]}, list[0].Spans); d != "" {
		t.Error(d)
	}
	check(t, s.SetTraceTag(ctx, "tr-b", track.Tag{Key: "y", Value: "2"}))
	check(t, s.SetTraceTag(ctx, "tr-b", track.Tag{Key: "z", Value: "2"}))
	check(t, s.SetTraceTag(ctx, "tr-a", track.Tag{Key: track.LinkedPromptsTag, Value: `[{"name": "qa", "version": "4"}]`}))
	check(t, s.SetTraceTag(ctx, "tr-b", track.Tag{Key: track.LinkedPromptsTag, Value: `[{"name":"qa","version":"4"},{"name":"chat","version":"1"}]`}))
	check(t, s.DeleteTraceTag(ctx, "tr-b", "z"))
	wantError(t, s.DeleteTraceTag(ctx, "tr-b", "z"), track.NotFound, "No trace tag with key 'z' for trace with ID 'tr-b'")
	run := newRun(t, s, track.NewRun{})
	check(t, s.LinkTraces(ctx, []string{"tr-b", "tr-b", "tr-late"}, run.ID))
	check(t, s.LinkTraces(ctx, []string{"tr-late"}, run.ID))
	testAssessments(t, s)
	searchTraces(t, s, run.ID)
	searchSessions(t, s)

	for _, d := range []track.TraceDeletion{{Before: 99}, {IDs: []string{"tr-z"}}, {IDs: []string{}}} {
		if n, err := s.DeleteTraces(ctx, d); n != 0 || err != nil {
			t.Errorf("%+v deleted %d, %v", d, n, err)
		}
	}
	if n, err := s.DeleteTraces(ctx, track.TraceDeletion{Before: 1000, Max: 1}); n != 1 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	if n, err := s.DeleteTraces(ctx, track.TraceDeletion{IDs: []string{"tr-b"}}); n != 1 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	must[track.TraceInfo](t)(s.PutTrace(ctx, track.TraceInfo{ID: "tr-late", RequestTime: 1, State: "OK"}))
	if got := traces(t, s, track.Search{Filter: "run_id = '" + run.ID + "'"}); got != "tr-late" {
		t.Errorf("a trace that came after its link: %q", got)
	}
}

func testAssessments(t *testing.T, s track.Store) {
	ctx := t.Context()
	first := must[track.Assessment](t)(s.CreateAssessment(ctx, track.Assessment{TraceID: "tr-b", Name: "score", Value: "0.5", SourceType: "HUMAN", Metadata: []track.Tag{{Key: "m", Value: "1"}}}))
	second := must[track.Assessment](t)(s.CreateAssessment(ctx, track.Assessment{TraceID: "tr-b", Name: "score", Value: "0.8", Overrides: first.ID}))
	if got := must[track.Assessment](t)(s.Assessment(ctx, "tr-b", first.ID)); got.Valid || got.Created == 0 || len(got.Metadata) != 1 {
		t.Errorf("%+v", got)
	}
	if err := s.DeleteAssessment(ctx, "tr-b", second.ID); err != nil {
		t.Error(err)
	}
	check(t, s.DeleteAssessment(ctx, "tr-b", second.ID))
	yes, value, name := true, `"good"`, "verdict"
	_, err := s.UpdateAssessment(ctx, "tr-b", first.ID, track.AssessmentUpdate{Expectation: &yes})
	wantError(t, err, track.InvalidParameter, "Cannot update expectation value on a Feedback assessment.")
	no, truth := false, must[track.Assessment](t)(s.CreateAssessment(ctx, track.Assessment{TraceID: "tr-b", Name: "truth", Value: "1", Expectation: true}))
	_, err = s.UpdateAssessment(ctx, "tr-b", truth.ID, track.AssessmentUpdate{Expectation: &no})
	wantError(t, err, track.InvalidParameter, "Cannot update feedback value on an Expectation assessment.")
	check(t, s.DeleteAssessment(ctx, "tr-b", truth.ID))
	must[track.Assessment](t)(s.UpdateAssessment(ctx, "tr-b", first.ID, track.AssessmentUpdate{Name: &name, Value: &value, Metadata: []track.Tag{{Key: "m", Value: "2"}, {Key: "n", Value: "3"}}}))
	got := must[track.Assessment](t)(s.Assessment(ctx, "tr-b", first.ID))
	if !got.Valid || got.Name != "verdict" || got.Value != value || got.SourceType != "HUMAN" || len(got.Metadata) != 2 || tagOf(got.Metadata, "m") != "2" {
		t.Errorf("%+v", got)
	}
	must[track.Assessment](t)(s.CreateAssessment(ctx, track.Assessment{TraceID: "tr-b", Name: "score", Value: "0.8"}))
	_, err = s.Assessment(ctx, "tr-b", "a-0")
	wantError(t, err, track.NotFound, "Assessment with ID 'a-0' not found for trace 'tr-b'")
	_, err = s.CreateAssessment(ctx, track.Assessment{TraceID: "nope"})
	wantError(t, err, track.NotFound, "Trace with ID 'nope' not found")
}

func searchTraces(t *testing.T, s track.Store, run string) {
	for filter, want := range map[string]string{
		"":                                           "tr-b tr-a",
		"name = 'predict'":                           "tr-a",
		"trace.name LIKE 'pre%'":                     "tr-a",
		"status = 'ERROR' AND timestamp > 150":       "tr-b",
		"execution_time_ms < 30":                     "tr-a",
		"end_time >= 250":                            "tr-b",
		"run_id = 'run1'":                            "tr-a",
		"run_id = '" + run + "'":                     "tr-b",
		"tags.y RLIKE '^[0-9]$'":                     "tr-b",
		"tags.x IS NULL":                             "tr-b",
		"metadata.`mlflow.sourceRun` IS NOT NULL":    "tr-a",
		"span.name = 'llm' AND span.type IN ('LLM')": "tr-b",
		"span.attributes.model = 'gpt'":              "tr-b",
		"span.attributes.model LIKE 'g%'":            "tr-b",
		"span.attributes.none = 'x'":                 "",
		"text LIKE '%gpt%'":                          "tr-b",
		"feedback.ok = 'true'":                       "tr-a",
		"feedback.verdict = 'good'":                  "tr-b",
		"feedback.score > 0.7":                       "tr-b",
		"feedback.score > 0.9":                       "",
		"feedback.ok IS NULL":                        "tr-b",
		"expectation.ok = 'true'":                    "",
		"request_id IN ('tr-a', 'tr-z')":             "tr-a",
		"client_request_id = 'c'":                    "tr-a",
		"client_request_id != 'd'":                   "tr-a",
		"prompt = 'qa/4'":                            "tr-b tr-a",
		"prompt = 'chat/1'":                          "tr-b",
		"prompt = 'chat/4'":                          "",
		"prompt = 'Chat/1'":                          "",
		"tags.`mlflow.linkedPrompts` IS NOT NULL":    "tr-b tr-a",
		"issue.id = 'x'":                             "",
	} {
		if got := traces(t, s, track.Search{Filter: filter}); got != want {
			t.Errorf("%s: %q, not %q", filter, got, want)
		}
	}
	_, err := s.SearchTraces(t.Context(), track.TraceSearch{Search: track.Search{Max: 1, Filter: "tags.y RLIKE '('"}})
	wantError(t, err, track.InvalidParameter, "Invalid regular expression '('")
	for order, want := range map[string]string{"timestamp_ms": "tr-a tr-b", "execution_time DESC": "tr-b tr-a", "tags.y": "tr-b tr-a", "name": "tr-a tr-b", "request_id DESC": "tr-b tr-a"} {
		if got := traces(t, s, track.Search{OrderBy: []string{order}}); got != want {
			t.Errorf("by %s: %q", order, got)
		}
	}
}

func traces(t *testing.T, s track.Store, search track.Search) string {
	t.Helper()
	search.Max = 100
	var ids []string
	for _, i := range must[track.Page[track.TraceInfo]](t)(s.SearchTraces(t.Context(), track.TraceSearch{Search: search, Experiments: []int64{0}})).Items {
		ids = append(ids, i.ID)
	}
	return strings.Join(ids, " ")
}

// searchSessions finds traces by what was said of their sessions.
func searchSessions(t *testing.T, s track.Store) {
	ctx := t.Context()
	other := must[int64](t)(s.CreateExperiment(ctx, track.NewExperiment{Name: "other sessions"}))
	for i, id := range []string{"s1", "s2", "s3", "s4"} {
		session, experiment := "long", int64(0)
		if i == 2 {
			session = "short"
		}
		if i == 3 {
			experiment = other
		}
		must[track.TraceInfo](t)(s.PutTrace(ctx, track.TraceInfo{ID: id, Experiment: experiment, RequestTime: int64(10 - i), State: "OK", Metadata: []track.Tag{{Key: track.TraceSessionKey, Value: session}}}))
	}
	of := []track.Tag{{Key: track.TraceSessionKey, Value: "long"}}
	must[track.Assessment](t)(s.CreateAssessment(ctx, track.Assessment{TraceID: "s1", Name: "whole", Value: `"good"`, Metadata: of}))
	must[track.Assessment](t)(s.CreateAssessment(ctx, track.Assessment{TraceID: "s1", Name: "part", Value: "3"}))
	must[track.Assessment](t)(s.CreateAssessment(ctx, track.Assessment{TraceID: "s4", Name: "elsewhere", Value: "3", Metadata: of}))
	for filter, want := range map[string]string{
		"feedback.whole = 'good'":    "s1 s2",
		"feedback.whole IS NOT NULL": "s1 s2",
		"feedback.whole = 'bad'":     "",
		"feedback.part > 2":          "s1",
		"feedback.whole IS NULL AND metadata.`" + track.TraceSessionKey + "` IS NOT NULL": "s3",
		"feedback.elsewhere > 2": "",
	} {
		if got := traces(t, s, track.Search{Filter: filter}); got != want {
			t.Errorf("%s: %q, not %q", filter, got, want)
		}
	}
	if n := must[int](t)(s.DeleteTraces(ctx, track.TraceDeletion{IDs: []string{"s1", "s2", "s3"}})); n != 3 {
		t.Errorf("%d deleted", n)
	}
}
