package importer

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/testserver"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/mlflow"
	"github.com/xtrepro/xt/track/sql"
)

// newStore returns an empty store.
func newStore(t *testing.T) *sql.Store {
	t.Helper()
	c, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sql.Open(t.Context(), filepath.Join(t.TempDir(), "runs.db"), sql.Options{Cache: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// warnings collects warnings.
type warnings struct{ list []string }

func (w *warnings) warn(where, problem string) { w.list = append(w.list, where+": "+problem) }

// made is what testdata/fill.py prints.
type made struct{ Run, Child, Failed, Dropped, Lost, Logged string }

// fill has MLflow's client fill a store of MLflow.
func fill(t *testing.T, env []string, dir, url string) (m made) {
	t.Helper()
	script, err := filepath.Abs("testdata/fill.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", "-W", "ignore", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.Env = append(cmd.Env, "MLFLOW_TRACKING_URI="+url, "MLFLOW_HTTP_REQUEST_MAX_RETRIES=0", "MLFLOW_DISABLE_TELEMETRY=true", "PYTHONIOENCODING=utf-8", "MLFLOW_ALLOW_FILE_STORE=true")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String()[max(0, said.Len()-3000):])
	}
	if err := json.Unmarshal(out[strings.LastIndexByte(string(out), '\n')+1:], &m); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return m
}

var (
	mlflow2 = []string{"mlflow-skinny==2.22.5"}
	mlflow3 = []string{"mlflow-skinny==3.17.2"}
	withSQL = []string{"mlflow-skinny==3.17.2", "sqlalchemy==2.1.9", "alembic==1.20.1", "pandas==3.1.1"}
)

func TestMLflowFolder(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("installs MLflow")
	}
	for version, requirements := range map[string][]string{"2": mlflow2, "3": mlflow3} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			m := fill(t, testserver.Python(t, requirements...), dir, "file://"+filepath.ToSlash(dir)+"/mlruns")
			moved := filepath.Join(t.TempDir(), "copy") // what is in meta.yaml leads nowhere now
			if err := os.Rename(filepath.Join(dir, "mlruns"), moved); err != nil {
				t.Fatal(err)
			}
			checkImport(t, m, moved, func(w Warn) (Source, error) { return OpenFolder(moved, nil, w) })
		})
	}
}

func TestMLflowDatabase(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("installs MLflow")
	}
	dir := t.TempDir()
	m := fill(t, testserver.Python(t, withSQL...), dir, "sqlite:///mlflow.db")
	checkImport(t, m, dir, func(w Warn) (Source, error) {
		return OpenDatabase(context.Background(), filepath.Join(dir, "mlflow.db"), nil, w)
	})
}

func TestMLflowServer(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("installs MLflow")
	}
	handler := mlflow.New(newStore(t), mlflow.Options{Temp: t.TempDir(), Report: func(r *http.Request, err error) { t.Errorf("%s %s: %v", r.Method, r.URL, err) }})
	server := httptest.NewServer(handler)
	defer server.Close()
	m := fill(t, testserver.Python(t, mlflow3...), t.TempDir(), server.URL)
	checkImport(t, m, "", func(w Warn) (Source, error) { return OpenServer(server.URL, Login{}, w) })
}

// checkImport imports twice and looks up what came; the files below dir must not
// change.
func checkImport(t *testing.T, m made, dir string, open func(Warn) (Source, error)) {
	t.Helper()
	before := digests(t, dir)
	var w warnings
	src, err := open(w.warn)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	s := newStore(t)
	dry, err := Import(t.Context(), s, src, Options{DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Import(t.Context(), s, src, Options{Warn: w.warn})
	if err != nil || len(w.list) > 0 {
		t.Fatalf("%v, %q", err, w.list)
	}
	if dry != r {
		t.Errorf("a dry run counts %+v, the import %+v", dry, r)
	}
	if r.Runs != 5 || r.Experiments != 2 || r.Artifacts < 3 || r.Points < 1506 || r.ModelVersions != 2 {
		t.Errorf("%+v", r)
	}
	again, err := Import(t.Context(), s, src, Options{Warn: w.warn})
	if err != nil || again != (Report{Present: 5}) {
		t.Errorf("again: %+v, %v", again, err)
	}
	checkRun(t, s, m)
	checkOthers(t, s, m)
	checkArtifacts(t, s, m)
	checkRegistry(t, s, m)
	if m.Logged != "" {
		checkLogged(t, s, m)
	}
	if after := digests(t, dir); after != before {
		t.Errorf("the source changed: %s", after)
	}
}

func digests(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	if dir == "" {
		return ""
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		all.WriteString(path + "\n")
		if d.Type().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			all.WriteString(hash.Bytes(b).String() + "\n")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func tagOf(tags []track.Tag, key string) string {
	for _, t := range tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

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
