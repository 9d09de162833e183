package seedenv

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkEnvironment is what a command that finds nothing changed pays for
// knowing the interpreter and its packages: opening the memory, stats, and
// listing the package directories.
func BenchmarkEnvironment(b *testing.B) {
	dir := b.TempDir()
	python, err := FindPython("python3 x.py", dir, os.Environ())
	if err != nil {
		b.Skip(err)
	}
	path := filepath.Join(dir, "interpreters.json")
	for b.Loop() {
		if _, err := OpenInterpreters(path).Environment(b.Context(), python, dir, os.Environ()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUsesPython(b *testing.B) {
	var d Detector
	dir, environ := b.TempDir(), os.Environ()
	for b.Loop() {
		if d.UsesPython("cp ${data} build/x && sort build/x > build/y", dir, environ, nil) {
			b.Fatal("python")
		}
	}
}
