package seedenv

import (
	"path/filepath"
	"testing"
)

func TestVars(t *testing.T) {
	seed := func(n int64) *int64 { return &n }
	if got := Vars(Seed{Deterministic: "off"}, nil); len(got) != 0 {
		t.Errorf("unseeded: %v", got)
	}
	got := Vars(Seed{Value: seed(-1), Deterministic: "off"}, nil)
	if len(got) != 2 || got["XT_SEED"] != "-1" || got["PYTHONHASHSEED"] != "4294967295" {
		t.Errorf("seed only: %v", got)
	}
	base := []string{"XLA_FLAGS=--a --xla_gpu_deterministic_ops=false --b=1", "OMP_NUM_THREADS=64"}
	got = Vars(Seed{Value: seed(42), Deterministic: "on", Threads: 4}, base)
	for name, want := range map[string]string{
		"XT_SEED":                 "42",
		"PYTHONHASHSEED":          "42",
		"XT_DETERMINISTIC":        "on",
		"OMP_NUM_THREADS":         "4",
		"TF_DETERMINISTIC_OPS":    "1",
		"CUBLAS_WORKSPACE_CONFIG": ":4096:8",
		"XLA_FLAGS":               "--a --b=1 --xla_gpu_deterministic_ops=true",
	} {
		if got[name] != want {
			t.Errorf("%s=%q, want %q", name, got[name], want)
		}
	}
	got = Vars(Seed{Value: seed(42), Deterministic: "warn"}, base)
	if _, set := got["XLA_FLAGS"]; set || got["TF_DETERMINISTIC_OPS"] != "0" || got["MKL_NUM_THREADS"] != "1" {
		t.Errorf("warn: %v", got)
	}
}

func TestHookVarsKeepsPythonPath(t *testing.T) {
	got := HookVars("/hook", []string{"PYTHONPATH=first", "PYTHONPATH=last"})["PYTHONPATH"]
	if want := "/hook" + string(filepath.ListSeparator) + "last"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := HookVars("/hook", nil)["PYTHONPATH"]; got != "/hook" {
		t.Errorf("%q: an empty entry would be the working directory", got)
	}
}

func TestMachine(t *testing.T) {
	if facts := Machine(); facts["os"] == "" || facts["arch"] == "" || facts["cpus"] == "" {
		t.Errorf("%v", facts)
	}
}
