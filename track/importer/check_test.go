package importer

import (
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/xtrepro/xt/track"
)

func checkRun(t *testing.T, s track.Store, m made) {
	t.Helper()
	r, err := s.Run(t.Context(), m.Run)
	if err != nil {
		t.Fatal(err)
	}
	params := map[string]string{}
	for _, p := range r.Params {
		params[p.Key] = p.Value
	}
	if len(params) != 5 || params["lr"] != "0.01" || params["opt/name"] != "adam" || params["grüße"] != "schön ☃" || len(params["long"]) != 5000 {
		t.Errorf("the parameters are %.200v", params)
	}
	if r.Name != "main" || r.Status != track.Finished || r.Start == 0 || r.End < r.Start || tagOf(r.Tags, "phase") != "one" || tagOf(r.Tags, "note") != "two\nlines" || hasTag(r.Tags, UnfinishedTag) {
		t.Errorf("the run is %.300v", r)
	}
	if e, err := s.Experiment(t.Context(), r.Experiment); err != nil || e.Name != "vision" || tagOf(e.Tags, "team") != "a" || hasTag(e.Tags, UnfinishedTag) {
		t.Errorf("the experiment is %+v, %v", e, err)
	}
	if len(r.Inputs) != 1 || r.Inputs[0].Dataset.Digest != "12e34567" || r.Inputs[0].Dataset.Schema != `{"a": 1}` || tagOf(r.Inputs[0].Tags, "mlflow.data.context") != "train" {
		t.Errorf("the inputs are %+v", r.Inputs)
	}
	checkPoints(t, s, &r)
}

func checkPoints(t *testing.T, s track.Store, r *track.Run) {
	t.Helper()
	for _, p := range r.Metrics {
		ok := true
		switch p.Key {
		case "nan":
			ok = math.IsNaN(p.Value) && p.Step == -3
		case "inf":
			ok = p.Value >= math.MaxFloat64
		case "neg":
			ok = p.Value <= -math.MaxFloat64
		case "val/acc":
			ok = p.Value == 0.30000000000000004
		}
		if !ok {
			t.Errorf("the latest point is %+v", p)
		}
	}
	page, err := s.MetricHistory(t.Context(), track.HistoryQuery{RunID: r.ID, Key: "loss"})
	if err != nil || len(page.Items) != 1500 {
		t.Fatalf("%d points, %v", len(page.Items), err)
	}
	for i, p := range page.Items {
		if p.Step != int64(i) || p.Time != 1700000000000+int64(i) || p.Value != 1/float64(i+3) {
			t.Fatalf("the point %d is %+v", i, p)
		}
	}
}

func checkOthers(t *testing.T, s track.Store, m made) {
	t.Helper()
	get := func(id string) track.Run {
		r, err := s.Run(t.Context(), id)
		if err != nil {
			t.Error(err)
		}
		return r
	}
	if r := get(m.Child); tagOf(r.Tags, track.ParentRunTag) != m.Run || r.Lifecycle != track.Active {
		t.Errorf("the child is %+v", r)
	}
	if r := get(m.Failed); r.Status != track.Failed || r.Name != "1e5" {
		t.Errorf("the failed run is %+v", r)
	}
	if r := get(m.Dropped); r.Lifecycle != track.Deleted || len(r.Metrics) != 1 || hasTag(r.Tags, UnfinishedTag) {
		t.Errorf("the deleted run is %+v", r)
	}
	if r := get(m.Lost); r.Lifecycle != track.Deleted || len(r.Params) != 1 {
		t.Errorf("the run of the deleted experiment is %+v", r)
	}
	if e, err := s.ExperimentByName(t.Context(), "gone"); err != nil || e.Lifecycle != track.Deleted {
		t.Errorf("the deleted experiment is %+v, %v", e, err)
	}
}

func checkArtifacts(t *testing.T, s track.Store, m made) {
	t.Helper()
	r, err := s.Run(t.Context(), m.Run)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"notes/hello.txt": "hello", "empty.txt": "", "grüße & +/big.bin": strings.Repeat(allBytes(), 8192)}
	for name, text := range want {
		if got := contents(t, s, r.ArtifactURI, name); got != text {
			t.Errorf("%s has %d bytes, not %d", name, len(got), len(text))
		}
	}
}

func allBytes() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

