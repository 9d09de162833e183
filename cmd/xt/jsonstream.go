package main

import (
	"bufio"
	"bytes"
	"io"
	"strings"
)

// jsonStream writes JSON piece by piece, for what is too much to be held at once. It
// looks as [encodeJSON] makes it.
type jsonStream struct {
	w     *bufio.Writer
	depth int
	some  bool // whether there is something before, in what is open
	after bool // whether a name was written, of which the value is to come
	err   error
}

func newJSONStream(w io.Writer) *jsonStream { return &jsonStream{w: bufio.NewWriterSize(w, 64<<10)} }

// begin writes what stands between a value and what is before it.
func (s *jsonStream) begin() {
	switch {
	case s.after:
		s.after = false
		return
	case s.some:
		s.text(",")
	}
	if s.depth > 0 {
		s.text("\n" + s.indent())
	}
}

func (s *jsonStream) indent() string { return strings.Repeat("  ", s.depth) }

// text writes something as it is. The first error is kept: nothing else is written then.
func (s *jsonStream) text(text string) {
	if s.err == nil {
		_, s.err = s.w.WriteString(text)
	}
}

// open begins an object or a list.
func (s *jsonStream) open(bracket string) {
	s.begin()
	s.text(bracket)
	s.depth, s.some = s.depth+1, false
}

// end ends what was begun last.
func (s *jsonStream) end(bracket string) {
	s.depth--
	if s.some {
		s.text("\n" + s.indent())
	}
	s.text(bracket)
	s.some = true
}

// field writes the name of the value that comes next.
func (s *jsonStream) field(name string) {
	s.value(name)
	s.text(": ")
	s.after = true
}

// value writes a value.
func (s *jsonStream) value(v any) {
	s.begin()
	s.some = true
	var b bytes.Buffer
	if err := jsonEncoder(&b, s.indent()).Encode(v); err != nil && s.err == nil {
		s.err = err
	}
	s.text(strings.TrimSuffix(b.String(), "\n"))
}

// flush writes the rest, and returns the first error.
func (s *jsonStream) flush() error {
	s.text("\n")
	if s.err != nil {
		return s.err
	}
	return s.w.Flush()
}
