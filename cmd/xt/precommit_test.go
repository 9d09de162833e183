package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xtrepro/xt/internal/testserver"
)

// TestPreCommit runs the script of testdata/precommit with the real pre-commit
// framework and this repository's hooks. It runs the xt of the test; with
// XT_TEST_PRECOMMIT=golang the framework builds xt from the working tree itself,
// as it does for users, which takes minutes.
func TestPreCommit(t *testing.T) {
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("needs the network at first, and tools of Unix")
	}
	t.Parallel()
	framework := testserver.PreCommit(t)
	golang := os.Getenv("XT_TEST_PRECOMMIT") == "golang"
	source := t.TempDir()
	if golang {
		copyTree(t, source)
	} else {
		copyManifest(t, source)
	}
	params := scriptParams(nil)
	params.Dir = "testdata/precommit"
	params.Setup = func(env *testscript.Env) error {
		if err := setup(env); err != nil {
			return err
		}
		env.Vars = append(env.Vars, framework...)
		env.Setenv("HOOKS", filepath.ToSlash(source))
		env.Setenv("PRE_COMMIT_HOME", filepath.Join(env.WorkDir, ".home", "pre-commit"))
		if golang {
			for _, name := range []string{"GOPROXY", "GOMODCACHE", "GOCACHE", "GOFLAGS"} {
				out, err := exec.Command("go", "env", name).Output()
				if err != nil {
					return err
				}
				env.Setenv(name, strings.TrimSpace(string(out)))
			}
		}
		return nil
	}
	testscript.Run(t, params)
}

// copyManifest makes a repository of nothing but the hooks, of xt as it is on
// PATH.
func copyManifest(t *testing.T, dir string) {
	b, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(b), "language: golang", "language: system")
	if text == string(b) {
		t.Fatal("the hooks are not of language golang")
	}
	if err := os.WriteFile(filepath.Join(dir, ".pre-commit-hooks.yaml"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	commitAll(t, dir)
}

// copyTree makes a repository of the working tree.
func copyTree(t *testing.T, dir string) {
	out, err := exec.Command("git", "-C", "../..", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		b, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			continue // it was deleted
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	commitAll(t, dir)
}

func commitAll(t *testing.T, dir string) {
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"commit", "-qm", "hooks"}, {"tag", "v0.1.0"}} {
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
}
