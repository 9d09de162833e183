package seedenv

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/xtrepro/xt/hash"
)

// script is a Python program run under the hook.
type script struct {
	python  string
	seed    int64
	unset   bool     // without a seed, and so without the hook
	environ []string // in addition
	args    []string
}

// run returns what the script printed on both streams.
func (s script) run(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(s.python, s.args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(without(os.Environ(), "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"), s.environ...)
	if !s.unset {
		for name, value := range Vars(Seed{Value: &s.seed, Deterministic: "on"}, cmd.Env) {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		for name, value := range HookVars(hookDir(t), cmd.Env) {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("python %q: %v\n%s", s.args, err, out)
	}
	return strings.TrimSpace(strings.ReplaceAll(string(out), "\r\n", "\n"))
}

// hookDir unpacks the hook once for all tests, so that Python compiles it once.
var hookDir = func() func(testing.TB) string {
	var once sync.Once
	var dir string
	var err error
	return func(t testing.TB) string {
		once.Do(func() { dir, err = WriteHook(filepath.Join(os.TempDir(), "xt-test-hook")) })
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
}()

// anyPython returns the interpreter behind python3 on PATH.
func anyPython(t *testing.T) string {
	t.Helper()
	x := OpenInterpreters(filepath.Join(testCache(t), "interpreters.json"))
	_, found, err := x.findVersion(t.Context(), "", t.TempDir(), os.Environ())
	needIndex(t, err)
	return found.Executable
}

// numpyPython returns the interpreter of an environment with NumPy.
func numpyPython(t *testing.T) string { return testEnv(t, "numpy==2.*\n") }

var testEnvs sync.Mutex

// testEnv returns the interpreter of an environment with the packages that a
// requirements file names. It is kept in the user's cache between test runs.
func testEnv(t *testing.T, text string) string {
	t.Helper()
	testEnvs.Lock()
	defer testEnvs.Unlock()
	dir := testCache(t)
	root := filepath.Join(dir, hash.Bytes([]byte(text)).Short())
	write(t, filepath.Join(root, "requirements.txt"), text)
	b := &Builder{Dir: dir, Root: root, Environ: os.Environ(), Interpreters: OpenInterpreters(filepath.Join(dir, "interpreters.json"))}
	r := readRequirements(t, b)
	locked, err := b.Lock(context.Background(), r)
	needIndex(t, err)
	env, err := b.Build(context.Background(), r, locked)
	needIndex(t, err)
	return env.Python
}

const printRandom = `import random; print(random.random(), hash("xt"))`

func TestHookSeedsRandomOnEveryPython(t *testing.T) {
	t.Parallel()
	x := OpenInterpreters(filepath.Join(testCache(t), "interpreters.json"))
	for _, version := range []string{"3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"} {
		t.Run(version, func(t *testing.T) {
			_, found, err := x.findVersion(t.Context(), version, t.TempDir(), os.Environ())
			if err != nil {
				t.Skip(err)
			}
			s := script{python: found.Executable, seed: 42, args: []string{"-c", printRandom}}
			got, again := s.run(t), s.run(t)
			if !strings.HasPrefix(got, "0.6394267984578837 ") || got != again {
				t.Errorf("got %q, then %q: want random.seed(42)'s first number and the same hash", got, again)
			}
		})
	}
}

func TestHookSeedsNumPy(t *testing.T) {
	t.Parallel()
	python := numpyPython(t)
	s := script{python: python, seed: 42, args: []string{"-c", `
import numpy as np, pickle
print(np.random.rand() == np.random.RandomState(42).rand())
a, b = np.random.default_rng(), np.random.default_rng()
print(a.random() != b.random(), isinstance(a, np.random.Generator))
print(np.random.default_rng(1).random())
print(a.random(), b.random(), np.random.RandomState().rand(), np.random.PCG64().random_raw())
print(pickle.loads(pickle.dumps(a)).random() == a.random())
`}}
	got := s.run(t)
	if got != s.run(t) {
		t.Errorf("differs from run to run: %s", got)
	}
	want := "True\nTrue True\n0.5118216247002567\n"
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "\nTrue") {
		t.Errorf("got:\n%s\nwant it to begin:\n%s", got, want)
	}
	own := script{python: python, seed: 1, args: []string{"-c", "import random, numpy as np; random.seed(7); np.random.seed(7); print(random.random(), np.random.rand())"}}
	with := own.run(t)
	own.unset = true
	if without := own.run(t); with != without {
		t.Errorf("a script's own seeds: %q with the hook, %q without", with, without)
	}
}

func TestHookTakesEverySeed(t *testing.T) {
	t.Parallel()
	python := numpyPython(t)
	seen := make(map[string]int64)
	for _, seed := range []int64{1, -1, 1<<32 + 1, -1 << 63} {
		got := script{python: python, seed: seed, args: []string{"-c", "import random, numpy as np; print(random.random(), np.random.default_rng().random())"}}.run(t)
		if other, ok := seen[got]; ok || strings.Contains(got, "xt:") {
			t.Errorf("seed %d: %q, as with %d", seed, got, other)
		}
		seen[got] = seed
	}
}

func TestHookTellsWorkersApart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "workers.py")
	write(t, file, `
import multiprocessing, random, sys
def work(q): q.put(random.random())
if __name__ == "__main__":
    for method in multiprocessing.get_all_start_methods():
        context, numbers = multiprocessing.get_context(method), []
        for _ in range(2):
            q = context.Queue(); p = context.Process(target=work, args=(q,))
            p.start(); numbers.append(q.get()); p.join()
        print(method, len(set(numbers)), numbers)
`)
	s := script{python: anyPython(t), seed: 42, args: []string{file}}
	got := s.run(t)
	if again := s.run(t); got != again {
		t.Errorf("differs from run to run:\n%s\n%s", got, again)
	}
	for line := range strings.Lines(got) {
		if strings.Fields(line)[1] != "2" {
			t.Errorf("workers draw the same numbers: %s", line)
		}
	}
}

func TestHookIsThereHoweverPythonIsStarted(t *testing.T) {
	t.Parallel()
	python := anyPython(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "app", "__main__.py"), printRandom)
	for name, args := range map[string][]string{
		"-m":         {"-m", "app"},
		"directory":  {filepath.Join(dir, "app")},
		"subprocess": {"-c", `import subprocess, sys; subprocess.run([sys.executable, "-c", sys.argv[1]])`, printRandom},
		"-B -O":      {"-B", "-O", "-c", printRandom},
	} {
		s := script{python: python, seed: 42, args: args, environ: []string{"PYTHONPATH=" + dir}}
		if got := s.run(t); !strings.HasPrefix(got, "0.6394267984578837 ") {
			t.Errorf("%s: %q", name, got)
		}
	}
	s := script{python: python, seed: 42, args: []string{"-I", "-c", printRandom}}
	if got := s.run(t); strings.HasPrefix(got, "0.6394267984578837 ") {
		t.Error("-I: loaded, although the documentation says that it is not")
	}
}

