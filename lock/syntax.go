package lock

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// document is the syntax of a lock: the keys before the first header, and the
// tables under their headers, in the order of the text.
type document struct {
	top      []field
	sections []section
}

// section is a table whose header has two parts, as [stage.train].
type section struct {
	kind   string // "stage"
	name   string // "train"
	line   int
	fields []field
}

// scanner reads the part of TOML that [File.Encode] writes, with whatever blank
// space and comments, several times faster than a TOML library and with the
// line of each value. It gives up, without saying why, on everything else: a
// text may then still be TOML, and is left to the library. Whatever it accepts,
// the library accepts, and with the same meaning.
type scanner struct {
	s     string
	pos   int
	line  int
	depth int
	null  bool // whether null is a value, as in parameters that TOML cannot hold
}

// scanDocument reads text, which must be valid UTF-8. ok is false if the text
// is not of the plain form.
func scanDocument(text string) (doc document, ok bool) {
	sc := scanner{s: text, line: 1}
	seen := make(map[[2]string]bool)
	fields := &doc.top
	for {
		if !sc.blank() {
			return doc, false
		}
		if sc.pos == len(sc.s) {
			return doc, distinct(doc)
		}
		if sc.peek() != '[' {
			if !sc.field(fields) || !sc.endOfLine() {
				return doc, false
			}
			continue
		}
		sec, ok := sc.header()
		if !ok || seen[[2]string{sec.kind, sec.name}] {
			return doc, false
		}
		seen[[2]string{sec.kind, sec.name}] = true
		doc.sections = append(doc.sections, sec)
		fields = &doc.sections[len(doc.sections)-1].fields
	}
}

// distinct reports whether no table has a key twice. A table among the keys at
// the top might be the one that a header names, and is not judged here.
func distinct(doc document) bool {
	for i := range doc.top {
		if doc.top[i].val.kind == kindTable {
			return false
		}
	}
	for i := range doc.sections {
		sec := &doc.sections[i]
		if !distinctKeys(sec.fields) || lookup(doc.top, sec.kind) != nil {
			return false
		}
	}
	return distinctKeys(doc.top)
}

func distinctKeys(fields []field) bool {
	if len(fields) > 32 {
		byKey := slices.SortedFunc(slices.Values(fields), compareFields)
		equal := func(a, b field) bool { return a.key == b.key }
		return len(slices.CompactFunc(byKey, equal)) == len(fields)
	}
	for i := range fields {
		if lookup(fields[:i], fields[i].key) != nil {
			return false
		}
	}
	return true
}

func lookup(fields []field, key string) *value {
	for i := range fields {
		if fields[i].key == key {
			return &fields[i].val
		}
	}
	return nil
}

// peek returns the next byte, or 0, which no lock holds, at the end.
func (sc *scanner) peek() byte {
	if sc.pos < len(sc.s) {
		return sc.s[sc.pos]
	}
	return 0
}

// accept consumes c if it is next.
func (sc *scanner) accept(c byte) bool {
	if sc.peek() != c {
		return false
	}
	sc.pos++
	return true
}

func (sc *scanner) spaces() {
	for c := sc.peek(); c == ' ' || c == '\t'; c = sc.peek() {
		sc.pos++
	}
}

// blank consumes spaces, comments and ends of lines.
func (sc *scanner) blank() bool {
	for {
		sc.spaces()
		switch {
		case sc.accept('\n'):
			sc.line++
		case sc.peek() != '#':
			return true
		case !sc.comment():
			return false
		}
	}
}

