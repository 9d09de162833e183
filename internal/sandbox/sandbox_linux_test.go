package sandbox

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestMain(m *testing.M) {
	Shim()
	os.Exit(m.Run())
}

func skipUnavailable(t *testing.T) {
	t.Helper()
	if err := Available(); err != nil {
		t.Skip(err)
	}
}

func TestWrap(t *testing.T) {
	skipUnavailable(t)
	inside, outside := t.TempDir(), t.TempDir()
	for dir, text := range map[string]string{inside: "inside", outside: "outside"} {
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-c", `cat f; uname -n; pwd; id -u; echo new > g; exit 3`)
	cmd.Dir = outside
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := Wrap(cmd, Options{Hostname: "elsewhere", Binds: []Bind{{From: inside, To: outside}}}); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Fatalf("%v: %s", err, out)
	}
	id, _ := exec.Command("id", "-u").Output()
	if want := "insideelsewhere\n" + outside + "\n" + string(id); string(out) != want {
		t.Errorf("got %q, want %q", out, want)
	}
	if b, err := os.ReadFile(filepath.Join(inside, "g")); string(b) != "new\n" {
		t.Errorf("what it wrote: %q, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(outside, "g")); err == nil {
		t.Error("it wrote where it should not see")
	}
	name, _ := os.Hostname()
	if name == "elsewhere" {
		t.Error("the machine was renamed")
	}
}

func TestReadOnly(t *testing.T) {
	skipUnavailable(t)
	dir := t.TempDir()
	cmd := exec.Command("sh", "-c", `echo x > f`)
	cmd.Dir = dir
	if err := Wrap(cmd, Options{Binds: []Bind{{From: dir, To: dir, ReadOnly: true}}}); err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(strings.ToLower(string(out)), "read-only") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestMissingCommand(t *testing.T) {
	skipUnavailable(t)
	cmd := exec.Command("/no/such/command")
	if err := Wrap(cmd, Options{}); err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "no such file") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestChangedAttributes starts a command whose namespaces somebody has taken away
// since Wrap: it must not mount anything where everybody sees it.
func TestChangedAttributes(t *testing.T) {
	skipUnavailable(t)
	inside, outside := t.TempDir(), t.TempDir()
	cmd := exec.Command("true")
	if err := Wrap(cmd, Options{Binds: []Bind{{From: inside, To: outside}}}); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = nil
	out, err := cmd.CombinedOutput()
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) || exit.ExitCode() != failedShim {
		t.Errorf("%v: %s", err, out)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), outside) {
		t.Errorf("it was mounted all the same (%v)", err)
	}
}
