package term

import (
	"bytes"
	"io"
	"time"
)

// maxLine bounds how much of an unfinished line is held back.
const maxLine = 64 << 10

// Prefixer writes the output of a program line by line, each line after a
// prefix. Of a line that the program overwrites with carriage returns, as
// progress bars do, the newest state is written at most every five seconds.
type Prefixer struct {
	t      *Terminal
	w      io.Writer
	prefix string
	buf    []byte
	last   time.Time
	now    func() time.Time
}

// Prefixed returns a Prefixer to w, which must be t.Out or t.Err. The caller
// must call [Prefixer.Flush] when the program has ended. It is for one writer
// at a time.
func (t *Terminal) Prefixed(w io.Writer, prefix string) *Prefixer {
	return &Prefixer{t: t, w: w, prefix: prefix, now: time.Now, last: time.Now()}
}

// Write implements [io.Writer]. Errors of the screen are not the program's, so
// there is never one.
func (p *Prefixer) Write(b []byte) (int, error) {
	p.buf = append(p.buf, b...)
	var lines bytes.Buffer
	for {
		i := bytes.IndexByte(p.buf, '\n')
		if i < 0 {
			break
		}
		p.line(&lines, p.buf[:i])
		p.buf = p.buf[i+1:]
	}
	p.partial(&lines)
	if lines.Len() > 0 {
		p.last = p.now()
		p.t.write(p.w, lines.Bytes())
	}
	return len(b), nil
}

// partial deals with what has no line end yet.
func (p *Prefixer) partial(lines *bytes.Buffer) {
	i := bytes.LastIndexByte(p.buf, '\r')
	switch {
	case len(p.buf) > maxLine:
		p.line(lines, p.buf)
		p.buf = p.buf[:0]
	case i >= 0 && p.now().Sub(p.last) >= 5*time.Second:
		p.line(lines, p.buf[:i])
		p.buf = p.buf[i+1:]
	case i >= 0:
		// Keep the last complete state and what follows it.
		start := bytes.LastIndexByte(p.buf[:i], '\r') + 1
		p.buf = append(p.buf[:0], p.buf[start:]...)
	}
}

// line adds one line: what stands on the screen after its carriage returns.
func (p *Prefixer) line(lines *bytes.Buffer, line []byte) {
	line = bytes.TrimRight(line, "\r")
	if i := bytes.LastIndexByte(line, '\r'); i >= 0 {
		line = line[i+1:]
	}
	lines.WriteString(p.prefix)
	lines.Write(line)
	lines.WriteByte('\n')
}

// Flush writes a last line that has no end.
func (p *Prefixer) Flush() {
	if len(p.buf) == 0 {
		return
	}
	var lines bytes.Buffer
	p.line(&lines, p.buf)
	p.buf = nil
	p.t.write(p.w, lines.Bytes())
}

func (t *Terminal) write(w io.Writer, b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	_, _ = w.Write(b)
	t.draw()
}
