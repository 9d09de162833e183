package main

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xtrepro/xt/internal/testserver"
)

// TestGTO runs the scripts of testdata/gto, in which xt and the real GTO work on
// the same repository.
func TestGTO(t *testing.T) {
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("needs the network at first, and tools of Unix")
	}
	t.Parallel()
	tool := testserver.GTO(t)
	params := scriptParams(nil)
	params.Dir = "testdata/gto"
	params.Setup = func(env *testscript.Env) error {
		if err := setup(env); err != nil {
			return err
		}
		for _, v := range tool {
			name, value, _ := strings.Cut(v, "=")
			if name == "PATH" { // xt comes first
				dir, _, _ := strings.Cut(value, string(os.PathListSeparator))
				value = env.Getenv("PATH") + string(os.PathListSeparator) + dir
			}
			env.Setenv(name, value)
		}
		return nil
	}
	testscript.Run(t, params)
}
