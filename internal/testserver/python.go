package testserver

import (
	"os"
	"sync"
	"testing"
)

var (
	preCommit = sync.OnceValues(func() (string, error) { return pipInstall("pre-commit==4.7.0") })
	inToto    = sync.OnceValues(func() (string, error) {
		return pipInstall("in-toto-attestation==0.9.3", "securesystemslib[crypto]==1.4.0")
	})
	llmClients = sync.OnceValues(func() (string, error) { return pipInstall("openai==1.109.1", "anthropic==0.75.0") })
	oldOpenAI  = sync.OnceValues(func() (string, error) { return pipInstall("openai==1.3.9", "httpx==0.27.2") })
	newClients = sync.OnceValues(func() (string, error) { return pipInstall("openai==3.57.0", "anthropic==2.14.0") })
)

// LLMClients returns what the environment needs so that Python finds clients of
// language models: "old" is an early openai 1, "1" the last openai 1 and an
// anthropic of its time, "new" what followed.
func LLMClients(t testing.TB, which string) []string {
	return python(t, map[string]func() (string, error){"old": oldOpenAI, "1": llmClients, "new": newClients}[which])
}

// PreCommit returns what the environment needs so that "python3 -m pre_commit" is
// the pre-commit framework.
func PreCommit(t testing.TB) []string { return python(t, preCommit) }

// InToto returns what the environment needs so that Python finds the reference
// implementations of in-toto's attestations and of DSSE.
func InToto(t testing.TB) []string { return python(t, inToto) }

// Python returns what the environment needs so that Python finds packages, of
// which each requirement names one with its version.
func Python(t testing.TB, requirements ...string) []string {
	return python(t, func() (string, error) { return pipInstall(requirements...) })
}

func python(t testing.TB, install func() (string, error)) []string {
	t.Helper()
	return []string{"PYTHONPATH=" + need(t, install) + string(os.PathListSeparator) + os.Getenv("PYTHONPATH")}
}
