package lock

import (
	"math"
	"slices"
	"strconv"
	"strings"
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
// the library accepts, and with the same meaning, but for one thing: a table may
// be there twice, and a key twice in a table. That is what git can make of two
// locks without noticing a conflict.
type scanner struct {
	s     string
	pos   int
	line  int
	depth int
	null  bool // whether null is a value, as in parameters that TOML cannot hold

	fields slab[field]
	values slab[value]
}

// slab makes many small slices with few allocations. The elements of those not
// yet complete are on a stack.
type slab[T any] struct{ stack, chunk []T }

// cut takes the elements from an index of the stack on as a slice.
func (s *slab[T]) cut(from int) []T {
	done := s.stack[from:]
	s.stack = s.stack[:from]
	if cap(s.chunk)-len(s.chunk) < len(done) {
		s.chunk = make([]T, 0, max(16, len(done), min(2*cap(s.chunk), 1024)))
	}
	start := len(s.chunk)
	s.chunk = append(s.chunk, done...)
	return s.chunk[start:len(s.chunk):len(s.chunk)]
}

// scanDocument reads text, which must be valid UTF-8. ok is false if the text
// is not of the plain form.
func scanDocument(text string) (doc document, ok bool) {
	sc := scanner{s: text, line: 1}
	fields := &doc.top
	for {
		if !sc.blank() {
			return doc, false
		}
		if c := sc.peek(); c != '[' && c != 0 {
			if !sc.field() || !sc.endOfLine() {
				return doc, false
			}
			continue
		}
		*fields = sc.fields.cut(0)
		if sc.pos == len(sc.s) {
			return doc, plainTop(doc)
		}
		sec, ok := sc.header()
		if !ok {
			return doc, false
		}
		doc.sections = append(doc.sections, sec)
		fields = &doc.sections[len(doc.sections)-1].fields
	}
}

// plainTop reports whether the keys at the top are distinct, and none is, or
// might be, a table that headers name.
func plainTop(doc document) bool {
	for i := range doc.top {
		if doc.top[i].val.kind == kindTable || slices.Contains(sectionKinds, doc.top[i].key) {
			return false
		}
	}
	for i := range doc.sections {
		if lookup(doc.top, doc.sections[i].kind) != nil {
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
	if !sc.accept('[') {
		return sec, false
	}
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

// field consumes a key and its value and puts them on the stack of fields.
func (sc *scanner) field() bool {
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
	sc.fields.stack = append(sc.fields.stack, field{key, val})
	return ok
}

func (sc *scanner) value() (val value, ok bool) {
	line := sc.line
	switch sc.peek() {
	case '"':
		val.kind = kindString
		val.str, ok = sc.text()
	case '[':
		val.kind = kindList
		val.list, ok = sc.list()
	case '{':
		val.kind = kindTable
		val.table, ok = sc.table()
	default:
		val, ok = sc.word()
	}
	val.line = line
	return val, ok
}

// list consumes a list.
func (sc *scanner) list() ([]value, bool) {
	start := len(sc.values.stack)
	sc.depth++
	sc.pos++
	ok := sc.depth <= maxDepth && sc.elements()
	sc.depth--
	return sc.values.cut(start), ok
}

// elements consumes what follows the opening bracket of a list.
func (sc *scanner) elements() bool {
	for {
		if !sc.blank() {
			return false
		}
		if sc.accept(']') {
			return true
		}
		e, ok := sc.value()
		if !ok || !sc.blank() {
			return false
		}
		sc.values.stack = append(sc.values.stack, e)
		if !sc.accept(',') {
			return sc.accept(']')
		}
	}
}

// table consumes an inline table.
func (sc *scanner) table() ([]field, bool) {
	start := len(sc.fields.stack)
	sc.depth++
	sc.pos++
	ok := sc.depth <= maxDepth && sc.pairs()
	sc.depth--
	fields := sc.fields.cut(start)
	return fields, ok && distinctKeys(fields)
}

// pairs consumes what follows the opening bracket of an inline table, which has
// to be on one line, without a comma at the end.
func (sc *scanner) pairs() bool {
	sc.spaces()
	if sc.accept('}') {
		return true
	}
	for {
		sc.spaces()
		if !sc.field() {
			return false
		}
		sc.spaces()
		if !sc.accept(',') {
			return sc.accept('}')
		}
	}
}

// word consumes a boolean or a number in its one spelling.
func (sc *scanner) word() (val value, ok bool) {
	start := sc.pos
	for c := sc.peek(); bareByte(c) || c == '+' || c == '.'; c = sc.peek() {
		sc.pos++
	}
	word := sc.s[start:sc.pos]
	switch word {
	case "true", "false":
		return boolValue(word == "true"), true
	case "null":
		return value{}, sc.null
	}
	return number(word)
}

func number(word string) (val value, ok bool) {
	var buf [32]byte
	if !strings.ContainsAny(word, ".efn") {
		n, err := strconv.ParseInt(word, 10, 64)
		val.kind, val.bits = kindInt, uint64(n)
		return val, err == nil && string(strconv.AppendInt(buf[:0], n, 10)) == word
	}
	f, err := strconv.ParseFloat(word, 64)
	val.kind, val.bits = kindFloat, math.Float64bits(f)
	return val, err == nil && string(appendFloat(buf[:0], f)) == word
}
