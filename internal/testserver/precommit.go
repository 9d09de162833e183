package testserver

import (
	"os"
	"sync"
	"testing"
)

var preCommit = sync.OnceValues(func() (string, error) { return pipInstall("pre-commit", "4.7.0") })

// PreCommit returns what the environment needs so that "python3 -m pre_commit" is
// the pre-commit framework.
func PreCommit(t testing.TB) []string {
	t.Helper()
	return []string{"PYTHONPATH=" + need(t, preCommit) + string(os.PathListSeparator) + os.Getenv("PYTHONPATH")}
}
