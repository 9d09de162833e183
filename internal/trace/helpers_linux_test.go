//go:build amd64 || arm64

package trace

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// traced is what a command did, by path.
type traced struct {
	Report
	by  map[string]Access
	dir string // it ran in
}

// traceCommand traces a command in a directory; the test is skipped where that cannot be.
func traceCommand(t *testing.T, dir string, args ...string) (*traced, error) {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	tr := start(t, cmd, Options{})
	err := cmd.Wait()
	r := tr.Finish()
	if out.Len() > 0 {
		t.Logf("%s", out.Bytes())
	}
	if len(r.Blind) > 0 || r.Cut {
		t.Errorf("blind: %q, cut: %v", r.Blind, r.Cut)
	}
	return index(r, dir), err
}

func start(t testing.TB, cmd *exec.Cmd, o Options) *Tracer {
	t.Helper()
	if err := Available(); err != nil {
		t.Skip(err)
	}
	tr, err := Start(cmd, o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func index(r Report, dir string) *traced {
	got := &traced{Report: r, by: map[string]Access{}, dir: dir}
	for _, a := range r.Accesses {
		got.by[a.Path] = a
	}
	return got
}

func mustTrace(t *testing.T, dir string, args ...string) *traced {
	t.Helper()
	got, err := traceCommand(t, dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// short is an access as letters: R W C M X D.
func short(a Access) string {
	var b strings.Builder
	for _, f := range []struct {
		is     bool
		letter byte
	}{{a.Read, 'R'}, {a.Write, 'W'}, {a.Created, 'C'}, {a.Missing, 'M'}, {a.Exec, 'X'}, {a.Dir, 'D'}} {
		if f.is {
			b.WriteByte(f.letter)
		}
	}
	return b.String()
}

// want compares the accesses to paths, which are relative to the command's
// directory. "" says that there was none.
func (got *traced) want(t *testing.T, paths map[string]string) {
	t.Helper()
	for path, want := range paths {
		if !filepath.IsAbs(path) {
			path = filepath.Join(got.dir, path)
		}
		if is := short(got.by[path]); is != want {
			t.Errorf("%q: %q, want %q", path, is, want)
		}
	}
}

// folder returns a new directory without symbolic links in its path, with files.
func folder(t testing.TB, files ...string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		write0(t, filepath.Join(dir, name), name, 0o644)
	}
	return dir
}

func write0(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func need(t testing.TB, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skip(err)
	}
	return path
}

// python is the interpreter itself: what is on PATH may be a shell script.
func python(t testing.TB) string {
	t.Helper()
	out, err := exec.Command(need(t, "python3"), "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Skip(err)
	}
	return strings.TrimSpace(string(out))
}
