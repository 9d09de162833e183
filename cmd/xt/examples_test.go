package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestExamples runs the repository's own pipeline and the examples as a user
// does. Python packages are installed once into the user's cache.
func TestExamples(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it installs packages")
	}
	params := packageParams(t)
	params.Dir = "testdata/examples"
	testscript.Run(t, params)
}

// packageParams is what scripts have in common that install packages as a user
// does: from the user's own index, wherever pip knows it from.
func packageParams(t *testing.T) testscript.Params {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return testscript.Params{
		Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"commit": commit, "executed": executed, "exits": exits, "edit": edit,
		},
		Setup: func(env *testscript.Env) error {
			work := env.WorkDir
			// Python keeps what it has compiled, whatever the user thinks of it: else each import of PyTorch takes seconds.
			env.Vars = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=", "WORK="+work, "REPO="+root, "PATH="+env.Getenv("PATH"),
				"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org")
			return nil
		},
	}
}
