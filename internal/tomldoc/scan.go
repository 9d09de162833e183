package tomldoc

import "strings"

const (
	maxDepth = 64 // of tables and lists within each other
	maxParts = 16 // of a dotted key

	// maxNodes bounds the keys and items of a file. The parser takes a thousand
	// times the memory of the shortest of them.
	maxNodes = 500_000
)

// scanner walks through TOML and notes where things are, and values if they are
// plain. It is not a validator: it stops at the first thing that it cannot make
// sense of, and the parser says what that is.
type scanner struct {
	src  string
	i    int
	root *Node

	nodes   int
	parts   int // of the last key
	tooMany bool
	tooDeep bool
	stopped bool
	isOdd   bool // not in the part of TOML that the scanner knows

	first, again *Node // a key that is given twice
}

func (s *scanner) scan() {
	table := s.root
	for s.space(true); s.i < len(s.src) && !s.stopped; s.space(true) {
		if s.src[s.i] == '[' {
			table = s.header()
		} else {
			s.pair(table, 0)
		}
		s.lineEnd()
	}
}

func (s *scanner) stop() { s.stopped = true }

// count stops at a file that has too many keys.
func (s *scanner) count() {
	if s.nodes++; s.nodes > maxNodes {
		s.tooMany = true
		s.stop()
	}
}

func (s *scanner) peek() byte {
	if s.i < len(s.src) {
		return s.src[s.i]
	}
	return 0
}

func (s *scanner) accept(c byte) bool {
	if s.peek() != c || s.i >= len(s.src) {
		return false
	}
	s.i++
	return true
}

// space skips blanks, and newlines and comments if they are allowed here.
func (s *scanner) space(newlines bool) {
	for s.i < len(s.src) {
		switch c := s.src[s.i]; {
		case c == ' ' || c == '\t':
			s.i++
		case newlines && (c == '\n' || c == '\r'):
			s.i++
		case newlines && c == '#':
			s.line()
		default:
			return
		}
	}
}

// line skips to the end of the line.
func (s *scanner) line() {
	if n := strings.IndexByte(s.src[s.i:], '\n'); n >= 0 {
		s.i += n
	} else {
		s.i = len(s.src)
	}
}

// header reads [a.b] or [[a.b]] and returns the table that it opens.
func (s *scanner) header() *Node {
	at := s.i
	s.i++
	s.count()
	list := s.accept('[')
	parts := s.key()
	closed := s.accept(']') && (!list || s.accept(']'))
	if !closed || len(parts) == 0 {
		s.stop()
		return s.root
	}
	n := s.root
	for _, p := range parts[:len(parts)-1] {
		n = s.descend(n, p, at)
	}
	last := parts[len(parts)-1]
	if list {
		s.odd()
		return s.appendTable(n, last, at)
	}
	if old := n.Get(last.name); old != nil && old.Kind == Table && !old.Inline && old.implicit() {
		old.KeyAt, old.At, old.End = at, at, s.i
		return old
	}
	return s.put(n, &Node{Key: last.name, Kind: Table, KeyAt: at, At: at, End: s.i})
}

// implicit reports whether the table was only named on the way to another.
func (n *Node) implicit() bool { return n.End == n.At }

// descend goes to a table below n, which may be the last of a list of tables.
func (s *scanner) descend(n *Node, p part, at int) *Node {
	c := n.Get(p.name)
	if c == nil {
		c = &Node{Key: p.name, Kind: Table, KeyAt: at, At: at, End: at}
		n.add(c)
	}
	if c.Kind != Table || c.Inline {
		s.odd()
	}
	switch {
	case c.Kind == List && len(c.Items) > 0:
		return c.Items[len(c.Items)-1]
	case c.Kind != Table:
		s.taken(c, &Node{Key: p.name, KeyAt: at})
	}
	return c
}

func (s *scanner) appendTable(n *Node, p part, at int) *Node {
	list := n.Get(p.name)
	if list == nil {
		list = &Node{Key: p.name, Kind: List, KeyAt: at, At: at, End: at}
		n.add(list)
	}
	if list.Kind != List {
		s.taken(list, &Node{Key: p.name, KeyAt: at})
	}
	item := &Node{Kind: Table, KeyAt: at, At: at, End: s.i}
	list.Items = append(list.Items, item)
	return item
}