func TestHookHandsOverToTheUsersSitecustomize(t *testing.T) {
	t.Parallel()
	python := anyPython(t)
	show := []string{"-c", `import sys; print(sys.modules["sitecustomize"].__file__, getattr(sys, "mine", 0))`}
	tests := map[string]string{
		"plain":   "import sys; sys.mine = getattr(sys, 'mine', 0) + 1",
		"failing": "raise RuntimeError('mine')",
		"looking for the next": `
import sys, importlib
sys.mine = getattr(sys, 'mine', 0) + 1
if sys.mine < 5:
    del sys.modules['sitecustomize']
    import sitecustomize
    sys.modules['sitecustomize'] = sys.modules[__name__]`,
	}
	for name, text := range tests {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "sitecustomize.py"), text)
		s := script{python: python, seed: 42, args: show, environ: []string{"PYTHONPATH=" + dir}}
		if name != "plain" {
			s.args = []string{"-c", "print('fine')"}
		}
		with := s.run(t)
		s.unset = true
		if without := s.run(t); with != without {
			t.Errorf("%s: with the hook\n%s\nwithout\n%s", name, with, without)
		}
	}
}

func TestHookNeverStopsAScript(t *testing.T) {
	t.Parallel()
	s := script{
		python:  anyPython(t),
		unset:   true,
		environ: []string{"PYTHONPATH=" + hookDir(t), "XT_SEED=forty-two"},
		args:    []string{"-c", "import random; print('fine')"},
	}
	got := s.run(t)
	if !strings.HasPrefix(got, "xt: hook: not seeded: ValueError: ") || !strings.HasSuffix(got, "\nfine") || strings.Count(got, "\n") != 1 {
		t.Errorf("got %q", got)
	}
	// A library that is not as it should be costs a line.
	dir := t.TempDir()
	write(t, filepath.Join(dir, "torch.py"), "version = 'mine'")
	s.environ = []string{"PYTHONPATH=" + dir}
	s.unset, s.args = false, []string{"-c", "import torch; print(torch.version, torch.__loader__.__class__.__name__)"}
	if got := s.run(t); !strings.HasSuffix(got, "\nmine SourceFileLoader") || !strings.HasPrefix(got, "xt: hook: torch left as it is: AttributeError") {
		t.Errorf("got %q", got)
	}
}

func TestWriteHook(t *testing.T) {
	dir := t.TempDir()
	first, err := WriteHook(dir)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(first, "sitecustomize.py")
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	second, err := WriteHook(dir)
	after, _ := os.Stat(file)
	if err != nil || second != first || !os.SameFile(before, after) {
		t.Errorf("second: %s, %v; the file is a new one: %v", second, err, !os.SameFile(before, after))
	}
	// What a kill or a disk left half is made whole.
	write(t, file, "import")
	if _, err := WriteHook(dir); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(file); len(text) < 100 {
		t.Errorf("not repaired: %q", text)
	}
	write(t, filepath.Join(dir, "file"), "")
	if _, err := WriteHook(filepath.Join(dir, "file")); err == nil || !strings.HasPrefix(err.Error(), "unpack the Python start-up hook: ") {
		t.Errorf("into a file: %v", err)
	}
}
