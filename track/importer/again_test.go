package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/track"
)

// TestRegistryAgain has a registered model that got versions after it was imported.
func TestRegistryAgain(t *testing.T) {
	dir := t.TempDir()
	version := func(n int, stage string) map[string]string {
		at := fmt.Sprintf("models/net/version-%d", n)
		return map[string]string{
			at + "/meta.yaml": fmt.Sprintf("version: %d\ncurrent_stage: %s\nsource: s%d\nrun_id: %s\ncreation_timestamp: %d\n", n, stage, n, runA, 1000*n),
			at + "/tags/n":    fmt.Sprint(n),
		}
	}
	write(t, dir, map[string]string{
		"1/meta.yaml": "name: e\ncreation_time: 77\n", "models/net/meta.yaml": "name: net\ndescription: d\n",
		"models/net/aliases/champion": "1", "models/other/meta.yaml": "name: other\n", "models/other/version-1/meta.yaml": "version: 1\nsource: theirs\n",
	})
	write(t, dir, version(1, "Production"))
	s := newStore(t)
	if _, err := s.CreateRegisteredModel(t.Context(), "other", "mine", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateModelVersion(t.Context(), track.NewModelVersion{Name: "other", Source: "mine"}); err != nil {
		t.Fatal(err)
	}
	if r, said := importFolder(t, s, dir); r.Registered != 1 || r.ModelVersions != 1 || strings.Count(said, "\n") != 0 || !strings.Contains(said, "registered model other: is left alone") {
		t.Errorf("%+v %s", r, said)
	}
	if e, err := s.ExperimentByName(t.Context(), "e"); err != nil || e.Created != 77 {
		t.Errorf("%+v, %v", e, err)
	}

	// A version that was on its way, one that comes, and one that somebody has moved here.
	if err := s.SetModelVersionTag(t.Context(), "net", 1, track.Tag{Key: "mine", Value: "x"}); err != nil {
		t.Fatal(err)
	}
	write(t, dir, version(1, "Archived"))
	write(t, dir, version(3, "Production"))
	write(t, dir, map[string]string{"models/net/aliases/champion": "3", "models/net/aliases/first": "1"})
	if r, _ := importFolder(t, s, dir); r.Registered != 0 || r.ModelVersions != 1 {
		t.Errorf("%+v", r)
	}
	checkNet(t, s)
	if r, _ := importFolder(t, s, dir); r != (Report{}) {
		t.Errorf("%+v", r)
	}
	if err := s.SetModelVersionTag(t.Context(), "net", 3, track.Tag{Key: UnfinishedTag, Value: "x"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.StageModelVersion(t.Context(), "net", 3, "None", false); err != nil {
		t.Fatal(err)
	}
	importFolder(t, s, dir)
	checkNet(t, s)
}

func checkNet(t *testing.T, s track.Store) {
	t.Helper()
	m, err := s.RegisteredModel(t.Context(), "net")
	if err != nil || m.Created != 1000 || cmp.Diff([]track.Alias{{Name: "champion", Version: 3}, {Name: "first", Version: 1}}, m.Aliases) != "" {
		t.Errorf("%+v, %v", m, err)
	}
	for n, want := range map[int64]string{1: "Archived", 3: "Production"} {
		v, err := s.ModelVersion(t.Context(), "net", n)
		if err != nil || v.Stage != want || v.Created != 1000*n || tagOf(v.Tags, "n") != fmt.Sprint(n) || hasTag(v.Tags, UnfinishedTag) || n == 1 && tagOf(v.Tags, "mine") != "x" {
			t.Errorf("%+v, %v", v, err)
		}
	}
	if v, err := s.ModelVersion(t.Context(), "other", 1); err != nil || v.Source != "mine" {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestEndedSince has a run and a trace that were going on when they came.
func TestEndedSince(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"1/meta.yaml": "name: e\n", "1/" + runA + "/meta.yaml": "run_id: " + runA + "\nstatus: 1\nstart_time: 5\n", "1/" + runA + "/metrics/loss": "1 1 0\n",
		"1/" + runA + "/artifacts/log": "a", "1/traces/tr-1/trace_info.yaml": "trace_id: tr-1\nstate: IN_PROGRESS\nrequest_time: '2026-01-02T03:04:05.678Z'\n",
	})
	s := newStore(t)
	for range 2 {
		importFolder(t, s, dir)
	}
	write(t, dir, map[string]string{
		"1/" + runA + "/meta.yaml": runMeta(runA), "1/" + runA + "/metrics/loss": "1 1 0\n2 0.5 1\n", "1/" + runA + "/artifacts/log": "b",
		"1/traces/tr-1/trace_info.yaml":         "trace_id: tr-1\nstate: OK\nrequest_time: '2026-01-02T03:04:05.678Z'\nexecution_duration_ms: 12\n",
		"1/traces/tr-1/artifacts/traces.json":   `{"spans": [{"name": "x"}, 3, {"context": {"trace_id": "0xa", "span_id": "0xb"}, "name": "old", "start_time": 1, "end_time": 2, "status_code": "ERROR", "attributes": {"mlflow.spanType": "\"LLM\""}}]}`,
		"1/traces/bad/trace_info.yaml":          "trace_id: worse\n",
		"1/traces/tr-1/assessments/a-1.yaml":    "assessment_id: a-1\nassessment_name: x\nfeedback:\n  value: [1, 1e5, yes, .nan, {a: null}]\n",
		"1/traces/tr-1/assessments/broken.yaml": "{",
	})
	r, said := importFolder(t, s, dir)
	if r.Updated != 1 || r.Runs != 0 || r.Traces != 1 || strings.Count(said, "\n") != 3 {
		t.Errorf("%+v %s", r, said)
	}
	run, err := s.Run(t.Context(), runA)
	if err != nil || run.Status != track.Finished || run.End != 9 || run.Metrics[0].Value != 0.5 || hasTag(run.Tags, UnfinishedTag) || contents(t, s, run.ArtifactURI, "log") != "b" {
		t.Errorf("%+v, %v", run, err)
	}
	list, err := s.Traces(t.Context(), []string{"tr-1"})
	if err != nil || len(list) != 1 || list[0].State != "OK" || list[0].Duration != 12 || list[0].RequestTime != 1767323045678 || len(list[0].Spans) != 1 || len(list[0].Assessments) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	if sp := list[0].Spans[0]; sp.ID != "000000000000000b" || sp.Type != "LLM" || sp.Status != "ERROR" || sp.StartNano != 1 || !strings.Contains(sp.Content, `"start_time_unix_nano":1`) {
		t.Errorf("%+v", sp)
	}
	if a := list[0].Assessments[0]; a.Value != `[1,"1e5","yes","NaN",{"a":null}]` {
		t.Errorf("%+v", a)
	}
	if r, _ := importFolder(t, s, dir); r != (Report{Present: 1}) {
		t.Errorf("%+v", r)
	}
}

// TestSameSize has an artifact that changed while an import of it was interrupted.
func TestSameSize(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"1/meta.yaml": "name: e\n", "1/" + runA + "/meta.yaml": runMeta(runA), "1/" + runA + "/artifacts/a": "old", "1/" + runA + "/artifacts/b": "b"})
	s := newStore(t)
	importFolder(t, s, dir)
	if err := s.SetTag(t.Context(), runA, track.Tag{Key: UnfinishedTag, Value: dir}); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"1/" + runA + "/artifacts/a": "new"})
	if r, _ := importFolder(t, s, dir); r.Runs != 1 || r.Artifacts != 2 {
		t.Errorf("%+v", r)
	}
	if got := contents(t, s, "mlflow-artifacts:/1/"+runA+"/artifacts", "a"); got != "new" {
		t.Errorf("it is %q", got)
	}
}

