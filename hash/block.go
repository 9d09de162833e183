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
// Numbers are little-endian. The texts follow one another in the order of the
// records, without gap or overlap.
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

// readBlock splits b; false if it is not a block. The accessors rely on what it
// checks.
func readBlock(b []byte) (block, bool) {
	if len(b) < blockHead {
		return block{}, false
	}
	n := int64(le.Uint32(b[Size+16:])) * recordSize
	if n > int64(len(b)-blockHead) {
		return block{}, false
	}
	x := block{all: b, self: b[:blockHead], recs: b[blockHead:][:n], text: b[blockHead+n:]}
	return x, x.valid()
}

// valid reports whether each record has a kind and a text of its own. Texts
// that overlap could make a small block stand for more than there is memory.
func (b block) valid() bool {
	text := 0
	for i := range b.len() {
		r := b.raw(i)
		k := Kind(r[atKind])
		name, target := int(le.Uint16(r[atName:])), int(le.Uint16(r[atTarget:]))
		if int(le.Uint32(r[atText:])) != text || k == 0 || k > Directory || k != Symlink && target != 0 {
			return false
		}
		text += name + target
	}
	return text == len(b.text)
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

// name returns the name of a record, in the block's memory.
func (b block) name(i int) []byte {
	r := b.raw(i)
	return b.text[le.Uint32(r[atText:]):][:le.Uint16(r[atName:])]
}

// holds reports whether record i is of the name, and to be trusted as long as
// the file's Stat is s. A directory's state is not of interest.
func (b block) holds(i int, name string, s *Stat) bool {
	if string(b.name(i)) != name || b.isDir(i) != (s.kind() == Directory) {
		return false
	}
	return b.isDir(i) || fresh(b.raw(i), s)
}

// fresh reports whether the record is to be trusted for s. See [Stat.Same].
func fresh(r []byte, s *Stat) bool {
	return int64(le.Uint64(r[atCtime:])) == s.Ctime &&
		int64(le.Uint64(r[atMtime:])) == s.Mtime &&
		int64(le.Uint64(r[atSize:])) == s.Size &&
		le.Uint64(r[atIno:]) == s.Ino &&
		le.Uint32(r[atMode:]) == s.Mode &&
		r[atRacy] == 0
}

func (b block) isDir(i int) bool { return Kind(b.raw(i)[atKind]) == Directory }

// nodeAt returns the node of record i.
func (b block) nodeAt(i int) Node {
	r := b.raw(i)
	target := b.text[int(le.Uint32(r[atText:]))+int(le.Uint16(r[atName:])):][:le.Uint16(r[atTarget:])]
	return Node{
		Kind:   Kind(r[atKind]),
		Sum:    Sum(r[atSum:][:Size]),
		Size:   int64(le.Uint64(r[atBytes:])),
		Files:  int64(le.Uint64(r[atFiles:])),
		Target: string(target),
	}
}

// record decodes record i.
func (b block) record(i int) Record {
	r := b.raw(i)
	return Record{
		Name: string(b.name(i)),
		Stat: Stat{
			Size:  int64(le.Uint64(r[atSize:])),
			Mtime: int64(le.Uint64(r[atMtime:])),
			Ctime: int64(le.Uint64(r[atCtime:])),
			Ino:   le.Uint64(r[atIno:]),
			Mode:  le.Uint32(r[atMode:]),
		},
		Node: b.nodeAt(i),
		Racy: r[atRacy] != 0,
	}
}

// records decodes all.
func (b block) records() []Record {
	recs := make([]Record, b.len())
	for i := range recs {
		recs[i] = b.record(i)
	}
	return recs
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
