package optuna

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/xtrepro/xt/track/optuna/api"
)

const floatJSON = `{"name": "FloatDistribution", "attributes": {"step": null, "low": -Infinity, "high": 1.0, "log": false}}`

// TestTemplate gives a trial all that one can have, and gets it back.
func TestTemplate(t *testing.T) {
	s := serve(t, newStore(t))
	study := must[*api.CreateNewStudyReply](t)(s.CreateNewStudy(t.Context(), &api.CreateNewStudyRequest{StudyName: "s", Directions: []api.StudyDirection{1, 0}}))
	want := &api.Trial{
		State: api.TrialState_PRUNED, Values: []float64{math.Inf(-1), 0.1}, DatetimeStart: "2024-01-02 03:04:05.000006", DatetimeComplete: "2024-01-02 03:04:06.500000",
		Params: map[string]float64{"x": 0.25}, Distributions: map[string]string{"x": floatJSON},
		UserAttributes: map[string]string{"u": "NaN"}, SystemAttributes: map[string]string{"s": `[1, "é"]`}, IntermediateValues: map[int64]float64{-1: 1, 7: math.Inf(1)},
	}
	made := must[*api.CreateNewTrialReply](t)(s.CreateNewTrial(t.Context(), &api.CreateNewTrialRequest{StudyId: study.StudyId, TemplateTrial: want}))
	want.TrialId = made.TrialId
	got := must[*api.GetTrialReply](t)(s.GetTrial(t.Context(), &api.GetTrialRequest{TrialId: made.TrialId})).Trial
	if !proto.Equal(want, got) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	all := must[*api.GetTrialsReply](t)(s.GetTrials(t.Context(), &api.GetTrialsRequest{StudyId: study.StudyId, TrialIdGreaterThan: -1}))
	if len(all.Trials) != 1 || !proto.Equal(want, all.Trials[0]) {
		t.Errorf("all: %v", all)
	}
	studies := must[*api.GetAllStudiesReply](t)(s.GetAllStudies(t.Context(), &api.GetAllStudiesRequest{}))
	if len(studies.Studies) != 1 || studies.Studies[0].StudyName != "s" || studies.Studies[0].Directions[0] != api.StudyDirection_MAXIMIZE {
		t.Errorf("studies: %v", studies)
	}
}

// TestStatus has each mistake answered with what clients make an exception of.
func TestStatus(t *testing.T) {
	s := serve(t, newStore(t))
	ctx := t.Context()
	study := must[*api.CreateNewStudyReply](t)(s.CreateNewStudy(ctx, &api.CreateNewStudyRequest{StudyName: "s", Directions: []api.StudyDirection{0}})).StudyId
	trial := must[*api.CreateNewTrialReply](t)(s.CreateNewTrial(ctx, &api.CreateNewTrialRequest{StudyId: study, TemplateTrial: &api.Trial{State: api.TrialState_FAIL}})).TrialId
	running := must[*api.CreateNewTrialReply](t)(s.CreateNewTrial(ctx, &api.CreateNewTrialRequest{StudyId: study, TemplateTrialIsNone: true})).TrialId
	for what, c := range map[string]struct {
		call func() error
		want codes.Code
	}{
		"taken name": {func() error {
			_, err := s.CreateNewStudy(ctx, &api.CreateNewStudyRequest{StudyName: "s", Directions: []api.StudyDirection{0}})
			return err
		}, codes.AlreadyExists},
		"unknown direction": {func() error {
			_, err := s.CreateNewStudy(ctx, &api.CreateNewStudyRequest{Directions: []api.StudyDirection{7}})
			return err
		}, codes.InvalidArgument},
		"unknown study": {func() error {
			_, err := s.GetStudyDirections(ctx, &api.GetStudyDirectionsRequest{StudyId: 99})
			return err
		}, codes.NotFound},
		"unknown trial": {func() error { _, err := s.GetTrial(ctx, &api.GetTrialRequest{TrialId: 99}); return err }, codes.NotFound},
		"ended trial": {func() error {
			_, err := s.SetTrialUserAttribute(ctx, &api.SetTrialUserAttributeRequest{TrialId: trial, Key: "k", Value: "1"})
			return err
		}, codes.FailedPrecondition},
		"unknown state": {func() error {
			_, err := s.SetTrialStateValues(ctx, &api.SetTrialStateValuesRequest{TrialId: running, State: 9})
			return err
		}, codes.InvalidArgument},
		"no distribution": {func() error {
			_, err := s.SetTrialParameter(ctx, &api.SetTrialParameterRequest{TrialId: running, ParamName: "x", Distribution: "{}"})
			return err
		}, codes.InvalidArgument},
		"no JSON": {func() error {
			_, err := s.SetStudyUserAttribute(ctx, &api.SetStudyUserAttributeRequest{StudyId: study, Key: "k", Value: "nan"})
			return err
		}, codes.InvalidArgument},
		"no time": {func() error {
			_, err := s.CreateNewTrial(ctx, &api.CreateNewTrialRequest{StudyId: study, TemplateTrial: &api.Trial{DatetimeStart: "now"}})
			return err
		}, codes.InvalidArgument},
		"no template": {func() error { _, err := s.CreateNewTrial(ctx, &api.CreateNewTrialRequest{StudyId: study}); return err }, codes.InvalidArgument},
	} {
		if err := c.call(); status.Code(err) != c.want {
			t.Errorf("%s: %v", what, err)
		}
	}
	if r, err := s.SetTrialStateValues(ctx, &api.SetTrialStateValuesRequest{TrialId: running}); err != nil || r.TrialUpdated {
		t.Errorf("a running trial runs: %v, %v", r, err)
	}
}

