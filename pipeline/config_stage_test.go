package pipeline

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestStage reads a stage that has every key.
func TestStage(t *testing.T) {
	g := load(t, files{"xt.toml": `
[project]
name = "digits"
[seed]
value = 42
[python]
requirements = "./requirements.txt"
version = "3.11"
[cache]
dir = "/data/cache"
link = ["reflink", "hardlink"]
shared = true
[remote.origin]
url = "s3://bucket/prefix"
[params]
lr = 0.1
[stage.train]
desc = "train at ${lr}"
cmd = ["echo a", "echo ${lr} $HOME $${X}"]
shell = "bash"
wdir = "sub"
code = ["../src", "src/a.py"]
deps = "../data/"
outs = ["b", { path = "../out/a", cache = false, keep = true }, { path = "c", push = false, remote = "origin" }]
metrics = "m.json"
plots = [{ path = "p.csv", cache = true }]
params = "lr"
env = { A = "x", N = 3, F = 0.5 }
pass = ["Z", "B", "Z"]
seed = { value = 7, deterministic = "warn", threads = 2 }
python = false
frozen = true
timeout = "1h30m"
retries = 2
resources = { cpus = 4, gpus = 1, memory = "1.5 GiB", time = "2d" }
tolerance = { "m.json" = { rtol = 1e-6, atol = 1 } }
`})
	seven := int64(7)
	want := &Stage{
		Name: "train", Base: "train", Desc: "train at 0.1", Pos: Position{"xt.toml", 17, 1},
		Cmd: "echo a\necho 0.1 $HOME ${X}", Shell: []string{"bash", "-e", "-o", "pipefail", "-c"}, Wdir: "sub",
		Code: []string{"src", "sub/src/a.py"}, Deps: []string{"data"},
		Outs: []Out{
			{Path: "out/a", Keep: true}, {Path: "sub/b", Cache: true, Push: true}, {Path: "sub/c", Cache: true, Remote: "origin"},
			{Path: "sub/m.json", Kind: Metric}, {Path: "sub/p.csv", Kind: Plot, Cache: true, Push: true},
		},
		Params: []Param{{Key: "lr", Value: 0.1}},
		Env:    map[string]string{"A": "x", "N": "3", "F": "0.5"}, Pass: []string{"B", "Z"},
		Seed: Seed{&seven, "warn", 2}, Python: Unused, Frozen: true, Timeout: 90 * time.Minute, Retries: 2,
		Resources: Resources{CPUs: 4, GPUs: 1, Memory: 3 << 29, Time: 48 * time.Hour},
		Tolerance: map[string]Tolerance{"sub/m.json": {Rel: 1e-6, Abs: 1}},
	}
	if diff := cmp.Diff(want, g.Stages[0], cmpopts.IgnoreUnexported(Stage{})); diff != "" {
		t.Error(diff)
	}
	if got, want := g.Stages[0].pathPos("sub/c").String(), "xt.toml:24:74"; got != want {
		t.Errorf("sub/c stands at %s, want %s", got, want)
	}
	c := g.Config
	if c.Name != "digits" || c.Python.Requirements != "requirements.txt" || c.Python.Version != "3.11" || c.Remotes["origin"].URL != "s3://bucket/prefix" ||
		!reflect.DeepEqual(c.Cache, CacheConfig{"/data/cache", []string{"reflink", "hardlink"}, true}) || c.Params["lr"] != 0.1 {
		t.Errorf("got %+v", c)
	}
}

func TestDefaults(t *testing.T) {
	s := load(t, files{"xt.toml": "[stage.a]\ncmd = \"x\"\n"}).Stages[0]
	want := &Stage{Name: "a", Base: "a", Pos: Position{"xt.toml", 1, 1}, Cmd: "x", Shell: []string{"sh", "-e", "-c"}, Wdir: ".", Seed: Seed{nil, "off", 1}}
	if diff := cmp.Diff(want, s, cmpopts.IgnoreUnexported(Stage{}), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestSeeds(t *testing.T) {
	for _, c := range []struct{ project, stage, want string }{
		{"", "", "- off 1"},
		{"value = 42", "", "42 on 1"},
		{"value = 42\ndeterministic = false\nthreads = 4", "", "42 off 4"},
		{"deterministic = \"warn\"", "", "- warn 1"},
		{"value = 42\nthreads = 4", "seed = 7", "7 on 4"},
		{"value = 42\nthreads = 4", "seed = false", "- off 4"},
		{"value = 42", "seed = false\ndeterministic = true", "- on 1"},
		{"value = 42\ndeterministic = false", "seed = 7", "7 off 1"},
		{"value = 42", "deterministic = \"warn\"\nthreads = 2", "42 warn 2"},
		{"", "seed = 7", "7 on 1"},
		{"", "seed = { value = 7, deterministic = false }", "7 off 1"},
		{"", "deterministic = true", "- on 1"},
	} {
		text := "[stage.a]\ncmd = \"x\"\n" + c.stage + "\n"
		if c.project != "" {
			text += "[seed]\n" + c.project + "\n"
		}
		s := load(t, files{"xt.toml": text}).Stages[0].Seed
		value := "-"
		if s.Value != nil {
			value = fmt.Sprint(*s.Value)
		}
		if got := fmt.Sprint(value, " ", s.Deterministic, " ", s.Threads); got != c.want {
			t.Errorf("%q and %q: got %s, want %s", c.project, c.stage, got, c.want)
		}
	}
}

func TestUnits(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute, "2d": 48 * time.Hour, "500ms": time.Second / 2,
		"": 0, "90": 0, "1h 30m": 0, "-1h": 0, "0s": 0, "1y": 0, "1e9h": 0, "9999999d": 0, "1..5h": 0,
	} {
		if got, ok := parseDuration(text); got != want && ok || ok != (want > 0) {
			t.Errorf("%q: got %v %v", text, got, ok)
		}
	}
	for text, want := range map[string]int64{
		"16GiB": 16 << 30, "16G": 16 << 30, "16GB": 16e9, "500 MB": 500e6, "1.5K": 1536, "12": 12, "12B": 12, "1TiB": 1 << 40,
		"": 0, "GB": 0, "1PB": 0, "-1G": 0, "0": 0, "99999999T": 0, "1 GB ": 0,
	} {
		if got, ok := parseMemory(text); got != want && ok || ok != (want > 0) {
			t.Errorf("%q: got %v %v", text, got, ok)
		}
	}
}
