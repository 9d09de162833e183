package importer

import (
	"encoding/json"
	"io/fs"
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
	"github.com/xtrepro/xt/track/mlflow"
	"github.com/xtrepro/xt/track/sql"
)

// newStore returns an empty store.
func newStore(t *testing.T) *sql.Store {
	t.Helper()
	return storeAt(t, filepath.Join(t.TempDir(), "runs.db"))
}

func storeAt(t *testing.T, url string) *sql.Store {
	t.Helper()
	c, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sql.Open(t.Context(), url, sql.Options{Cache: c})
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
type made struct{ Run, Child, Failed, Dropped, Lost, Logged, Trace string }

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
			checkImport(t, newStore(t), m, moved, func(w Warn) (Source, error) { return OpenFolder(moved, nil, w) })
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
	for store, url := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "runs.db"), "postgres": testserver.Postgres(t).URL} {
		t.Run(store, func(t *testing.T) {
			checkImport(t, storeAt(t, url), m, dir, func(w Warn) (Source, error) {
				return OpenDatabase(t.Context(), filepath.Join(dir, "mlflow.db"), nil, w)
			})
		})
	}
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
	checkImport(t, newStore(t), m, "", func(w Warn) (Source, error) { return OpenServer(server.URL, Login{}, w) })
}

// checkImport imports twice and looks up what came; the files below dir must not
// change.
func checkImport(t *testing.T, s *sql.Store, m made, dir string, open func(Warn) (Source, error)) {
	t.Helper()
	before := digests(t, dir)
	var w warnings
	src, err := open(w.warn)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
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
	if r.Runs != 5 || r.Experiments != 2 || r.Artifacts < 3 || r.Points < 1506 || r.ModelVersions < 2 {
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
		checkTrace(t, s, m)
		checkPrompt(t, s)
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
