package hash

import (
	"hash/crc32"
	"sort"
	"strings"
)

// The index file:
//
//	header  magic 8, length of the table 8, count of blocks 8,
//	        checksum of the table 4, checksum of the header up to here 4
//	blocks
//	table   count times: offset of the path in the paths 8, its length 4,
//	        checksum of the block 4, offset of the block 8, its length 8
//	paths   sorted
//
// The paths belong to the table's length and checksum. The table is checked
// when the file is opened, a block when it is asked for. Checksums are CRC-32C:
// they find accidents, and what a forger might write is bounded by the checks
// of each offset.
type indexFile struct {
	data  []byte
	table []byte // the entries
	paths []byte
	loose block // of looseFiles
	close func() error
}

const (
	indexMagic  = "xt-idx 1"
	indexHeader = 32
	tableEntry  = 32
)

// looseFiles is the path of the block that holds the records of [Index.SetFile],
// named by their whole paths. No directory has it.
const looseFiles = ""

// sum32 is the checksum of the index file.
func sum32(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// openIndexFile reads what is at path; what is no index file has no blocks.
func openIndexFile(path string) *indexFile {
	data, unmap, err := mapFile(path)
	if err != nil {
		return &indexFile{close: func() error { return nil }}
	}
	f := readIndexFile(data)
	f.close = unmap
	return f
}

func readIndexFile(data []byte) *indexFile {
	if len(data) < indexHeader || string(data[:8]) != indexMagic || sum32(data[:28]) != le.Uint32(data[28:]) {
		return &indexFile{}
	}
	length, count := le.Uint64(data[8:]), le.Uint64(data[16:])
	if length > uint64(len(data)-indexHeader) || count > length/tableEntry {
		return &indexFile{}
	}
	table := data[uint64(len(data))-length:]
	if sum32(table) != le.Uint32(data[24:]) {
		return &indexFile{}
	}
	f := &indexFile{data: data, table: table[:count*tableEntry], paths: table[count*tableEntry:]}
	if !f.packed() {
		return &indexFile{}
	}
	f.loose, _ = f.block(looseFiles)
	return f
}

// packed reports whether blocks and paths follow one another without gap or
// overlap. Otherwise a small file could stand for a large one many times over.
func (f *indexFile) packed() bool {
	path, block := uint64(0), uint64(indexHeader)
	for i := range f.len() {
		e := f.entry(i)
		if le.Uint64(e) != path || le.Uint64(e[16:]) != block {
			return false
		}
		path += uint64(le.Uint32(e[8:]))
		block += min(le.Uint64(e[24:]), uint64(len(f.data))) // the sum cannot overflow
	}
	return path == uint64(len(f.paths)) && block+uint64(len(f.table)+len(f.paths)) == uint64(len(f.data))
}

func (f *indexFile) len() int { return len(f.table) / tableEntry }

func (f *indexFile) entry(i int) []byte { return f.table[i*tableEntry:][:tableEntry] }

// path returns the path of block i, in the file's memory.
func (f *indexFile) path(i int) []byte {
	e := f.entry(i)
	return within(f.paths, le.Uint64(e), uint64(le.Uint32(e[8:])))
}

// raw returns block i and its checksum, unchecked.
func (f *indexFile) raw(i int) ([]byte, uint32) {
	e := f.entry(i)
	return within(f.data, le.Uint64(e[16:]), le.Uint64(e[24:])), le.Uint32(e[12:])
}

// within returns b[from:from+n], nil if that is not there.
func within(b []byte, from, n uint64) []byte {
	if from > uint64(len(b)) || n > uint64(len(b))-from {
		return nil
	}
	return b[from:][:n]
}

// search returns where the path stands in the table, or would.
func (f *indexFile) search(path string) (i int, found bool) {
	return sort.Find(f.len(), func(i int) int {
		switch p := f.path(i); {
		case path < string(p):
			return -1
		case path > string(p):
			return 1
		}
		return 0
	})
}

// block returns the block of the path.
func (f *indexFile) block(path string) (block, bool) {
	i, ok := f.search(path)
	if !ok {
		return block{}, false
	}
	raw, sum := f.raw(i)
	if sum32(raw) != sum {
		return block{}, false
	}
	return readBlock(raw)
}

// looseFile returns the record of a single file.
func (f *indexFile) looseFile(path string) (Record, bool) {
	i, ok := f.loose.find(path)
	if !ok {
		return Record{}, false
	}
	r := f.loose.record(i)
	r.Name = r.Name[strings.LastIndexByte(r.Name, '/')+1:]
	return r, true
}

// knows reports whether anything is recorded at path or below.
func (f *indexFile) knows(path string) bool {
	if path == "." {
		return f.len() > 0
	}
	if _, ok := f.search(path); ok {
		return true
	}
	if _, ok := f.loose.find(path); ok {
		return true
	}
	below := path + "/"
	i, _ := f.search(below)
	j, _ := f.loose.find(below)
	return i < f.len() && strings.HasPrefix(string(f.path(i)), below) ||
		j < f.loose.len() && strings.HasPrefix(string(f.loose.name(j)), below)
}

// indexWriter builds an index file. Blocks must come in the order of paths.
type indexWriter struct {
	data, table, paths []byte
}

func newIndexWriter(size int) *indexWriter {
	return &indexWriter{data: make([]byte, indexHeader, indexHeader+size)}
}

func (w *indexWriter) add(path string, raw []byte, sum uint32) {
	var e [tableEntry]byte
	le.PutUint64(e[0:], uint64(len(w.paths)))
	le.PutUint32(e[8:], uint32(len(path)))
	le.PutUint32(e[12:], sum)
	le.PutUint64(e[16:], uint64(len(w.data)))
	le.PutUint64(e[24:], uint64(len(raw)))
	w.table = append(w.table, e[:]...)
	w.paths = append(w.paths, path...)
	w.data = append(w.data, raw...)
}

// bytes returns the finished file.
func (w *indexWriter) bytes() []byte {
	count := len(w.table) / tableEntry
	table := len(w.data)
	b := append(append(w.data, w.table...), w.paths...)
	copy(b, indexMagic)
	le.PutUint64(b[8:], uint64(len(b)-table))
	le.PutUint64(b[16:], uint64(count))
	le.PutUint32(b[24:], sum32(b[table:]))
	le.PutUint32(b[28:], sum32(b[:28]))
	return b
}
