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
)

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
