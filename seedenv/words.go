package seedenv

import "strings"

// word is one word of a shell command.
type word struct {
	text  string // without quotes
	first bool   // stands where a command's name stands
}

// splitWords cuts a shell script into words, well enough to find the names of
// commands and files in it: quotes are removed, operators end a word, and what
// a variable or a substitution stands for is not looked into, except that a
// command inside $(…) or backquotes is seen as one. It never fails.
func splitWords(script string) []word {
	s := splitter{first: true}
	for i := 0; i < len(script); i++ {
		i += s.step(script, i)
	}
	s.end()
	return s.words
}

type splitter struct {
	words []word
	text  strings.Builder
	quote byte // the open quote, or 0
	open  bool // a word was begun, perhaps an empty one
	first bool // the next word is a command's name
}

// step takes the byte at i, and returns how many more it took.
func (s *splitter) step(script string, i int) int {
	c := script[i]
	switch {
	case s.quote == '\'' && c != '\'', s.quote == '"' && !strings.ContainsRune("\"\\`$", rune(c)):
		s.add(c)
	case c == '\\' && i+1 < len(script):
		if script[i+1] != '\n' {
			s.add(script[i+1])
		}
		return 1
	case c == '\'' && s.quote != '"', c == '"':
		s.toggle(c)
	case strings.HasPrefix(script[i:], "$("):
		s.breakAt()
		return 1
	case c == '`':
		s.breakAt()
	case s.quote == 0 && c == '#' && !s.open:
		return skipComment(script[i:])
	case s.quote == 0 && strings.IndexByte(";|&()\n{}", c) >= 0 && !(c == '{' && s.open):
		s.operator(c, script[:i])
	case s.quote == 0 && strings.IndexByte(" \t\r<>", c) >= 0:
		s.end()
	default:
		s.add(c)
	}
	return 0
}

func (s *splitter) add(c byte) {
	s.text.WriteByte(c)
	s.open = true
}

func (s *splitter) toggle(c byte) {
	s.open = true
	if s.quote == c {
		s.quote = 0
	} else {
		s.quote = c
	}
}

// operator ends a simple command. The brace that ends ${name} ends nothing.
func (s *splitter) operator(c byte, before string) {
	if c == '}' && strings.LastIndex(before, "${") > strings.LastIndexAny(before, " \t\n;}") {
		s.add(c)
		return
	}
	s.breakAt()
}

// breakAt ends the word; the next one is a command's name.
func (s *splitter) breakAt() {
	s.end()
	s.first = true
}

func (s *splitter) end() {
	if s.open {
		text := s.text.String()
		s.words = append(s.words, word{text, s.first})
		// An assignment or a keyword before a command leaves its name to come.
		s.first = s.first && (isAssignment(text) || keywords[text])
	}
	s.text.Reset()
	s.open = false
}

// keywords of the shell after which a command's name follows.
var keywords = map[string]bool{
	"if": true, "then": true, "else": true, "elif": true, "while": true,
	"until": true, "do": true, "!": true, "time": true, "exec": true,
}

// isAssignment reports whether w is NAME=value.
func isAssignment(w string) bool {
	name, _, ok := strings.Cut(w, "=")
	if !ok || name == "" || '0' <= name[0] && name[0] <= '9' {
		return false
	}
	for _, c := range []byte(name) {
		if c != '_' && !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
			return false
		}
	}
	return true
}

// skipComment returns how far it is to the byte before the end of the line.
func skipComment(s string) int {
	if n := strings.IndexByte(s, '\n'); n >= 0 {
		return n - 1
	}
	return len(s) - 1
}
