package cache

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// grow makes a random tree at path.
func grow(t *rapid.T, path string, depth int) {
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(path, 0o777))
	for range rapid.IntRange(0, 4).Draw(t, "entries") {
		name := rapid.SampledFrom([]string{"a", "b", "c d", "é", "\n", "\"q\"", "[*]?", "\xff\xfe", "-rf", "..."}).Draw(t, "name")
		at := filepath.Join(path, name)
		if _, err := os.Lstat(at); err == nil {
			continue
		}
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			must(os.Symlink(rapid.SampledFrom([]string{"a", "../b", "/", "no where"}).Draw(t, "target"), at))
		case 1:
			must(os.WriteFile(at, fmt.Append(nil, rapid.IntRange(0, 9).Draw(t, "content")), 0o777))
		case 2:
			if depth > 0 {
				grow(t, at, depth-1)
			}
		default:
			must(os.WriteFile(at, fmt.Append(nil, rapid.IntRange(0, 9).Draw(t, "content")), 0o666))
		}
	}
}

// Whatever stands in a workspace, a checkout turns it into what was put.
func TestCheckoutTurnsAnyTreeIntoAnyOther(t *testing.T) {
	for _, link := range everyLink {
		t.Run(link.String(), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				dir, err := os.MkdirTemp(scratch(t), "")
				if err != nil {
					rt.Fatal(err)
				}
				p := newProjectIn(t, dir, link)
				grow(rt, p.path("data"), 3)
				one, first := p.snapshot("data"), p.put("data")
				p.wipe("data")
				grow(rt, p.path("data"), 3)
				two, second := p.snapshot("data"), p.put("data")

				p.mustCheckout("data", first)
				if diff := cmp.Diff(one, p.snapshot("data")); diff != "" {
					rt.Fatalf("the first: %s", diff)
				}
				p.forget() // now without knowing what is there
				p.mustCheckout("data", second)
				if diff := cmp.Diff(two, p.snapshot("data")); diff != "" {
					rt.Fatalf("the second: %s", diff)
				}
				p.wipe("data")
				p.mustCheckout("data", first)
				if diff := cmp.Diff(one, p.snapshot("data")); diff != "" {
					rt.Fatalf("the first, from nothing: %s", diff)
				}
				if s := p.mustCheckout("data", first); s != (Summary{}) {
					rt.Fatalf("nothing was to be done, but it did %+v", s)
				}
				p.clean()
			})
		})
	}
}
