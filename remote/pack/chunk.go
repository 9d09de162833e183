package pack

import (
	"errors"
	"io"

	chunkers "github.com/PlakarKorp/go-cdc-chunkers"
	_ "github.com/PlakarKorp/go-cdc-chunkers/chunkers/fastcdc" // registers the algorithm
)

// The sizes in bytes of chunks: the least, what most are near to, and the most.
// Small ones find more that is the same in two versions of a checkpoint; each
// costs 48 bytes in a table and 40 in a recipe, so that half a MiB on average
// keeps both at about one part in six thousand.
const (
	MinChunk = 128 << 10
	AvgChunk = 512 << 10
	MaxChunk = 2 << 20
)

// WholeFile is the size in bytes up to which a file is not cut.
const WholeFile = AvgChunk

// Chunker cuts by content, with FastCDC (Xia et al., "FastCDC: a Fast and
// Efficient Content-Defined Chunking Approach for Data Deduplication", USENIX
// ATC 2016), so that an insertion moves the cuts with the bytes. Where the cuts
// are is no part of the format: it decides how much is sent again, and nothing
// else.
type Chunker struct{ c *chunkers.Chunker }

// NewChunker returns a Chunker that cuts what r yields.
func NewChunker(r io.Reader) (*Chunker, error) {
	opts := &chunkers.ChunkerOpts{MinSize: MinChunk, NormalSize: AvgChunk, MaxSize: MaxChunk}
	c, err := chunkers.NewChunker("fastcdc-v1.0.0", r, opts)
	return &Chunker{c}, err
}

// Reset begins with another file.
func (c *Chunker) Reset(r io.Reader) { c.c.Reset(r) }

// Next returns the next chunk, which is valid until the next call; io.EOF after
// the last.
func (c *Chunker) Next() ([]byte, error) {
	data, err := c.c.Next()
	if len(data) > 0 && errors.Is(err, io.EOF) {
		err = nil // the library says it with the last chunk
	}
	return data, err
}
