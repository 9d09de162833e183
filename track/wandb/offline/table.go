package offline

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// Table is a JSON object that grows by values at paths.
type Table map[string]any // a json.RawMessage or a Table

// maxPath is how deep tables may be.
const maxPath = 100

// Set puts a value at its path. One in whose place there is something else takes that.
func (t Table) Set(v Value) {
	path := v.Path[:min(len(v.Path), maxPath)]
	for _, key := range path[:len(path)-1] {
		t = t.below(key)
	}
	t[path[len(path)-1]] = valid(v.JSON)
}

// below returns the table at a key, which is made if need be.
func (t Table) below(key string) Table {
	switch sub := t[key].(type) {
	case Table:
		return sub
	case json.RawMessage:
		made := Table{}
		var parts map[string]json.RawMessage
		if json.Unmarshal(sub, &parts) == nil {
			for name, part := range parts {
				made[name] = part
			}
		}
		t[key] = made
		return made
	}
	made := Table{}
	t[key] = made
	return made
}

// Remove takes away what is at a path.
func (t Table) Remove(path []string) {
	for _, key := range path[:len(path)-1] {
		if t[key] == nil {
			return
		}
		t = t.below(key)
	}
	delete(t, path[len(path)-1])
}

// Apply makes changes.
func (t Table) Apply(c *Changes) {
	if c == nil {
		return
	}
	for _, v := range c.Set {
		t.Set(v)
	}
	for _, path := range c.Remove {
		t.Remove(path)
	}
}

// Table returns a row as one.
func (r Row) Table() Table {
	t := Table{}
	for _, v := range r {
		t.Set(v)
	}
	return t
}

// Text returns the table as JSON, its keys sorted.
func (t Table) Text() string { return string(t.append(nil)) }

func (t Table) append(b []byte) []byte {
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(t)) {
		if i > 0 {
			b = append(b, ',')
		}
		name, _ := json.Marshal(key) // a text can always be written
		b = append(append(b, name...), ':')
		switch v := t[key].(type) {
		case Table:
			b = v.append(b)
		case json.RawMessage:
			b = append(b, v...)
		}
	}
	return append(b, '}')
}

// valid returns JSON for a value as Python writes it. Numbers that JSON lacks become
// texts, as clients send them; what is broken becomes a text, too.
func valid(raw json.RawMessage) json.RawMessage {
	raw = bytes.TrimSpace(raw)
	switch string(raw) {
	case "NaN", "Infinity", "-Infinity":
		return strconv.AppendQuote(nil, string(raw))
	case "":
		return json.RawMessage("null")
	}
	if json.Valid(raw) {
		return raw
	}
	if quoted := QuoteWords(raw); json.Valid(quoted) {
		return quoted
	}
	text, _ := json.Marshal(string(raw))
	return text
}

// QuoteWords makes texts of NaN, Infinity and -Infinity where they are outside of
// texts: JSON lacks them, and Python writes them all the same.
func QuoteWords(raw []byte) []byte {
	var out []byte
	inText := false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inText && c == '\\' && i+1 < len(raw):
			out = append(out, c)
			i++
		case c == '"':
			inText = !inText
		case !inText:
			if word := wordAt(raw[i:]); word != "" {
				out = append(append(append(out, '"'), word...), '"')
				i += len(word) - 1
				continue
			}
		}
		out = append(out, raw[i])
	}
	return out
}

func wordAt(b []byte) string {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(b, []byte(word)) {
			return word
		}
	}
	return ""
}
