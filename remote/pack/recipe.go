package pack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/xtrepro/xt/hash"
)

// Part is a part of a big file: a chunk, or in a long recipe all chunks of a
// piece.
type Part struct {
	Sum  hash.Sum
	Size int64 // in bytes of the file
}

// Recipe says of which parts a big file, or a big listing, consists.
type Recipe struct {
	Pieces bool // the parts are pieces, each a recipe of chunks
	Parts  []Part
}

const partLen = hash.Size + 8

// MaxParts is how many parts a recipe may have to fit into a blob.
const MaxParts = (MaxBlob - 1 - hash.Size) / partLen

// Encode returns the recipe as a blob: a byte that is 1 where the parts are
// pieces and else 0, and for each part the digest and the size.
func (r *Recipe) Encode() []byte {
	b := make([]byte, 1, 1+len(r.Parts)*partLen)
	if r.Pieces {
		b[0] = 1
	}
	for i := range r.Parts {
		b = append(b, r.Parts[i].Sum[:]...)
		b = binary.LittleEndian.AppendUint64(b, uint64(r.Parts[i].Size))
	}
	return b
}

// MaxTree is the size in bytes up to which an encoded listing may be: one of
// twenty million files.
const MaxTree = 2 << 30

// UnknownSize is the size of something that a recipe alone tells, which is then
// at most [MaxTree].
const UnknownSize = -1

// Size returns how many bytes the parts have together.
func (r *Recipe) Size() (n int64) {
	for i := range r.Parts {
		n += r.Parts[i].Size
	}
	return n
}

// ParseRecipe reads what Encode wrote. size is how many bytes the file has, or
// [UnknownSize]; a recipe for another size is an error, as is one with an
// impossible part.
func ParseRecipe(b []byte, size int64) (*Recipe, error) {
	if len(b) == 0 || (len(b)-1)%partLen != 0 || b[0] > 1 {
		return nil, errors.New("recipe: not in the right form")
	}
	r := &Recipe{Pieces: b[0] == 1, Parts: make([]Part, 0, len(b)/partLen)}
	most := int64(MaxBlob)
	if r.Pieces {
		most = math.MaxInt64
	}
	left := size
	if size == UnknownSize {
		left = MaxTree
	}
	for b = b[1:]; len(b) > 0; b = b[partLen:] {
		p := Part{Size: int64(binary.LittleEndian.Uint64(b[hash.Size:]))}
		copy(p.Sum[:], b)
		if p.Size <= 0 || p.Size > most || p.Size > left {
			return nil, fmt.Errorf("recipe: a part of %d bytes", p.Size)
		}
		left -= p.Size
		r.Parts = append(r.Parts, p)
	}
	if left != 0 && size != UnknownSize {
		return nil, fmt.Errorf("recipe: %d bytes are missing", left)
	}
	return r, nil
}
