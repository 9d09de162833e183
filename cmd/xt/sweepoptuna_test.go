package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const optunaSweep = `
[params]
x = 0.5
n = 1
kind = "b"
[stage.train]
cmd = "echo loss: ${x} > m.yaml; echo size: ${n} >> m.yaml; echo ${kind}"
metrics = ["m.yaml"]
[sweep.both]
stage = "train"
objective = ["m.yaml:loss", "m.yaml:size"]
direction = ["minimize", "maximize"]
constraints = ["m.yaml:size <= 8"]
sampler = "sobol"
trials = 12
[sweep.both.params]
x = { low = 0.1, high = 1.0, log = true }
n = { low = 1, high = 16, step = 3 }
kind = { choices = ["a", "b", 1.5, true] }
`

const optunaReads = `
import sys
sys.path.insert(0, ".")
import access, optuna
study = optuna.load_study(study_name="both", storage=optuna.storages.GrpcStorageProxy(host="127.0.0.1", port=int(sys.argv[1])))
assert [d.name for d in study.directions] == ["MINIMIZE", "MAXIMIZE"], study.directions
assert [t.number for t in study.trials] == list(range(12)), study.trials
for t in study.trials:
    assert t.state.name == "COMPLETE" and t.values == [t.params["x"], t.params["n"]], t
    assert set(t.distributions) == {"x", "n", "kind"} and t.datetime_complete >= t.datetime_start, t
    assert (max(t.system_attrs["constraints"]) > 0) == (t.params["n"] > 8), t
d = study.trials[0].distributions
assert d["x"] == optuna.distributions.FloatDistribution(0.1, 1.0, log=True), d
assert d["n"] == optuna.distributions.IntDistribution(1, 16, step=3), d
assert d["kind"] == optuna.distributions.CategoricalDistribution(("a", "b", 1.5, True)), d
print(",".join(str(t.number) for t in sorted(study.best_trials, key=lambda t: t.number)))
`

// TestOptunaReadsSweep has Optuna read what a sweep has left in the store, and find
// the same trials best.
func TestOptunaReadsSweep(t *testing.T) {
	t.Parallel()
	env := withOptuna(t, "5.0.0", grpcPackages...)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "xt.toml"), []byte(optunaSweep), 0o666); err != nil {
		t.Fatal(err)
	}
	xtIn(t, dir, os.Environ(), "sweep", "both")
	want := xtIn(t, dir, os.Environ(), "sweep", "show", "both", "--json")
	s := startServe(t, "--store", filepath.Join(dir, ".xt", "runs.db"))
	got := python(t, env, "-c", optunaReads, portOf(t, s))
	if best := bestOf(t, want); got != best+"\n" {
		t.Errorf("Optuna finds %s best, xt %s", got, best)
	}
}

// bestOf returns the numbers of the best trials in the JSON of a sweep.
func bestOf(t *testing.T, text string) string {
	t.Helper()
	var r struct{ Best []int }
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	words := make([]string, len(r.Best))
	for i, n := range r.Best {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ",")
}
