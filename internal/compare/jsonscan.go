package compare

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep lists and objects may lie within each other.
const maxDepth = 1000

// jsonText is a JSON text that is read from one place on. All but valid and skip
// expect that it has been found valid.
type jsonText struct {
	src []byte
	i   int
}

// valid says whether the text is one value, as Python writes them: also NaN,
// Infinity and -Infinity. Keys may come again.
func (j *jsonText) valid() bool {
	j.i = len(j.src) - len(bytes.TrimPrefix(j.src, []byte("\ufeff")))
	if start := j.i; j.skip(0) {
		j.space()
		ok := j.i == len(j.src)
		j.i = start
		return ok
	}
	return false
}

func (j *jsonText) space() {
	for j.i < len(j.src) {
		switch j.src[j.i] {
		case ' ', '\t', '\n', '\r':
			j.i++
		default:
			return
		}
	}
}

// peek returns the byte after white space; 0 at the end.
func (j *jsonText) peek() byte {
	j.space()
	if j.i < len(j.src) {
		return j.src[j.i]
	}
	return 0
}

// accept reads a byte if it comes after white space.
func (j *jsonText) accept(c byte) bool {
	if j.peek() != c {
		return false
	}
	j.i++
	return true
}

// skip reads over a value; false if there is none.
func (j *jsonText) skip(depth int) bool {
	switch c := j.peek(); {
	case depth > maxDepth:
		return false
	case c == '{':
		return j.skipItems('}', depth, true)
	case c == '[':
		return j.skipItems(']', depth, false)
	case c == '"':
		return j.skipString()
	case c == '-' && j.word("-Infinity"):
		return true
	case c == '-' || isDigit(c):
		return j.skipNumber()
	}
	return j.word("true") || j.word("false") || j.word("null") || j.word("NaN") || j.word("Infinity")
}

func (j *jsonText) word(w string) bool {
	if !bytes.HasPrefix(j.src[j.i:], []byte(w)) {
		return false
	}
	j.i += len(w)
	return true
}

func (j *jsonText) skipItems(end byte, depth int, keys bool) bool {
	j.i++
	if j.accept(end) {
		return true
	}
	for {
		if keys && !(j.peek() == '"' && j.skipString() && j.accept(':')) {
			return false
		}
		if !j.skip(depth + 1) {
			return false
		}
		if j.accept(end) {
			return true
		}
		if !j.accept(',') {
			return false
		}
	}
}

func (j *jsonText) skipString() bool {
	for j.i++; j.i < len(j.src); j.i++ {
		switch c := j.src[j.i]; {
		case c == '"':
			j.i++
			return true
		case c < ' ':
			return false
		case c == '\\':
			j.i++
			_, n := jsonEscape(j.src[j.i:])
			if n == 0 {
				return false
			}
			j.i += n - 1
		}
	}
	return false
}

func (j *jsonText) skipNumber() bool {
	if j.src[j.i] == '-' {
		j.i++
	}
	start := j.i
	n := j.skipDigits()
	if n == 0 || n > 1 && j.src[start] == '0' {
		return false
	}
	if j.i < len(j.src) && j.src[j.i] == '.' {
		if j.i++; j.skipDigits() == 0 {
			return false
		}
	}
	if j.i < len(j.src) && (j.src[j.i] == 'e' || j.src[j.i] == 'E') {
		if j.i++; j.i < len(j.src) && (j.src[j.i] == '-' || j.src[j.i] == '+') {
			j.i++
		}
		return j.skipDigits() > 0
	}
	return true
}

func (j *jsonText) skipDigits() int {
	start := j.i
	for j.i < len(j.src) && isDigit(j.src[j.i]) {
		j.i++
	}
	return j.i - start
}

// take reads over a value and returns its text.
func (j *jsonText) take() []byte {
	j.space()
	start := j.i
	j.skip(0)
	return j.src[start:j.i]
}

// more goes to the next item or key of what ends with the given byte; at the end
// it reads that and returns false.
func (j *jsonText) more(end byte) bool {
	if j.accept(end) {
		return false
	}
	j.accept(',')
	j.space()
	return j.i < len(j.src) // else, not valid: never for ever
}

// key reads a key and its colon, and returns the key as it is written.
func (j *jsonText) key() []byte {
	key := j.take()
	j.accept(':')
	return key
}

// jsonEscape decodes what follows a backslash, a half of a surrogate pair as it
// is, and says how many bytes that is; 0 if it is nothing.
func jsonEscape(s []byte) (rune, int) {
	if len(s) == 0 {
		return 0, 0
	}
	if i := bytes.IndexByte([]byte(`btnfr"\/`), s[0]); i >= 0 {
		return rune("\b\t\n\f\r\"\\/"[i]), 1
	}
	if s[0] != 'u' || len(s) < 5 {
		return 0, 0
	}
	v, err := strconv.ParseUint(string(s[1:5]), 16, 32)
	if err != nil {
		return 0, 0
	}
	return rune(v), 5
}

// unquote returns the content of a valid string. Half a surrogate pair becomes
// the three bytes that UTF-8 would have for it, lest it look like another.
func unquote(q []byte) string {
	if len(q) < 2 {
		return ""
	}
	q = q[1 : len(q)-1]
	if bytes.IndexByte(q, '\\') < 0 {
		return string(q)
	}
	out := make([]byte, 0, len(q))
	for i := 0; i < len(q); i++ {
		if q[i] != '\\' {
			out = append(out, q[i])
			continue
		}
		r, n := jsonEscape(q[i+1:])
		i += n
		if utf16.IsSurrogate(r) {
			if i+1 < len(q) && q[i+1] == '\\' {
				low, m := jsonEscape(q[i+2:])
				if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
					out = utf8.AppendRune(out, both)
					i += m + 1
					continue
				}
			}
			out = append(out, byte(0xe0|r>>12), byte(0x80|r>>6&0x3f), byte(0x80|r&0x3f))
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}
