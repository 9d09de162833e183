package hash

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// benchSizes are bytes: a small file, one that one core hashes, a big one.
var benchSizes = []int64{4 << 10, segmentSize, 1 << 20, 1 << 30}

func BenchmarkFileSum(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprintf("bytes=%d", n), func(b *testing.B) {
			path, _ := writeFile(b, n)
			b.SetBytes(n)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := FileSum(b.Context(), path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCopySum(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprintf("bytes=%d", n), func(b *testing.B) {
			path, _ := writeFile(b, n)
			src := open(b, path, os.O_RDONLY)
			dst := open(b, filepath.Join(b.TempDir(), "copy"), os.O_WRONLY|os.O_CREATE)
			b.SetBytes(n)
			for b.Loop() {
				if err := dst.Truncate(0); err != nil {
					b.Fatal(err)
				}
				if _, _, err := CopySum(b.Context(), dst, src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
