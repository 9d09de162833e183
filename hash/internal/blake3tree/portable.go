package blake3tree

import (
	"unsafe"

	"lukechampine.com/blake3/guts"
)

// portable hashes one input after the other on any processor.
var portable = []kernel{{"portable", 1, hash1}}

func hash1(out, in *byte, counter uint64, s *shape) {
	node := guts.Node{CV: guts.IV, Counter: counter, BlockLen: blockSize, Flags: s.start}
	rest := unsafe.Slice(in, s.size())
	for ; len(rest) > 0; rest = rest[blockSize:] {
		if len(rest) == blockSize {
			node.BlockLen = s.last
			node.Flags |= s.end
		}
		node.Block = guts.BytesToWords([blockSize]byte(rest))
		node.CV = guts.ChainingValue(node)
		node.Flags = 0
	}
	value := guts.WordsToBytes([16]uint32(append(node.CV[:], 0, 0, 0, 0, 0, 0, 0, 0)))
	copy(unsafe.Slice(out, valueSize), value[:])
}
