package hash

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A listing by name has to give what a scan of the same files gives: the gate
// that looks at a commit compares the two.
func TestListingAgreesWithScan(t *testing.T) {
	files := map[string]string{
		"src/a.py": "a", "src/b/c.py": "c", "src/b/d.txt": "d", "src/b-c/x": "x", "src/b.d": "y",
		"src/__pycache__/a.pyc": "no", "src/.xtignore": "*.txt\n/b-c/\n", ".xtignore": "skip\n", "src/b/skip": "no",
		"src/odd \n name": "o",
	}
	root := t.TempDir()
	var names []string
	for name, content := range files {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(name, "src/") {
			names = append(names, name)
		}
	}
	s := &Scanner{Root: root}
	want, err := s.Scan(context.Background(), "src")
	if err != nil {
		t.Fatal(err)
	}
	l := &Listing{
		Node: func(name string) (Node, error) { return s.Scan(context.Background(), name) },
		Read: func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(root, name)) },
	}
	got, err := l.Tree("src", names)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("listing gives %v, scan gives %v", got, want)
	}
}