func (sc *scanner) comment() bool {
	for ; sc.pos < len(sc.s) && sc.s[sc.pos] != '\n'; sc.pos++ {
		if c := sc.s[sc.pos]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

func (sc *scanner) endOfLine() bool {
	sc.spaces()
	if sc.peek() == '#' && !sc.comment() {
		return false
	}
	if sc.pos == len(sc.s) {
		return true
	}
	if !sc.accept('\n') {
		return false
	}
	sc.line++
	return true
}

func (sc *scanner) header() (sec section, ok bool) {
	sec.line = sc.line
	sc.pos++
	sc.spaces()
	if sec.kind, ok = sc.key(); !ok {
		return sec, false
	}
	sc.spaces()
	if !sc.accept('.') {
		return sec, false
	}
	sc.spaces()
	if sec.name, ok = sc.key(); !ok {
		return sec, false
	}
	sc.spaces()
	return sec, sc.accept(']') && sc.endOfLine()
}

func (sc *scanner) key() (string, bool) {
	if sc.peek() == '"' {
		return sc.text()
	}
	start := sc.pos
	for sc.pos < len(sc.s) && bareByte(sc.s[sc.pos]) {
		sc.pos++
	}
	return sc.s[start:sc.pos], sc.pos > start
}

// field consumes a key and its value and appends them to fields.
func (sc *scanner) field(fields *[]field) bool {
	key, ok := sc.key()
	if !ok {
		return false
	}
	sc.spaces()
	if !sc.accept('=') {
		return false
	}
	sc.spaces()
	val, ok := sc.value()
	*fields = append(*fields, field{key, val})
	return ok
}

func (sc *scanner) value() (value, bool) {
	val := value{line: sc.line}
	ok := false
	switch sc.peek() {
	case '"':
		val.kind = kindString
		val.str, ok = sc.text()
		return val, ok
	case '[':
		val.kind = kindList
		return val, sc.nested(&val, sc.listItems)
	case '{':
		val.kind = kindTable
		return val, sc.nested(&val, sc.tableFields) && distinctKeys(val.table)
	}
	return val, sc.word(&val)
}

// nested consumes an opening bracket and what rest reads up to the closing one.
func (sc *scanner) nested(val *value, rest func(*value) bool) bool {
	if sc.depth == maxDepth {
		return false
	}
	sc.depth++
	sc.pos++
	ok := rest(val)
	sc.depth--
	return ok
}

func (sc *scanner) listItems(val *value) bool {
	for {
		if !sc.blank() {
			return false
		}
		if sc.accept(']') {
			return true
		}
		e, ok := sc.value()
		val.list = append(val.list, e)
		if !ok || !sc.blank() {
			return false
		}
		if !sc.accept(',') {
			return sc.accept(']')
		}
	}
}

// tableFields reads the rest of an inline table, which has to be on one line,
// without a comma at the end.
func (sc *scanner) tableFields(val *value) bool {
	sc.spaces()
	if sc.accept('}') {
		return true
	}
	for {
		sc.spaces()
		if !sc.field(&val.table) {
			return false
		}
		sc.spaces()
		if !sc.accept(',') {
			return sc.accept('}')
		}
	}
}

// word consumes a boolean or a number in its one spelling.
func (sc *scanner) word(val *value) bool {
	start := sc.pos
	for c := sc.peek(); bareByte(c) || c == '+' || c == '.'; c = sc.peek() {
		sc.pos++
	}
	word := sc.s[start:sc.pos]
	switch word {
	case "true":
		val.kind, val.bits = kindBool, 1
		return true
	case "false":
		val.kind = kindBool
		return true
	case "null":
		return sc.null
	}
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		val.kind, val.bits = kindInt, uint64(n)
		return strconv.FormatInt(n, 10) == word
	}
	f, err := strconv.ParseFloat(word, 64)
	val.kind, val.bits = kindFloat, math.Float64bits(f)
	return err == nil && string(appendFloat(nil, f)) == word
}

// text consumes a basic string.
func (sc *scanner) text() (string, bool) {
	if strings.HasPrefix(sc.s[sc.pos:], `"""`) {
		return "", false
	}
	sc.pos++
	start := sc.pos
	for ; sc.pos < len(sc.s); sc.pos++ {
		switch c := sc.s[sc.pos]; {
		case c == '"':
			sc.pos++
			return sc.s[start : sc.pos-1], true
		case c == '\\':
			return sc.escaped(start)
		case c < ' ', c == 0x7f:
			return "", false
		}
	}
	return "", false
}

// escaped is the rest of text once a backslash is met; start is where the
// string begins.
func (sc *scanner) escaped(start int) (string, bool) {
	b := []byte(sc.s[start:sc.pos])
	for sc.pos < len(sc.s) {
		c := sc.s[sc.pos]
		sc.pos++
		switch {
		case c == '"':
			return string(b), true
		case c < ' ', c == 0x7f:
			return "", false
		case c != '\\':
			b = append(b, c)
			continue
		}
		r, ok := sc.escape()
		if !ok {
			return "", false
		}
		b = utf8.AppendRune(b, r)
	}
	return "", false
}

// escape consumes what follows a backslash.
func (sc *scanner) escape() (rune, bool) {
	c := sc.peek()
	sc.pos++
	switch c {
	case '"', '\\':
		return rune(c), true
	case 't':
		return '\t', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 'u':
		return sc.codePoint(4)
	case 'U':
		return sc.codePoint(8)
	}
	return 0, false
}

func (sc *scanner) codePoint(digits int) (rune, bool) {
	if len(sc.s)-sc.pos < digits {
		return 0, false
	}
	word := sc.s[sc.pos : sc.pos+digits]
	n, err := strconv.ParseUint(word, 16, 32)
	sc.pos += digits
	return rune(n), err == nil && n <= utf8.MaxRune && utf8.ValidRune(rune(n))
}
