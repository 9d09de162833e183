// Package pack is the formats in which a remote keeps things: packs of blobs,
// tables that say which blob is where, and recipes that put a big file together
// from chunks. docs/remote-format.md describes each to the byte.
//
// Everything that is read here may come from someone hostile: sizes are bounded
// before anything is allocated, and a blob is compared with its digest before it
// is handed out.
package pack

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/xtrepro/xt/hash"
)

// Kind says what a blob is.
type Kind uint8

// The kinds of blob. The digest that names a blob is that of its bytes for
// Data, Tree and Piece; a recipe is named by the file or listing that it puts
// together, a run by its fingerprint.
const (
	Data       Kind = iota + 1 // a whole small file, or a chunk of a big one
	Tree                       // the encoded listing of a directory
	DataRecipe                 // the chunks of a big file
	TreeRecipe                 // the chunks of a big listing
	Piece                      // a part of a long recipe
	Run                        // an entry of the run cache

	lastKind = Run
)

var kindWords = [...]string{Data: "data", Tree: "tree", DataRecipe: "recipe", TreeRecipe: "tree recipe", Piece: "piece", Run: "run"}

// String returns the kind in a word or two.
func (k Kind) String() string {
	if k == 0 || k > lastKind {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindWords[k]
}

// IsMeta reports whether a blob of this kind says something about other blobs.
// Such blobs have packs of their own, so that they are read together.
func (k Kind) IsMeta() bool { return k != Data }

// hashed reports whether the name of a blob is the digest of its bytes.
func (k Kind) hashed() bool { return k == Data || k == Tree || k == Piece }

// MaxBlob is the size in bytes up to which a blob may be, before compression.
const MaxBlob = 8 << 20

// MaxPack is the size in bytes up to which a pack may be.
const MaxPack = 256 << 20

// Entry is a blob in a pack.
type Entry struct {
	Sum    hash.Sum
	Kind   Kind
	Offset uint32 // in the pack
	Length uint32 // in the pack; compressed if it is less than Raw
	Raw    uint32 // before compression
}

// end is the offset after the blob.
func (e *Entry) end() int64 { return int64(e.Offset) + int64(e.Length) }

// check reports what is wrong with an entry by itself.
func (e *Entry) check() error {
	switch {
	case e.Kind == 0 || e.Kind > lastKind:
		return fmt.Errorf("blob %s: unknown kind %d", e.Sum.Short(), e.Kind)
	case e.Raw > MaxBlob || e.Length > e.Raw:
		return fmt.Errorf("blob %s: impossible size %d (%d before compression)", e.Sum.Short(), e.Length, e.Raw)
	}
	return nil
}

// Version is the version of the formats that this package writes, and the newest
// that it reads.
const Version = 1

// A file of a format begins with seven letters of its own and the version.
const (
	magicLen   = 8
	packMagic  = "xt-pack"
	tableMagic = "xt-tabl"
)

// VersionError says that something was written by a newer xt.
type VersionError struct {
	What    string // "pack", "remote"
	Version int
}

// Error names both versions.
func (e *VersionError) Error() string {
	return fmt.Sprintf("the %s is of format %d, and this xt reads formats up to %d", e.What, e.Version, Version)
}

// Hints says what to do.
func (e *VersionError) Hints() []string {
	return []string{"install a newer xt; nothing on the remote was changed"}
}

// checkMagic compares the beginning of b with what a file of the format has.
func checkMagic(b []byte, magic, what string) error {
	if len(b) < magicLen || string(b[:magicLen-1]) != magic {
		return fmt.Errorf("not %s of xt", what)
	}
	if v := int(b[magicLen-1]); v != Version {
		return &VersionError{what, v}
	}
	return nil
}

// After the magic a pack has random bytes, so that no two packs have the same
// name: one that was deleted does not come back under it.
const (
	nonceLen = 16
	headLen  = magicLen + nonceLen
)

// The directory of a pack stands at its end: a row for each blob, and then a
// trailer with the number of rows and once more the magic.
const (
	rowLen     = hash.Size + 8
	trailerLen = 4 + magicLen
)

// errShort says that something ends too early.
var errShort = errors.New("cut short")

func appendRow(b []byte, e *Entry) []byte {
	b = append(b, e.Sum[:]...)
	b = binary.LittleEndian.AppendUint32(b, e.Length)
	return binary.LittleEndian.AppendUint32(b, e.Raw|uint32(e.Kind)<<24)
}

func readRow(b []byte) (e Entry) {
	copy(e.Sum[:], b)
	e.Length = binary.LittleEndian.Uint32(b[hash.Size:])
	last := binary.LittleEndian.Uint32(b[hash.Size+4:])
	e.Raw, e.Kind = last&(1<<24-1), Kind(last>>24)
	return e
}

// Directory reads which blobs a pack holds. b is the whole pack, or its end, of
// which at least [DirectorySize] bytes are wanted; size is the length of the
// whole.
func Directory(b []byte, size int64) ([]Entry, error) {
	if err := checkTrailer(b, size); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(b[len(b)-trailerLen:]))
	if n*rowLen > int64(len(b)-trailerLen) {
		return nil, fmt.Errorf("pack: directory: %w", errShort)
	}
	rows := b[int64(len(b)-trailerLen)-n*rowLen : len(b)-trailerLen]
	entries := make([]Entry, 0, n)
	at := int64(headLen)
	for ; len(rows) > 0; rows = rows[rowLen:] {
		e := readRow(rows)
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("pack: directory: %w", err)
		}
		e.Offset = uint32(at)
		at = e.end()
		entries = append(entries, e)
	}
	if at != size-trailerLen-n*rowLen {
		return nil, errors.New("pack: the sizes in the directory do not add up")
	}
	return entries, nil
}

