package hash

// Ignores asks the rules in text, for tests.
func Ignores(text string, dir []string, name string) bool {
	return (*ignoreRules)(nil).add(text, 0).ignores(dir, name, false)
}

// ReadIndex is an index with the file in data.
func ReadIndex(path string, data []byte) *Index {
	return &Index{path: path, file: readIndexFile(data)}
}

// EncodeIndex is what Save writes.
func EncodeIndex(x *Index) []byte { return x.encode() }

// Seal corrects the checksums in data as far as it is an index file.
func Seal(data []byte) {
	if len(data) < indexHeader {
		return
	}
	copy(data, indexMagic)
	length, count := le.Uint64(data[8:]), le.Uint64(data[16:])
	if length <= uint64(len(data)-indexHeader) {
		table := data[uint64(len(data))-length:]
		for i := range min(count, length/tableEntry) {
			e := table[i*tableEntry:]
			le.PutUint32(e[12:], sum32(within(data, le.Uint64(e[16:]), le.Uint64(e[24:]))))
		}
		le.PutUint32(data[24:], sum32(table))
	}
	le.PutUint32(data[28:], sum32(data[:28]))
}
