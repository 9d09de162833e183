package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xtrepro/xt/seedenv"
)

// TestFrameworks runs the scripts of testdata/frameworks, with NumPy and PyTorch
// as they are on the index: some gigabytes at first, of which uv keeps a copy.
func TestFrameworks(t *testing.T) {
	if testing.Short() {
		t.Skip("it installs PyTorch")
	}
	t.Parallel()
	needIndex(t)
	params := packageParams(t)
	params.Dir = "testdata/frameworks"
	params.WorkdirRoot = roomyDir(t)
	testscript.Run(t, params)
}

// needIndex skips a test if no packages can be had. In CI that is a failure.
func needIndex(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "requirements.txt"), []byte("six\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	b := &seedenv.Builder{Dir: dir, Root: dir, Environ: os.Environ(), Interpreters: seedenv.OpenInterpreters(filepath.Join(dir, "interpreters.json"))}
	read := func(string) ([]byte, error) { return []byte("six\n"), nil }
	r, err := seedenv.ReadRequirements(read, "requirements.txt", "")
	if err == nil {
		_, err = b.Lock(t.Context(), r)
	}
	var missing *seedenv.MissingError
	if errors.As(err, &missing) && os.Getenv("CI") == "" {
		t.Skipf("not here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// roomyDir returns a directory where uv keeps what it downloads, so that an
// environment is links to that; the temporary one may be in memory.
func roomyDir(t *testing.T) string {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(cache, "xt-test")
	if err := os.MkdirAll(kept, 0o777); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(kept, "frameworks-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
