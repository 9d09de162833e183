package blake3tree

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestAssemblyIsWhatGenWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kernel.s")
	if out, err := exec.Command("go", "run", "gen.go", path).CombinedOutput(); err != nil {
		t.Fatalf("go run gen.go: %v\n%s", err, out)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("kernel_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("kernel_amd64.s is out of date: run go generate")
	}
}
