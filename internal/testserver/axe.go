package testserver

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

var axe = sync.OnceValues(func() (string, error) { return npmInstall("axe-core", "4.14.1") })

// Axe returns the script of axe-core, which finds in a page what people with
// assistive technology cannot use.
func Axe(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(need(t, axe), "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
