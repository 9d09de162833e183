package main

import (
	"bufio"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xtrepro/xt/internal/testserver"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/sql"
)

// optunas are the releases of Optuna that are tested: the first that knows gRPC,
// the last before 5, and the newest.
var optunas = []string{"4.2.1", "4.9.0", "5.0.0"}

// withOptuna returns an environment in which Python has a release of Optuna.
func withOptuna(t *testing.T, version string, more ...string) []string {
	t.Helper()
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("installs Optuna, and forks processes")
	}
	env := testserver.Python(t, append([]string{"optuna==" + version}, more...)...)
	return append(append(os.Environ(), env...), "PYTHONIOENCODING=utf-8", "PYTHONWARNINGS=ignore")
}

// grpcPackages are what Optuna needs for gRPC, and pytest for its tests.
var grpcPackages = []string{"grpcio==1.85.3", "protobuf==7.36.2", "pytest==9.2.0"}

func portOf(t *testing.T, s *served) string {
	t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

func python(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "python3", args...)
	cmd.Env, cmd.Dir = env, "testdata/optuna"
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("python3 %s: %v: %s", strings.Join(args, " "), err, out[max(0, len(out)-3000):])
	}
	return string(out)
}

// storeOf opens the store of a server that has ended.
func storeOf(t *testing.T, url string) *sql.Store {
	t.Helper()
	store, err := sql.Open(t.Context(), url, sql.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// TestOptunaWorkers has 16 processes of each release search in one study: none of
// their trials is lost or there twice, and each is a run.
func TestOptunaWorkers(t *testing.T) {
	t.Parallel()
	for _, version := range optunas {
		t.Run(version, func(t *testing.T) {
			env := withOptuna(t, version, grpcPackages...)
			s := startServe(t)
			python(t, env, "workers.py", portOf(t, s), "4")
			s.stop()
			if code := <-s.code; code != exitFine {
				t.Fatalf("exit code %d", code)
			}
			checkStudy(t, storeOf(t, filepath.Join(s.dir, "runs.db")), "shared", 64)
		})
	}
}

// checkStudy looks at a study all of whose trials were completed.
func checkStudy(t *testing.T, store track.Store, name string, trials int) {
	t.Helper()
	study, err := store.StudyByName(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	list, err := store.Trials(t.Context(), study.ID, track.TrialQuery{After: -1})
	if err != nil || len(list) != trials {
		t.Fatalf("%d trials, %v", len(list), err)
	}
	runs := map[string]bool{}
	for i, trial := range list {
		if runs[trial.RunID] = true; trial.Number != int64(i) || trial.State != track.TrialComplete || trial.RunID == "" {
			t.Errorf("at %d: %+v", i, trial)
		}
	}
	if len(runs) != trials {
		t.Errorf("%d runs of %d trials", len(runs), trials)
	}
}

// TestOptunaSuite runs Optuna's own tests of storages on each database.
func TestOptunaSuite(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			env := withOptuna(t, "5.0.0", grpcPackages...)
			var args []string
			if kind == "postgres" {
				args = []string{"--store", testserver.Postgres(t).URL}
			}
			s := startServe(t, args...)
			out := python(t, append(env, "PORT="+portOf(t, s)), "-m", "pytest", "-q", "-p", "no:cacheprovider", "suite.py")
			if !strings.Contains(out, "57 passed") {
				t.Errorf("%s", out[max(0, len(out)-500):])
			}
			if kind == "postgres" {
				python(t, env, "workers.py", portOf(t, s), "2")
			}
		})
	}
}

