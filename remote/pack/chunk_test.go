package pack

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/xtrepro/xt/hash"
)

func random(seed byte, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b) // never fails
	return b
}

// cut returns the chunks of b, having checked that they are b.
func cut(t *testing.T, c *Chunker, b []byte) []hash.Sum {
	t.Helper()
	var whole []byte
	var sums []hash.Sum
	for {
		chunk, err := c.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(chunk) == 0 || len(chunk) > MaxChunk {
			t.Fatalf("a chunk of %d bytes", len(chunk))
		}
		whole = append(whole, chunk...)
		sums = append(sums, hash.Bytes(chunk))
	}
	if !bytes.Equal(whole, b) {
		t.Fatalf("the chunks are %d bytes, which are not the %d that were cut", len(whole), len(b))
	}
	return sums
}

func TestChunks(t *testing.T) {
	var c *Chunker
	for _, n := range []int{0, 1, MinChunk - 1, MinChunk, MinChunk + 1, AvgChunk, MaxChunk, MaxChunk + 1, 5*MaxChunk + 17} {
		for _, b := range [][]byte{random(1, n), make([]byte, n)} {
			readers := []io.Reader{bytes.NewReader(b), iotest.HalfReader(bytes.NewReader(b)), iotest.DataErrReader(bytes.NewReader(b))}
			var first []hash.Sum
			for i, r := range readers {
				if c == nil {
					c, _ = NewChunker(r)
				} else {
					c.Reset(r)
				}
				sums := cut(t, c, b)
				if i > 0 && !slices.Equal(sums, first) {
					t.Errorf("%d bytes are cut differently when they come differently", n)
				}
				first = sums
			}
		}
	}
}

func TestChunkerPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	c, err := NewChunker(io.MultiReader(bytes.NewReader(random(1, 3*MaxChunk)), iotest.ErrReader(broken)))
	for err == nil {
		_, err = c.Next()
	}
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestChangesMoveFewCuts(t *testing.T) {
	old := random(2, 64<<20)
	c, err := NewChunker(bytes.NewReader(old))
	if err != nil {
		t.Fatal(err)
	}
	had := map[hash.Sum]bool{}
	for _, sum := range cut(t, c, old) {
		had[sum] = true
	}
	if n := len(had); n < 64 || n > 256 {
		t.Errorf("64 MiB are cut into %d chunks", n)
	}
	mid := 31 << 20
	for name, changed := range map[string][]byte{
		"a byte in the middle": slices.Concat(old[:mid], []byte{1}, old[mid:]),
		"a byte at the front":  slices.Concat([]byte{1}, old),
		"a byte changed":       slices.Concat(old[:mid], []byte{old[mid] ^ 1}, old[mid+1:]),
		"a MiB taken out":      slices.Concat(old[:mid], old[mid+1<<20:]),
		"some more at the end": slices.Concat(old, random(3, 1000)),
	} {
		c.Reset(bytes.NewReader(changed))
		fresh := 0
		for _, sum := range cut(t, c, changed) {
			if !had[sum] {
				fresh++
			}
		}
		if fresh > 6 {
			t.Errorf("%s: %d chunks are new", name, fresh)
		}
	}
}
