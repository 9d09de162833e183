package compare

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

func compareCSV(t *tally, p *pair) error {
	comma, err := separator(p)
	if err != nil {
		return err
	}
	return compareRows(t, p, comma)
}

func compareTSV(t *tally, p *pair) error { return compareRows(t, p, '\t') }

// separator returns what stands between fields: a comma, unless the first lines
// have none of these but a semicolon or a tab.
func separator(p *pair) (byte, error) {
	var first []byte
	for _, in := range []*input{p.want, p.got} {
		line := make([]byte, 4096)
		n, err := in.ReadAt(line, 0)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		line, _, _ = bytes.Cut(line[:n], []byte{'\n'})
		first = append(first, line...)
	}
	for _, c := range []byte(",;\t") {
		if bytes.IndexByte(first, c) >= 0 {
			return c, nil
		}
	}
	return ',', nil
}

// table compares rows, and knows how the columns are called.
type table struct {
	t      *tally
	header []string // of the recorded file; nil if there is none
	row    int      // of data, from 1; 0 is the header
}

func compareRows(t *tally, p *pair, comma byte) error {
	want, got := newRows(p.want, comma), newRows(p.got, comma)
	tab := &table{t: t}
	for first := true; ; first = false {
		a, err := want.next()
		if err != nil {
			return err
		}
		b, err := got.next()
		if err != nil {
			return err
		}
		if !a && !b {
			return nil
		}
		if first && a {
			tab.header = header(want)
		}
		if !first || tab.header == nil {
			tab.row++
		}
		switch {
		case a && b:
			tab.compare(want, got)
		case a && t.first():
			t.say(tab.place()+" is missing", want.show(), "")
		case b && t.first():
			t.say(tab.place()+" is new", "", got.show())
		}
	}
}

// header returns the names of the columns if that is what the row looks like:
// some text, none of it numbers.
func header(r *rows) []string {
	var names []string
	text := false
	for i := range min(len(r.ends), maxNames) {
		name := strings.TrimSpace(string(r.field(i)))
		if _, number := parseNumber(name); number {
			return nil
		}
		text = text || name != ""
		names = append(names, name)
	}
	if !text {
		return nil
	}
	return names
}

func (tab *table) place() string {
	if tab.row == 0 {
		return "the header"
	}
	return fmt.Sprintf("row %d", tab.row)
}

// cell names the place of a field.
func (tab *table) cell(column int) string {
	if tab.row > 0 && column < len(tab.header) && tab.header[column] != "" {
		return tab.place() + ", column " + showName(tab.header[column], ",")
	}
	return fmt.Sprintf("%s, column %d", tab.place(), column+1)
}

func (tab *table) compare(want, got *rows) {
	t := tab.t
	n := min(len(want.ends), len(got.ends))
	for i := range n {
		a, b := want.field(i), got.field(i)
		if bytes.Equal(a, b) {
			continue
		}
		x, number := parseNumber(string(bytes.TrimSpace(a)))
		y, also := parseNumber(string(bytes.TrimSpace(b)))
		if number && also && t.nearNumbers(x, y) || !t.first() {
			continue
		}
		if number && also {
			t.say(tab.cell(i), showPlain(x.text), showPlain(y.text))
		} else {
			s, u := showTexts(string(a), string(b))
			t.say(tab.cell(i), s, u)
		}
	}
	if len(want.ends) == len(got.ends) {
		return
	}
	if t.first() {
		t.say(fmt.Sprintf("%s has %s instead of %d", tab.place(), plural(len(got.ends), "field"), len(want.ends)), want.show(), got.show())
	}
	t.count += int64(max(len(want.ends), len(got.ends)) - n - 1)
}

// Bounds of a row in bytes, and of the columns whose names are kept.
const (
	maxRow   = 16 << 20
	maxNames = 1 << 16
)

// rows reads a file row by row. Fields may be quoted; what stands after a quoted
// part belongs to the field, too.
type rows struct {
	r     *bufio.Reader
	comma byte
	buf   []byte // the fields of the row, one after the other
	ends  []int  // where they end in buf
	plain int    // what is before that in buf has been quoted
	began bool
}

func newRows(in *input, comma byte) *rows {
	return &rows{r: bufio.NewReaderSize(in.reader(), bufferSize(in.Size())), comma: comma}
}

// field returns a field of the row, until the next row.
func (r *rows) field(i int) []byte {
	if i == 0 {
		return r.buf[:r.ends[0]]
	}
	return r.buf[r.ends[i-1]:r.ends[i]]
}

// show shows the whole row.
func (r *rows) show() string {
	var b strings.Builder
	for i := range r.ends {
		if i > 0 {
			b.WriteByte(r.comma)
		}
		if b.Write(r.field(i)); b.Len() > 4*shownAll {
			break
		}
	}
	return showText(b.String(), 0)
}

// next reads a row; false after the last.
func (r *rows) next() (bool, error) {
	r.buf, r.ends, r.plain = r.buf[:0], r.ends[:0], 0
	if !r.began {
		r.began = true
		if mark, _ := r.r.Peek(3); string(mark) == "\ufeff" {
			_, _ = r.r.Discard(3) // they have been read
		}
	}
	for n := 0; ; n++ {
		c, err := r.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			if n > 0 {
				r.endField(0)
			}
			return n > 0, nil
		case err != nil:
			return false, err
		case c == 0 || len(r.buf)+len(r.ends) > maxRow:
			return false, errFormat
		case c == '\n':
			r.endField('\n')
			return true, nil
		case c == r.comma:
			r.endField(c)
		case c == '"' && len(r.buf) == r.start():
			if err := r.quoted(); err != nil {
				return false, err
			}
		default:
			r.buf = append(r.buf, c)
		}
	}
}

// start is where the field that is being read starts in buf.
func (r *rows) start() int {
	if len(r.ends) == 0 {
		return 0
	}
	return r.ends[len(r.ends)-1]
}

// endField ends a field; one that ends the line may have a carriage return.
func (r *rows) endField(by byte) {
	if n := len(r.buf); by == '\n' && n > max(r.start(), r.plain) && r.buf[n-1] == '\r' {
		r.buf = r.buf[:n-1]
	}
	r.ends = append(r.ends, len(r.buf))
}

// quoted reads to the quote that ends the field.
func (r *rows) quoted() error {
	for {
		part, err := r.r.ReadSlice('"')
		r.buf = append(r.buf, part...)
		if len(r.buf) > maxRow || bytes.IndexByte(part, 0) >= 0 {
			return errFormat
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return errFormat // it never ends
		case err != nil:
			return err
		}
		next, _ := r.r.Peek(1)
		if len(next) == 0 || next[0] != '"' {
			r.buf = r.buf[:len(r.buf)-1]
			r.plain = len(r.buf)
			return nil
		}
		_, _ = r.r.Discard(1) // two are one
	}
}
