package hash

import (
	"cmp"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Entry is one name in a directory and what stands there.
type Entry struct {
	Name string
	Node
}

// Tree is the listing of one directory, sorted bytewise by name. Its
// directories are listed by the digest of their own listing, so that a change
// in one folder changes that folder and the ones above it, and nothing else.
//
// A name is not empty, not "." or "..", has no slash and no NUL byte, and is
// not one that xt and git keep for themselves (".git" and ".xt", however they
// are capitalised): a listing from elsewhere cannot write there.
type Tree []Entry

// treeHeader is the first line of an encoded tree; the number is the format's.
const treeHeader = "xt-tree 1\n"

// kindWords are the words that start a line of an encoded tree.
var kindWords = [...]string{File: "file", Executable: "exec", Symlink: "link", Directory: "dir"}

// Encode returns the tree as canonical text, whose digest is the directory's:
// equal trees have equal text. After a header it has one line for each entry:
//
//	file|exec SUM SIZE NAME
//	link SUM SIZE NAME TARGET
//	dir SUM SIZE FILES NAME
//
// A name or target is written plainly when it can be read without doubt, and
// as a quoted Go string in ASCII otherwise.
func (t Tree) Encode() []byte {
	b := make([]byte, 0, len(treeHeader)+len(t)*(2*Size+32))
	b = append(b, treeHeader...)
	for i := range t {
		b = appendEntry(b, t[i].Name, &t[i].Node)
	}
	return b
}

// Node returns the directory that the tree lists: its digest, and the bytes
// and files of all that lies below it.
func (t Tree) Node() Node {
	n := Node{Kind: Directory, Sum: Bytes(t.Encode())}
	for i := range t {
		n.add(&t[i].Node)
	}
	return n
}

// Lookup returns the entry of the given name.
func (t Tree) Lookup(name string) (Entry, bool) {
	i, ok := slices.BinarySearchFunc(t, name, func(e Entry, name string) int { return cmp.Compare(e.Name, name) })
	if !ok {
		return Entry{}, false
	}
	return t[i], true
}

// add counts a child into the totals of the directory n.
func (n *Node) add(child *Node) {
	n.Size += child.Size
	if child.Kind == Directory {
		n.Files += child.Files
	} else {
		n.Files++
	}
}

// appendEntry appends the line of one entry.
func appendEntry(b []byte, name string, n *Node) []byte {
	b = append(b, kindWords[n.Kind]...)
	b = append(b, ' ')
	b = appendHex(b, &n.Sum)
	b = append(b, ' ')
	b = strconv.AppendInt(b, n.Size, 10)
	if n.Kind == Directory {
		b = append(b, ' ')
		b = strconv.AppendInt(b, n.Files, 10)
	}
	b = append(b, ' ')
	b = appendWord(b, name)
	if n.Kind == Symlink {
		b = append(b, ' ')
		b = appendWord(b, n.Target)
	}
	return append(b, '\n')
}

func appendHex(b []byte, sum *Sum) []byte {
	const digits = "0123456789abcdef"
	for _, c := range sum {
		b = append(b, digits[c>>4], digits[c&15])
	}
	return b
}

// appendWord appends s so that it ends at the next space and fits on a line.
func appendWord(b []byte, s string) []byte {
	if isPlain(s) {
		return append(b, s...)
	}
	return strconv.AppendQuoteToASCII(b, s)
}

// isPlain reports whether s is written without quotes. It looks at fixed code
// points and not at Unicode's classes, which grow from version to version: the
// same name must be spelled the same for ever.
func isPlain(s string) bool {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c <= ' ' || c == '"' || c == '\\' || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || r < 0xa0 {
			return false
		}
		i += size
	}
	return s != ""
}
