package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// Response is an answer. Its body is given back to the byte, and kept in a form
// that people can read where there is one: one of JSON, Text, Base64 and Events.
type Response struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"` // in lower case
	// JSON is the body as a value, and Layout how the white space in it was.
	JSON   json.RawMessage `json:"json,omitempty"`
	Layout string          `json:"layout,omitempty"`
	Text   *string         `json:"text,omitempty"`
	Base64 []byte          `json:"base64,omitempty"`
	Events []Event         `json:"events,omitempty"` // of a stream
}

// Event is one event of a stream. Text holds one that is not spelled as usual.
type Event struct {
	Event string          `json:"event,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
	Text  string          `json:"text,omitempty"`
}

// setBody keeps a body in the most readable of the forms that give it back.
func (r *Response) setBody(body []byte) {
	switch {
	case isEventStream(r.Headers["content-type"]) && utf8.Valid(body):
		for len(body) > 0 {
			n := eventEnd(body)
			r.Events = append(r.Events, newEvent(body[:n]))
			body = body[n:]
		}
	case r.setJSON(body):
	case utf8.Valid(body):
		text := string(body)
		r.Text = &text
	default:
		r.Base64 = body
	}
}

// Body returns the body as it was received.
func (r *Response) Body() ([]byte, error) {
	var b []byte
	for _, e := range r.Events {
		one, err := e.bytes()
		if err != nil {
			return nil, err
		}
		b = append(b, one...)
	}
	switch {
	case r.JSON != nil:
		return laidOut(r.JSON, r.Layout)
	case r.Text != nil:
		return []byte(*r.Text), nil
	case r.Base64 != nil:
		return r.Base64, nil
	}
	return b, nil
}

func isEventStream(contentType string) bool {
	return strings.HasPrefix(strings.ToLower(contentType), "text/event-stream")
}

// The layouts of JSON that are told apart: as most servers, as Python, and as
// OpenAI writes it, with or without a line end.
var layouts = []string{"compact", "spaced", "indented", "compact+newline", "spaced+newline", "indented+newline"}

func (r *Response) setJSON(body []byte) bool {
	if !utf8.Valid(body) || !json.Valid(body) {
		return false
	}
	for _, layout := range layouts {
		if again, err := laidOut(body, layout); err == nil && bytes.Equal(again, body) {
			r.JSON, r.Layout = bytes.TrimSuffix(body, []byte("\n")), layout
			return true
		}
	}
	return false
}

// laidOut returns a JSON text with its white space as a layout has it.
func laidOut(text []byte, layout string) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return nil, err
	}
	style, newline := strings.CutSuffix(layout, "+newline")
	var out []byte
	switch style {
	case "compact":
		out = b.Bytes()
	case "spaced":
		out = spaced(b.Bytes())
	case "indented":
		var indented bytes.Buffer
		if err := json.Indent(&indented, b.Bytes(), "", "  "); err != nil {
			return nil, err
		}
		out = indented.Bytes()
	default:
		return nil, errors.New("unknown layout of JSON")
	}
	if newline {
		out = append(out, '\n')
	}
	return out, nil
}

// spaced puts a space after each colon and comma of a compact JSON text.
func spaced(compact []byte) []byte {
	out := make([]byte, 0, len(compact)+len(compact)/8)
	quoted, escaped := false, false
	for _, c := range compact {
		out = append(out, c)
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ':' || c == ','):
			out = append(out, ' ')
		}
	}
	return out
}

// eventEnd returns where the first event of a stream ends: behind its blank line,
// or at the end.
func eventEnd(b []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return len(b)
		}
		at += i + 1
		rest := b[at:]
		switch {
		case len(rest) > 0 && rest[0] == '\n':
			return at + 1
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return at + 2
		}
	}
}

func newEvent(text []byte) Event {
	var e Event
	line, ok := bytes.CutSuffix(text, []byte("\n\n"))
	if name, rest, named := bytes.Cut(line, []byte("\n")); named && bytes.HasPrefix(name, []byte("event: ")) {
		e.Event, line = string(name[len("event: "):]), rest
	}
	if data, isData := bytes.CutPrefix(line, []byte("data: ")); ok && isData && json.Valid(data) {
		e.Data = data
		if again, err := e.bytes(); err == nil && bytes.Equal(again, text) {
			return e
		}
	}
	return Event{Text: string(text)}
}

// bytes returns the event as it was received.
func (e *Event) bytes() ([]byte, error) {
	if e.Data == nil {
		return []byte(e.Text), nil
	}
	var b bytes.Buffer
	if e.Event != "" {
		b.WriteString("event: " + e.Event + "\n")
	}
	b.WriteString("data: ")
	if err := json.Compact(&b, e.Data); err != nil {
		return nil, err
	}
	b.WriteString("\n\n")
	return b.Bytes(), nil
}
