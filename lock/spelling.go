package lock

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text that is valid UTF-8 is a TOML basic string. Anything else, such as a
// file name in an old encoding, cannot be one: it is spelled as a Go string
// literal in ASCII, without the quotes, and its key gets this suffix. A key
// with the suffix is refused where plain TOML would have done, so that each
// text has one spelling.
const bytesSuffix = "_bytes"

// appendString appends s, which must be valid UTF-8, as a TOML basic string.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if ' ' <= c && c <= '~' && c != '"' && c != '\\' {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r >= utf8.RuneSelf && !invisible(r) {
			i += n
			continue
		}
		b = append(b, s[start:i]...)
		b = appendEscape(b, r)
		i += n
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// invisible reports whether r would mislead a reader of the lock: control
// characters, line separators and the marks that reorder text. The set is
// spelled out because unicode.IsPrint changes with the version of Go, and the
// bytes of a lock must not.
func invisible(r rune) bool {
	switch {
	case r < 0x20, 0x7f <= r && r < 0xa0, r == 0xad, r == 0x61c, r == 0xfeff:
		return true
	}
	return 0x200b <= r && r <= 0x200f || 0x2028 <= r && r <= 0x202e || 0x2060 <= r && r <= 0x206f ||
		0xe0000 <= r && r <= 0xe0fff
}

func appendEscape(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\t':
		return append(b, `\t`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	}
	if r > 0xffff {
		return fmt.Appendf(b, `\U%08X`, r)
	}
	return fmt.Appendf(b, `\u%04X`, r)
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

// appendKey appends s as a key: bare if TOML allows it, else quoted.
func appendKey(b []byte, s string) []byte {
	if isBare(s) {
		return append(b, s...)
	}
	return appendString(b, s)
}

func isBare(s string) bool {
	for i := range len(s) {
		if !bareByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func bareByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// spellBytes spells text that is not valid UTF-8 in ASCII.
func spellBytes(s string) string {
	q := strconv.QuoteToASCII(s)
	return q[1 : len(q)-1]
}

// readBytes reads what spellBytes wrote; ok is false for anything else.
func readBytes(spelled string) (s string, ok bool) {
	s, err := strconv.Unquote(`"` + spelled + `"`)
	return s, err == nil && !utf8.ValidString(s) && spellBytes(s) == spelled
}
