package pipeline

import (
	"fmt"
	"strings"
	"testing"
)

// wide declares n stages that copy a file each.
func wide(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[stage.s%04d]\ncmd = \"cp in out/%04d\"\ndeps = [\"in\"]\nouts = [\"out/%04d\"]\n", i, i, i)
	}
	return b.String()
}

// BenchmarkPlan is of 1,000 stages in which nothing is to be done.
func BenchmarkPlan(b *testing.B) {
	w := newWorld(b, wide(1000))
	for b.Loop() {
		if p := NewPlan(w.graph, w.graph.Stages, w.Facts, Options{}); len(p.Stale()) > 0 {
			b.Fatal("something is stale")
		}
	}
}

func BenchmarkFingerprint(b *testing.B) {
	w := newWorld(b, chain)
	entry := w.Lock.Stages["a"]
	for b.Loop() {
		Fingerprint(entry)
	}
}
