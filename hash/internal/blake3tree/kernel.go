package blake3tree

// BLAKE3's domain flags.
const (
	chunkStart = 1 << iota
	chunkEnd
	parentNode
	rootNode
)

const (
	blockSize = 64
	chunkSize = 1024
	valueSize = 32 // of a chaining value
	maxLanes  = 16
)

// A kernel hashes as many inputs side by side as it has lanes. The inputs lie
// one after the other at in and must all be there, as must room for their
// chaining values at out. The numbers of the inputs of one call must not differ
// in their upper 32 bits.
type kernel struct {
	name  string
	lanes int
	hash  func(out, in *byte, counter uint64, s *shape)
}

// shape is what the inputs of one call have in common. The assembly reads it.
type shape struct {
	blocks     uint64            // 64-byte blocks in each input
	step       *[maxLanes]uint32 // what each lane adds to the counter
	start, end uint32            // flags of the first block, of the last
	last       uint32            // bytes that count in the last block
}

var (
	counting = [maxLanes]uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	constant [maxLanes]uint32

	wholeChunk = shape{chunkSize / blockSize, &counting, chunkStart, chunkEnd, blockSize}
	parent     = shape{1, &constant, parentNode, 0, blockSize}
	rootParent = shape{1, &constant, parentNode, rootNode, blockSize}
)

// shortChunk is the shape of a chunk of n bytes, padded to whole blocks.
func shortChunk(n int, flags uint32) shape {
	blocks := max(1, (n+blockSize-1)/blockSize)
	last := n - (blocks-1)*blockSize
	return shape{uint64(blocks), &constant, chunkStart, chunkEnd | flags, uint32(last)}
}

// size is the length of one input in bytes.
func (s *shape) size() int { return int(s.blocks) * blockSize }
