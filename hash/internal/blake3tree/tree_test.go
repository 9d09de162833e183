package blake3tree

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/zeebo/blake3"
)

// pattern is the input of the official test vectors.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i % 251)
	}
	return p
}

func forEachEngine(t *testing.T, test func(*testing.T, []kernel)) {
	for _, kernels := range engines() {
		t.Run(kernels[0].name, func(t *testing.T) { test(t, kernels) })
	}
}

// sum hashes p segment by segment on some goroutines.
func sum(p []byte, kernels []kernel, workers int) Value {
	var tree Tree
	last := int64(max(0, len(p)-1) / SegmentSize)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			h := newHasher(kernels)
			for i := int64(w); i < last; i += int64(workers) {
				tree.Add(h, i, h.Segment(p[i*SegmentSize:][:SegmentSize], i))
			}
		})
	}
	wg.Wait()
	return tree.Sum(newHasher(kernels), last, p[last*SegmentSize:])
}

func TestSumAtBoundaries(t *testing.T) {
	var lengths []int
	for chunks := range 20 {
		n := chunks * chunkSize
		lengths = append(lengths, n, n+1, n+63, n+64, n+65, n+chunkSize-1)
	}
	for _, n := range []int{31 << 10, 32 << 10, SegmentSize, 1 << 20, 4 << 20} {
		lengths = append(lengths, n-1, n, n+1)
	}
	lengths = append(lengths, 3<<20+7, 7*SegmentSize, 8*SegmentSize+chunkSize, 11*SegmentSize+5)
	p := pattern(4<<20 + 1)
	forEachEngine(t, func(t *testing.T, kernels []kernel) {
		for _, n := range lengths {
			if got, want := sum(p[:n], kernels, 1), Value(blake3.Sum256(p[:n])); got != want {
				t.Errorf("%d bytes: %x, want %x", n, got, want)
			}
		}
	})
}

var _ = bytes.Equal
var _ = rand.Int
