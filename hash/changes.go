package hash

import (
	"slices"
	"strings"
)

// change is what was recorded at a path, and below it, since the index file was
// written. The changes form a tree, so that forgetting a path with all below
// it takes one step.
type change struct {
	below  map[string]*change
	hidden bool // what the index file says of the path and all below is void
	block  []byte
	file   *Record
}

// find returns the change at path, nil if there is none, and whether the index
// file is void there.
func (c *change) find(path string) (at *change, hidden bool) {
	hidden = c.hidden
	for name := range parts(path) {
		if c = c.below[name]; c == nil {
			return nil, hidden
		}
		hidden = hidden || c.hidden
	}
	return c, hidden
}

// make returns the change at path, a new one if there is none.
func (c *change) make(path string) *change {
	for name := range parts(path) {
		next := c.below[name]
		if next == nil {
			next = &change{}
			if c.below == nil {
				c.below = map[string]*change{}
			}
			c.below[name] = next
		}
		c = next
	}
	return c
}

// each calls f for the changes at path and below.
func (c *change) each(path string, f func(path string, c *change)) {
	f(path, c)
	for name, next := range c.below {
		next.each(join(path, name), f)
	}
}

// parts yields the names that path consists of; none for ".".
func parts(path string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		if path == "." {
			return
		}
		for more := true; more; {
			var name string
			name, path, more = strings.Cut(path, "/")
			if !yield(name) {
				return
			}
		}
	}
}

// join is the path of name in dir.
func join(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}

// encode returns the index file with the changes in it.
func (x *Index) encode() []byte {
	var changed []pathBlock
	x.changes.each(".", func(path string, c *change) {
		if c.block != nil {
			changed = append(changed, pathBlock{path, c.block})
		}
	})
	if loose := x.looseBlock(); loose != nil {
		changed = append(changed, pathBlock{looseFiles, loose})
	}
	slices.SortFunc(changed, func(a, b pathBlock) int { return strings.Compare(a.path, b.path) })
	return x.merge(changed)
}

type pathBlock struct {
	path  string
	block []byte
}

// merge writes the blocks of the file that still hold and the changed ones, in
// the order of their paths.
func (x *Index) merge(changed []pathBlock) []byte {
	size := len(x.file.data)
	for _, c := range changed {
		size += len(c.block) + len(c.path) + tableEntry
	}
	w := newIndexWriter(size)
	for i := range x.file.len() {
		path := string(x.file.path(i))
		for len(changed) > 0 && changed[0].path < path {
			w.add(changed[0].path, changed[0].block, sum32(changed[0].block))
			changed = changed[1:]
		}
		if x.stillHolds(path) {
			raw, sum := x.file.raw(i)
			w.add(path, raw, sum)
		}
	}
	for _, c := range changed {
		w.add(c.path, c.block, sum32(c.block))
	}
	return w.bytes()
}

// stillHolds reports whether the file's block of the path is the newest.
func (x *Index) stillHolds(path string) bool {
	if path == looseFiles {
		return false
	}
	c, hidden := x.changes.find(path)
	return !hidden && (c == nil || c.block == nil)
}

// looseBlock returns the block of all single files, nil if there are none.
func (x *Index) looseBlock() []byte {
	var recs []Record
	for _, r := range x.file.loose.records() {
		if c, hidden := x.changes.find(r.Name); !hidden && (c == nil || c.file == nil) {
			recs = append(recs, r)
		}
	}
	x.changes.each(".", func(path string, c *change) {
		if c.file != nil {
			r := *c.file
			r.Name = path
			recs = append(recs, r)
		}
	})
	if len(recs) == 0 {
		return nil
	}
	slices.SortFunc(recs, func(a, b Record) int { return strings.Compare(a.Name, b.Name) })
	return encodeBlock(&Node{}, recs)
}
