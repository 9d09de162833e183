package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/xtrepro/xt/internal/testserver"
	"github.com/xtrepro/xt/track"
)

// wandbs are the releases of W&B's client that are tested: one that is all Python,
// one that asks the server for its types, and the newest.
var wandbs = []string{"0.16.6", "0.19.11", "0.31.0"}

// withWandb returns an environment in which Python has a release of W&B's client,
// which finds nothing of a user's.
func withWandb(t *testing.T, version string) []string {
	t.Helper()
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("installs W&B's client, which leaves processes in the background")
	}
	env := testserver.Python(t, "wandb=="+version, "numpy==1.26.4", "pillow==12.3.0", "setuptools==79.0.1")
	own := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "WANDB_") })
	return append(append(own, env...), "HOME="+t.TempDir(), "PYTHONIOENCODING=utf-8", "PYTHONWARNINGS=ignore")
}

// pointWandb returns what points clients at a server.
func pointWandb(url string) []string {
	return []string{"WANDB_BASE_URL=" + url, "WANDB_API_KEY=local-" + strings.Repeat("0123456789", 4), "WANDB_ERROR_REPORTING=false"}
}

// wandbScript runs a script in a directory of its own, and returns what it said.
func wandbScript(t *testing.T, env []string, dir, name string, args ...string) string {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("testdata/wandb", name))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", append([]string{script}, args...)...)
	cmd.Env, cmd.Dir = env, dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, out[max(0, len(out)-3000):])
	}
	return string(out)
}

// TestWandbClients has each release log as people do, and looks at what the server
// holds: most failures pass without a word in the client.
func TestWandbClients(t *testing.T) {
	t.Parallel()
	for _, version := range wandbs {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := startServe(t)
			env := append(withWandb(t, version), pointWandb(s.url)...)
			out := wandbScript(t, env, t.TempDir(), "train.py")
			if !regexp.MustCompile(`Synced [45] W&B file\(s\), 2 media file\(s\), [12] artifact file\(s\)`).MatchString(out) {
				t.Errorf("%s", out)
			}
			wandbScript(t, env, t.TempDir(), "rich.py")
			wandbScript(t, env, t.TempDir(), "artifacts.py")
			away := t.TempDir()
			wandbScript(t, env, away, "offline.py")
			syncWandb(t, env, away)
			s.stop()
			if code := <-s.code; code != exitFine {
				t.Fatalf("exit code %d", code)
			}
			store := storeOf(t, filepath.Join(s.dir, "runs.db"))
			checkTraining(t, store, runsOf(t, store, "finetuning")[0])
			// This release does not send what is changed in a config later when it synchronises.
			checkAway(t, store, runsOf(t, store, "away")[0], version != "0.19.11")

			// The same folder comes without a server, too.
			said := xtErr(t, away, env, "import", "wandb", ".", "--project", "brought")
			if !strings.Contains(said, "imported: 1 run, 3,001 rows of history") && !strings.Contains(said, "imported: 1 run, 3001 rows of history") {
				t.Errorf("%s", said)
			}
			brought := storeOf(t, filepath.Join(away, ".local", "share", "xt", "runs.db"))
			checkAway(t, brought, runsOf(t, brought, "brought")[0], true)
		})
	}
}

// syncWandb sends what a client has kept.
func syncWandb(t *testing.T, env []string, dir string) {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(dir, "wandb", "offline-run-*"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("%v, %v", folders, err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", "-m", "wandb", "sync", folders[0])
	cmd.Env, cmd.Dir = env, dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sync: %v: %s", err, out)
	}
}

// runsOf returns the runs of an experiment, the newest first.
func runsOf(t *testing.T, store track.Store, experiment string) []*track.Run {
	t.Helper()
	e, err := store.ExperimentByName(t.Context(), experiment)
	if err != nil {
		t.Fatal(err)
	}
	page, err := store.SearchRuns(t.Context(), track.RunSearch{Search: track.Search{Max: 100}, Experiments: []int64{e.ID}})
	if err != nil || len(page.Items) == 0 {
		t.Fatalf("%d runs of %s, %v", len(page.Items), experiment, err)
	}
	var runs []*track.Run
	for i := range page.Items {
		runs = append(runs, &page.Items[i])
	}
	return runs
}

// curve returns the values of a metric, by step.
func curve(t *testing.T, store track.Store, run, key string) map[int64]float64 {
	t.Helper()
	page, err := store.MetricHistory(t.Context(), track.HistoryQuery{RunID: run, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	values := map[int64]float64{}
	for _, m := range page.Items {
		values[m.Step] = m.Value
	}
	return values
}

// namesOf returns the names of the artifacts of a run.
func namesOf(t *testing.T, store track.Store, r *track.Run) string {
	t.Helper()
	files, err := artifactsOf(t.Context(), store, r)
	if err != nil {
		t.Fatal(err)
	}
	root, _ := track.ArtifactPathOf(r.ArtifactURI)
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimPrefix(f.Path.String(), root.String()+"/"))
	}
	return strings.Join(names, "\n") + "\n"
}

func paramsText(r *track.Run) string {
	var words []string
	for _, p := range r.Params {
		words = append(words, p.Key+"="+p.Value)
	}
	return strings.Join(words, " ")
}

// checkTraining looks at what train.py logs.
func checkTraining(t *testing.T, store track.Store, r *track.Run) {
	t.Helper()
	if got := paramsText(r); got != "batch_size=32 epochs=10 learning_rate=0.001" || r.Status != track.Finished {
		t.Errorf("%s: %s", r.Status, got)
	}
	losses, epochs := curve(t, store, r.ID, "loss"), curve(t, store, r.ID, "epoch")
	want := map[int64]float64{0: 0, 2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 8: 6, 9: 7, 10: 8, 11: 9} // each table is a step
	for step, epoch := range want {
		if epochs[step] != epoch || losses[step] != 0.5*(10-epoch) {
			t.Errorf("step %d: epoch %v, loss %v", step, epochs[step], losses[step])
		}
	}
	if len(losses) != 10 || len(epochs) != 10 {
		t.Errorf("%d and %d points", len(losses), len(epochs))
	}
	names := namesOf(t, store, r)
	if n := len(regexp.MustCompile(`(?m)^media/table/examples_\d+_[0-9a-f]+\.table\.json$`).FindAllString(names, -1)); n != 2 || !strings.Contains(names, "config.yaml\n") || !strings.Contains(names, "wandb-summary.json\n") {
		t.Errorf("%s", names)
	}
}

// checkAway looks at what offline.py logs.
func checkAway(t *testing.T, store track.Store, r *track.Run, late bool) {
	t.Helper()
	want := "lr=0.1"
	if late {
		want = "late=3 lr=0.1"
	}
	if got := paramsText(r); got != want || r.Status != track.Finished || r.Name != "far" {
		t.Errorf("%s %s: %s", r.Name, r.Status, got)
	}
	losses := curve(t, store, r.ID, "loss")
	if len(losses) != 3000 || losses[2999] != 1.0/3000 {
		t.Errorf("%d points, the last %v", len(losses), losses[2999])
	}
	names := namesOf(t, store, r)
	for _, want := range []string{"media/table/t_", "output.log\n"} {
		if !strings.Contains(names, want) {
			t.Errorf("no %s in\n%s", want, names)
		}
	}
	var best bool
	for _, m := range r.Metrics {
		best = best || m.Key == "best" && m.Value == 0.5
	}
	if !best {
		t.Errorf("%+v", r.Metrics)
	}
}

// TestWandbScripts has the newest release do what older ones have no words for.
func TestWandbScripts(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"api.py", "branch.py", "links.py", "shared.py"} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			s := startServe(t)
			wandbScript(t, append(withWandb(t, "0.31.0"), pointWandb(s.url)...), t.TempDir(), script)
		})
	}
}

