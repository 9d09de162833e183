package main

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/xtrepro/xt/internal/term"
)

const pageProjectConfig = `[params]
name = "world"

[stage.greet]
desc = "a greeting"
cmd = "mkdir -p build && echo hello ${name} > build/greeting.txt"
params = ["name"]
outs = ["build"]

[stage.count]
cmd = "wc -c < build/greeting.txt > size.txt && printf '{\"length\": %d}' $(cat size.txt) > metrics.json && date +%N > clock.txt"
deps = ["build/greeting.txt"]
outs = ["size.txt", "clock.txt"]
metrics = ["metrics.json"]

[model.greeter.promote.production]
require = ["clean", "metrics.length > 100"]
`

// newPageProject makes a project with a pipeline that has run twice, data in two
// versions and a model, and returns its directory.
func newPageProject(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	run := func(want int, args ...string) {
		t.Helper()
		var out bytes.Buffer
		if args[0] != "xt" {
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
			cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.org", "GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.org")
			if err := cmd.Run(); err != nil {
				t.Fatalf("%q: %v: %s", args, err, &out)
			}
			return
		}
		a := &app{term: &term.Terminal{Out: &out, Err: &out}, dir: dir}
		parsing.Lock()
		code := a.run(context.Background(), args)
		parsing.Unlock()
		if code != want {
			t.Fatalf("%q: exit code %d: %s", args, code, &out)
		}
	}
	commit := func(message string) {
		t.Helper()
		run(0, "git", "add", "-A")
		run(0, "git", "commit", "-qm", message)
	}
	write("xt.toml", pageProjectConfig)
	write("data/a.txt", "first")
	run(0, "git", "init", "-q")
	run(0, "git", "config", "user.name", "Ann")
	run(0, "git", "config", "user.email", "ann@example.org")
	run(0, "xt", "add", "data")
	run(0, "xt", "repro")
	commit("begin")
	run(0, "xt", "model", "register", "greeter", "build")
	run(1, "xt", "verify") // of a clock
	write("data/b.txt", "second")
	run(0, "xt", "add", "data")
	commit("more <b>data</b>")
	run(0, "xt", "remote", "add", "origin", t.TempDir())
	run(0, "xt", "push")
	write("xt.toml", strings.Replace(pageProjectConfig, "world", "moon", 1)+"[remote.origin]\nurl = \"file:///nowhere/at/all\"\n")
	return dir
}

func TestPageProject(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its stages are scripts of sh")
	}
	browser := newBrowser(t)
	dir := newPageProject(t)
	s := startServeIn(t, dir, "--addr", "127.0.0.1:0")
	tb := openTab(t, browser, s.url, "/?view=pipeline")
	tb.sees("2 stages not up to date")
	tb.wait("document.querySelectorAll('.stage.is-stale').length === 2 && document.querySelectorAll('.edge').length === 1")
	tb.sees("parameter name changed")
	tb.click(".stage", "greet")
	tb.sees("a greeting")
	tb.click(".stagedetail a", "run ")
	tb.wait("document.querySelector('h1').textContent === 'greet'")
	tb.click(".tabs a", "Origin and proof")
	tb.sees("Verified: identical")
	tb.sees("xt repro --pull --force --single-item greet")
	tb.click(".tabs a", "Log")
	tb.sees("The command wrote nothing.")

	// What differs is told, of the verification and of commits.
	tb.goTo("/?q=" + url.QueryEscape("tags.xt.verdict = 'differs'"))
	tb.click("tbody th.first a", "count")
	tb.click(".tabs a", "Origin and proof")
	tb.sees("Verified: differs")
	tb.sees("clock.txt")
	tb.goTo("/?view=pipeline&old=HEAD~1&new=")
	tb.sees("moon")
	tb.goTo("/?view=pipeline&old=HEAD~1&new=HEAD")
	tb.wait("[...document.querySelectorAll('summary')].some(e => e.textContent === '1 file')")
	tb.click("summary", "1 file")
	tb.sees("b.txt")
	tb.expected = append(tb.expected, "status of 400")
	tb.goTo("/?view=pipeline&old=nonsense&new=")
	tb.sees("These cannot be compared")

	tb.goTo("/?view=data")
	tb.sees("as recorded")
	tb.click("button", "Ask the remotes")
	tb.wait("document.querySelector('.panel .bad, .panel .warn')")
	tb.goTo("/?view=data&path=data")
	tb.sees("more <b>data</b>")
	tb.sees("1 added")

	// A promotion that the rules forbid says why; another leaves a tag with the comment.
	tb.goTo("/?view=models")
	tb.sees("matches xt.lock")
	tb.click("button", "Promote…")
	tb.js("{ const s = document.querySelector('#p-stage'); s.value = 'production'; s.dispatchEvent(new Event('change')); }")
	tb.click("dialog button", "Promote")
	tb.wait("document.querySelector('dialog [role=alert]')?.textContent.includes('metrics.length > 100')")
	tb.js("{ const s = document.querySelector('#p-stage'); s.value = 'staging'; s.dispatchEvent(new Event('change')); }")
	tb.do(chromedp.SendKeys("#p-comment", "as <i>good</i> as any"))
	tb.click("dialog button", "Promote")
	tb.wait("document.querySelector('.runhead .badge')?.textContent === 'staging'")
	tb.click(".tabs a", "History")
	tb.sees("as <i>good</i> as any")
	out, err := exec.Command("git", "-C", dir, "cat-file", "-p", "greeter#staging#1").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "as <i>good</i> as any") {
		t.Errorf("the tag: %v: %s", err, out)
	}

	// A file that is wrong is told, and the page goes on.
	if err := os.WriteFile(filepath.Join(dir, "xt.toml"), []byte("[stage.x]\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	tb.goTo("/?view=pipeline")
	tb.sees("xt.toml:1")
}