func checkTrailer(b []byte, size int64) error {
	switch {
	case size > MaxPack:
		return fmt.Errorf("pack: %d bytes are more than a pack may have", size)
	case int64(len(b)) > size, len(b) < trailerLen, size < headLen+trailerLen:
		return fmt.Errorf("pack: %w", errShort)
	}
	return checkMagic(b[len(b)-magicLen:], packMagic, "pack")
}

// DirectorySize returns how many bytes at the end of a pack its directory takes,
// going by the trailer: the last [TrailerSize] bytes.
func DirectorySize(trailer []byte) (int64, error) {
	if len(trailer) < trailerLen {
		return 0, fmt.Errorf("pack: %w", errShort)
	}
	trailer = trailer[len(trailer)-trailerLen:]
	if err := checkMagic(trailer[4:], packMagic, "pack"); err != nil {
		return 0, err
	}
	n := int64(binary.LittleEndian.Uint32(trailer))
	if n*rowLen > MaxPack {
		return 0, fmt.Errorf("pack: a directory of %d blobs", n)
	}
	return n*rowLen + trailerLen, nil
}

// TrailerSize is the number of bytes that [DirectorySize] wants.
const TrailerSize = trailerLen

// Raw returns what a blob with the given content is, before compression: the
// content itself, or, where the name is not its digest, the content and after it
// the digest of the content. So each blob can be verified by itself.
func Raw(kind Kind, content []byte) []byte {
	if kind.hashed() {
		return content
	}
	sum := hash.Bytes(content)
	return append(content[:len(content):len(content)], sum[:]...)
}

// Decode returns the content of a blob, given as it stands in the pack, after
// comparing it with its digest. The result may be a part of stored. A blob that
// is not what it should be is [ErrDamaged].
func Decode(e *Entry, stored []byte) ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	content, ok := decode(e, stored)
	if !ok {
		return nil, fmt.Errorf("%s %s: %w", e.Kind, e.Sum.Short(), ErrDamaged)
	}
	return content, nil
}

func decode(e *Entry, stored []byte) (content []byte, ok bool) {
	if int64(len(stored)) != int64(e.Length) {
		return nil, false
	}
	raw := stored
	if e.Length < e.Raw {
		var err error
		if raw, err = decompress(stored, int(e.Raw)); err != nil {
			return nil, false
		}
	}
	sum := e.Sum
	if !e.Kind.hashed() {
		if len(raw) < hash.Size {
			return nil, false
		}
		n := len(raw) - hash.Size
		raw, sum = raw[:n], hash.Sum(raw[n:])
	}
	return raw, hash.Bytes(raw) == sum
}

// ErrDamaged says that bytes are not what their digest says.
var ErrDamaged = errors.New("its bytes are not what its digest says")
