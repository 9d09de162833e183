package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/xtrepro/xt/internal/testserver"
)

// box is a machine with a clone of a project, whose remote is on a server that is
// reached by some address.
type box struct {
	t   *testing.T
	dir string
	env []string
}

// newBox makes a project with a remote.
func newBox(t *testing.T, server *testserver.Server, addr string) *box {
	t.Helper()
	address, env := server.At(addr)
	b := &box{t: t, dir: t.TempDir(), env: append(os.Environ(), env...)}
	home := t.TempDir()
	b.env = append(b.env, "HOME="+home, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+filepath.Join(home, ".gitconfig"), "LC_ALL=C")
	b.write(filepath.Join(home, ".gitconfig"), []byte(gitConfig))
	b.write("xt.toml", fmt.Appendf(nil, "[remote.origin]\nurl = %q\n", address))
	b.must("git", "init", "-q")
	return b
}

// clone returns another machine, with a clone of the project as it is now.
func (b *box) clone() *box {
	b.t.Helper()
	other := *b
	other.dir = filepath.Join(b.t.TempDir(), "clone")
	b.must("git", "add", "-A")
	b.must("git", "commit", "-q", "--allow-empty", "-m", "all")
	b.must("git", "clone", "-q", b.dir, other.dir)
	return &other
}

func (b *box) write(name string, data []byte) {
	b.t.Helper()
	if !filepath.IsAbs(name) {
		name = filepath.Join(b.dir, name)
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, data, 0o666)); err != nil {
		b.t.Fatal(err)
	}
}

// noise writes a file of n bytes that nothing makes smaller.
func (b *box) noise(name string, n int) {
	b.t.Helper()
	data := make([]byte, n)
	_, _ = rand.Read(data) // never fails
	b.write(name, data)
}

func (b *box) command(name string, args ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = b.dir, b.env
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	return cmd, &out, &log
}

// run returns what a command printed, and its exit code.
func (b *box) run(name string, args ...string) (stdout, stderr string, code int) {
	b.t.Helper()
	cmd, out, log := b.command(name, args...)
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		b.t.Fatal(err)
	}
	return out.String(), log.String(), cmd.ProcessState.ExitCode()
}

func (b *box) must(name string, args ...string) string {
	b.t.Helper()
	out, log, code := b.run(name, args...)
	if code != 0 {
		b.t.Fatalf("%s %s: exit code %d: %s%s", name, strings.Join(args, " "), code, out, log)
	}
	return out
}

// ended starts a command and sends it a signal a while later, if it has not ended
// by then. It returns its exit code and how long it took to end after the signal.
func (b *box) ended(sig os.Signal, after time.Duration, name string, args ...string) (code int, took time.Duration, stderr string) {
	b.t.Helper()
	cmd, _, log := b.command(name, args...)
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(after):
		begin := time.Now()
		if err := cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			b.t.Fatal(err)
		}
		<-done
		took = time.Since(begin)
	}
	return cmd.ProcessState.ExitCode(), took, log.String()
}

// killedWhen starts a command and kills it as soon as something is so, and a moment
// later.
func (b *box) killedWhen(so func() bool, name string, args ...string) {
	b.t.Helper()
	cmd, out, log := b.command(name, args...)
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for !so() {
		select {
		case err := <-done:
			b.t.Fatalf("%s %v ended by itself: %v: %s%s", name, args, err, out, log)
		case <-time.After(5 * time.Millisecond):
		}
	}
	time.Sleep(mathrand.N(100 * time.Millisecond))
	_ = cmd.Process.Kill() // it may have ended
	<-done
}

func (b *box) pushed() []pushResult {
	b.t.Helper()
	var results []pushResult
	if err := json.Unmarshal([]byte(b.must("xt", "push", "--json")), &results); err != nil {
		b.t.Fatal(err)
	}
	return results
}

// same checks that two clones have the same data.
func (b *box) same(other *box) {
	b.t.Helper()
	if out, err := exec.Command("diff", "-r", filepath.Join(b.dir, "data"), filepath.Join(other.dir, "data")).CombinedOutput(); err != nil {
		b.t.Errorf("the data is not the same: %v: %s", err, out)
	}
}

