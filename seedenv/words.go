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
	words  []word
	text   strings.Builder
	quote  byte   // the open quote, or 0
	outer  []byte // the quotes that were open where each open $( began
	ticked bool   // inside backquotes
	open   bool   // a word was begun, perhaps an empty one
	first  bool   // the next word is a command's name
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
		s.enter()
		return 1
	case c == ')' && len(s.outer) > 0:
		s.leave()
	case c == '`':
		s.ticked = !s.ticked
		s.breakAt(s.ticked)
	case c == '#' && !s.open:
		return skipComment(script[i:])
	case strings.HasPrefix(script[i:], "${"):
		s.add(c)
		s.add('{')
		return 1
	case strings.IndexByte(";|&()\n{}", c) >= 0 && !(s.open && (c == '{' || c == '}')):
		s.breakAt(true)
	case strings.IndexByte(" \t\r<>", c) >= 0:
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

// enter begins a command inside $(…), where the quotes around it do not count.
func (s *splitter) enter() {
	s.outer = append(s.outer, s.quote)
	s.quote = 0
	s.breakAt(true)
}

func (s *splitter) leave() {
	s.breakAt(false)
	s.quote = s.outer[len(s.outer)-1]
	s.outer = s.outer[:len(s.outer)-1]
}

// breakAt ends the word, and says whether the next one is a command's name.
func (s *splitter) breakAt(first bool) {
	s.end()
	s.first = first
}

func (s *splitter) end() {
	if text := s.text.String(); text != "" {
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
