//go:build amd64 || arm64

package trace

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	Shim()
	os.Exit(m.Run())
}

func TestShell(t *testing.T) {
	dir := folder(t, "in", "old", "gone", "sub/x", "both", "first")
	got := mustTrace(t, dir, "/bin/sh", "-c", `
		cat in > out; mv old new; rm gone; mkdir made; ls sub >/dev/null
		cat < nope; test -e miss; ln -s in link; cat link >/dev/null; cat sub/../first >> both
		cd sub; cat x ../in >/dev/null; echo 1 > own; cat own; rm own; ln x hard; mkdir made/in/vain; true`)
	got.want(t, map[string]string{
		"in": "R", "out": "WC", "old": "W", "new": "WC", "gone": "W", "made": "WCD", "sub": "RD",
		"nope": "M", "miss": "M", "link": "RWC", "both": "W", "first": "R", "sub/x": "R", "sub/own": "RWC",
		"sub/hard": "WC", "sub/made/in/vain": "M", "/bin/sh": "X",
	})
}

func TestUnchanged(t *testing.T) {
	dir := folder(t)
	script := `echo "$0 $*"; pwd; umask; env | sort; ls -l /proc/self/fd | wc -l; grep Sig /proc/self/status | grep -v SigQ; cat; ulimit -n; kill -9 $$`
	outputs := map[bool]string{}
	for _, tracing := range []bool{false, true} {
		var out bytes.Buffer
		cmd := exec.Command("/bin/sh", "-c", script, "zero", "a b")
		cmd.Dir, cmd.Env, cmd.Stdin = dir, []string{"A=1", "PATH=/usr/bin:/bin"}, strings.NewReader("input")
		cmd.Stdout, cmd.Stderr = &out, &out
		var err error
		if tracing {
			tr := start(t, cmd, Options{})
			err = cmd.Wait()
			tr.Finish()
		} else {
			err = cmd.Run()
		}
		outputs[tracing] = fmt.Sprint(out.String(), err)
	}
	if outputs[false] != outputs[true] {
		t.Errorf("traced:\n%s\notherwise:\n%s", outputs[true], outputs[false])
	}
	if _, err := Start(exec.Command("/nonexistent/command"), Options{}); !os.IsNotExist(err) {
		t.Errorf("a command that is not there: %v", err)
	}
	cmd := exec.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if _, err := Start(cmd, Options{}); err == nil {
		t.Error("Pdeathsig: no error")
	}
}

// While the child has not executed the command, no goroutine may be needed.
func TestOneProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	dir := folder(t, "in")
	for range 20 {
		mustTrace(t, dir, "/bin/cat", "in").want(t, map[string]string{"in": "R", "/bin/cat": "X"})
	}
}

func TestStatic(t *testing.T) {
	dir := folder(t, "in")
	write0(t, filepath.Join(dir, "a.c"), `
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>
#include <sys/stat.h>
#include <stdio.h>
int main() {
	struct stat st;
	int d = open(".", O_RDONLY|O_DIRECTORY);
	if (fstatat(d, "absent", &st, 0) == 0 || openat(d, "in", O_RDWR) < 0) return 1;
	if (fstatat(d, "", &st, AT_EMPTY_PATH)) return 2;
	if (chdir("/")) return 3;
	int f = openat(d, "out", O_CREAT|O_EXCL|O_WRONLY, 0644);
	if (f < 0 || renameat(d, "out", d, "moved")) return 4;
	return unlinkat(d, "nothing", 0) == 0;
}`, 0o644)
	build := exec.Command(need(t, "cc"), "-static", "-o", "a", "a.c")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("cc -static: %v\n%s", err, out)
	}
	mustTrace(t, dir, filepath.Join(dir, "a")).want(t, map[string]string{
		".": "RD", "absent": "M", "in": "RW", "out": "WC", "moved": "WC", "nothing": "M", "a": "X",
	})
}

func TestGoProgram(t *testing.T) {
	dir := folder(t, "in")
	write0(t, filepath.Join(dir, "main.go"), `package main
import ("os"; "os/exec"; "sync"; "fmt")
func main() {
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if err := os.WriteFile(fmt.Sprint("w", i), nil, 0o644); err != nil { panic(err) }
			os.ReadFile(fmt.Sprint("none", i))
			if err := exec.Command("/bin/cat", "in").Run(); err != nil { panic(err) }
		})
	}
	wg.Wait()
}`, 0o644)
	build := exec.Command(need(t, "go"), "build", "-o", "prog", "main.go")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("%v\n%s", err, out)
	}
	got := mustTrace(t, dir, filepath.Join(dir, "prog"))
	for i := range 50 {
		got.want(t, map[string]string{fmt.Sprint("w", i): "WC", fmt.Sprint("none", i): "M"})
	}
	got.want(t, map[string]string{"in": "R", "/bin/cat": "X", "prog": "X"})
}

func TestScripts(t *testing.T) {
	dir := folder(t, "in")
	write0(t, filepath.Join(dir, "inner"), "#!/bin/sh\nexec /bin/cat in\n", 0o755)
	write0(t, filepath.Join(dir, "outer"), "#! "+filepath.Join(dir, "inner")+" arg\n", 0o755)
	mustTrace(t, dir, filepath.Join(dir, "outer")).want(t, map[string]string{
		"outer": "X", "inner": "RX", "/bin/sh": "X", "/bin/cat": "X", "in": "R",
	})
	mustTrace(t, dir, "/bin/sh", "-c", "./outer").want(t, map[string]string{"outer": "X", "inner": "RX"})
}