// partial checks that no file in the workspace is in part: each is as the other
// clone has it, or not there. xt may have left temporary ones.
func (b *box) partial(other *box) {
	b.t.Helper()
	root := filepath.Join(b.dir, "data")
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) || err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".xt-tmp-") {
			return nil
		}
		rel, err := filepath.Rel(b.dir, path)
		if err != nil {
			return err
		}
		want, err := os.ReadFile(filepath.Join(other.dir, rel))
		if err != nil {
			return err
		}
		got, err := os.ReadFile(path)
		if err == nil && !bytes.Equal(got, want) {
			err = fmt.Errorf("%s has %d bytes that are not those that were pushed", rel, len(got))
		}
		return err
	})
	if err != nil {
		b.t.Error(err)
	}
}

func needsServers(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a server")
	}
	if runtime.GOOS == "windows" {
		t.Skip("there are no such signals")
	}
}

// TestKilledTransfers kills xt again and again while it pushes and pulls over a
// slow line: each goes on where the last one was.
func TestKilledTransfers(t *testing.T) {
	t.Parallel()
	needsServers(t)
	size := 100 << 20
	if os.Getenv("XT_TEST_ROUNDS") != "" {
		size = 400 << 20
	}
	server := testserver.S3(t)
	line := testserver.Proxy(t, server.Addr)
	const rate = 40 << 10 // KiB/s, and so the whole takes seconds
	line.Add("bandwidth", "upstream", map[string]any{"rate": rate})
	whole := time.Duration(size>>10) * time.Second / rate

	a := newBox(t, server, line.Addr)
	a.noise("data/big", size/2)
	for i := range 8 {
		a.noise(fmt.Sprintf("data/mid/%d", i), size/16)
	}
	for i := range 200 {
		a.noise(fmt.Sprintf("data/small/%d", i), 1000)
	}
	a.must("xt", "add", "data")
	b := a.clone()

	// Each is killed when it has sent one pack more, and is in the middle of another.
	for range 2 {
		had := a.notedPacks(server)
		a.killedWhen(func() bool { return a.notedPacks(server) > had }, "xt", "push", "-j", "1")
	}
	before := a.notedPacks(server)
	if before < 48<<20 {
		t.Errorf("only %d bytes were noted as sent after two deaths", before)
	}
	r := a.pushed()[0]
	if r.Files != 209 || r.Stored > int64(size)-before+1<<20 {
		t.Errorf("the last push, when %d bytes were there: %+v", before, r)
	}
	if r := a.pushed()[0]; r.SentFiles != 0 || r.Stored != 0 {
		t.Errorf("the push after it: %+v", r)
	}

	line.Remove("bandwidth")
	line.Add("bandwidth", "downstream", map[string]any{"rate": rate})
	for range 3 {
		b.ended(os.Kill, whole/4+mathrand.N(whole/4), "xt", "pull")
		b.partial(a)
	}
	b.must("xt", "pull")
	a.same(b)
	b.must("xt", "status", "--exit-code")
	b.must("xt", "fsck")
	if out := b.must("xt", "fsck", "--remote"); !strings.Contains(out, "all is whole") {
		t.Errorf("the check: %s", out)
	}
}

