package mlflow

import (
	"encoding/json"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/xtrepro/xt/internal/testserver"
	"github.com/xtrepro/xt/track"
)

// made is what testdata/log_everything.py prints.
type made struct {
	Experiment, Run, Child, Many, Model, Trace, Logged string
}

// TestClients runs MLflow's own clients, and looks up in the store what they
// logged.
func TestClients(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("installs MLflow")
	}
	for version, requirements := range map[string][]string{
		"2.9.2":  {"mlflow-skinny==2.9.2", "setuptools<81"}, // which says nothing of needing that
		"2.22.5": {"mlflow-skinny==2.22.5"},
		"3.17.2": {"mlflow-skinny==3.17.2"},
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			env := testserver.Python(t, requirements...)
			s := newServer(t)
			m := logEverything(t, env, s.URL)
			checkRun(t, s.store, m)
			checkArtifacts(t, s.store, m)
			checkRegistry(t, s.store, m)
			if version == "3.17.2" {
				checkTrace(t, s.store, m)
				checkLogged(t, s.store, m)
				if n := s.parts.Load(); n != 3 {
					t.Errorf("12 MiB came in %d parts of 5 MiB", n)
				}
			}
		})
	}
}

func logEverything(t *testing.T, env []string, url string) (m made) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "python3", "-W", "ignore", "testdata/log_everything.py")
	cmd.Env = append(os.Environ(), env...)
	cmd.Env = append(cmd.Env, "MLFLOW_TRACKING_URI="+url, "MLFLOW_HTTP_REQUEST_MAX_RETRIES=0", "MLFLOW_DISABLE_TELEMETRY=true", "PYTHONIOENCODING=utf-8")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String()[max(0, said.Len()-3000):])
	}
	last := out[strings.LastIndexByte(string(out), '\n')+1:]
	if err := json.Unmarshal(last, &m); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return m
}

// pick returns what a key has.
func pick[T any](items []T, key string, pair func(T) (string, string)) string {
	for _, it := range items {
		if k, v := pair(it); k == key {
			return v
		}
	}
	return ""
}

func tagOf(tags []track.Tag, key string) string {
	return pick(tags, key, func(t track.Tag) (string, string) { return t.Key, t.Value })
}

func paramOf(params []track.Param, key string) string {
	return pick(params, key, func(p track.Param) (string, string) { return p.Key, p.Value })
}

func checkRun(t *testing.T, s track.Store, m made) {
	t.Helper()
	r, err := s.Run(t.Context(), m.Run)
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != track.Finished || r.Name != "main" || r.End == 0 || paramOf(r.Params, "grüße") != "schön ☃" || tagOf(r.Tags, "phase") != "one" {
		t.Errorf("the run is %+v", r)
	}
	values := map[string]float64{}
	for _, p := range r.Metrics {
		values[p.Key] = p.Value
	}
	if values["loss"] != 0.2 || !math.IsNaN(values["nan"]) || values["inf"] < math.MaxFloat64 || values["batch"] != 1499 {
		t.Errorf("the metrics are %v", values)
	}
	if len(r.Inputs) != 1 || r.Inputs[0].Dataset.Name != "points" || tagOf(r.Inputs[0].Tags, "mlflow.data.context") != "train" {
		t.Errorf("the inputs are %+v", r.Inputs)
	}
	child, err := s.Run(t.Context(), m.Child)
	if err != nil || tagOf(child.Tags, track.ParentRunTag) != m.Run {
		t.Errorf("the child is %+v, %v", child, err)
	}
	n := 0
	for _, key := range []string{"m0", "m1", "m2", "m3"} {
		page, err := s.MetricHistory(t.Context(), track.HistoryQuery{RunID: m.Many, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Items)
	}
	if n != 80 {
		t.Errorf("%d points of 80 that came at once", n)
	}
}

func checkArtifacts(t *testing.T, s track.Store, m made) {
	t.Helper()
	root, err := track.ParsePath(m.Experiment + "/" + m.Run + "/artifacts")
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	err = s.WalkArtifacts(t.Context(), root, func(a track.Artifact) error {
		paths = append(paths, strings.TrimPrefix(a.Path.String(), root.String()+"/"))
		return nil
	})
	want := []string{"conf.json", "conf.yaml", "empty.txt", "img+step+3.png", "notes/hello.txt", "ordner/grüße & +.txt", "tree/deep/empty", "tree/img+step+3.png"}
	paths = slices.DeleteFunc(paths, func(p string) bool { return p == "parts/big.bin" })
	if err != nil || !slices.Equal(paths, want) {
		t.Errorf("the artifacts are %q, %v", paths, err)
	}
	p, err := root.Join("notes/hello.txt")
	if err != nil {
		t.Fatal(err)
	}
	file, _, err := s.OpenArtifact(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if b, err := io.ReadAll(file); string(b) != "hello" {
		t.Errorf("notes/hello.txt is %q, %v", b, err)
	}
}

func checkRegistry(t *testing.T, s track.Registry, m made) {
	t.Helper()
	v, err := s.ModelVersionByAlias(t.Context(), m.Model, "champion")
	if err != nil || v.Version != 2 || v.Stage != "Production" || v.Description != "Promoted" || tagOf(v.Tags, "q") != "w" || v.RunID != m.Run {
		t.Errorf("the champion is %+v, %v", v, err)
	}
	if old, err := s.ModelVersion(t.Context(), m.Model, 1); err != nil || old.Stage != "Archived" {
		t.Errorf("the version before is %+v, %v", old, err)
	}
}

func checkTrace(t *testing.T, s track.Traces, m made) {
	t.Helper()
	traces, err := s.Traces(t.Context(), []string{m.Trace})
	if err != nil || len(traces) != 1 {
		t.Fatalf("%d traces, %v", len(traces), err)
	}
	trace := traces[0]
	if len(trace.Spans) != 2 || trace.Spans[0].Name != "outer" || trace.Spans[1].Type != "LLM" || trace.Spans[1].Parent != trace.Spans[0].ID {
		t.Errorf("the spans are %+v", trace.Spans)
	}
	if tagOf(trace.Tags, "reviewed") != "yes" || trace.State != "OK" || len(trace.Assessments) != 1 || trace.Assessments[0].Value != "0.75" {
		t.Errorf("the trace is %+v", trace.TraceInfo)
	}
}

func checkLogged(t *testing.T, s track.Store, m made) {
	t.Helper()
	model, err := s.LoggedModel(t.Context(), m.Logged)
	if err != nil || model.Status != track.ModelReady || model.Type != "cnn" || tagOf(model.Tags, "c") != "d" || len(model.Metrics) != 1 {
		t.Errorf("the model is %+v, %v", model, err)
	}
	prompt, err := s.ModelVersionByAlias(t.Context(), "summary", "live")
	if err != nil || tagOf(prompt.Tags, "mlflow.prompt.text") != "Sum up: {{text}}" {
		t.Errorf("the prompt is %+v, %v", prompt, err)
	}
	p, err := track.ParsePath(m.Experiment + "/" + m.Run + "/artifacts/parts/big.bin")
	if err != nil {
		t.Fatal(err)
	}
	if a, err := s.Artifact(t.Context(), p); err != nil || a.Node.Size != 12<<20 {
		t.Errorf("the file that came in parts is %+v, %v", a, err)
	}
}
