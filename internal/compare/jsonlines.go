package compare

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds a line of JSON, in bytes.
const maxLine = 64 << 20

// compareLines compares files of one JSON value a line. Lines that are the same
// are not looked into.
func compareLines(t *tally, p *pair) error {
	want, got := newLines(p.want), newLines(p.got)
	for n := 1; ; n++ {
		a, err := want.next()
		if err != nil {
			return err
		}
		b, err := got.next()
		if err != nil {
			return err
		}
		t.prefix = ""
		switch {
		case a == nil && b == nil:
			return nil
		case b == nil:
			if t.first() {
				t.say(fmt.Sprintf("line %d is missing", n), showPlain(string(a)), "")
			}
		case a == nil:
			if t.first() {
				t.say(fmt.Sprintf("line %d is new", n), "", showPlain(string(b)))
			}
		case !sameLine(a, b):
			t.prefix = fmt.Sprintf("line %d, ", n)
			if err := compareJSONText(t, a, b); err != nil {
				return err
			}
		}
	}
}

// sameLine says whether two lines are the same but for white space at their ends.
func sameLine(a, b []byte) bool {
	return bytes.Equal(a, b) || bytes.Equal(bytes.TrimSpace(a), bytes.TrimSpace(b))
}

// lines reads a file line by line.
type lines struct {
	r   *bufio.Reader
	buf []byte
}

func newLines(in *input) *lines {
	return &lines{r: bufio.NewReaderSize(in.reader(), bufferSize(in.Size()))}
}

// next returns a line without its newline, until the next call; nil after the last.
func (l *lines) next() ([]byte, error) {
	l.buf = l.buf[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		if len(l.buf)+len(part) > maxLine {
			return nil, errFormat
		}
		if err == nil && len(l.buf) == 0 {
			return part[:len(part)-1], nil
		}
		l.buf = append(l.buf, part...)
		switch {
		case err == nil:
			return l.buf[:len(l.buf)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
		case !errors.Is(err, io.EOF):
			return nil, err
		case len(l.buf) == 0:
			return nil, nil
		default:
			return l.buf, nil
		}
	}
}