// TestOptunaToken lets in who sends a token.
func TestOptunaToken(t *testing.T) {
	t.Parallel()
	env := withOptuna(t, "5.0.0", grpcPackages...)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("a-secret-of-the-server\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServe(t, "--token-file", file)
	ask := `
import sys
sys.path.insert(0, ".")
import access, grpc, optuna
try:
    print(optuna.storages.GrpcStorageProxy(host="127.0.0.1", port=int(sys.argv[1])).get_all_studies())
except grpc.RpcError as e:
    print(e.code().name, e.details())
`
	for token, want := range map[string]string{"a-secret-of-the-server": "[]", "nonsense": "UNAUTHENTICATED This server needs a token"} {
		if out := python(t, append(env, "MLFLOW_TRACKING_TOKEN="+token), "-c", ask, portOf(t, s)); !strings.HasPrefix(out, want) {
			t.Errorf("with %s: %s", token, out)
		}
	}
}

// TestOptunaKilled kills the server again and again while 16 workers search: they
// go on, and what they were told is there.
func TestOptunaKilled(t *testing.T) {
	t.Parallel()
	env := withOptuna(t, "5.0.0", grpcPackages...)
	dir := t.TempDir()
	server, addr := startProcess(t, dir, "127.0.0.1:0")
	port := addr[strings.LastIndexByte(addr, ':')+1:]
	cmd := exec.CommandContext(t.Context(), "python3", "workers.py", port, "20")
	cmd.Env, cmd.Dir, cmd.Stderr = env, "testdata/optuna", os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stored := map[int64]float64{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var number int64
		var value float64
		if n, _ := fmt.Sscanf(lines.Text(), "stored %d %g", &number, &value); n != 2 {
			continue
		}
		if stored[number] = value; len(stored)%100 == 50 {
			_ = server.Process.Kill()
			_ = server.Wait() // it was killed
			server, _ = startProcess(t, dir, addr)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	_ = server.Process.Kill()
	_ = server.Wait()
	if len(stored) != 320 {
		t.Errorf("%d trials were told of", len(stored))
	}
	store := storeOf(t, filepath.Join(dir, "runs.db"))
	study, err := store.StudyByName(t.Context(), "shared")
	if err != nil {
		t.Fatal(err)
	}
	trials, err := store.Trials(t.Context(), study.ID, track.TrialQuery{})
	if err != nil || len(trials) != 320 {
		t.Fatalf("%d trials, %v", len(trials), err)
	}
	for _, trial := range trials {
		if len(trial.Values) != 1 || trial.Values[0] != stored[trial.Number] {
			t.Errorf("%+v, but %v was told", trial, stored[trial.Number])
		}
	}
}

// startProcess starts "xt serve" as a process of its own, and returns where it
// listens.
func startProcess(t *testing.T, dir, addr string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command("xt", "serve", "--addr", addr, "--store", filepath.Join(dir, "runs.db"))
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), "export MLFLOW_TRACKING_URI=http://"); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return cmd, at
		}
	}
	t.Fatalf("xt serve ended: %v", cmd.Wait())
	return nil, ""
}

// TestOptunaRun runs a script that knows nothing of xt, twice: it draws the same,
// and its trials are runs.
func TestOptunaRun(t *testing.T) {
	t.Parallel()
	for _, version := range optunas {
		for _, mlflow := range []bool{false, true} {
			if mlflow && version == "4.2.1" {
				continue // it makes no difference
			}
			t.Run(fmt.Sprintf("%s mlflow=%v", version, mlflow), func(t *testing.T) {
				t.Parallel()
				var more, args []string
				if mlflow {
					more, args = []string{"mlflow-skinny==3.17.2"}, []string{"--mlflow"}
				}
				env := withOptuna(t, version, more...)
				script, err := filepath.Abs("testdata/optuna/search.py")
				if err != nil {
					t.Fatal(err)
				}
				dir := t.TempDir()
				first := xtIn(t, dir, env, append([]string{"run", "--quiet", "--seed", "7", "--", "python3", script}, args...)...)
				again := xtIn(t, dir, env, append([]string{"run", "--quiet", "--seed", "7", "--", "python3", script}, args...)...)
				if first != again || strings.Count(first, "COMPLETE") != 6 {
					t.Errorf("first\n%s\nthen\n%s", first, again)
				}
				checkSearch(t, xtIn(t, dir, env, "runs", "list", "-n", "100"), mlflow)
			})
		}
	}
}