// TestRepeated asks for a trial twice with the number of one request.
func TestRepeated(t *testing.T) {
	s := serve(t, newStore(t))
	study := must[*api.CreateNewStudyReply](t)(s.CreateNewStudy(t.Context(), &api.CreateNewStudyRequest{Directions: []api.StudyDirection{0}})).StudyId
	ctx := metadata.AppendToOutgoingContext(t.Context(), RequestKey, "once")
	for range 2 {
		must[*api.CreateNewTrialReply](t)(s.CreateNewTrial(ctx, &api.CreateNewTrialRequest{StudyId: study, TemplateTrialIsNone: true}))
	}
	if all := must[*api.GetTrialsReply](t)(s.GetTrials(ctx, &api.GetTrialsRequest{StudyId: study})); len(all.Trials) != 1 {
		t.Errorf("%v", all)
	}
}

func TestJSON(t *testing.T) {
	s := serve(t, newStore(t))
	for _, c := range []struct {
		method, body string
		status       int
		want         string
	}{
		{"CreateNewStudy", `{"directions": ["MAXIMIZE"], "studyName": "s"}`, 200, `{"studyId":"1"}`},
		{"CreateNewStudy", `{"directions": ["MAXIMIZE"], "studyName": "s"}`, 409, `{"code":"already_exists","message":"there is a study with the name \"s\""}`},
		{"CreateNewTrial", `{"studyId": 1, "templateTrialIsNone": true, "new": 1}`, 200, `{"trialId":"1"}`},
		{"SetTrialStateValues", `{"trialId": 1, "state": "COMPLETE", "values": ["-Infinity"]}`, 200, `{"trialUpdated":true}`},
		{"SetTrialStateValues", `{"trialId": 1, "state": "COMPLETE"}`, 400, `"failed_precondition"`},
		{"GetTrial", `{"trialId": 2}`, 404, `"not_found"`},
		{"GetTrial", `{"trialId": NaN}`, 400, `"invalid_argument"`},
		{"GetNothing", `{}`, 501, `"unimplemented"`},
	} {
		code, body := s.post(c.method, c.body)
		if compact := strings.ReplaceAll(body, `": `, `":`); code != c.status || !strings.Contains(strings.ReplaceAll(compact, `, "`, `,"`), c.want) {
			t.Errorf("%s %s: %d, %s", c.method, c.body, code, body)
		}
	}
	if code, _ := s.post("GetTrial", "{}", "Content-Type: text/plain"); code != http.StatusUnsupportedMediaType {
		t.Errorf("of a text: %d", code)
	}
	if code, _ := s.post("GetTrial", "{}", "Content-Type: application/grpc"); code != http.StatusHTTPVersionNotSupported {
		t.Errorf("gRPC with HTTP/1: %d", code)
	}
}

func TestDeny(t *testing.T) {
	for kind, want := range map[string]string{"application/grpc+proto": "16 This%20server%20needs%20a%20token", "application/json": ` {"code":"unauthenticated","message":"This server needs a token"}`} {
		r := httptest.NewRequest(http.MethodPost, service+"GetTrial", nil)
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		Deny(w, r, http.StatusUnauthorized, "This server needs a token")
		if got := w.Header().Get("Grpc-Status") + " " + w.Header().Get("Grpc-Message") + w.Body.String(); got != want {
			t.Errorf("%s: %s", kind, got)
		}
		if !Owns(r) || !Reads(r) {
			t.Error("it is not owned, or more than a read")
		}
	}
}

// FuzzTemplate makes trials of any JSON: what is taken comes back.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{
		`{"state": "WAITING", "datetimeStart": "2024-01-02 03:04:05.000006"}`, `{"state": 9}`, `{"params": {"x": "NaN"}, "distributions": {"x": "{}"}}`,
		`{"intermediateValues": {"-1": "Infinity"}, "userAttributes": {"a": "1"}, "datetimeComplete": "0000-00-00"}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		in := new(api.Trial)
		if protojson.Unmarshal([]byte(text), in) != nil {
			return
		}
		trial, err := templateOf(in)
		if err != nil {
			return
		}
		out := trialOf(trial)
		in.TrialId, in.Number = 0, 0
		for name := range in.Distributions {
			if _, ok := in.Params[name]; !ok {
				delete(in.Distributions, name)
			}
		}
		if len(in.DatetimeStart)+len(in.DatetimeComplete) > 0 {
			return // what is written otherwise comes back in one form
		}
		if !proto.Equal(in, out) && !strings.Contains(text, "NaN") {
			t.Errorf("%v became %v", in, out)
		}
	})
}
