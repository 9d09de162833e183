package pipeline

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xtrepro/xt/lock"
)

// TestTrains is of the guess whether a stage needs a seed.
func TestTrains(t *testing.T) {
	for cmd, want := range map[string]bool{
		"python src/train.py --lr 0.1":             true,
		"python -m pkg.train":                      true,
		"python -u 'scripts/fit_model.py'":         true,
		"Rscript finetune.R":                       true,
		"xgboost train conf":                       true,
		"./retrain.sh":                             true,
		"python evaluate.py data/train.npz":        false,
		"python prepare.py --train data/train.csv": false,
		"python train_test_split.py":               false,
		"python benefit.py outfits.py":             false,
		"cp in out":                                false,
		"make fitness":                             false,
	} {
		if got := Trains(&Stage{Base: "s", Cmd: cmd}); got != want {
			t.Errorf("%s: %v", cmd, got)
		}
	}
	for name, want := range map[string]bool{"train": true, "pretrain_big": true, "fit-2": true, "TrainNet": false, "evaluate": false, "split-train": false} {
		if got := Trains(&Stage{Base: name, Cmd: "x"}); got != want {
			t.Errorf("stage %s: %v", name, got)
		}
	}
}

// staged puts files into the index of a new repository and opens what that holds.
func staged(t testing.TB, files map[string]string) (dir string, open func(rev string) *Snapshot) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	gitIn(t, dir, "init", "-q")
	gitIn(t, dir, "add", "-A")
	return dir, func(rev string) *Snapshot {
		s, err := OpenToInspect(dir, rev)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func gitIn(t testing.TB, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
}

// rules inspects a snapshot and returns the rules and stages of what it finds.
func rules(t testing.TB, s *Snapshot) string {
	t.Helper()
	in, err := s.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, f := range in.Findings {
		if f.File == "" || f.Message == "" || f.Hint == "" {
			t.Errorf("incomplete: %+v", f)
		}
		words = append(words, fmt.Sprintf("%s %s %s:%d", f.Level, f.Rule, f.File, f.Line))
	}
	return strings.Join(words, ", ")
}

const inspected = `[params]
lr = 1
[stage.train]
cmd = "make"
deps = ["in"]
params = ["lr"]
outs = ["x"]
metrics = ["m"]
`

// locked returns the files of a project in which all is up to date, and its lock
// after a change.
func locked(t testing.TB, config string, change func(f *lock.File)) map[string]string {
	w := newWorld(t, strings.ReplaceAll(config, "frozen = true\n", ""))
	files := map[string]string{"xt.toml": config, "in": "in", ".gitignore": "/x\n/out\n"}
	for _, s := range w.graph.Stages {
		e := w.Lock.Stages[s.Name]
		e.How = lock.Executed
		for _, c := range s.Code {
			files[c] = c
		}
		for _, o := range s.Outs {
			if !o.Cache {
				files[o.Path] = "made by " + s.Name + " from " + e.Fingerprint.String()
			}
		}
	}
	if change != nil {
		change(w.Lock)
	}
	files["xt.lock"] = string(w.Lock.Encode())
	return files
}

func TestInspect(t *testing.T) {
	entry := func(change func(s *lock.Stage)) func(*lock.File) {
		return func(f *lock.File) {
			s := *f.Stages["train"]
			change(&s)
			f.Stages["train"] = &s
		}
	}
	seeded := "[seed]\nvalue = 1\n" + inspected
	before := locked(t, seeded, nil)
	for name, c := range map[string]struct {
		config string
		change func(*lock.File)
		files  map[string]string
		want   string
	}{
		"fine":          {seeded, nil, nil, ""},
		"no seed":       {inspected, nil, nil, "warning seed xt.toml:3"},
		"seed policy":   {"[check]\nseed = \"error\"\n" + inspected, nil, nil, "error seed xt.toml:5"},
		"seed list":     {"[check]\nseed_stages = []\n" + inspected, nil, nil, ""},
		"edited":        {seeded, entry(func(s *lock.Stage) { s.Cmd = "true" }), nil, "error edited xt.lock:5"},
		"forged out":    {seeded, entry(func(s *lock.Stage) { s.Outs[0].Node = node("other") }), nil, "error metric m:0"},
		"forged metric": {seeded, nil, map[string]string{"m": "better"}, "error metric m:0"},
		"forged both": {seeded, entry(func(s *lock.Stage) { s.Outs[0].Node, s.Env = node("better"), map[string]string{"A": "b"} }), map[string]string{"m": "better"},
			"error edited xt.lock:5"},
		"metric not in git": {seeded, nil, map[string]string{"m": ""}, "warning metric xt.toml:5"},
		"orphan":            {seeded, func(f *lock.File) { s := *f.Stages["train"]; s.Name = "old"; f.Stages["old"] = &s }, nil, "warning orphan xt.lock:5"},
		"conflict":          {seeded, entry(func(s *lock.Stage) { s.Conflicted = true }), nil, "error conflict xt.lock:5"},
		"committed":         {seeded, entry(func(s *lock.Stage) { s.How = lock.Committed }), nil, "warning committed xt.lock:5"},
		"committed policy":  {"[check]\ncommitted = \"error\"\n" + seeded, entry(func(s *lock.Stage) { s.How = lock.Imported }), nil, "error committed xt.lock:5"},
		"dirty":             {seeded, entry(func(s *lock.Stage) { s.Dirty, s.Commit = true, strings.Repeat("a", 40) }), nil, ""},
		"dirty policy":      {"[check]\ndirty = \"warn\"\n" + seeded, entry(func(s *lock.Stage) { s.Dirty, s.Commit = true, strings.Repeat("a", 40) }), nil, "warning dirty xt.lock:5"},
		"stale":             {strings.Replace(seeded, "lr = 1", "lr = 2", 1), nil, map[string]string{"xt.lock": before["xt.lock"], "m": before["m"]}, "error stale xt.toml:5"},
		"secret":            {strings.Replace(seeded, "lr = 1", "lr = 1\nk = \"AKIA"+"IOSFODNN7EXAMPLE\"", 1), nil, nil, "error secret xt.toml:5"},
		"large":             {"[check]\nlarge = \"1KB\"\n" + seeded, nil, map[string]string{"big": strings.Repeat("x", 1001)}, "warning large-file big:0"},
		"large policy":      {"[check]\nlarge = \"1KB\"\nlarge_files = \"error\"\n" + seeded, nil, map[string]string{"big": strings.Repeat("x", 1000), "bigger": strings.Repeat("x", 1001)}, "error large-file bigger:0"},
		"frozen":            {seeded + "frozen = true\n", entry(func(s *lock.Stage) { s.Outs = s.Outs[:1]; s.Fingerprint = Fingerprint(s) }), nil, "error edited xt.lock:5"},
	} {
		t.Run(name, func(t *testing.T) {
			files := locked(t, c.config, c.change)
			for name, text := range c.files {
				files[name] = text
				if text == "" {
					delete(files, name)
				}
			}
			_, open := staged(t, files)
			if got := rules(t, open("")); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestInspectLarge looks at what is new in a commit, and only at that.
func TestInspectLarge(t *testing.T) {
	files := locked(t, "[check]\nlarge = \"1KB\"\n", nil)
	files["big"] = strings.Repeat("x", 2000)
	dir, open := staged(t, files)
	const want = "warning large-file big:0"
	if got := rules(t, open("")); got != want {
		t.Errorf("before the first commit: %s", got)
	}
	gitIn(t, dir, "commit", "-qm", "one")
	if got := rules(t, open("")); got != "" {
		t.Errorf("nothing is staged: %s", got)
	}
	if got := rules(t, open("HEAD")); got != want {
		t.Errorf("the first commit: %s", got)
	}
	gitIn(t, dir, "mv", "big", "moved")
	gitIn(t, dir, "commit", "-qm", "two")
	if got := rules(t, open("HEAD")); got != "" {
		t.Errorf("a file that moved: %s", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "moved"), []byte(strings.Repeat("y", 2000)), 0o666); err != nil {
		t.Fatal(err)
	}
	gitIn(t, dir, "commit", "-qam", "three")
	if got := rules(t, open("HEAD")); got != "warning large-file moved:0" {
		t.Errorf("a file that changed: %s", got)
	}
	shallow := filepath.Join(t.TempDir(), "shallow")
	gitIn(t, dir, "clone", "-q", "--depth=1", "file://"+filepath.ToSlash(dir), shallow)
	s, err := OpenSnapshot(shallow, "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	if got := rules(t, s); got != "" {
		t.Errorf("a history that was cut off: %s", got)
	}
}

// BenchmarkInspect is of the index of 1,000 stages, each with a parameter, a file
// of code and a metric in git, and most with an output of another, in which nothing
// is to be found.
func BenchmarkInspect(b *testing.B) {
	var params, stages strings.Builder
	for i := range 1000 {
		dep := "in"
		if i%10 > 0 {
			dep = fmt.Sprintf("out/%04d", i-1)
		}
		fmt.Fprintf(&params, "p%04d = %d\n", i, i)
		fmt.Fprintf(&stages, "[stage.s%04d]\ncmd = \"make %d\"\ncode = [\"src/%04d.py\"]\ndeps = [%q]\nparams = [\"p%04d\"]\nouts = [\"out/%04d\"]\nmetrics = [\"m/%04d\"]\n", i, i, i, dep, i, i, i)
	}
	files := locked(b, "[params]\n"+params.String()+stages.String(), nil)
	dir, open := staged(b, files)
	gitIn(b, dir, "commit", "-qm", "one")
	if got := rules(b, open("")); got != "" {
		b.Fatal(got[:min(len(got), 200)])
	}
	inspect := func(b *testing.B) {
		for b.Loop() {
			if _, err := open("").Inspect(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("loose", inspect)
	gitIn(b, dir, "gc", "-q")
	b.Run("packed", inspect)
}
