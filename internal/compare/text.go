package compare

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"unicode/utf8"
)

// isText says whether both files are UTF-8 without NUL.
func (p *pair) isText() (bool, error) {
	for _, in := range []*input{p.want, p.got} {
		if ok, err := isText(in.reader(), in.Size()); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func isText(r io.Reader, size int64) (bool, error) {
	buf, kept := make([]byte, bufferSize(size)), 0
	for {
		n, err := readBlock(r, buf[kept:])
		if err != nil {
			return false, err
		}
		last := n < len(buf)-kept
		text := buf[:kept+n]
		end := len(text)
		if !last {
			end = runeStart(text, end-1) // it may go on in the next block
		}
		if bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text[:end]) {
			return false, nil
		}
		if last {
			return true, nil
		}
		kept = copy(buf, text[end:])
	}
}

// textDiff describes the first line that differs.
func (p *pair) textDiff() (Result, error) {
	at, err := p.placeInText()
	if err != nil {
		return Result{}, err
	}
	if p.diff.want < 0 || p.diff.got < 0 {
		if res, err := p.textEnd(at); err != nil || res.Where != "" {
			return res, err
		}
	}
	res := Result{Verdict: Differs, Where: fmt.Sprintf("line %d", at.line), Largest: math.NaN()}
	from := at.start
	if at.offset-at.start > shownBefore+shownBefore/2 {
		from = at.offset - shownBefore
		res.Where += fmt.Sprintf(", column %d", at.column)
	}
	if res.Want, err = p.want.line(from, at.start); err != nil {
		return Result{}, err
	}
	res.Got, err = p.got.line(from, at.start)
	return res, err
}

// textEnd describes what only one of the files goes on with, if it is more than
// the rest of a line.
func (p *pair) textEnd(at textPlace) (Result, error) {
	longer, next, state := p.want, p.diff.want, "missing"
	if next < 0 {
		longer, next, state = p.got, p.diff.got, "new"
	}
	line, start := at.line, at.offset
	switch {
	case at.offset == at.start && at.offset > 0:
	case next == '\n' && at.offset+1 < longer.Size():
		line, start = line+1, start+1
	case next == '\n' && at.offset > 0:
		where := fmt.Sprintf("line %d: the newline at its end is %s", line, state)
		return Result{Verdict: Differs, Where: where, Largest: math.NaN()}, nil
	default:
		return Result{}, nil
	}
	text, err := longer.line(start, start)
	if err != nil {
		return Result{}, err
	}
	res := Result{Verdict: Differs, Where: fmt.Sprintf("line %d is %s", line, state), Want: text, Largest: math.NaN()}
	if longer == p.got {
		res.Want, res.Got = "", text
	}
	return res, nil
}

// textPlace is where a character stands.
type textPlace struct {
	offset, start int64 // in bytes, of the character and of its line
	line, column  int64 // from 1, the column in characters
}

// placeInText returns where the files differ; what is before that is the same in
// both.
func (p *pair) placeInText() (textPlace, error) {
	at := textPlace{line: 1, column: 1}
	buf := make([]byte, block)
	for at.offset < p.diff.at {
		b := buf[:min(block, p.diff.at-at.offset)]
		if _, err := p.want.ReadAt(b, at.offset); err != nil {
			return at, err
		}
		at.line += int64(bytes.Count(b, []byte{'\n'}))
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			at.start, at.column = at.offset+int64(i)+1, 1
			b = b[i+1:]
			at.offset = at.start
		}
		for _, c := range b {
			if utf8.RuneStart(c) {
				at.column++
			}
		}
		at.offset += int64(len(b))
	}
	return at.back(p.want)
}

// back moves the place to the start of a character that differs in a later byte.
func (at textPlace) back(in *input) (textPlace, error) {
	n := min(utf8.UTFMax-1, at.offset-at.start)
	b := make([]byte, n+1)
	if _, err := in.ReadAt(b[:n], at.offset-n); err != nil {
		return at, err
	}
	for i := n - 1; i >= 0; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:n]) {
				at.offset -= n - i
				at.column--
			}
			break
		}
	}
	return at, nil
}

// line quotes the rest of a line from an offset on, as far as is shown.
func (in *input) line(from, start int64) (string, error) {
	buf := make([]byte, shownAll+2*utf8.UTFMax)
	n, err := in.ReadAt(buf, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	b := buf[:n]
	for from > start && len(b) > 0 && !utf8.RuneStart(b[0]) {
		b = b[1:]
	}
	cut := from+int64(n) < in.Size()
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b, cut = b[:i], false
	}
	if len(b) > shownAll {
		b, cut = b[:runeStart(b, shownAll)], true
	}
	return excerpt(string(b), from > start, cut), nil
}
