package blake3tree

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/zeebo/blake3"
)

func BenchmarkSegment(b *testing.B) {
	p := pattern(SegmentSize)
	for _, kernels := range engines() {
		b.Run("kernel="+kernels[0].name, func(b *testing.B) {
			h := newHasher(kernels)
			b.SetBytes(SegmentSize)
			for b.Loop() {
				h.Segment(p, 1)
			}
		})
	}
}

func BenchmarkSum(b *testing.B) {
	for _, n := range []int{64, 1 << 10, 4 << 10, 7<<10 + 100, 64 << 10, SegmentSize} {
		p := pattern(n)
		for _, kernels := range engines() {
			b.Run(fmt.Sprintf("bytes=%d/kernel=%s", n, kernels[0].name), func(b *testing.B) {
				h := newHasher(kernels)
				b.SetBytes(int64(n))
				for b.Loop() {
					h.Sum(p)
				}
			})
		}
		b.Run(fmt.Sprintf("bytes=%d/kernel=zeebo", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				blake3.Sum256(p)
			}
		})
	}
}

// BenchmarkMemory hashes 1 GiB in memory.
func BenchmarkMemory(b *testing.B) {
	p := pattern(1 << 30)
	for workers := 1; workers <= runtime.GOMAXPROCS(0); workers *= 2 {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				sum(p, best(), workers)
			}
		})
	}
	b.Run("zeebo", func(b *testing.B) {
		b.SetBytes(int64(len(p)))
		for b.Loop() {
			h := blake3.New()
			h.Write(p)
			h.Sum(nil)
		}
	})
}
