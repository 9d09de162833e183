package pipeline

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// silent is a Reporter that counts what was begun.
type silent struct {
	mu    sync.Mutex
	begun []string
}

func (r *silent) Begin(step *Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun = append(r.begun, step.Stage.Name+":"+step.Action.String())
}

func (r *silent) Output(*Stage) (stdout, stderr io.Writer, end func()) {
	return io.Discard, io.Discard, func() {}
}

func (r *silent) End(*Result) {}

const makeConfig = `
[params]
text = "a"

[stage.first]
cmd = "echo ran >> $XT_TEST_COUNT; cat in.txt > first.txt"
deps = ["in.txt"]
outs = ["first.txt"]
pass = ["XT_TEST_COUNT"]

[stage.second]
cmd = "echo ran >> $XT_TEST_COUNT; (cat first.txt; echo ${text}; grep text params.yaml) > m.txt"
deps = ["first.txt"]
params = ["text", "params.yaml:text2"]
outs = [{ path = "m.txt", cache = false }]
pass = ["XT_TEST_COUNT"]
`

func openForMake(t *testing.T) (*Workspace, string) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs commands")
	}
	dir := t.TempDir()
	count := filepath.Join(t.TempDir(), "count")
	for name, text := range map[string]string{"xt.toml": makeConfig, "in.txt": "in\n", "params.yaml": "# kept\ntext2: b\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("XT_TEST_COUNT", count)
	w, err := Open(dir, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := MakeStateDir(w.Root); err != nil {
		t.Fatal(err)
	}
	return w, count
}

func executions(t *testing.T, file string) int {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Count(string(b), "ran")
}

func vary(t *testing.T, w *Workspace, words ...string) *Workspace {
	t.Helper()
	var overrides []Override
	for _, word := range words {
		o, err := ParseOverride(word)
		if err != nil {
			t.Fatal(err)
		}
		overrides = append(overrides, o)
	}
	v, err := w.Vary(overrides)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestMakeLeavesWorkspaceAlone(t *testing.T) {
	w, count := openForMake(t)
	const variants = 4
	var wg sync.WaitGroup
	for i := range variants {
		v := vary(t, w, fmt.Sprintf("text=v%d", i%2), "params.yaml:text2=c")
		wg.Go(func() {
			results, err := v.Make(t.Context(), v.Graph.Stages, MakeOptions{}, &silent{})
			if err != nil {
				t.Error(err)
				return
			}
			b, err := v.Made(results).ReadFile("m.txt")
			if want := fmt.Sprintf("in\nv%d\ntext2: \"c\"\n", i%2); err != nil || string(b) != want {
				t.Errorf("m.txt = %q, %v; want %q", b, err, want)
			}
		})
	}
	wg.Wait()
	if n := executions(t, count); n != 3 {
		t.Errorf("%d commands were run, want 3: the first stage once, the second for each text once", n)
	}
	for _, name := range []string{"first.txt", "m.txt", "xt.lock"} {
		if _, err := os.Lstat(filepath.Join(w.Root, name)); !os.IsNotExist(err) {
			t.Errorf("%s is in the workspace", name)
		}
	}
	if b, _ := os.ReadFile(filepath.Join(w.Root, "params.yaml")); string(b) != "# kept\ntext2: b\n" {
		t.Errorf("params.yaml was changed: %q", b)
	}
}

func TestMakeOnly(t *testing.T) {
	w, count := openForMake(t)
	second := func(s *Stage) bool { return s.Name == "second" }
	_, err := w.Make(t.Context(), w.Graph.Stages, MakeOptions{Only: second}, &silent{})
	var unmade *UnmadeError
	if !errors.As(err, &unmade) || unmade.Stage.Name != "first" {
		t.Fatalf("the first stage is not there: %v", err)
	}
	if _, err := w.Make(t.Context(), w.Graph.Stages[:1], MakeOptions{}, &silent{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Make(t.Context(), w.Graph.Stages, MakeOptions{Only: second}, &silent{}); err != nil {
		t.Fatal(err)
	}
	// What was made apart is what a run takes.
	rep := &silent{}
	if _, err := w.Run(t.Context(), w.Graph.Stages, RunOptions{}, rep); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(rep.begun, " "); got != "first:restore second:restore" {
		t.Errorf("the run did %s", got)
	}
	if n := executions(t, count); n != 2 {
		t.Errorf("%d commands were run, want 2", n)
	}
}

func TestMakeSeesEditsOfDataAndNotOfConfig(t *testing.T) {
	w, _ := openForMake(t)
	for name, text := range map[string]string{"xt.toml": "broken", "in.txt": "other\n"} {
		if err := os.WriteFile(filepath.Join(w.Root, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	v := vary(t, vary(t, w, "params.yaml:text2=z"), "text=y")
	results, err := v.Make(t.Context(), v.Graph.Stages, MakeOptions{}, &silent{})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := v.Made(results).ReadFile("m.txt"); err != nil || string(b) != "other\ny\ntext2: \"z\"\n" {
		t.Errorf("m.txt = %q, %v", b, err)
	}
}

// BenchmarkMake makes a result of other parameters each time: what a trial costs
// besides its command.
func BenchmarkMake(b *testing.B) {
	dir := b.TempDir()
	config := "[params]\nx = 0\n\n[stage.s]\ncmd = \"echo ${x} > out\"\nparams = [\"x\"]\nouts = [\"out\"]\n"
	if err := os.WriteFile(filepath.Join(dir, "xt.toml"), []byte(config), 0o666); err != nil {
		b.Fatal(err)
	}
	w, err := Open(dir, OpenOptions{})
	if err == nil {
		err = MakeStateDir(w.Root)
	}
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		v, err := w.Vary([]Override{{Key: "x", Value: int64(i + 1)}})
		if err == nil {
			_, err = v.Make(b.Context(), v.Graph.Stages, MakeOptions{}, &silent{})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