// TestInterrupt stops an import after each of its steps: the next goes on, and in
// the end there is what one that was never stopped brings.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"models/net/meta.yaml": "name: net\n", "models/net/version-2/meta.yaml": "version: 2\ncurrent_stage: Staging\n", "models/net/aliases/a": "2"}
	for i, stage := range []string{"1", ".trash/2"} {
		files[stage+"/meta.yaml"] = fmt.Sprintf("name: e%d\n", i)
		for j := range 2 {
			id := fmt.Sprintf("%032x", 10*i+j)
			at := stage + "/" + id
			files[at+"/meta.yaml"], files[at+"/params/p"], files[at+"/metrics/m"] = runMeta(id), "v", "1 2 3\n"
			files[at+"/artifacts/a"], files[at+"/artifacts/b/c"] = "a", "c"
		}
		files[fmt.Sprintf("%s/traces/tr-%d/trace_info.yaml", stage, i)] = fmt.Sprintf("trace_id: tr-%d\nstate: OK\n", i)
		files[fmt.Sprintf("%s/models/m-%032x/meta.yaml", stage, i)] = "name: m\nstatus: 2\n"
	}
	write(t, dir, files)
	want := newStore(t)
	importFolder(t, want, dir)

	s, stops := newStore(t), 0
	for step := 1; ; step++ {
		ctx, cancel := context.WithCancel(t.Context())
		src, err := OpenFolder(dir, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		left := step
		tick := func() {
			if left--; left == 0 {
				cancel()
			}
		}
		_, err = Import(ctx, s, src, Options{Run: func(Report) { tick() }, File: func(int64) { tick() }})
		cancel()
		src.Close()
		if err == nil {
			break
		}
		if stops++; !errors.Is(err, context.Canceled) || stops > 100 {
			t.Fatal(err)
		}
	}
	if stops < 3 {
		t.Errorf("it was stopped %d times", stops)
	}
	if d := cmp.Diff(dump(t, want), dump(t, s)); d != "" {
		t.Error(d)
	}
}

