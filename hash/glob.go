package hash

import "strings"

// glob is a pattern for one name, as gitignore has them: ? and * and [a-z],
// over bytes. Matching takes at most len(glob) x len(name) steps, whatever the
// pattern, because patterns come from strangers too.
type glob []globToken

type globToken struct {
	op  globOp
	set byteSet // for globOne
}

type globOp uint8

const (
	globOne   globOp = iota // one byte out of set
	globStar                // any bytes
	globNever               // a mistake in the pattern, which matches nothing
)

// byteSet is a set of byte values.
type byteSet [4]uint64

func (s *byteSet) add(c byte)      { s[c>>6] |= 1 << (c & 63) }
func (s *byteSet) has(c byte) bool { return s[c>>6]&(1<<(c&63)) != 0 }

func (s *byteSet) addRange(from, to byte) {
	for c := int(from); c <= int(to); c++ {
		s.add(byte(c))
	}
}

func (s *byteSet) invert() {
	for i := range s {
		s[i] = ^s[i]
	}
}

func single(c byte) (s byteSet) {
	s.add(c)
	return s
}

// match reports whether the whole of name matches. After a mismatch it needs
// to go back to the last star only: what an earlier one could take, the last
// one can take as well.
func (g glob) match(name string) bool {
	star, resume := -1, 0
	i, j := 0, 0
	for j < len(name) {
		switch {
		case i < len(g) && g[i].op == globStar:
			star, resume = i, j
			i++
		case i < len(g) && g[i].op == globOne && g[i].set.has(name[j]):
			i++
			j++
		case star >= 0:
			resume++
			i, j = star+1, resume
		default:
			return false
		}
	}
	for i < len(g) && g[i].op == globStar {
		i++
	}
	return i == len(g)
}

// isStars reports whether g is two or more stars: "**" when it stands alone
// between slashes.
func (g glob) isStars() bool {
	for _, t := range g {
		if t.op != globStar {
			return false
		}
	}
	return len(g) >= 2
}

// parseGlobs splits a pattern at its slashes. A slash in brackets does not
// split, and matches nothing.
func parseGlobs(p string) []glob {
	globs := []glob{nil}
	for p != "" {
		if p[0] == '/' || strings.HasPrefix(p, `\/`) {
			globs = append(globs, nil)
			p = strings.TrimPrefix(p, `\`)[1:]
			continue
		}
		var t globToken
		t, p = cutToken(p)
		globs[len(globs)-1] = append(globs[len(globs)-1], t)
	}
	return globs
}

// cutToken reads the token that p, which is not empty, starts with.
func cutToken(p string) (t globToken, rest string) {
	switch c := p[0]; c {
	case '*':
		return globToken{op: globStar}, p[1:]
	case '?':
		t.set.invert()
		return t, p[1:]
	case '[':
		return cutBrackets(p[1:])
	case '\\':
		if len(p) == 1 {
			return globToken{op: globNever}, ""
		}
		return globToken{set: single(p[1])}, p[2:]
	default:
		return globToken{set: single(c)}, p[1:]
	}
}

// cutBrackets reads a set of bytes after its opening bracket.
func cutBrackets(p string) (t globToken, rest string) {
	never := globToken{op: globNever}
	negated := p != "" && (p[0] == '!' || p[0] == '^')
	if negated {
		p = p[1:]
	}
	for first := true; first || p == "" || p[0] != ']'; first = false {
		if p == "" {
			return never, ""
		}
		if strings.HasPrefix(p, "[:") {
			if name, after, ok := cutClass(p); ok {
				class, known := byteClasses[name]
				if !known {
					return never, ""
				}
				t.set.addClass(class)
				p = after
				continue
			}
		}
		from, to, after, ok := cutRange(p)
		if !ok {
			return never, ""
		}
		t.set.add(from) // to git, even a range upside down holds its first byte
		t.set.addRange(from, to)
		p = after
	}
	if negated {
		t.set.invert()
	}
	return t, p[1:]
}

// cutClass reads the name in [:name:].
func cutClass(p string) (name, rest string, ok bool) {
	name, rest, _ = strings.Cut(p[2:], "]")
	name, ok = strings.CutSuffix(name, ":")
	return name, rest, ok
}

// cutRange reads a-z or a, which is a-a.
func cutRange(p string) (from, to byte, rest string, ok bool) {
	from, p, ok = cutByte(p)
	if !ok || len(p) < 2 || p[0] != '-' || p[1] == ']' {
		return from, from, p, ok
	}
	to, p, ok = cutByte(p[1:])
	return from, to, p, ok
}

// cutByte reads one byte, or the one after a backslash.
func cutByte(p string) (c byte, rest string, ok bool) {
	if p[0] == '\\' {
		p = p[1:]
	}
	if p == "" {
		return 0, "", false
	}
	return p[0], p[1:], true
}

// byteClasses are the names that may stand in brackets as [:name:].
var byteClasses = map[string]func(byte) bool{
	"alnum":  func(c byte) bool { return isAlpha(c) || isDigit(c) },
	"alpha":  isAlpha,
	"blank":  func(c byte) bool { return c == ' ' || c == '\t' },
	"cntrl":  func(c byte) bool { return c < ' ' || c == 0x7f },
	"digit":  isDigit,
	"graph":  isGraph,
	"lower":  func(c byte) bool { return 'a' <= c && c <= 'z' },
	"print":  func(c byte) bool { return c == ' ' || isGraph(c) },
	"punct":  func(c byte) bool { return isGraph(c) && !isAlpha(c) && !isDigit(c) },
	"space":  func(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' },
	"upper":  func(c byte) bool { return 'A' <= c && c <= 'Z' },
	"xdigit": func(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' },
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isGraph(c byte) bool { return ' ' < c && c < 0x7f }

func (s *byteSet) addClass(in func(byte) bool) {
	for c := range 256 {
		if in(byte(c)) {
			s.add(byte(c))
		}
	}
}