// notedPacks returns how many bytes there are on a server of S3 in packs that were
// noted here as sent, and so need not be sent again.
func (b *box) notedPacks(server *testserver.Server) (n int64) {
	b.t.Helper()
	notes, err := filepath.Glob(filepath.Join(b.dir, ".xt", "cache", "remotes", "*", "pending", "*"))
	if err != nil {
		b.t.Fatal(err)
	}
	noted := map[string]bool{}
	for _, note := range notes {
		noted[filepath.Base(note)] = true
	}
	err = filepath.WalkDir(server.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !noted[filepath.Base(filepath.Dir(path))+d.Name()] {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// TestInterruptedTransfers presses Ctrl-C.
func TestInterruptedTransfers(t *testing.T) {
	t.Parallel()
	needsServers(t)
	server := testserver.S3(t)
	line := testserver.Proxy(t, server.Addr)
	a := newBox(t, server, line.Addr)
	a.noise("data/big", 50<<20)
	a.must("xt", "add", "data")
	slow := map[string]any{"rate": 1000}
	line.Add("bandwidth", "upstream", slow)
	interrupt := func(b *box, args ...string) {
		t.Helper()
		code, took, stderr := b.ended(os.Interrupt, time.Second, "xt", args...)
		if code != 128+int(syscall.SIGINT) || took > 2*time.Second || !strings.Contains(stderr, "interrupted") {
			t.Errorf("xt %v: exit code %d after %v: %s", args, code, took, stderr)
		}
	}
	interrupt(a, "push")
	line.Remove("bandwidth")
	a.must("xt", "push")
	b := a.clone()
	line.Add("bandwidth", "downstream", slow)
	interrupt(b, "pull")
	b.partial(a)
	interrupt(b, "fsck", "--remote")
	// A server that says nothing more at all.
	line.Add("timeout", "downstream", map[string]any{"timeout": 0})
	interrupt(b, "pull")
	line.Remove("timeout")
	line.Remove("bandwidth")
	b.must("xt", "pull")
	a.same(b)
}

// TestFaultyServer has a server, or the way to it, that does what it should not.
// In the end the data is right, or xt says what is wrong and the next try is fine.
func TestFaultyServer(t *testing.T) {
	t.Parallel()
	needsServers(t)
	server := testserver.S3(t)
	proxy := testserver.Faulty(t, server.Addr)
	var count atomic.Int64
	every := func(n int64) bool { return count.Add(1)%n == 0 }
	answer := func(code int, header ...string) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !every(3) {
				return false
			}
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			return true
		}
	}
	var asked sync.Map
	body := func(part string, change func(*http.Response)) func(*http.Response) error {
		return func(r *http.Response) error {
			if r.Request.Method != http.MethodGet || !strings.Contains(r.Request.URL.Path, part) {
				return nil
			}
			// The second answer about a blob is right.
			if _, again := asked.LoadOrStore(r.Request.URL.Path, true); !again {
				change(r)
			}
			return nil
		}
	}
	flip := func(r *http.Response) { r.Body = testserver.FlipBit(r.Body, max(r.ContentLength/2, 0)) }
	cut := func(r *http.Response) { r.Body = testserver.Truncate(r.Body, max(r.ContentLength/2, 0)) }
	always := func(part string, change func(*http.Response)) func(*http.Response) error {
		return func(r *http.Response) error {
			if r.Request.Method == http.MethodGet && strings.Contains(r.Request.URL.Path, part) {
				change(r)
			}
			return nil
		}
	}
	for _, fault := range []struct {
		name   string
		before func(w http.ResponseWriter, r *http.Request) bool
		after  func(*http.Response) error
		fails  string // what a pull says while it lasts; "" if it is right all the same
	}{
		{name: "some 500", before: answer(500)},
		{name: "some 503", before: answer(503, "Retry-After", "0")},
		{name: "some 429", before: answer(429)},
		{name: "some connections are cut", before: func(http.ResponseWriter, *http.Request) bool {
			if every(4) {
				panic(http.ErrAbortHandler)
			}
			return false
		}},
		{name: "some packs come short", after: body("/packs/", cut)},
		{name: "some tables come short", after: body("/meta/", cut)},
		{name: "some packs come damaged", after: body("/packs/", flip)},
		{name: "some tables come damaged", after: body("/meta/", flip)},
		{name: "all packs come damaged", after: always("/packs/", flip), fails: "damaged"},
		{name: "all tables come damaged", after: always("/meta/index-", flip), fails: "damaged"},
		{name: "xt-remote comes damaged", after: always("/xt-remote", func(r *http.Response) { r.Body = testserver.FlipBit(r.Body, 0) }), fails: "was not written by xt"},
		{name: "nobody may read", before: func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(403); return true }, fails: "credentials"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			a := newBox(t, server, proxy.Addr)
			a.noise("data/"+fault.name, 3<<20)
			a.noise("data/small", 3000)
			a.write("data/text", bytes.Repeat([]byte("hello "), 10_000))
			a.must("xt", "add", "data")
			disturb := func() {
				proxy.Before(fault.before)
				proxy.After(fault.after)
			}
			calm := func() {
				proxy.Before(nil)
				proxy.After(nil)
			}
			defer calm()
			if fault.fails == "" {
				disturb()
			}
			a.must("xt", "push")
			b := a.clone()
			disturb()
			_, stderr, code := b.run("xt", "pull")
			b.partial(a)
			if (code == 0) != (fault.fails == "") || !strings.Contains(stderr, fault.fails) {
				t.Errorf("the pull: exit code %d: %s", code, stderr)
			}
			calm()
			b.must("xt", "pull")
			a.same(b)
			if out := b.must("xt", "fsck", "--remote"); !strings.Contains(out, "all is whole") {
				t.Errorf("the check: %s", out)
			}
			b.must("xt", "fsck")
		})
	}
}
