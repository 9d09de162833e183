// Package tomldoc reads a TOML file into a tree in which every key and every
// value knows where it stands in the text.
package tomldoc

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// Kind is the type of a value.
type Kind uint8

// The kinds of values.
const (
	String Kind = iota
	Integer
	Float
	Boolean
	Date // a date, a time, or both
	List
	Table
)

// String names the kind with its article, as in a message.
func (k Kind) String() string {
	return [...]string{"a string", "an integer", "a number", "a boolean", "a date", "a list", "a table"}[k]
}

// Node is a value, and the key that it belongs to.
type Node struct {
	Key    string // "" for the root and for the items of a list
	Kind   Kind
	Value  any     // string, int64, float64 or bool; for a Date its text; nil for a List or Table
	Keys   []*Node // of a Table, in the order of the file
	Items  []*Node // of a List
	KeyAt  int     // byte offset of the key, or of the table's header
	At     int     // byte offset of the value; of the header for [tables]
	End    int     // byte offset just after the value; At for [tables]
	Inline bool    // a Table written { … }

	byKey map[string]*Node // of many
}

// Get returns the value of a key, or nil. A nil node has no keys.
func (n *Node) Get(key string) *Node {
	switch {
	case n == nil:
		return nil
	case n.byKey != nil:
		return n.byKey[key]
	}
	for _, c := range n.Keys {
		if c.Key == key {
			return c
		}
	}
	return nil
}

// add appends a child to a table.
func (n *Node) add(child *Node) {
	n.Keys = append(n.Keys, child)
	switch {
	case n.byKey != nil:
		n.byKey[child.Key] = child
	case len(n.Keys) > 8: // a map of fewer costs more than it saves
		n.byKey = map[string]*Node{}
		for _, c := range n.Keys {
			n.byKey[c.Key] = c
		}
	}
}

// Plain returns the value as maps, slices and scalars.
func (n *Node) Plain() any {
	switch n.Kind {
	case Table:
		m := make(map[string]any, len(n.Keys))
		for _, c := range n.Keys {
			m[c.Key] = c.Plain()
		}
		return m
	case List:
		l := make([]any, len(n.Items))
		for i, c := range n.Items {
			l[i] = c.Plain()
		}
		return l
	}
	return n.Value
}

// Doc is a parsed file.
type Doc struct {
	Root *Node
	Text string // without a byte order mark

	lines []int // offset of each line
}

// Pos returns line and column of a byte offset, from 1, the column in
// characters.
func (d *Doc) Pos(offset int) (line, col int) {
	offset = max(0, min(offset, len(d.Text)))
	i := sort.SearchInts(d.lines, offset+1) - 1
	return i + 1, utf8.RuneCountInString(d.Text[d.lines[i]:offset]) + 1
}

func newDoc(text string) *Doc {
	d := &Doc{Text: text, lines: []int{0}}
	for i := 0; i < len(text); {
		n := strings.IndexByte(text[i:], '\n')
		if n < 0 {
			break
		}
		i += n + 1
		d.lines = append(d.lines, i)
	}
	return d
}
