//go:build amd64 || arm64

package trace

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const everything = `
import os, mmap, subprocess, multiprocessing, threading, pathlib, shutil, sys
def work(name):
    open("mp-" + name, "w").close()
    return open("in").read()
def main():
    os.path.exists("missed")
    try: open("absent")
    except FileNotFoundError: pass
    with open("mapped", "r+b") as f:
        m = mmap.mmap(f.fileno(), 0); m[0]; m.close()
    for method in "fork", "spawn":
        c = multiprocessing.get_context(method)
        p = c.Process(target=work, args=(method,)); p.start(); p.join()
        assert p.exitcode == 0
    ts = [threading.Thread(target=lambda i=i: open(f"t{i}", "w").close()) for i in range(8)]
    [t.start() for t in ts]; [t.join() for t in ts]
    subprocess.run(["/bin/cat", "in"], cwd="sub", check=False, stderr=subprocess.DEVNULL)
    subprocess.run("cat rel", shell=True, cwd="sub", check=True, stdout=subprocess.DEVNULL)
    d = os.open("sub", os.O_RDONLY)
    os.close(os.open("viafd", os.O_RDONLY, dir_fd=d))
    os.rename("moved", "there", src_dir_fd=d)
    os.replace("new", "replaced"); os.unlink("unlinked"); os.truncate("cut", 0)
    os.makedirs("a/b/c"); shutil.rmtree("a")
    os.symlink("in", "ln"); os.readlink("ln"); os.listdir("listed")
    os.chdir("sub"); open("rel").close(); os.chdir(".."); open("w+", "w+").close(); open("ap", "a").close()
    if os.fork() == 0: os.execv("/bin/cat", ["cat", "execed"])
    os.wait()
if __name__ == "__main__": main()
`

func TestPython(t *testing.T) {
	py := python(t)
	dir := folder(t, "in", "mapped", "sub/rel", "sub/viafd", "sub/moved", "new", "replaced", "unlinked", "cut", "listed/x", "ap", "w+", "execed")
	write0(t, filepath.Join(dir, "all.py"), everything, 0o644)
	got := mustTrace(t, dir, py, "all.py")
	for i := range 8 {
		got.want(t, map[string]string{fmt.Sprint("t", i): "WC"})
	}
	got.want(t, map[string]string{
		"all.py": "R", "missed": "M", "absent": "M", "mapped": "RW", "mp-fork": "WC", "mp-spawn": "WC", "in": "R",
		"sub/in": "M", "sub/rel": "R", "sub/viafd": "R", "sub/moved": "W", "there": "WC", "new": "W", "replaced": "W",
		"unlinked": "W", "cut": "W", "a/b/c": "RWCD", "ln": "RWC", "listed": "RD", "w+": "W", "ap": "W", "execed": "R",
		py: "RX", "/bin/cat": "X",
	})
}

const parallel = `
import os, threading
def work(n):
    for i in range(COUNT):
        os.close(os.open(f"{n}/{i}", os.O_WRONLY | os.O_CREAT))
for n in range(32): os.mkdir(str(n))
ts = [threading.Thread(target=work, args=(n,)) for n in range(32)]
[t.start() for t in ts]; [t.join() for t in ts]
`

func TestParallel(t *testing.T) {
	count := 1000
	if os.Getenv("XT_TRACE_FULL") != "" { // takes a minute on a busy machine
		count = 10_000
	}
	dir := folder(t)
	got := mustTrace(t, dir, python(t), "-c", fmt.Sprintf("COUNT = %d\n", count)+parallel)
	for n := range 32 {
		for i := range count {
			if a := got.by[filepath.Join(dir, fmt.Sprint(n), fmt.Sprint(i))]; !a.Write || !a.Created {
				t.Fatalf("%d/%d: %+v", n, i, a)
			}
		}
	}
}

// BenchmarkOverhead reports how much longer programs take when they are traced:
// ratio is of elapsed, cpu-ratio of processor time, of which the tracer's counts.
func BenchmarkOverhead(b *testing.B) {
	py := python(b)
	dir := folder(b)
	for i := range 20_000 {
		write0(b, filepath.Join(dir, fmt.Sprint(i)), "x", 0o644)
	}
	number := "x = 0\nfor i in range(3_000_000): x += i * i % 7"
	if exec.Command(py, "-c", "import numpy").Run() == nil {
		number = "import numpy as np\na = np.ones((1500, 1500))\nfor i in range(5): a = a @ a / 1500"
	}
	for name, program := range map[string]string{
		"open20000": "for i in range(20_000):\n  with open(str(i)) as f: f.read()",
		"numeric":   number,
		"training":  "import json, random, csv, argparse\nfor i in range(200):\n  with open(str(i)) as f: f.read()\n  s = sum(random.random() for _ in range(20_000))",
	} {
		b.Run(name, func(b *testing.B) {
			var wall, cpu [2]time.Duration
			for b.Loop() {
				for i := range 2 {
					cmd := exec.Command(py, "-c", program)
					cmd.Dir = dir
					w, c := measure(b, cmd, i == 1)
					wall[i], cpu[i] = least(wall[i], w), least(cpu[i], c)
				}
			}
			b.ReportMetric(wall[1].Seconds()/wall[0].Seconds(), "ratio")
			b.ReportMetric(cpu[1].Seconds()/cpu[0].Seconds(), "cpu-ratio")
		})
	}
}

// least returns the smaller of two durations, of which a may not be known.
func least(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}

func measure(b *testing.B, cmd *exec.Cmd, tracing bool) (wall, cpu time.Duration) {
	before, begin := used(b), time.Now()
	if !tracing {
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
	} else {
		tr := start(b, cmd, Options{})
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
		tr.Finish()
	}
	return time.Since(begin), used(b) - before
}

// used is the processor time of this process and its children.
func used(b *testing.B) time.Duration {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}
