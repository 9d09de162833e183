package mlflow

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/xtrepro/xt/track"
)

// encoder writes JSON. It writes commas by itself: a value follows another if
// the text does not end in something that opens one.
type encoder struct{ b []byte }

func (e *encoder) comma() {
	if n := len(e.b); n > 0 && e.b[n-1] != '{' && e.b[n-1] != '[' && e.b[n-1] != ':' {
		e.b = append(e.b, ',')
	}
}

func (e *encoder) open()  { e.comma(); e.b = append(e.b, '{') }
func (e *encoder) close() { e.b = append(e.b, '}') }

// name starts a field of an object.
func (e *encoder) name(name string) {
	e.comma()
	e.b = append(e.b, '"')
	e.b = append(e.b, name...)
	e.b = append(e.b, '"', ':')
}

func (e *encoder) str(name, text string) { e.name(name); e.text(text) }

// set writes a text that is not empty.
func (e *encoder) set(name, text string) {
	if text != "" {
		e.str(name, text)
	}
}

func (e *encoder) int(name string, n int64) {
	e.name(name)
	e.b = strconv.AppendInt(e.b, n, 10)
}

// setInt writes a number that is not 0.
func (e *encoder) setInt(name string, n int64) {
	if n != 0 {
		e.int(name, n)
	}
}

func (e *encoder) bool(name string, v bool) {
	e.name(name)
	e.b = strconv.AppendBool(e.b, v)
}

// raw writes a value that is JSON already.
func (e *encoder) raw(name, json string) { e.name(name); e.b = append(e.b, json...) }

// float writes a number as MLflow does, which has NaN between quotes, and the
// greatest number that there is for the infinite.
func (e *encoder) float(name string, f float64) {
	e.name(name)
	if math.IsNaN(f) {
		e.b = append(e.b, `"NaN"`...)
		return
	}
	e.number(max(-math.MaxFloat64, min(math.MaxFloat64, f)))
}

// number appends a number that looks like one of Python's floats.
func (e *encoder) number(f float64) {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		e.b = strconv.AppendFloat(e.b, f, 'f', 1, 64)
		return
	}
	e.b = strconv.AppendFloat(e.b, f, 'g', -1, 64)
}

// text appends a text in quotes.
func (e *encoder) text(s string) {
	e.b = append(e.b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if r, n := utf8.DecodeRuneInString(s[i:]); c >= utf8.RuneSelf && (r != utf8.RuneError || n > 1) {
			i += n
			continue
		}
		e.b = append(e.b, s[start:i]...)
		e.escape(c)
		i++
		start = i
	}
	e.b = append(e.b, s[start:]...)
	e.b = append(e.b, '"')
}

// escape appends a byte that can't stand for itself.
func (e *encoder) escape(c byte) {
	const hex = "0123456789abcdef"
	switch {
	case c == '"' || c == '\\':
		e.b = append(e.b, '\\', c)
	case c >= utf8.RuneSelf:
		e.b = append(e.b, `\ufffd`...)
	default:
		e.b = append(e.b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
}

// list writes what f writes of each item; nothing if there is none.
func list[T any](e *encoder, name string, items []T, f func(*encoder, *T)) {
	if len(items) == 0 {
		return
	}
	e.name(name)
	e.b = append(e.b, '[')
	for i := range items {
		f(e, &items[i])
	}
	e.b = append(e.b, ']')
}

func (e *encoder) tags(name string, tags []track.Tag) {
	list(e, name, tags, func(e *encoder, t *track.Tag) { e.pair(t.Key, t.Value) })
}

func (e *encoder) params(params []track.Param) {
	list(e, "params", params, func(e *encoder, p *track.Param) { e.pair(p.Key, p.Value) })
}

func (e *encoder) pair(key, value string) {
	e.open()
	e.str("key", key)
	e.str("value", value)
	e.close()
}

// dict writes tags as an object.
func (e *encoder) dict(name string, tags []track.Tag) {
	if len(tags) == 0 {
		return
	}
	e.name(name)
	e.tagObject(tags)
}

// tagObject writes tags as an object, be it empty.
func (e *encoder) tagObject(tags []track.Tag) {
	e.b = append(e.b, '{')
	for _, t := range tags {
		e.comma()
		e.text(t.Key)
		e.b = append(e.b, ':')
		e.text(t.Value)
	}
	e.b = append(e.b, '}')
}

func (e *encoder) texts(name string, texts []string) {
	list(e, name, texts, func(e *encoder, t *string) { e.comma(); e.text(*t) })
}
