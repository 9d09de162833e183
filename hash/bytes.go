package hash

import (
	"math"
	"sync"

	"github.com/zeebo/blake3"

	"github.com/xtrepro/xt/hash/internal/blake3tree"
)

// treeFrom is the size in bytes from which the wide kernels are the faster ones:
// by a fifth for 4 KiB, and twice as fast from 16 KiB on. Without them it is
// never.
var treeFrom = sync.OnceValue(func() int {
	if blake3tree.Wide() {
		return 2 << 10
	}
	return math.MaxInt
})

var hashers = sync.Pool{New: func() any { return blake3tree.NewHasher() }}

// Bytes returns the digest of b.
func Bytes(b []byte) Sum {
	if len(b) < treeFrom() {
		return blake3.Sum256(b)
	}
	h := hashers.Get().(*blake3tree.Hasher)
	defer hashers.Put(h)
	var t blake3tree.Tree
	index := int64(0)
	for ; len(b) > blake3tree.SegmentSize; b = b[blake3tree.SegmentSize:] {
		t.Add(h, index, h.Segment(b[:blake3tree.SegmentSize], index))
		index++
	}
	return Sum(t.Sum(h, index, b))
}

// Stream computes the digest of what is written to it. The zero Stream is ready;
// it is not safe for concurrent use.
type Stream struct {
	h     *blake3tree.Hasher
	tree  blake3tree.Tree
	index int64  // of the segment that is being filled
	buf   []byte // what there is of it
}

// Write implements [io.Writer]. It never fails.
func (s *Stream) Write(p []byte) (int, error) {
	n := len(p)
	if s.h == nil {
		s.h = blake3tree.NewHasher()
		s.buf = make([]byte, 0, blake3tree.SegmentSize)
	}
	for len(p) > 0 {
		if len(s.buf) == cap(s.buf) { // and so it is not the last
			s.add(s.buf)
			s.buf = s.buf[:0]
		}
		for len(s.buf) == 0 && len(p) > blake3tree.SegmentSize {
			s.add(p[:blake3tree.SegmentSize])
			p = p[blake3tree.SegmentSize:]
		}
		k := min(len(p), cap(s.buf)-len(s.buf))
		s.buf = append(s.buf, p[:k]...)
		p = p[k:]
	}
	return n, nil
}

func (s *Stream) add(segment []byte) {
	s.tree.Add(s.h, s.index, s.h.Segment(segment, s.index))
	s.index++
}

// Sum returns the digest of all that was written. Nothing may be written after it.
func (s *Stream) Sum() Sum {
	if s.h == nil {
		return Bytes(nil)
	}
	return Sum(s.tree.Sum(s.h, s.index, s.buf))
}
