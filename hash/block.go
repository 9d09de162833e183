package hash

import (
	"encoding/binary"
	"math"
	"sort"
)

// A block is what the index holds of one directory, in the form in which it
// stands in the file, so that comparing a directory with it takes no decoding:
//
//	self     digest 32, size 8, files 8
//	count    4, and 4 unused
//	records  count times recordSize bytes
//	text     names and link targets, to which the records point
//
// Numbers are little-endian. A block is only a claim: the accessors check each
// offset, so that a corrupt one yields wrong answers to nobody but itself.
type block struct {
	all  []byte
	self []byte
	recs []byte
	text []byte
}

const (
	blockHead  = Size + 24
	recordSize = 96
)

// Offsets in a record.
const (
	atMtime  = 0
	atCtime  = 8
	atIno    = 16
	atSize   = 24 // as lstat says
	atBytes  = 32 // Node.Size
	atFiles  = 40
	atMode   = 48
	atText   = 52 // where the name begins; a link's target follows it
	atName   = 56 // its length, 2 bytes
	atTarget = 58 // its length, 2 bytes
	atKind   = 60
	atRacy   = 61
	atSum    = 64
)

var le = binary.LittleEndian

// readBlock splits b; false if it cannot be a block.
func readBlock(b []byte) (block, bool) {
	if len(b) < blockHead {
		return block{}, false
	}
	n := int64(le.Uint32(b[Size+16:])) * recordSize
	if n > int64(len(b)-blockHead) {
		return block{}, false
	}
	return block{all: b, self: b[:blockHead], recs: b[blockHead:][:n], text: b[blockHead+n:]}, true
}

// exists reports whether b is a block, and not the zero one.
func (b block) exists() bool { return b.all != nil }

func (b block) len() int { return len(b.recs) / recordSize }

// node returns the directory itself.
func (b block) node() Node {
	return Node{
		Kind:  Directory,
		Sum:   Sum(b.self[:Size]),
		Size:  int64(le.Uint64(b.self[Size:])),
		Files: int64(le.Uint64(b.self[Size+8:])),
	}
}

func (b block) raw(i int) []byte { return b.recs[i*recordSize:][:recordSize] }

// name returns the name of a record, nil if the record is broken. It is the
// block's memory.
func (b block) name(i int) []byte {
	r := b.raw(i)
	return b.cut(int64(le.Uint32(r[atText:])), int(le.Uint16(r[atName:])))
}

func (b block) cut(from int64, n int) []byte {
	if from+int64(n) > int64(len(b.text)) {
		return nil
	}
	return b.text[from:][:n]
}

// holds reports whether record i is of the name, whole, and to be trusted as
// long as the file's Stat is s. A directory's state is not of interest.
func (b block) holds(i int, name string, s *Stat) bool {
	r := b.raw(i)
	if string(b.name(i)) != name || !b.whole(r) {
		return false
	}
	if s.kind() == Directory {
		return Kind(r[atKind]) == Directory
	}
	return Kind(r[atKind]) != Directory && b.fresh(r, s)
}

// whole reports whether nodeAt can read the record.
func (b block) whole(r []byte) bool {
	switch k := Kind(r[atKind]); k {
	case File, Executable, Directory:
		return true
	case Symlink:
		return b.target(r) != nil
	}
	return false
}

// target returns the target of a link, nil if the record is broken.
func (b block) target(r []byte) []byte {
	return b.cut(int64(le.Uint32(r[atText:]))+int64(le.Uint16(r[atName:])), int(le.Uint16(r[atTarget:])))
}

func (b block) fresh(r []byte, s *Stat) bool {
	return int64(le.Uint64(r[atCtime:])) == s.Ctime &&
		int64(le.Uint64(r[atMtime:])) == s.Mtime &&
		int64(le.Uint64(r[atSize:])) == s.Size &&
		le.Uint64(r[atIno:]) == s.Ino &&
		le.Uint32(r[atMode:]) == s.Mode &&
		r[atRacy] == 0
}

func (b block) isDir(i int) bool { return Kind(b.raw(i)[atKind]) == Directory }

