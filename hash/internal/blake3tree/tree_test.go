package blake3tree

import (
	"encoding/hex"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/zeebo/blake3"
	lukechampine "lukechampine.com/blake3"
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

// sum hashes p by its segments, which some goroutines take in random order.
func sum(p []byte, kernels []kernel, workers int) Value {
	var tree Tree
	last := max(0, len(p)-1) / SegmentSize
	order := rand.Perm(last)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			h := newHasher(kernels)
			for i := w; i < last; i += workers {
				at := order[i]
				tree.Add(h, int64(at), h.Segment(p[at*SegmentSize:][:SegmentSize], int64(at)))
			}
		})
	}
	wg.Wait()
	return tree.Sum(newHasher(kernels), int64(last), p[last*SegmentSize:])
}

// boundaries are lengths around those where blocks, chunks, calls of a kernel,
// subtrees and segments end.
func boundaries() []int {
	var lengths []int
	for chunks := range 36 {
		n := chunks * chunkSize
		lengths = append(lengths, n, n+1, n+63, n+64, n+65, n+chunkSize-1)
	}
	for _, n := range []int{63 << 10, 64 << 10, SegmentSize, 2 * SegmentSize, 1 << 20, 4 << 20} {
		lengths = append(lengths, n-1, n, n+1)
	}
	return append(lengths, 3<<20+7, 7*SegmentSize, 11*SegmentSize+chunkSize+5)
}

func TestSumAtBoundaries(t *testing.T) {
	p := pattern(4<<20 + 1)
	forEachEngine(t, func(t *testing.T, kernels []kernel) {
		for _, n := range boundaries() {
			got := sum(p[:n], kernels, 1)
			if want := Value(blake3.Sum256(p[:n])); got != want {
				t.Errorf("%d bytes: %x, want %x", n, got, want)
			}
			if want := Value(lukechampine.Sum256(p[:n])); got != want {
				t.Errorf("%d bytes: %x, but lukechampine.com/blake3 says %x", n, got, want)
			}
		}
	})
}

func TestSumOfKnownInputs(t *testing.T) {
	known := map[string]string{
		"":    "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
		"abc": "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
	}
	forEachEngine(t, func(t *testing.T, kernels []kernel) {
		for in, want := range known {
			if got := newHasher(kernels).Sum([]byte(in)); hex.EncodeToString(got[:]) != want {
				t.Errorf("%q: %x, want %s", in, got, want)
			}
		}
	})
}

func TestSumByManyWorkers(t *testing.T) {
	p := pattern(21*SegmentSize + 12345)
	want := Value(blake3.Sum256(p))
	for workers := 1; workers <= 8; workers++ {
		if got := sum(p, best(), workers); got != want {
			t.Errorf("%d workers: %x, want %x", workers, got, want)
		}
	}
}

func FuzzSum(f *testing.F) {
	f.Add([]byte("seed"), uint32(0))
	f.Add(pattern(251), uint32(4096))
	f.Add([]byte{0}, uint32(SegmentSize+1))
	f.Fuzz(func(t *testing.T, unit []byte, length uint32) {
		p := make([]byte, length%(SegmentSize+4*chunkSize))
		for n := 0; n < len(p); n += max(1, len(unit)) {
			copy(p[n:], unit)
		}
		want := Value(blake3.Sum256(p))
		for _, kernels := range engines() {
			if got := sum(p, kernels, 1); got != want {
				t.Errorf("%s, %d bytes: %x, want %x", kernels[0].name, len(p), got, want)
			}
		}
	})
}
