package importer

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xtrepro/xt/track"
)

const (
	runA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	runB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// write makes files, with the folders that they are in.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func runMeta(id string) string {
	return "run_id: " + id + "\nrun_name: r\nstatus: 3\nstart_time: 5\nend_time: 9\nlifecycle_stage: active\n"
}

func importFolder(t *testing.T, s track.Store, dir string, artifacts ...string) (Report, string) {
	t.Helper()
	var w warnings
	src, err := OpenFolder(dir, artifacts, w.warn)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	r, err := Import(t.Context(), s, src, Options{Warn: w.warn})
	if err != nil {
		t.Fatal(err)
	}
	return r, strings.Join(w.list, "\n")
}

// TestHostileFolder has a folder in which much is broken or leads elsewhere: what
// is left of it comes.
func TestHostileFolder(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "mlruns")
	write(t, top, map[string]string{"secret/key": "s3cret", "secret/" + runB + "/artifacts/key": "s3cret"})
	write(t, dir, map[string]string{
		"1/meta.yaml":                                  "name: e\nartifact_location: file:///etc\nlifecycle_stage: active\n",
		"1/" + runA + "/meta.yaml":                     runMeta(runA) + "artifact_uri: file:///etc\n",
		"1/" + runA + "/metrics/loss":                  "1 0.5 0\nbroken\n2 nan 1\n\n3 x 1\n4 1 2 3\n-5 1 1\n6 1e999 2",
		"1/" + runA + "/metrics/huge":                  strings.Repeat("9", 1<<17),
		"1/" + runA + "/params/long":                   strings.Repeat("é", 7000),
		"1/" + runA + "/params/big":                    strings.Repeat("x", 2<<20),
		"1/" + runA + "/params/bad\tkey":               "v\x00\xff",
		"1/" + runA + "/artifacts/ok.txt":              "ok",
		"1/" + runA + "/inputs/i/meta.yaml":            "source_type: DATASET\nsource_id: ../../../secret\n",
		"1/" + runB + "/meta.yaml":                     runMeta(runB) + "artifact_uri: mlflow-artifacts:/../secret/" + runB + "/artifacts\n",
		"1/cccccccccccccccccccccccccccccccc/meta.yaml": runMeta(runA),
		"1/no-hex/meta.yaml":                           runMeta("no-hex"),
		"1/dddddddddddddddddddddddddddddddd/meta.yaml": "a: &x [1]\nb: *x\n",
		"2/meta.yaml":                                  "name: ''\n",
		"3/meta.yaml":                                  "}{\n",
		"4/meta.yaml":                                  strings.Repeat("[", 100_000),
		"models/m/meta.yaml":                           "name: m\n",
		"models/m/version-20000000000/meta.yaml":       "version: 20000000000\n",
		"models/m/aliases/a":                           "x",
		"models/bad/meta.yaml":                         "name: a/b\n",
	})
	if runtime.GOOS != "windows" {
		for link, to := range map[string]string{"1/" + runA + "/artifacts/link": top + "/secret/key", "1/" + runA + "/params/link": top + "/secret/key", "5": top + "/secret"} {
			if err := os.Symlink(to, filepath.Join(dir, filepath.FromSlash(link))); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := newStore(t)
	r, said := importFolder(t, s, dir, top)
	if r.Runs != 2 || r.Experiments != 1 || r.Artifacts != 1 || r.Points != 3 {
		t.Errorf("%+v\n%s", r, said)
	}
	for _, want := range []string{
		"loss:2: 1 words", "loss:5: the value is no number", "loss:6: 4 words", "at the time -5", "huge:1: the line is too long", "big: is larger",
		"no dataset", "is about the run", "run no-hex: its ID", "anchors and tags", "Invalid experiment name", "3" + string(filepath.Separator) + "meta.yaml", "4" + string(filepath.Separator) + "meta.yaml",
		"20000000000 is no number", "no number of a version", "Invalid model name",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing says %q:\n%s", want, said)
		}
	}
	checkHostile(t, s, said)
}

func checkHostile(t *testing.T, s track.Store, said string) {
	t.Helper()
	run, err := s.Run(t.Context(), runA)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range run.Params {
		if strings.Contains(p.Value, "s3cret") || len([]rune(p.Value)) > track.MaxParamValue || strings.Contains(p.Value, "\x00") || !utf8.ValidString(p.Value) {
			t.Errorf("a parameter is %.40q", p.Value)
		}
	}
	if len(run.Params) != 2 || len(run.Inputs) != 0 || len(run.Metrics) != 1 || !math.IsInf(run.Metrics[0].Value, 1) {
		t.Errorf("the run is %.300v\n%s", run, said)
	}
	root, _ := track.ArtifactPathOf(run.ArtifactURI)
	if list, err := s.ListArtifacts(t.Context(), root); err != nil || len(list) != 1 || list[0].Path.Base() != "ok.txt" {
		t.Errorf("the artifacts are %v, %v", list, err)
	}
}

