package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	name        tokenKind = iota // words and quoted words, with dots between: parts
	text                         // in single quotes: parts[0]
	number                       // parts[0]
	operator                     // = != < and so on
	punctuation                  // ( ) , ;
	garbage                      // anything else
)

// token is a piece of a filter. Its text is text[start:end].
type token struct {
	kind       tokenKind
	start, end int
	raw        string
	parts      []string
	quoted     bool // a name that is all in double quotes, which may be a value
}

func (t token) is(kind tokenKind, raw string) bool { return t.kind == kind && t.raw == raw }

// isWord reports whether t is the bare word, in any case.
func (t token) isWord(word string) bool { return t.kind == name && strings.EqualFold(t.raw, word) }

// scan splits a filter into tokens; it takes everything.
func scan(s string) []token {
	var tokens []token
	for i := 0; i < len(s); {
		if r, n := utf8.DecodeRuneInString(s[i:]); unicode.IsSpace(r) {
			i += n
			continue
		}
		t := next(s, i)
		t.start, t.raw = i, s[i:t.end]
		tokens = append(tokens, t)
		i = t.end
	}
	return tokens
}

func next(s string, i int) token {
	switch c := s[i]; {
	case c == '\'':
		if value, end, ok := unquote(s, i); ok {
			return token{kind: text, end: end, parts: []string{value}}
		}
	case strings.IndexByte("=<>!", c) >= 0:
		end := i + 1
		for end < len(s) && strings.IndexByte("=<>", s[end]) >= 0 {
			end++
		}
		return token{kind: operator, end: end}
	case strings.IndexByte("(),;", c) >= 0:
		return token{kind: punctuation, end: i + 1}
	case isNumberStart(s[i:]):
		return scanNumber(s, i)
	default:
		if t, ok := scanName(s, i); ok {
			return t
		}
	}
	return token{kind: garbage, end: endOfWord(s, i)}
}

// unquote reads what is between quotes at i; two quotes in it stand for one.
func unquote(s string, i int) (value string, end int, ok bool) {
	quote := s[i]
	var b strings.Builder
	for i++; i < len(s); i++ {
		if s[i] != quote {
			b.WriteByte(s[i])
			continue
		}
		if i+1 == len(s) || s[i+1] != quote {
			return b.String(), i + 1, true
		}
		b.WriteByte(quote)
		i++
	}
	return "", 0, false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isNumberStart(s string) bool {
	s = strings.TrimPrefix(s, "-")
	s = strings.TrimPrefix(s, ".")
	return s != "" && isDigit(s[0])
}

func scanNumber(s string, i int) token {
	end := i
	if s[end] == '-' {
		end++
	}
	digits := func() {
		for end < len(s) && isDigit(s[end]) {
			end++
		}
	}
	digits()
	if end < len(s) && s[end] == '.' {
		end++
		digits()
	}
	if exp := end + 1; end < len(s) && (s[end] == 'e' || s[end] == 'E') {
		if exp < len(s) && (s[exp] == '-' || s[exp] == '+') {
			exp++
		}
		if exp < len(s) && isDigit(s[exp]) {
			end = exp
			digits()
		}
	}
	if r, _ := utf8.DecodeRuneInString(s[end:]); isWordRune(r) {
		return token{kind: garbage, end: endOfWord(s, i)}
	}
	return token{kind: number, end: end, parts: []string{s[i:end]}}
}

// scanName reads parts with dots between them.
func scanName(s string, i int) (token, bool) {
	t := token{kind: name, end: i, quoted: s[i] == '"'}
	for {
		part, end, ok := scanPart(s, t.end)
		if !ok {
			return t, false
		}
		t.parts, t.end = append(t.parts, part), end
		if end == len(s) || s[end] != '.' {
			t.quoted = t.quoted && len(t.parts) == 1
			return t, true
		}
		t.end++
	}
}

func scanPart(s string, i int) (part string, end int, ok bool) {
	if i < len(s) && (s[i] == '"' || s[i] == '`') {
		return unquote(s, i)
	}
	end = i
	for end < len(s) {
		r, n := utf8.DecodeRuneInString(s[end:])
		if !isWordRune(r) {
			break
		}
		end += n
	}
	return s[i:end], end, end > i
}

func isWordRune(r rune) bool {
	return r == '_' || r == '$' || r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r))
}

// endOfWord returns where the next space after i is.
func endOfWord(s string, i int) int {
	if n := strings.IndexFunc(s[i:], unicode.IsSpace); n > 0 {
		return i + n
	}
	return len(s)
}
