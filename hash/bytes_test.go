package hash

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/zeebo/blake3"
)

func TestBytesAndStream(t *testing.T) {
	data := make([]byte, 3<<20)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(data)
	for _, n := range []int{0, 1, 1024, 16383, 16384, 16385, 256<<10 - 1, 256 << 10, 256<<10 + 1, 512 << 10, 512<<10 + 1, 1 << 20, 3<<20 - 7, 3 << 20} {
		want := Sum(blake3.Sum256(data[:n]))
		if got := Bytes(data[:n]); got != want {
			t.Errorf("Bytes of %d bytes: %s, want %s", n, got, want)
		}
		for range 5 {
			var s Stream
			for rest := data[:n]; len(rest) > 0; {
				k := min(len(rest), 1+rand.IntN([]int{10, 100_000, 1_000_000}[rand.IntN(3)]))
				s.Write(rest[:k])
				rest = rest[k:]
			}
			if got := s.Sum(); got != want {
				t.Errorf("Stream of %d bytes: %s, want %s", n, got, want)
			}
		}
	}
}

func BenchmarkBytes(b *testing.B) {
	for _, n := range []int{4 << 10, 16 << 10, 64 << 10, 512 << 10, 32 << 20} {
		data := make([]byte, n)
		b.Run(fmt.Sprint(n>>10, "KiB"), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				Bytes(data)
			}
		})
	}
}
