package registry

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// manyTags makes a repository with n tags of ten models, packed as after a clone.
func manyTags(b *testing.B, n int) *repo {
	r := newRepo(b)
	one := r.commit()
	var in strings.Builder
	for i := range n {
		model := fmt.Sprintf("m%d", i%10)
		name := TagName{Model: model, Action: Assign, Stage: "prod", Counter: uint64(i + 1)}
		if i < n/2 {
			name = TagName{Model: model, Action: Register, Version: fmt.Sprintf("v0.%d.0", i)}
		}
		note := Note{Version: fmt.Sprintf("v0.%d.0", i), Metrics: map[string]float64{"loss": 0.1, "acc": 0.9}, Path: "model.npy"}
		text := "a version\n\n" + note.encode()
		fmt.Fprintf(&in, "tag %s\nfrom %s\ntagger A <a@b> %d +0000\ndata %d\n%s\n", name, one, 1700000000+i, len(text), text)
	}
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir, cmd.Stdin = r.dir, strings.NewReader(in.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("git fast-import: %v: %s", err, out)
	}
	r.git("pack-refs", "--all")
	return r
}

func BenchmarkLoad5000(b *testing.B) {
	r := manyTags(b, 5000)
	for b.Loop() {
		if s := load(b, r.open()); len(s.Models) != 10 {
			b.Fatal(len(s.Models))
		}
	}
}

func BenchmarkLoadAgain5000(b *testing.B) {
	x := manyTags(b, 5000).open()
	load(b, x)
	for b.Loop() {
		load(b, x)
	}
}
