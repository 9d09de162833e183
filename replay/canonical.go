package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deep JSON may be nested.
const maxDepth = 200

var errNotCanonical = errors.New("no JSON that has one spelling")

// canonical returns the one spelling of a JSON text: keys sorted, no white space,
// strings in UTF-8. Numbers stay as they are written: two spellings of a number are
// two requests. What may be understood in two ways (a key that is there twice,
// text that is not UTF-8) has no such spelling.
func canonical(text []byte) ([]byte, error) {
	if !utf8.Valid(text) {
		return nil, errNotCanonical
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	c := canon{dec: dec}
	b, err := c.value(nil, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotCanonical
	}
	return b, nil
}

type canon struct{ dec *json.Decoder }

// value appends the next value.
func (c canon) value(b []byte, depth int) ([]byte, error) {
	t, err := c.dec.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, errNotCanonical
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return c.object(b, depth)
		}
		return c.list(b, depth)
	case string:
		return appendText(b, t)
	case json.Number:
		return append(b, t.String()...), nil
	case bool:
		if t {
			return append(b, "true"...), nil
		}
		return append(b, "false"...), nil
	}
	return append(b, "null"...), nil
}

func (c canon) list(b []byte, depth int) (_ []byte, err error) {
	b = append(b, '[')
	for first := true; c.dec.More(); first = false {
		if !first {
			b = append(b, ',')
		}
		if b, err = c.value(b, depth+1); err != nil {
			return nil, err
		}
	}
	_, err = c.dec.Token()
	return append(b, ']'), err
}

func (c canon) object(b []byte, depth int) ([]byte, error) {
	members := map[string][]byte{}
	for c.dec.More() {
		t, err := c.dec.Token()
		if err != nil {
			return nil, err
		}
		name, _ := t.(string)
		if _, twice := members[name]; twice {
			return nil, errNotCanonical
		}
		if members[name], err = c.value(nil, depth+1); err != nil {
			return nil, err
		}
	}
	if _, err := c.dec.Token(); err != nil {
		return nil, err
	}
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendText(b, name); err != nil {
			return nil, err
		}
		b = append(append(b, ':'), members[name]...)
	}
	return append(b, '}'), nil
}

// appendText appends a string. The decoder puts U+FFFD for halves of a pair of
// surrogates, which are different texts.
func appendText(b []byte, s string) ([]byte, error) {
	if strings.ContainsRune(s, utf8.RuneError) {
		return nil, errNotCanonical
	}
	return append(b, plainJSON(s)...), nil
}

// plainJSON returns a value as compact JSON, without escapes that only HTML needs.
func plainJSON(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // strings, numbers, and JSON that was read
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}
