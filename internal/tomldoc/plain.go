package tomldoc

import (
	"strconv"
	"strings"
)

// Most files are written in a part of TOML in which the scanner, with few checks
// more, sees the values as the parser would, and which is then not asked: it takes
// four times as long. Whatever else the scanner meets, it is the parser that says
// what that means, or why it is a mistake.

// plainText reports whether a text has no byte that TOML refuses or treats in
// a way of its own.
func plainText(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\r':
			if i+1 == len(text) || text[i+1] != '\n' {
				return false
			}
		case c < ' ' && c != '\t' && c != '\n', c == 0x7f:
			return false
		}
	}
	return true
}

// odd notes that the parser has to be asked.
func (s *scanner) odd() { s.isOdd = true }

// plain reports whether the tree has all that the text says.
func (s *scanner) plain() bool { return !s.isOdd && !s.stopped && s.again == nil }

// lineEnd notes whether something follows on a line on which nothing may.
func (s *scanner) lineEnd() {
	s.space(false)
	if s.i < len(s.src) && strings.IndexByte("#\r\n", s.src[s.i]) < 0 {
		s.odd()
	}
}

// plainKey reports whether a bare key has only what may be in one.
func plainKey(key string) bool {
	for i := range len(key) {
		if c := key[i]; !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// plainString gives n the content of a string on one line, without escapes.
func (s *scanner) plainString(n *Node, quoted string) {
	inner := quoted[1:max(1, len(quoted)-1)]
	if len(quoted) < 2 || strings.HasPrefix(inner, quoted[:1]) || quoted[0] == '"' && strings.IndexByte(inner, '\\') >= 0 {
		s.odd()
		return
	}
	n.Kind, n.Value = String, inner
}

// plainInline looks for what newer versions of TOML allow in an inline table, and
// older ones do not.
func (s *scanner) plainInline(table string) {
	inner := strings.TrimRight(table[1:max(1, len(table)-1)], " \t")
	if strings.HasSuffix(inner, ",") || strings.ContainsAny(inner, "\n#") {
		s.odd()
	}
}

// plainWord gives n the value of a boolean or a number in its usual spelling. It
// reports whether word is one.
func plainWord(n *Node, word string) bool {
	if word == "true" || word == "false" {
		n.Kind, n.Value = Boolean, word == "true"
		return true
	}
	isFloat, ok := plainNumber(word)
	if !ok {
		return false
	}
	if isFloat {
		f, err := strconv.ParseFloat(word, 64)
		n.Kind, n.Value = Float, f
		return err == nil
	}
	i, err := strconv.ParseInt(word, 10, 64)
	n.Kind, n.Value = Integer, i
	return err == nil
}

// plainNumber reports whether word is a decimal number such as -1, 0.5 or 1e-3.
func plainNumber(word string) (isFloat, ok bool) {
	rest := strings.TrimPrefix(word, "-")
	whole, rest := cutDigits(rest)
	if whole == "" || whole[0] == '0' && whole != "0" {
		return false, false
	}
	if after, found := strings.CutPrefix(rest, "."); found {
		digits, after := cutDigits(after)
		if digits == "" {
			return false, false
		}
		isFloat, rest = true, after
	}
	if after, found := strings.CutPrefix(rest, "e"); found {
		digits, after := cutDigits(strings.TrimPrefix(after, "-"))
		if digits == "" {
			return false, false
		}
		isFloat, rest = true, after
	}
	return isFloat, rest == ""
}

// cutDigits returns the digits at the beginning of s, and what follows.
func cutDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