func TestOddNames(t *testing.T) {
	dir := folder(t)
	deep := dir
	for range 14 {
		deep = filepath.Join(deep, strings.Repeat("d", 250))
	}
	long := filepath.Join(deep, strings.Repeat("f", 250))
	odd := filepath.Join(dir, "caf\xe9 \xff\n'")
	write0(t, long, "x", 0o644)
	write0(t, odd, "x", 0o644)
	// With what the tracer puts before it, this one exceeds PATH_MAX.
	longest := deep + strings.Repeat("/.", (unix.PathMax-2-len(long))/2) + "/" + filepath.Base(long)
	beside := filepath.Join(deep, "no") // and a miss of this kind
	got := mustTrace(t, dir, "/bin/sh", "-c", `cat "$1" >/dev/null && cat "$2" && test ! -e "$3"`,
		"sh", odd, longest, strings.TrimSuffix(longest, filepath.Base(long))+"no")
	got.want(t, map[string]string{long: "R", odd: "R", beside: "M"})
}

func TestLinks(t *testing.T) {
	dir := folder(t, "real/sub/f", "real/g")
	if err := os.Symlink("real/sub", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "broken")); err != nil {
		t.Fatal(err)
	}
	mustTrace(t, dir, "/bin/sh", "-c", "cat link/f link/../g broken; cd link; cat ./f; true").want(t, map[string]string{
		"link/f": "R", "real/sub/f": "R", "real/g": "R", "g": "", "broken": "M",
	})
}

func TestKilled(t *testing.T) {
	dir := folder(t, "in")
	got, err := traceCommand(t, dir, "/bin/sh", "-c", "cat in; kill -KILL $$")
	if err == nil || err.Error() != "signal: killed" {
		t.Errorf("killed: %v", err)
	}
	got.want(t, map[string]string{"in": "R"})

	// In the middle of many calls, with children.
	cmd := exec.Command("/bin/sh", "-c", "while :; do cat in & cat in; test -e x; done >/dev/null")
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Setpgid: true}
	tr := start(t, cmd, Options{})
	for tr.received.Load() < 1000 {
		time.Sleep(time.Millisecond)
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	index(tr.Finish(), dir).want(t, map[string]string{"in": "R", "x": "M"})
	<-tr.closed
}

// What a command leaves behind is not waited for, and goes on being served.
func TestLeftBehind(t *testing.T) {
	dir := folder(t, "in", "later")
	if err := unix.Mkfifo(filepath.Join(dir, "go"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", "cat in; "+need(t, "setsid")+" sh -c 'read x < go; cat later > after; mv after done' & exit 3")
	cmd.Dir = dir
	tr := start(t, cmd, Options{Keeper: "/proc/self/exe"})
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 3 {
		t.Errorf("exit: %v", err)
	}
	r := tr.Finish()
	if !r.Alive {
		t.Error("nothing is left")
	}
	index(r, dir).want(t, map[string]string{"in": "R", "later": "", "done": ""})
	write0(t, filepath.Join(dir, "go"), "\n", 0)
	<-tr.closed // when the last one has ended
	if text, err := os.ReadFile(filepath.Join(dir, "done")); err != nil || string(text) != "later" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestCut(t *testing.T) {
	dir := folder(t)
	cmd := exec.Command("/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do test -e $i; done; true")
	cmd.Dir = dir
	tr := start(t, cmd, Options{Max: 5})
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if r := tr.Finish(); !r.Cut || len(r.Accesses) != 5 {
		t.Errorf("cut %v at %d", r.Cut, len(r.Accesses))
	}
}

// A trace within a trace is refused and says why.
func TestNested(t *testing.T) {
	if os.Getenv("TRACE_NESTED") != "" {
		fmt.Print(Available())
		return
	}
	var out bytes.Buffer
	cmd := exec.Command(os.Args[0], "-test.run=TestNested$")
	cmd.Env, cmd.Stdout = append(os.Environ(), "TRACE_NESTED=1"), &out
	tr := start(t, cmd, Options{})
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	tr.Finish()
	if !strings.Contains(out.String(), "already runs under a seccomp listener") {
		t.Errorf("%s", out.Bytes())
	}
}

// Processes that were left behind can open files when the tracing process has ended.
func TestKeeper(t *testing.T) {
	if os.Getenv("TRACE_KEEPER") != "" {
		cmd := exec.Command("/bin/sh", "-c", `exec 3<&0; setsid sh -c 'read x; cat in || echo broken' <&3 & exit 0`)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stdout
		tr := start(t, cmd, Options{Keeper: "/proc/self/exe"})
		err := cmd.Wait()
		if r := tr.Finish(); err != nil || !r.Alive || len(r.Blind) > 0 {
			fmt.Println("finish:", r.Alive, r.Blind, err)
		}
		os.Exit(0)
	}
	if err := Available(); err != nil {
		t.Skip(err)
	}
	need(t, "setsid")
	cmd := exec.Command(os.Args[0], "-test.run=TestKeeper$")
	cmd.Dir, cmd.Env = folder(t, "in"), append(os.Environ(), "TRACE_KEEPER=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.Process.Wait(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(stdin)
	_ = cmd.Wait() // for what is left to close its output
	if out.String() != "in" {
		t.Errorf("left behind: %q", out.Bytes())
	}
}
