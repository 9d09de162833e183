package vega

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"strings"
	"testing"
)

// TestPublished compares the programs with those that were published.
func TestPublished(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"vega.min.js.gz":         "8f6a3587cf8d4f42c7e08120e3eb05d067e746d554e39d2dcf52acc0bd5ba28f",
		"vega-lite.min.js.gz":    "83e215e84e308ee8688fa6503ba0f1cf8a3c05c0d61df2841a0b92bf86809e00",
		"vega-interpreter.js.gz": "c0bdb735a63f9276f136e8d90d7fdf5d8e9df8031eb069048fc9975c876fd7f9",
	} {
		f, err := files.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		if _, err := io.Copy(h, z); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != want || !strings.Contains(string(readme), want) {
			t.Errorf("%s has the digest %s, want %s, and that in the README", name, got, want)
		}
	}
}

// TestScripts looks whether the programs may stand in a page.
func TestScripts(t *testing.T) {
	scripts, err := Scripts()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range scripts {
		for _, bad := range []string{"</script", "<!--", "sourceMappingURL"} {
			if strings.Contains(strings.ToLower(s), strings.ToLower(bad)) {
				t.Errorf("script %d has %q in it", i, bad)
			}
		}
	}
	if _, err := asScript("import x from 'elsewhere';\n"); err == nil {
		t.Error("a module that imports something else is taken for a script")
	}
}