// TestWandbGroup has several processes log at the same time.
func TestWandbGroup(t *testing.T) {
	t.Parallel()
	s := startServe(t)
	wandbScript(t, append(withWandb(t, "0.31.0"), pointWandb(s.url)...), t.TempDir(), "group.py")
	s.stop()
	if code := <-s.code; code != exitFine {
		t.Fatalf("exit code %d", code)
	}
	store := storeOf(t, filepath.Join(s.dir, "runs.db"))
	runs := runsOf(t, store, "group")
	if len(runs) != 3 {
		t.Fatalf("%d runs", len(runs))
	}
	for _, r := range runs {
		if n := len(curve(t, store, r.ID, "loss")); n != 200 || r.Status != track.Finished {
			t.Errorf("%s: %s, %d points", r.Name, r.Status, n)
		}
	}
}

// xtErr runs xt outside of projects, with a home of its own, and returns what it said
// on standard error.
func xtErr(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "xt", args...)
	cmd.Dir, cmd.Env = dir, append(env, "HOME="+dir, "XDG_DATA_HOME=", "XDG_CACHE_HOME=", "COLUMNS=400")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("xt %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestWandbRun runs a script that knows nothing of xt: its run is the run of the
// command.
func TestWandbRun(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"0.16.6", "0.31.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			env, dir := withWandb(t, version), t.TempDir()
			script, err := filepath.Abs("testdata/wandb/train.py")
			if err != nil {
				t.Fatal(err)
			}
			xtErr(t, dir, env, "run", "--name", "training", "--", "python3", script)
			store := storeOf(t, filepath.Join(dir, ".local", "share", "xt", "runs.db"))
			runs := runsOf(t, store, "finetuning")
			if len(runs) != 1 || runs[0].Origin == nil || runs[0].Origin.Kind != track.PlainRun || runs[0].Name != "training" {
				t.Fatalf("%d runs, %+v", len(runs), runs[0])
			}
			checkTraining(t, store, runs[0])
			if out := xtErr(t, dir, append(env, "WANDB_MODE=disabled"), "run", "--", "python3", script); strings.Contains(out, "Synced") {
				t.Errorf("disabled: %s", out)
			}
		})
	}
}

// TestWandbKilled kills the server while a client logs: the client goes on, and
// nothing is lost or there twice.
func TestWandbKilled(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"0.16.6", "0.31.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			env, dir := withWandb(t, version), t.TempDir()
			server, addr := startProcess(t, dir, "127.0.0.1:0")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			script, err := filepath.Abs("testdata/wandb/long.py")
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(ctx, "python3", script)
			cmd.Env, cmd.Dir = append(env, pointWandb("http://"+addr)...), t.TempDir()
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// What old clients leave in the background may hold the pipe open for ever.
			for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "finished"; {
				if strings.HasPrefix(lines.Text(), "logged ") {
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
			store := storeOf(t, filepath.Join(dir, "runs.db"))
			runs := runsOf(t, store, "long")
			losses := curve(t, store, runs[0].ID, "loss")
			if len(runs) != 1 || len(losses) != 4000 || runs[0].Status != track.Finished {
				t.Errorf("%d runs, %s, %d points", len(runs), runs[0].Status, len(losses))
			}
			for i := range int64(4000) {
				if v, ok := losses[i]; !ok || v != float64(i) {
					t.Fatalf("step %d: %v, %v", i, v, ok)
				}
			}
		})
	}
}
