package sql

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestLibc finds the C library that SQLite was translated against: it is part
// of the translation, and another version may break it in ways that no compiler
// sees. "go get -u" would update it.
func TestLibc(t *testing.T) {
	version := regexp.MustCompile(`modernc\.org/libc (v\S+)`)
	of := func(module string) string {
		file, err := exec.Command("go", "list", "-m", "-f", "{{.GoMod}}", module).Output()
		check(t, err)
		b, err := os.ReadFile(strings.TrimSpace(string(file)))
		check(t, err)
		m := version.FindSubmatch(b)
		if m == nil {
			t.Fatalf("%s does not name it", module)
		}
		return string(m[1])
	}
	if ours, theirs := of("github.com/xtrepro/xt"), of("modernc.org/sqlite"); ours != theirs {
		t.Errorf("go.mod has modernc.org/libc %s; SQLite needs %s", ours, theirs)
	}
}
