package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xtrepro/xt/internal/tomldoc"
)

const (
	maxParamsSize  = 4 << 20 // bytes of a params file
	maxParamsDepth = 64      // of tables and lists within each other
	maxParamsNodes = 500_000 // values, those that aliases repeat counted each time
)

// paramsError is a mistake in a params file.
type paramsError struct {
	line, col int // from 1; 0 if not known
	msg, hint string
}

func (e *paramsError) Error() string { return fmt.Sprintf("%d:%d: %s", e.line, e.col, e.msg) }

// decodeParams reads a params file by its ending. The error is a
// [*paramsError].
func decodeParams(name string, b []byte) (map[string]any, error) {
	if len(b) > maxParamsSize {
		return nil, &paramsError{msg: fmt.Sprintf("the file is larger than %d MiB", maxParamsSize>>20), hint: "data belongs in deps"}
	}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if strings.ToLower(path.Ext(name)) != ".toml" {
		if i := invalidUTF8(b); i >= 0 {
			return nil, errorAt(b, i, fmt.Sprintf("byte 0x%02x is not UTF-8", b[i]), "save the file as UTF-8")
		}
	}
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return nil, errorAt(b, i, "the file holds a NUL byte", "params files are texts in UTF-8")
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".toml":
		return decodeTOML(b)
	case ".json":
		return decodeJSON(b)
	case ".yaml", ".yml":
		return decodeYAML(b)
	}
	return nil, &paramsError{msg: "this is no params file", hint: "params files end in .yaml, .yml, .json or .toml"}
}

// within moves a position that a parser puts behind the end of a line, or of the
// file, to that end.
func (e *paramsError) within(b []byte) *paramsError {
	lines := strings.Split(string(b), "\n")
	e.line = max(1, min(e.line, len(lines)))
	e.col = max(1, min(e.col, utf8.RuneCountInString(lines[e.line-1])+1))
	return e
}

func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// errorAt makes an error at a byte offset.
func errorAt(b []byte, offset int, msg, hint string) *paramsError {
	before := b[:max(0, min(offset, len(b)))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return &paramsError{
		line: bytes.Count(before, []byte{'\n'}) + 1,
		col:  utf8.RuneCount(before[start:]) + 1,
		msg:  msg, hint: hint,
	}
}

func decodeTOML(b []byte) (map[string]any, error) {
	doc, err := tomldoc.Parse(b)
	var se *tomldoc.SyntaxError
	if errors.As(err, &se) {
		return nil, &paramsError{se.Line, se.Col, se.Msg, se.Hint}
	}
	return doc.Root.Plain().(map[string]any), nil
}

// jsonReader builds values of JSON, and unlike the standard decoder refuses a
// key that is given twice and keeps integers apart from floats.
type jsonReader struct {
	text []byte
	dec  *json.Decoder
}

func decodeJSON(b []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return map[string]any{}, nil
	}
	r := &jsonReader{text: b, dec: json.NewDecoder(bytes.NewReader(b))}
	r.dec.UseNumber()
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errorAt(b, 0, "a params file must be an object", `such as {"lr": 0.1}`)
	}
	if _, err := r.dec.Token(); err != io.EOF {
		return nil, r.fail("there is something after the end of the object", "")
	}
	return m, nil
}

func (r *jsonReader) fail(msg, hint string) error {
	return errorAt(r.text, int(r.dec.InputOffset()), msg, hint)
}

func (r *jsonReader) token() (json.Token, error) {
	t, err := r.dec.Token()
	var se *json.SyntaxError
	switch {
	case errors.As(err, &se):
		return nil, r.syntax(se)
	case err != nil:
		return nil, r.fail("the file ends in the middle", "")
	}
	return t, nil
}

// syntax finds the character that the decoder complains about: its offset may
// be that of a token before.
func (r *jsonReader) syntax(se *json.SyntaxError) error {
	at := max(0, min(int(se.Offset)-1, len(r.text)))
	if _, quoted, ok := strings.Cut(se.Error(), "character '"); ok && quoted != "" {
		c, _ := utf8.DecodeRuneInString(quoted)
		at += max(0, bytes.IndexRune(r.text[at:], c))
	}
	hint := ""
	if strings.Contains(se.Error(), "object key string") && at < len(r.text) && r.text[at] == '}' {
		hint = "the last key of an object has no comma after it"
	}
	return errorAt(r.text, at, "this is no JSON: "+se.Error(), hint)
}

func (r *jsonReader) value(depth int) (any, error) {
	if depth > maxParamsDepth {
		return nil, r.fail("nested too deep", "")
	}
	t, err := r.token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return r.object(depth)
		}
		return r.array(depth)
	case json.Number:
		v, ok := number(string(t))
		if !ok {
			return nil, r.fail(fmt.Sprintf("%s is too large for a number", t), "put it in quotes")
		}
		return v, nil
	}
	return t, nil
}

func (r *jsonReader) object(depth int) (any, error) {
	m := map[string]any{}
	for r.dec.More() {
		t, err := r.token()
		if err != nil {
			return nil, err
		}
		key := t.(string) // the decoder lets nothing else stand here
		if _, twice := m[key]; twice {
			return nil, r.fail(fmt.Sprintf("%q is given twice", key), "")
		}
		if m[key], err = r.value(depth + 1); err != nil {
			return nil, err
		}
	}
	_, err := r.token()
	return m, err
}

func (r *jsonReader) array(depth int) (any, error) {
	l := []any{}
	for r.dec.More() {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	_, err := r.token()
	return l, err
}

// number reads a decimal number: an int64 if it is written as an integer, else
// a float64. It is false for one that does not fit.
func number(s string) (any, bool) {
	if !strings.ContainsAny(s, ".eE") {
		i, err := strconv.ParseInt(s, 10, 64)
		return i, err == nil
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0)
}