// nodeAt returns the node of record i; false if the record is broken.
func (b block) nodeAt(i int) (Node, bool) {
	r := b.raw(i)
	n := Node{
		Kind:  Kind(r[atKind]),
		Sum:   Sum(r[atSum:][:Size]),
		Size:  int64(le.Uint64(r[atBytes:])),
		Files: int64(le.Uint64(r[atFiles:])),
	}
	if n.Kind == Symlink {
		n.Target = string(b.target(r))
	}
	return n, b.whole(r)
}

// record decodes record i; false if it is broken.
func (b block) record(i int) (Record, bool) {
	r := b.raw(i)
	n, ok := b.nodeAt(i)
	return Record{
		Name: string(b.name(i)),
		Stat: Stat{
			Size:  int64(le.Uint64(r[atSize:])),
			Mtime: int64(le.Uint64(r[atMtime:])),
			Ctime: int64(le.Uint64(r[atCtime:])),
			Ino:   le.Uint64(r[atIno:]),
			Mode:  le.Uint32(r[atMode:]),
		},
		Node: n,
		Racy: r[atRacy] != 0,
	}, ok && b.name(i) != nil
}

// records decodes all; false if one is broken.
func (b block) records() ([]Record, bool) {
	recs := make([]Record, b.len())
	for i := range recs {
		var ok bool
		if recs[i], ok = b.record(i); !ok {
			return nil, false
		}
	}
	return recs, true
}

// find returns where the name stands, or would.
func (b block) find(name string) (i int, found bool) {
	return sort.Find(b.len(), func(i int) int {
		switch n := b.name(i); {
		case name < string(n):
			return -1
		case name > string(n):
			return 1
		}
		return 0
	})
}

// encodeBlock is what readBlock reads; nil if the names are too long for it,
// which makes it a directory that is not remembered.
func encodeBlock(self *Node, recs []Record) []byte {
	text := 0
	for i := range recs {
		if len(recs[i].Name) > math.MaxUint16 || len(recs[i].Node.Target) > math.MaxUint16 {
			return nil
		}
		text += len(recs[i].Name) + len(recs[i].Node.Target)
	}
	if int64(len(recs)) > math.MaxUint32 || int64(text) > math.MaxUint32 {
		return nil
	}
	b := make([]byte, blockHead, blockHead+len(recs)*recordSize+text)
	copy(b, self.Sum[:])
	le.PutUint64(b[Size:], uint64(self.Size))
	le.PutUint64(b[Size+8:], uint64(self.Files))
	le.PutUint32(b[Size+16:], uint32(len(recs)))
	at := 0
	for i := range recs {
		b = appendRecord(b, &recs[i], at)
		at += len(recs[i].Name) + len(recs[i].Node.Target)
	}
	for i := range recs {
		b = append(b, recs[i].Name...)
		b = append(b, recs[i].Node.Target...)
	}
	return b
}

// appendRecord appends the record whose text begins at the given offset.
func appendRecord(b []byte, rec *Record, text int) []byte {
	var r [recordSize]byte
	le.PutUint64(r[atMtime:], uint64(rec.Stat.Mtime))
	le.PutUint64(r[atCtime:], uint64(rec.Stat.Ctime))
	le.PutUint64(r[atIno:], rec.Stat.Ino)
	le.PutUint64(r[atSize:], uint64(rec.Stat.Size))
	le.PutUint64(r[atBytes:], uint64(rec.Node.Size))
	le.PutUint64(r[atFiles:], uint64(rec.Node.Files))
	le.PutUint32(r[atMode:], rec.Stat.Mode)
	le.PutUint32(r[atText:], uint32(text))
	le.PutUint16(r[atName:], uint16(len(rec.Name)))
	le.PutUint16(r[atTarget:], uint16(len(rec.Node.Target)))
	r[atKind] = byte(rec.Node.Kind)
	if rec.Racy {
		r[atRacy] = 1
	}
	copy(r[atSum:], rec.Node.Sum[:])
	return append(b, r[:]...)
}
