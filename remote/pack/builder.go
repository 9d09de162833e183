package pack

import (
	"crypto/rand"
	"encoding/binary"
	"slices"

	"github.com/xtrepro/xt/hash"
)

// Builder puts a pack together in memory. It is not safe for concurrent use.
type Builder struct {
	data    []byte
	entries []Entry
}

// NewBuilder returns a Builder with room for size bytes.
func NewBuilder(size int) *Builder {
	b := &Builder{data: make([]byte, 0, size)}
	b.Reset()
	return b
}

// Reset empties the pack. Its memory is used again, so that what Finish returned
// must no longer be in use.
func (b *Builder) Reset() {
	b.data = append(append(b.data[:0], packMagic...), Version)
	b.data = append(b.data, make([]byte, nonceLen)...)
	_, _ = rand.Read(b.data[magicLen:]) // never fails
	b.entries = nil
}

// Len returns how big the pack would be.
func (b *Builder) Len() int { return len(b.data) + len(b.entries)*rowLen + trailerLen }

// Empty reports whether nothing was added.
func (b *Builder) Empty() bool { return len(b.entries) == 0 }

// Add adds a blob, which is stored as [Compress] returned it and was raw bytes
// long before.
func (b *Builder) Add(kind Kind, sum hash.Sum, stored []byte, raw int) {
	b.entries = append(b.entries, Entry{Sum: sum, Kind: kind, Offset: uint32(len(b.data)), Length: uint32(len(stored)), Raw: uint32(raw)})
	b.data = append(b.data, stored...)
}

// Finish returns the bytes of the pack, and what is in it. The Builder keeps the
// bytes until it is reset.
func (b *Builder) Finish() ([]byte, []Entry) {
	b.data = slices.Grow(b.data, len(b.entries)*rowLen+trailerLen)
	for i := range b.entries {
		b.data = appendRow(b.data, &b.entries[i])
	}
	b.data = binary.LittleEndian.AppendUint32(b.data, uint32(len(b.entries)))
	b.data = append(append(b.data, packMagic...), Version)
	return b.data, b.entries
}