func contents(t *testing.T, s track.Store, uri, name string) string {
	t.Helper()
	root, ok := track.ArtifactPathOf(uri)
	p, err := root.Join(name)
	if err != nil || !ok {
		t.Fatal(uri, err)
	}
	f, _, err := s.OpenArtifact(t.Context(), p)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func checkRegistry(t *testing.T, s track.Store, m made) {
	t.Helper()
	v, err := s.ModelVersionByAlias(t.Context(), "net", "champion")
	if err != nil || v.Version != 3 || v.Stage != "Production" || v.Description != "v3" || v.RunID != m.Run || tagOf(v.Tags, "n") != "2" {
		t.Errorf("the champion is %+v, %v", v, err)
	}
	if got := contents(t, s, v.StorageLocation, "hello.txt"); got != "hello" {
		t.Errorf("its files are in %s", v.StorageLocation)
	}
	if _, err := s.ModelVersion(t.Context(), "net", 2); track.CodeOf(err) != track.NotFound {
		t.Errorf("the version that was deleted: %v", err)
	}
	if g, err := s.RegisteredModel(t.Context(), "net"); err != nil || g.Description != "first" || tagOf(g.Tags, "k") != "v" || len(g.Tags) != 1 {
		t.Errorf("the model is %+v, %v", g, err)
	}
}

func checkLogged(t *testing.T, s track.Store, m made) {
	t.Helper()
	l, err := s.LoggedModel(t.Context(), m.Logged)
	if err != nil || l.Name != "cnn" || l.Type != "net" || l.Status != track.ModelReady || l.SourceRun != m.Run || tagOf(l.Tags, "a") != "b" || hasTag(l.Tags, UnfinishedTag) {
		t.Errorf("the logged model is %+v, %v", l, err)
	}
	if len(l.Params) != 1 || len(l.Metrics) != 1 || l.Metrics[0].Value != 0.9 || l.Metrics[0].RunID != m.Run {
		t.Errorf("it has %+v, %+v", l.Params, l.Metrics)
	}
	if got := contents(t, s, l.ArtifactURI, "weights"); got != "w" {
		t.Errorf("its weights are %q", got)
	}
}

func checkTrace(t *testing.T, s track.Store, m made) {
	t.Helper()
	list, err := s.Traces(t.Context(), []string{m.Trace})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	tr := &list[0]
	if tr.State != "OK" || tr.RequestTime == 0 || tr.Duration < 0 || tr.RequestPreview != `{"q": "wörld\n'x'"}` || tr.ResponsePreview != `"ok"` {
		t.Errorf("the trace is %+v", tr.TraceInfo)
	}
	if tagOf(tr.Tags, "who") != "me\nyou" || tagOf(tr.Tags, "mlflow.traceName") != "chain" || hasTag(tr.Tags, UnfinishedTag) || tagOf(tr.Metadata, "mlflow.sourceRun") != m.Run {
		t.Errorf("its tags are %+v, %+v", tr.Tags, tr.Metadata)
	}
	if len(tr.Spans) != 2 || tr.Spans[0].Name != "chain" || tr.Spans[1].Type != "LLM" || tr.Spans[1].Parent != tr.Spans[0].ID || tr.Spans[1].Status != "OK" {
		t.Fatalf("its spans are %+v", tr.Spans)
	}
	var f spanFile
	if err := json.Unmarshal([]byte(tr.Spans[1].Content), &f); err != nil {
		t.Fatal(err)
	}
	outputs := strings.ReplaceAll(string(f.Attributes["mlflow.spanOutputs"]), " ", "")
	if string(f.Attributes["temperature"]) != `"0.5"` || outputs != `"{\"a\":null,\"b\":\"1e5\"}"` || !strings.Contains(string(f.Events), `"name":"ev"`) {
		t.Errorf("the content is %s", tr.Spans[1].Content)
	}
	checkAssessments(t, tr)
}

func checkAssessments(t *testing.T, tr *track.Trace) {
	t.Helper()
	seen := map[string]track.Assessment{}
	for _, a := range tr.Assessments {
		if a.TraceID != tr.ID || a.Created == 0 {
			t.Errorf("an assessment is %+v", a)
		}
		if a.Name == "good" && !a.Valid {
			a.Name = "was"
		}
		seen[a.Name] = a
	}
	if a := seen["was"]; a.Value != `"1e5"` || a.Rationale != "because" || a.SourceType != "HUMAN" || a.SourceID != "me" || tagOf(a.Metadata, "k") != "v" {
		t.Errorf("what was overridden is %+v", a)
	}
	if a := seen["good"]; a.Value != "0.5" || a.Overrides != seen["was"].ID || a.Expectation {
		t.Errorf("what took its place is %+v", a)
	}
	if a := seen["answer"]; strings.ReplaceAll(a.Value, " ", "") != `{"x":[1,2]}` || !a.Expectation || !a.Valid {
		t.Errorf("the expectation is %+v", a)
	}
	if a := seen["bad"]; a.Value != "" || !strings.Contains(a.Error, "boom") {
		t.Errorf("what failed is %+v", a)
	}
	if len(seen) != 4 {
		t.Errorf("%d assessments", len(tr.Assessments))
	}
}

func checkPrompt(t *testing.T, s track.Store) {
	t.Helper()
	v, err := s.ModelVersionByAlias(t.Context(), "greet", "live")
	if err != nil || v.Version != 1 || tagOf(v.Tags, "mlflow.prompt.text") != "Hello {{name}}" || v.Description != "first" {
		t.Errorf("the prompt is %+v, %v", v, err)
	}
	m, err := s.RegisteredModel(t.Context(), "greet")
	if err != nil || tagOf(m.Tags, track.PromptTag) != "true" || hasTag(v.Tags, UnfinishedTag) {
		t.Errorf("it is %+v, %v", m, err)
	}
}
