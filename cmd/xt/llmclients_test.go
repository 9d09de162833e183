package main

import (
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xtrepro/xt/internal/testserver"
)

// TestLLMClients runs the scripts of testdata/llmclients with the real clients of
// OpenAI and Anthropic for Python, of several ages. They talk to a server of the
// test, since the providers cannot be asked here.
func TestLLMClients(t *testing.T) {
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("needs the network at first, and tools of Unix")
	}
	t.Parallel()
	for _, which := range []string{"old", "1", "new"} {
		t.Run(which, func(t *testing.T) {
			t.Parallel()
			clients := testserver.LLMClients(t, which)
			params := scriptParams(nil)
			params.Dir = "testdata/llmclients"
			params.Setup = func(env *testscript.Env) error {
				if err := setup(env); err != nil {
					return err
				}
				env.Vars = append(env.Vars, clients...)
				env.Setenv("PYTHONDONTWRITEBYTECODE", "1")
				return nil
			}
			testscript.Run(t, params)
		})
	}
}
