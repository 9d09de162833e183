package mlflow

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// value is a JSON value as it was written. What it is made of is read when it is
// asked for, which for a batch of a thousand points means without an allocation.
type value []byte

// member is a part of a JSON object.
type member struct {
	name  []byte // as it was written, without quotes
	value value
}

// maxDepth is how deep values may be nested in each other.
const maxDepth = 100

// typeName returns what Python calls the type of the value.
func (v value) typeName() string {
	switch v[0] {
	case '{':
		return "dict"
	case '[':
		return "list"
	case '"':
		return "str"
	case 't', 'f':
		return "bool"
	case 'n':
		return "NoneType"
	}
	if bytes.ContainsAny(v, ".eENI") {
		return "float"
	}
	return "int"
}

// isNull reports whether the value is there, but nothing.
func (v value) isNull() bool { return len(v) == 0 || v[0] == 'n' }

// scanner reads a text of JSON. It takes NaN, Infinity and -Infinity for
// numbers, as Python does.
type scanner struct {
	text []byte
	at   int
	bad  bool
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\n', '\r', '\t':
			s.at++
		default:
			return
		}
	}
}

// next passes over a character, if it is the next.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// value reads a value of any kind.
func (s *scanner) value(depth int) value {
	s.space()
	start := s.at
	if s.bad || s.at == len(s.text) || depth > maxDepth {
		s.bad = true
		return nil
	}
	switch c := s.text[s.at]; c {
	case '"':
		s.str()
	case '{', '[':
		s.at++
		s.each(c, depth, nil)
	default:
		s.word()
	}
	return value(s.text[start:s.at])
}

// each reads the members of an object or the elements of an array, after the
// bracket that opens it.
func (s *scanner) each(open byte, depth int, f func(member)) {
	end := open + 2 // in ASCII, that of { and of [
	for first := true; !s.bad; first = false {
		if s.next(end) {
			s.bad = s.bad || !first && s.text[s.at-1] != end
			return
		}
		if !first && !s.next(',') {
			s.bad = true
			return
		}
		var m member
		if open == '{' {
			s.space()
			if m.name = s.str(); !s.next(':') {
				s.bad = true
				return
			}
		}
		m.value = s.value(depth + 1)
		if f != nil && !s.bad {
			f(m)
		}
	}
}

// str reads a string, and returns what is between the quotes.
func (s *scanner) str() []byte {
	if s.at == len(s.text) || s.text[s.at] != '"' {
		s.bad = true
		return nil
	}
	start := s.at + 1
	for i := start; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			s.at = i + 1
			return s.text[start:i]
		case c == '\\':
			i++
		case c < ' ':
			s.bad = true
			return nil
		}
	}
	s.bad = true
	return nil
}

// word reads a number or a name.
func (s *scanner) word() {
	start := s.at
	for s.at < len(s.text) && isWordByte(s.text[s.at]) {
		s.at++
	}
	switch w := s.text[start:s.at]; string(w) {
	case "true", "false", "null", "NaN", "Infinity", "-Infinity":
	default:
		s.bad = s.bad || !isNumber(w)
	}
}

func isWordByte(c byte) bool {
	return '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// isNumber reports whether a word is a number in JSON.
func isNumber(w []byte) bool {
	w = bytes.TrimPrefix(w, []byte("-"))
	whole, rest := digits(w)
	if whole == 0 || whole > 1 && w[0] == '0' {
		return false
	}
	if len(rest) > 0 && rest[0] == '.' {
		var n int
		if n, rest = digits(rest[1:]); n == 0 {
			return false
		}
	}
	if len(rest) > 0 && (rest[0] == 'e' || rest[0] == 'E') {
		rest = rest[1:]
		if len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		var n int
		if n, rest = digits(rest); n == 0 {
			return false
		}
	}
	return len(rest) == 0
}

func digits(w []byte) (n int, rest []byte) {
	for n < len(w) && '0' <= w[n] && w[n] <= '9' {
		n++
	}
	return n, w[n:]
}

// appendObject appends the members of an object. It is false if the text is no
// object.
func appendObject(to []member, text []byte) ([]member, bool) {
	s := scanner{text: text}
	if !s.next('{') {
		return to, false
	}
	n := len(to)
	s.each('{', 0, func(m member) { to = append(to, m) })
	s.space()
	if s.bad || s.at != len(text) {
		return to[:n], false
	}
	return to, true
}

// elements calls f for each element of an array. It is false if there is none.
func elements(v value, f func(value)) bool {
	s := scanner{text: v}
	if !s.next('[') {
		return false
	}
	s.each('[', 0, func(m member) { f(m.value) })
	return !s.bad
}

// unquote returns what is written between quotes. What is not UTF-8 becomes
// U+FFFD.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw)
	}
	text := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		if raw[0] != '\\' {
			r, n := utf8.DecodeRune(raw)
			text, raw = utf8.AppendRune(text, r), raw[n:]
			continue
		}
		var r rune
		r, raw = escape(raw[1:])
		text = utf8.AppendRune(text, r)
	}
	return string(text)
}

// escape reads what comes after a backslash.
func escape(raw []byte) (rune, []byte) {
	c, rest := raw[0], raw[1:]
	if i := bytes.IndexByte([]byte(`bfnrt`), c); i >= 0 {
		return rune("\b\f\n\r\t"[i]), rest
	}
	if c != 'u' {
		return rune(c), rest // a quote, a slash, a backslash
	}
	r, rest := hex4(rest)
	if utf16.IsSurrogate(r) && len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
		low, after := hex4(rest[2:])
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, after
		}
	}
	return r, rest
}

func hex4(raw []byte) (rune, []byte) {
	if len(raw) >= 4 {
		if n, err := strconv.ParseUint(string(raw[:4]), 16, 32); err == nil {
			return rune(n), raw[4:]
		}
	}
	return utf8.RuneError, raw
}
