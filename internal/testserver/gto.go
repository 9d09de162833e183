package testserver

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

var gto = sync.OnceValues(func() (string, error) { return pipInstall("gto==1.10.1") })

// GTO returns what the environment needs so that "gto" is the tool whose tags the
// registry shares.
func GTO(t testing.TB) []string {
	t.Helper()
	dir := need(t, gto)
	list := string(os.PathListSeparator)
	return []string{"PYTHONPATH=" + dir + list + os.Getenv("PYTHONPATH"), "PATH=" + filepath.Join(dir, "bin") + list + os.Getenv("PATH")}
}
