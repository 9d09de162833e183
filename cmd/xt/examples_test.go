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
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:       "testdata/examples",
		Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"commit": commit, "executed": executed, "exits": exits, "edit": edit,
		},
		Setup: func(env *testscript.Env) error {
			// The package index is the user's own, from wherever pip knows it.
			work := env.WorkDir
			env.Vars = append(os.Environ(), "WORK="+work, "REPO="+root, "PATH="+env.Getenv("PATH"),
				"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org")
			return nil
		},
	})
}
