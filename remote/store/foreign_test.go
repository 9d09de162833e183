package store

import (
	"os"
	"path/filepath"
	"testing"
)

// Among the blobs of others nothing is passed over without a word.
func TestForeign(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(dir string) error
	}{
		{"odd name", func(dir string) error { return os.WriteFile(filepath.Join(dir, "a#b"), nil, 0o666) }},
		{"odd folder", func(dir string) error {
			if err := os.Mkdir(filepath.Join(dir, "a%b"), 0o777); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "a%b", "x"), nil, 0o666)
		}},
		{"link", func(dir string) error { return os.Symlink("x", filepath.Join(dir, "link")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := c.make(dir); err != nil {
				t.Skip(err)
			}
			for foreign, want := range map[bool]int{true: 1, false: 0} {
				st, err := Open(t.Context(), "file://"+filepath.ToSlash(dir), Options{Foreign: foreign})
				if err != nil {
					t.Fatal(err)
				}
				defer st.Close()
				errs := 0
				for info, err := range st.List(t.Context(), "") {
					if err == nil {
						t.Errorf("listed %q", info.Key)
						continue
					}
					errs++
				}
				if errs != want {
					t.Errorf("foreign %v: %d errors, want %d", foreign, errs, want)
				}
			}
		})
	}
}