// TestOptunaSamplers gives samplers the seed of the run.
func TestOptunaSamplers(t *testing.T) {
	t.Parallel()
	env := withOptuna(t, "5.0.0", "cmaes==0.13.0")
	script, err := filepath.Abs("testdata/optuna/samplers.py")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	drawn := func(seed string) string {
		return xtIn(t, dir, env, "run", "--quiet", "--seed", seed, "--", "python3", script)
	}
	first := strings.Split(drawn("7"), "\n")
	again, other := strings.Split(drawn("7"), "\n"), strings.Split(drawn("8"), "\n")
	if len(first) != 6 {
		t.Fatalf("%q", first)
	}
	for i := range first[:5] {
		if first[i] != again[i] || first[i] == other[i] {
			t.Errorf("with 7: %s\nwith 7: %s\nwith 8: %s", first[i], again[i], other[i])
		}
	}
}

func checkSearch(t *testing.T, list string, mlflow bool) {
	t.Helper()
	counts := map[string]int{` +run +finished `: 2, ` +trial +finished `: 12, ` +trial +killed `: 2, ` +trial +failed `: 2}
	if mlflow {
		counts[` +trial +finished `], counts[` +trial +killed `], counts[` +trial +failed `] = 16, 0, 0 // as its own runs ended
	}
	for pattern, want := range counts {
		if got := len(regexp.MustCompile(`(?m)`+pattern).FindAllString(list, -1)); got != want {
			t.Errorf("%d of %q\n%s", got, pattern, list)
		}
	}
	if strings.Contains(list, " client ") {
		t.Errorf("there are more runs\n%s", list)
	}
}

// xtIn runs xt in a directory that is outside of projects, with a home of its own.
func xtIn(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "xt", args...)
	cmd.Dir, cmd.Env = dir, append(env, "HOME="+dir, "XDG_DATA_HOME=", "XDG_CACHE_HOME=", "COLUMNS=400")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("xt %s: %v: %s%s", strings.Join(args, " "), err, out, said.String())
	}
	return string(out)
}

// TestOptunaWithout searches on where the store cannot be reached, and says so once.
func TestOptunaWithout(t *testing.T) {
	t.Parallel()
	env := withOptuna(t, "5.0.0")
	hook, err := filepath.Abs("../../seedenv/hook")
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range env {
		if path, ok := strings.CutPrefix(v, "PYTHONPATH="); ok {
			env[i] = "PYTHONPATH=" + hook + string(os.PathListSeparator) + path
		}
	}
	begin := time.Now()
	out := python(t, append(env, "XT_OPTUNA_STORAGE=secret@127.0.0.1:1"), "search.py")
	if n := strings.Count(out, "xt: hook: optuna: the study is in memory alone from here on"); n != 1 || strings.Count(out, "COMPLETE") != 6 || strings.Contains(out, "secret") {
		t.Errorf("after %v: %s", time.Since(begin), out)
	}

	// What a later release is to lose is there.
	revived := `
import optuna
for kind in (optuna.trial.Trial, optuna.trial.FixedTrial, optuna.trial.FrozenTrial, optuna.trial.BaseTrial):
    for name in ("suggest_uniform", "suggest_loguniform", "suggest_discrete_uniform"):
        if name in vars(kind):
            delattr(kind, name)
import _xt_optuna
_xt_optuna.revive(optuna.trial)
trial = optuna.trial.FixedTrial({"a": 0.5, "b": 0.01, "c": 0.25})
for _ in range(2):
    print(trial.suggest_uniform("a", 0, 1), trial.suggest_loguniform("b", 1e-5, 1), trial.suggest_discrete_uniform("c", 0, 1, 0.25))
print(trial.distributions["b"].log, trial.distributions["c"].step)
`
	out = python(t, env, "-c", revived)
	if strings.Count(out, "0.5 0.01 0.25") != 2 || !strings.Contains(out, "True 0.25") || strings.Count(out, "xt: hook: optuna: suggest_loguniform is no longer in this release") != 1 {
		t.Errorf("%s", out)
	}
}