// dump returns what TestInterrupt has brought.
func dump(t *testing.T, s track.Store) map[string]any {
	t.Helper()
	all := map[string]any{}
	put := func(key string, v any, err error) {
		if err != nil {
			t.Errorf("%s: %v", key, err)
		}
		all[key] = v
	}
	for i := range 2 {
		e, err := s.ExperimentByName(t.Context(), fmt.Sprintf("e%d", i))
		e.ID, e.Created, e.Updated, e.ArtifactLocation = 0, 0, 0, ""
		put(e.Name, e, err)
		for j := range 2 {
			r, err := s.Run(t.Context(), fmt.Sprintf("%032x", 10*i+j))
			root, _ := track.ArtifactPathOf(r.ArtifactURI)
			err = errors.Join(err, s.WalkArtifacts(t.Context(), root, func(a track.Artifact) error {
				all[r.ID+"/"+a.Path.Base()] = a.Node
				return nil
			}))
			r.Experiment, r.ArtifactURI = 0, ""
			put(r.ID, r, err)
		}
		tr, err := s.TraceInfo(t.Context(), fmt.Sprintf("tr-%d", i))
		put(tr.ID, []any{tr.State, hasTag(tr.Tags, UnfinishedTag)}, err)
		m, err := s.LoggedModel(t.Context(), fmt.Sprintf("m-%032x", i))
		put(m.ID, []any{m.Name, m.Status, m.Tags}, err)
	}
	v, err := s.ModelVersionByAlias(t.Context(), "net", "a")
	put("net", []any{v.Version, v.Stage, v.Tags}, err)
	return all
}

// TestUnreadable has an artifact that cannot be read at first: the run waits for it.
func TestUnreadable(t *testing.T) {
	var w warnings
	j := &job{Options: Options{Warn: w.warn}, ctx: t.Context(), dst: newStore(t)}
	bad := errors.New("permission denied")
	for _, want := range []bool{false, true} {
		whole, err := j.files("it", "mlflow-artifacts:/1/x/artifacts", false, func(f func(*File) error) error {
			return f(&File{Path: "a", Size: 1, Local: true, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("a")), bad }})
		})
		if err != nil || whole != want || len(w.list) != 1 {
			t.Errorf("%v, %v, %q", whole, err, w.list)
		}
		bad = nil
	}
	if j.report.Artifacts != 1 {
		t.Errorf("%+v", j.report)
	}
}