// put adds a child, or notes that its key is taken.
func (s *scanner) put(n, child *Node) *Node {
	if old := n.Get(child.Key); old != nil {
		s.taken(old, child)
		return child
	}
	n.add(child)
	return child
}

// taken notes the first key that is given twice.
func (s *scanner) taken(old, again *Node) {
	if s.again == nil {
		s.first, s.again = old, again
	}
}

// pair reads key = value into a table.
func (s *scanner) pair(table *Node, depth int) {
	at := s.i
	parts := s.key()
	if len(parts) == 0 || !s.accept('=') {
		s.stop()
		return
	}
	n := table
	if len(parts) > 1 {
		s.odd()
	}
	for _, p := range parts[:len(parts)-1] {
		n = s.descend(n, p, at)
	}
	last := parts[len(parts)-1]
	child := &Node{Key: last.name, KeyAt: at}
	s.value(child, depth)
	s.put(n, child)
}

// value reads a value, without its meaning, into n.
func (s *scanner) value(n *Node, depth int) {
	if s.count(); depth >= maxDepth {
		s.tooDeep = true
		s.stop()
	}
	if s.stopped {
		return
	}
	s.space(false)
	n.At = s.i
	switch s.peek() {
	case '"', '\'':
		s.quoted()
		s.plainString(n, s.src[n.At:s.i])
	case '[':
		n.Kind = List
		s.list(n, depth+1)
	case '{':
		n.Kind, n.Inline = Table, true
		s.inline(n, depth+1)
		s.plainInline(s.src[n.At:s.i])
	default:
		s.bare(n)
	}
	n.End = s.i
}

func (s *scanner) list(n *Node, depth int) {
	for s.i++; !s.stopped; {
		if s.space(true); s.accept(']') {
			return
		}
		item := &Node{KeyAt: s.i}
		s.value(item, depth)
		item.KeyAt = item.At
		n.Items = append(n.Items, item)
		if s.space(true); !s.accept(',') && s.peek() != ']' {
			s.stop()
		}
	}
}

func (s *scanner) inline(n *Node, depth int) {
	for s.i++; !s.stopped; {
		if s.space(true); s.accept('}') {
			return
		}
		s.pair(n, depth)
		if s.space(true); !s.accept(',') && s.peek() != '}' {
			s.stop()
		}
	}
}

// bare reads a number, a boolean or a date. Of what is not plain only the text is
// kept: it is what the parser says that it is.
func (s *scanner) bare(n *Node) {
	end := strings.IndexAny(s.src[s.i:], ",]}#\r\n")
	if end < 0 {
		end = len(s.src) - s.i
	}
	text := strings.TrimRight(s.src[s.i:s.i+end], " \t")
	if text == "" {
		s.stop()
		return
	}
	if !plainWord(n, text) {
		n.Value = text
		s.odd()
	}
	s.i += len(text)
}

// quoted skips a string of any of the four kinds.
func (s *scanner) quoted() {
	q := s.src[s.i]
	triple := strings.Repeat(string(q), 3)
	if !strings.HasPrefix(s.src[s.i:], triple) {
		s.i++
		s.until(func() bool { return s.accept(q) }, q == '"', false)
		return
	}
	s.i += 3
	s.until(func() bool {
		if !strings.HasPrefix(s.src[s.i:], triple) {
			return false
		}
		s.i += 3
		// Up to two quotes may stand before the three that end the string.
		for range 2 {
			s.accept(q)
		}
		return true
	}, q == '"', true)
}

// until skips the inside of a string.
func (s *scanner) until(closed func() bool, escapes, newlines bool) {
	for s.i < len(s.src) {
		if closed() {
			return
		}
		switch c := s.src[s.i]; {
		case c == '\n' && !newlines:
			s.stop()
			return
		case c == '\\' && escapes:
			s.i++
		}
		s.i++
	}
	s.i = len(s.src)
	s.stop()
}
