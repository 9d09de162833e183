package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xtrepro/xt/internal/testserver"
)

// TestPlotsInBrowser runs the scripts of testdata/browser, which look at pages in a real
// browser: "browse PAGE" writes what came of the page into dom.html, and what the
// browser complained of into console.txt.
func TestPlotsInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	t.Parallel()
	browser := testserver.Browser(t)
	params := scriptParams(nil)
	params.Dir = "testdata/browser"
	params.Cmds["browse"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 {
			ts.Fatalf("usage: browse PAGE")
		}
		dom, console, err := browse(browser, ts.MkAbs(args[0]), ts.MkAbs(".profile"))
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs("dom.html"), dom, 0o666))
		ts.Check(os.WriteFile(ts.MkAbs("console.txt"), []byte(console), 0o666))
	}
	testscript.Run(t, params)
}

// browse opens a page and returns its elements when nothing more happens in it, and the
// lines of its console.
func browse(browser, page, profile string) (dom []byte, console string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	args := []string{
		"--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--user-data-dir=" + profile,
		"--virtual-time-budget=10000", "--enable-logging=stderr", "--dump-dom", "file://" + filepath.ToSlash(page),
	}
	if os.Geteuid() == 0 {
		args = append([]string{"--no-sandbox"}, args...)
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, browser, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	for line := range strings.Lines(errs.String()) {
		if strings.Contains(line, "CONSOLE") {
			console += line
		}
	}
	return out.Bytes(), console, err
}
