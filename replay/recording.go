package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Version is the version of the format of recordings.
const Version = 1

// Recording is a request and its answer.
type Recording struct {
	Version  int      `json:"version"`
	Upstream string   `json:"upstream,omitempty"` // the host that answered, for people
	Request  Request  `json:"request"`
	Response Response `json:"response"`
}

// Encode returns the text of a recording, which is the same for the same one. An
// event of a stream is on a line of its own.
func (r *Recording) Encode() []byte {
	head := *r
	events := head.Response.Events
	head.Response.Events = nil
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(&head); err != nil {
		panic(err) // it holds valid JSON only
	}
	if len(events) == 0 {
		return b.Bytes()
	}
	// The response is last, so that the events go before the two last braces.
	text := strings.TrimSuffix(b.String(), "\n  }\n}\n")
	b.Reset()
	b.WriteString(text + ",\n    \"events\": [")
	for i := range events {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n      ")
		b.Write(plainJSON(&events[i]))
	}
	b.WriteString("\n    ]\n  }\n}\n")
	return b.Bytes()
}

// Decode reads what [Recording.Encode] writes, or what a person made of it. It
// checks that the answer can be given.
func Decode(text []byte) (*Recording, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var r Recording
	if err := dec.Decode(&r); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something behind its end")
	}
	return &r, r.check()
}

func (r *Recording) check() error {
	switch forms := r.Response.forms(); {
	case r.Version > Version:
		return fmt.Errorf("it has version %d, this xt reads %d", r.Version, Version)
	case r.Version < 1:
		return errors.New("it has no version")
	case r.Response.Status < 200 || r.Response.Status > 599:
		return fmt.Errorf("%d is no status of an answer", r.Response.Status)
	case forms > 1:
		return fmt.Errorf("the body of the answer is there %d times", forms)
	}
	for name, value := range r.Response.Headers {
		if strings.ContainsAny(name+value, "\r\n\x00") {
			return errors.New("a header of the answer holds a line end")
		}
	}
	_, err := r.Response.Body()
	return err
}

// forms returns in how many forms the body is there.
func (r *Response) forms() int {
	n := 0
	for _, is := range []bool{r.JSON != nil, r.Text != nil, r.Base64 != nil, r.Events != nil} {
		if is {
			n++
		}
	}
	return n
}
