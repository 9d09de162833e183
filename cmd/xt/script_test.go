package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xtrepro/xt/internal/sandbox"
	"github.com/xtrepro/xt/remote"
)

func TestMain(m *testing.M) {
	sandbox.Shim()
	testscript.Main(nobodys{m}, map[string]func(){"xt": main})
}

// nobodys runs the tests for a user who has no runs and no tokens yet, whoever
// starts them. Downloads stay where that user has them.
type nobodys struct{ m *testing.M }

func (n nobodys) Run() int {
	dir, err := os.MkdirTemp("", "xt-nobody-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv("XDG_DATA_HOME", dir); err != nil {
		panic(err)
	}
	return n.m.Run()
}

// TestScript runs the scripts, each in an empty directory of its own with a
// home, a git configuration and an environment that are nobody's. Besides what
// testscript offers they have the commands below.
func TestScript(t *testing.T) {
	t.Parallel()
	params := scriptParams(newServers(t))
	params.Dir = "testdata/script"
	testscript.Run(t, params)
}

// scriptParams is what all scripts have in common.
func scriptParams(s *servers) testscript.Params {
	return testscript.Params{
		RequireExplicitExec: false,
		RequireUniqueNames:  true,
		Setup:               setup,
		Condition:           condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"commit":     commit,
			"executed":   executed,
			"exits":      exits,
			"edit":       edit,
			"eventually": eventually,
			"llm":        llm,
			"web":        webCommand,
			"server":     s.command,
			"age-key":    ageKey,
		},
	}
}

const gitConfig = `[user]
	name = Ada
	email = ada@example.org
[init]
	defaultBranch = main
[core]
	excludesFile = ~/ignore
[advice]
	detachedHead = false
[protocol "file"]
	allow = always
`

// setup makes the environment of a script.
func setup(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, ".home")
	if err := os.Mkdir(home, 0o777); err != nil {
		return err
	}
	for name, text := range map[string]string{".gitconfig": gitConfig, "ignore": "/.home/\n/.tmp/\n"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o666); err != nil {
			return err
		}
	}
	env.Setenv("HOME", home)
	env.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(home, ".gitconfig"))
	env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	env.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(env.WorkDir))
	env.Setenv("LC_ALL", "C")
	env.Setenv("TZ", "UTC")
	env.Values[webKey{}] = new(webServer)
	env.Values[llmKey{}] = new(llmServer)
	env.Setenv("GORACE", "atexit_sleep_ms=0") // a second for each process otherwise
	return nil
}

// condition answers [root], [namespaces], [cores] for whether there are several,
// and [mount] for whether a script may mount a small file system of its own.
func condition(cond string) (bool, error) {
	switch cond {
	case "root":
		return os.Getuid() == 0, nil
	case "cores":
		return runtime.NumCPU() > 1, nil
	case "namespaces":
		return sandbox.Available() == nil, nil
	case "mount":
		return runtime.GOOS == "linux" && exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt").Run() == nil, nil
	}
	return false, errors.New("unknown condition " + cond)
}

// exits runs a command that must end with an exit code:
//
//	exits 2 xt repro no-such-stage
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

var runningLine = regexp.MustCompile(`(?m)^(\S+): running, because`)

// executed says whose commands the last xt ran; without names, that it ran none:
//
//	executed prepare train
func executed(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! executed")
	}
	got := []string{}
	for _, m := range runningLine.FindAllStringSubmatch(ts.ReadFile("stderr"), -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	want := slices.Sorted(slices.Values(args))
	if strings.Join(got, " ") != strings.Join(want, " ") {
		ts.Fatalf("executed %q, want %q", got, want)
	}
}

// commit commits all that git does not ignore, in a repository that it makes if
// there is none:
//
//	commit 'more layers'
func commit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: commit MESSAGE")
	}
	if _, err := os.Lstat(ts.MkAbs(".git")); err != nil {
		ts.Check(ts.Exec("git", "init", "-q"))
	}
	ts.Check(ts.Exec("git", "add", "-A"))
	ts.Check(ts.Exec("git", "commit", "-q", "--allow-empty", "-m", args[0]))
}

// edit replaces a text that must be in a file:
//
//	edit xt.toml 'lr = 0.1' 'lr = 0.2'
func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	name := ts.MkAbs(args[0])
	info, err := os.Stat(name)
	ts.Check(err)
	old := ts.ReadFile(args[0])
	if !strings.Contains(old, args[1]) {
		ts.Fatalf("%s has no %q:\n%s", args[0], args[1], old)
	}
	ts.Check(os.WriteFile(name, []byte(strings.Replace(old, args[1], args[2], 1)), info.Mode()))
}

// eventually waits until a file exists, which another command makes:
//
//	eventually started
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: eventually FILE")
	}
	for range 3000 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s did not appear", args[0])
}

// ageKey makes an age key in a file, and sets a variable to the public half:
//
//	age-key a.key A
func ageKey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: age-key FILE VARIABLE")
	}
	recipient, err := remote.GenerateKey(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Setenv(args[1], recipient)
}
