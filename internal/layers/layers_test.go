// Package layers holds no code: its test keeps the imports of the project
// pointing downwards.
package layers

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/xtrepro/xt/"

// order is the packages from the bottom to the top. A package may import those
// before it, and what lies in its own folder.
var order = []string{"internal", "hash", "lock", "attest", "seedenv", "cache", "replay", "track", "remote", "registry", "pipeline", "cmd", "bench"}

func TestImportsPointDown(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, imp := range pkg.Imports {
			if strings.HasPrefix(imp, module) && !mayImport(t, pkg.ImportPath, imp) {
				t.Errorf("%s imports %s, which is not below it", pkg.ImportPath, imp)
			}
		}
	}
}

func mayImport(t *testing.T, pkg, imp string) bool {
	from, to := layer(t, pkg), layer(t, imp)
	if from == 0 {
		return to == 0 // leaves import nothing of xt but other leaves
	}
	return to < from || folder(pkg) == folder(imp)
}

// layer returns the place of a package in the order.
func layer(t *testing.T, pkg string) int {
	for i, name := range order {
		if name == folder(pkg) {
			return i
		}
	}
	t.Fatalf("%s is in no layer: add its folder to the order", pkg)
	return 0
}

func folder(pkg string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(pkg, module), "/")
	return name
}
