package tomldoc

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// part is one name of a dotted key.
type part struct{ name string }

// key reads a dotted key and the blanks around it; nil if there is none.
func (s *scanner) key() []part {
	var parts []part
	for {
		s.space(false)
		name, ok := s.name()
		if !ok {
			s.stop()
			return nil
		}
		parts = append(parts, part{name})
		if s.parts = len(parts); s.parts > maxParts {
			s.tooDeep = true
			s.stop()
			return nil
		}
		if s.space(false); !s.accept('.') {
			return parts
		}
	}
}

func (s *scanner) name() (string, bool) {
	at := s.i
	switch s.peek() {
	case '"':
		s.odd()
		s.quoted()
		return unescape(s.src[at:s.i])
	case '\'':
		s.odd()
		s.quoted()
		if s.i-at < 2 {
			return "", false
		}
		return s.src[at+1 : s.i-1], true
	}
	n := strings.IndexAny(s.src[s.i:], " \t\r\n.=[]{},\"'#")
	if n < 0 {
		n = len(s.src) - s.i
	}
	s.i += n
	if !plainKey(s.src[at:s.i]) {
		s.odd()
	}
	return s.src[at:s.i], n > 0
}

// unescape returns the content of a basic string on one line.
func unescape(q string) (string, bool) {
	if len(q) < 2 || q[len(q)-1] != '"' {
		return "", false
	}
	q = q[1 : len(q)-1]
	if !strings.Contains(q, `\`) {
		return q, true
	}
	var b strings.Builder
	for i := 0; i < len(q); i++ {
		if q[i] != '\\' {
			b.WriteByte(q[i])
			continue
		}
		r, n := escape(q[i+1:])
		if n == 0 {
			return "", false
		}
		b.WriteRune(r)
		i += n
	}
	return b.String(), true
}

// escape decodes what follows a backslash and says how many bytes that is.
func escape(s string) (rune, int) {
	if s == "" {
		return 0, 0
	}
	if i := strings.IndexByte(`btnfre"\`, s[0]); i >= 0 {
		return rune("\b\t\n\f\r\x1b\"\\"[i]), 1
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[0]]
	if digits == 0 || len(s) < 1+digits {
		return 0, 0
	}
	v, err := strconv.ParseUint(s[1:1+digits], 16, 32)
	if err != nil || !utf8.ValidRune(rune(v)) {
		return 0, 0
	}
	return rune(v), 1 + digits
}