// TestGoOn has an import that was interrupted, and runs that came since.
func TestGoOn(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		".trash/7/meta.yaml":                      "name: e\nlifecycle_stage: deleted\n",
		".trash/7/" + runA + "/meta.yaml":         runMeta(runA),
		".trash/7/" + runA + "/metrics/a/b":       "1 0.5 0\n",
		".trash/7/" + runA + "/params/p":          "v",
		".trash/7/" + runA + "/artifacts/x/y.txt": "y",
	})
	s := newStore(t)
	id, err := s.CreateExperiment(t.Context(), track.NewExperiment{Name: "e", Tags: []track.Tag{{Key: UnfinishedTag, Value: "unfinished"}}})
	if err != nil {
		t.Fatal(err)
	}
	n := track.NewRun{ID: runA, Experiment: id, Name: "r", Start: 5, Tags: []track.Tag{{Key: UnfinishedTag, Value: "unfinished"}}}
	if _, err := s.CreateRun(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if err := s.LogParam(t.Context(), runA, track.Param{Key: "p", Value: "v"}); err != nil {
		t.Fatal(err)
	}
	if r, said := importFolder(t, s, dir); r.Runs != 1 || r.Points != 1 || r.Artifacts != 1 || said != "" {
		t.Errorf("%+v %s", r, said)
	}
	write(t, dir, map[string]string{".trash/7/" + runB + "/meta.yaml": runMeta(runB), ".trash/7/" + runB + "/artifacts/z": ""})
	if r, said := importFolder(t, s, dir); r.Runs != 1 || r.Present != 1 || said != "" {
		t.Errorf("%+v %s", r, said)
	}
	e, err := s.Experiment(t.Context(), id)
	if err != nil || e.Lifecycle != track.Deleted || len(e.Tags) != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	for _, id := range []string{runA, runB} {
		if r, err := s.Run(t.Context(), id); err != nil || r.Lifecycle != track.Deleted || r.Status != track.Finished || r.End != 9 || hasTag(r.Tags, UnfinishedTag) {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// TestDeletedElsewhere has an experiment that is deleted in the source and in use
// here: it stays in use.
func TestDeletedElsewhere(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{".trash/7/meta.yaml": "name: e\n", ".trash/7/" + runA + "/meta.yaml": runMeta(runA)})
	s := newStore(t)
	id, err := s.CreateExperiment(t.Context(), track.NewExperiment{Name: "e"})
	if err != nil {
		t.Fatal(err)
	}
	importFolder(t, s, dir)
	if e, err := s.Experiment(t.Context(), id); err != nil || e.Lifecycle != track.Active {
		t.Errorf("%+v, %v", e, err)
	}
	if r, err := s.Run(t.Context(), runA); err != nil || r.Lifecycle != track.Deleted {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestServerArtifactsNextToFolder(t *testing.T) {
	top := t.TempDir()
	write(t, top, map[string]string{
		"mlruns/1/meta.yaml":                         "name: e\nartifact_location: mlflow-artifacts:/1\n",
		"mlruns/1/" + runA + "/meta.yaml":            runMeta(runA) + "artifact_uri: mlflow-artifacts:/1/" + runA + "/artifacts\n",
		"mlartifacts/1/" + runA + "/artifacts/a.txt": "a",
	})
	s := newStore(t)
	if r, said := importFolder(t, s, filepath.Join(top, "mlruns")); r.Artifacts != 1 || said != "" {
		t.Errorf("%+v %s", r, said)
	}
}

func TestQuoteNumbers(t *testing.T) {
	in := `{"a": NaN, "b": [-Infinity,Infinity], "NaN \" Infinity": "NaN"}`
	if got := string(quoteNumbers([]byte(in))); got != `{"a": "NaN", "b": ["-Infinity","Infinity"], "NaN \" Infinity": "NaN"}` {
		t.Error(got)
	}
}

func FuzzParseMeta(f *testing.F) {
	f.Add([]byte("name: e\ntags:\n  a: b\nlist: []\nend_time: null\ntext: 'it''s\n\n  two'\n"))
	f.Add([]byte("a: &x [1]\nb: *x"))
	f.Add([]byte(runMeta(runA)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := parseMeta(b); (m == nil) == (err == nil) {
			t.Fatalf("%v, %v", m, err)
		}
	})
}

func FuzzYAMLJSON(f *testing.F) {
	f.Add([]byte("assessment_id: a\nfeedback:\n  value: [1, 1e5, yes, .nan, {a: null}]\nvalid: true\n"))
	f.Add([]byte("trace_id: t\nrequest_time: '2026-01-02T03:04:05.678Z'\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, err := yamlJSON(b)
		if err == nil && !json.Valid(text) {
			t.Fatalf("%q", text)
		}
		var a traceAnswer
		if json.Unmarshal(text, &a) == nil {
			a.info()
		}
	})
}

func FuzzParseSpan(f *testing.F) {
	f.Add([]byte(`{"trace_id": "SWh2G+r/zVgz+XMHTTMykg==", "span_id": "Gy+i3/orxh4=", "parent_span_id": null, "name": "chain", "start_time_unix_nano": 1, "events": [{"name": "e", "attributes": {"x": NaN}}], "status": {"code": "STATUS_CODE_OK"}, "attributes": {"mlflow.spanType": "\"CHAIN\""}}`))
	f.Add([]byte(`{"context": {"trace_id": "0xa", "span_id": "0xb"}, "name": "old", "start_time": 1, "status_code": "ERROR", "events": [{"name": "e"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSpan("tr-1", b)
		if err != nil {
			return
		}
		again, err := parseSpan("tr-1", []byte(s.Content))
		if err != nil || again != s {
			t.Fatalf("%+v, then %+v, %v", s, again, err)
		}
		_, _ = parseOTLP("tr-1", b)
	})
}

func FuzzParsePoint(f *testing.F) {
	for _, line := range []string{"1 0.5 0", "1 nan", "1 inf 2 name digest", "1 -1.7976931348623157e+308 -3", "x"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		m, err := parsePoint(line)
		if err == nil && math.Abs(m.Value) == math.MaxFloat64 {
			t.Fatalf("%+v", m)
		}
	})
}
