package lock

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// decodeDocument reads any TOML: what people or other tools made of a lock.
// Lines are known for headers and keys, not for what is in lists.
func decodeDocument(name, text string) (document, error) {
	if line := tooDeep(text); line > 0 {
		return document{}, &Error{File: name, Line: line, Msg: "lists or tables nest too deeply", Hint: hintRestore}
	}
	var tree map[string]any
	if _, err := toml.Decode(text, &tree); err != nil {
		return document{}, syntaxError(name, err)
	}
	conv := converter{file: name, lines: keyLines(text)}
	doc := conv.document(tree)
	return doc, conv.err
}

func syntaxError(name string, err error) *Error {
	e := &Error{File: name, Msg: err.Error(), Hint: hintRestore}
	if pe, ok := errors.AsType[toml.ParseError](err); ok {
		e.Line, e.Key, e.Msg = pe.Position.Line, pe.LastKey, pe.Message
	}
	return e
}

// sectionKinds are the tables at the top of a lock. Each holds tables.
var sectionKinds = []string{"data", "data" + bytesSuffix, "environment", "stage"}

// converter turns what the TOML library returns into a document.
type converter struct {
	file  string
	lines map[keyPath]int
	at    keyPath
	err   error // the first
}

// keyPath names a key below a header, a header, or a key at the top, by the
// parts that are not empty.
type keyPath struct{ kind, name, key string }

func (c *converter) document(tree map[string]any) document {
	var doc document
	for _, k := range slices.Sorted(maps.Keys(tree)) {
		if tables, ok := tree[k].(map[string]any); ok && slices.Contains(sectionKinds, k) {
			doc.sections = append(doc.sections, c.sections(k, tables)...)
			continue
		}
		c.at = keyPath{key: k}
		doc.top = append(doc.top, field{k, c.value(tree[k])})
	}
	return doc
}

func (c *converter) sections(kind string, tables map[string]any) []section {
	var secs []section
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		table, ok := tables[name].(map[string]any)
		sec := section{kind: kind, name: name, line: c.lines[keyPath{kind, name, ""}]}
		if !ok && c.err == nil {
			c.err = &Error{File: c.file, Line: sec.line, Key: joinKey(kind, name), Msg: "want a table", Hint: hintRestore}
		}
		for _, k := range slices.Sorted(maps.Keys(table)) {
			c.at = keyPath{kind, name, k}
			sec.fields = append(sec.fields, field{k, c.value(table[k])})
		}
		secs = append(secs, sec)
	}
	return secs
}

func (c *converter) value(v any) value {
	val, err := fromAny(v, 0)
	if err != nil {
		val = value{kind: kindOther}
	}
	c.setLine(&val, c.lines[c.at])
	return val
}

// setLine gives val and all that it holds one line.
func (c *converter) setLine(val *value, line int) {
	val.line = line
	for i := range val.list {
		c.setLine(&val.list[i], line)
	}
	for i := range val.table {
		c.setLine(&val.table[i].val, line)
	}
}

// keyLines finds the lines of headers and keys, as far as they are written in
// the plain way.
func keyLines(text string) map[keyPath]int {
	lines := make(map[keyPath]int)
	var at keyPath
	n := 0
	for line := range strings.Lines(text) {
		n++
		sc := scanner{s: strings.TrimLeft(line, " \t")}
		if sc.peek() == '[' {
			if sec, ok := sc.header(); ok {
				at = keyPath{sec.kind, sec.name, ""}
				lines[at] = n
			}
			continue
		}
		key, ok := sc.key()
		sc.spaces()
		if ok && sc.accept('=') {
			lines[keyPath{at.kind, at.name, key}] = n
		}
	}
	return lines
}

// tooDeep returns the line on which brackets or dotted keys nest deeper than
// the TOML library, which recurses, could bear; 0 if none does. Brackets and
// dots in strings and comments count for nothing.
func tooDeep(text string) (line int) {
	depth, dots := 0, 0
	line = 1
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case '"', '\'', '#':
			n := skip(text[i:])
			line += strings.Count(text[i:i+n], "\n")
			i += n
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		case '.':
			dots++
		case '\n':
			line++
			dots = 0
		case '=', ',':
			dots = 0
		}
		if depth > maxDepth || dots > maxDepth {
			return line
		}
		i++
	}
	return 0
}

// skip returns the length of the string or comment that s begins with.
func skip(s string) int {
	switch {
	case s[0] == '#':
		return lengthTo(s, 0, "\n")
	case strings.HasPrefix(s, `"""`), strings.HasPrefix(s, `'''`):
		n := lengthTo(s, 3, s[:3])
		// The string may end in two quotes of its own.
		for range 2 {
			if n < len(s) && s[n] == s[0] {
				n++
			}
		}
		return n
	}
	// A string of one line ends there at the latest: whatever follows is then
	// counted, and is an error to the library anyhow.
	return min(lengthTo(s, 1, s[:1]), lengthTo(s, 1, "\n"))
}

// lengthTo returns the length of s up to the end of the delimiter, looked for
// from an offset, and not behind a backslash in a string that has escapes.
func lengthTo(s string, from int, delimiter string) int {
	for i := from; i < len(s); i++ {
		if s[i] == '\\' && delimiter[0] == '"' {
			i++
			continue
		}
		if strings.HasPrefix(s[i:], delimiter) {
			return i + len(delimiter)
		}
	}
	return len(s)
}
