package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/xtrepro/xt/hash"
)

// Request is what decides an answer. It holds no key.
type Request struct {
	Provider string            `json:"provider"`
	Method   string            `json:"method"`
	Path     string            `json:"path"`              // below the address of the API, escaped
	Query    string            `json:"query,omitempty"`   // sorted
	Headers  map[string]string `json:"headers,omitempty"` // in lower case
	// One of these holds the body, or none if it is empty.
	JSON  json.RawMessage `json:"json,omitempty"`
	Parts []Part          `json:"parts,omitempty"` // of a form
	Bytes *Digest         `json:"bytes,omitempty"` // of anything else
}

// Part is a part of a form, such as a file. Its content is not kept.
type Part struct {
	Headers map[string]string `json:"headers"`
	Digest
}

// Digest stands for bytes.
type Digest struct {
	Sum  hash.Sum `json:"blake3"`
	Size int      `json:"size"`
}

func digestOf(b []byte) Digest { return Digest{hash.Bytes(b), len(b)} }

// keyVersion changes when a recording must no longer be found by the same request.
const keyVersion = "xt-llm 1"

// Key returns the digest by which the recordings of the request are found.
func (r *Request) Key() hash.Sum {
	t := new(hash.Text)
	t.Line(keyVersion)
	t.Line("provider", r.Provider)
	t.Line("method", r.Method)
	t.Line("path", r.Path)
	t.Line("query", r.Query)
	describeHeaders(t, "header", r.Headers)
	if r.JSON != nil {
		// What was read from a file is indented; nothing else can fail here.
		b, err := canonical(r.JSON)
		if err != nil {
			b = r.JSON
		}
		t.Line("json", hash.Bytes(b).String())
	}
	for _, p := range r.Parts {
		t.Line("part", p.Sum.String())
		describeHeaders(t, "part-header", p.Headers)
	}
	if r.Bytes != nil {
		t.Line("bytes", r.Bytes.Sum.String())
	}
	return hash.Sum(t.Fingerprint())
}

func describeHeaders(t *hash.Text, label string, headers map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		t.Line(label, name, headers[name])
	}
}

// decisive are the headers that change an answer.
var decisive = []string{"Accept", "Anthropic-Version", "Anthropic-Beta", "Openai-Beta", "Content-Encoding"}

// readRequest describes a request below an API.
func readRequest(provider, path string, r *http.Request, body []byte) (*Request, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("the query cannot be read: %w", err)
	}
	for name := range query {
		if isSecret(name) {
			query.Del(name)
		}
	}
	req := &Request{Provider: provider, Method: r.Method, Path: path, Query: query.Encode(), Headers: map[string]string{}}
	for _, name := range decisive {
		if values := r.Header.Values(name); len(values) > 0 {
			req.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	return req, req.readBody(r.Header.Get("Content-Type"), body)
}

// isSecret reports whether a parameter of a query is a key. Other names, such as
// page_token, decide the answer.
func isSecret(name string) bool {
	switch strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name)) {
	case "key", "apikey", "subscriptionkey", "token", "accesstoken", "auth", "authorization", "sig", "signature",
		"secret", "clientsecret", "password", "xamzsignature", "xamzcredential", "xamzsecuritytoken":
		return true
	}
	return false
}

func (r *Request) readBody(contentType string, body []byte) error {
	if len(body) == 0 {
		return nil
	}
	media, params, _ := mime.ParseMediaType(contentType)
	if strings.HasPrefix(media, "multipart/") {
		return r.readParts(params["boundary"], body)
	}
	if b, err := canonical(body); err == nil {
		r.JSON = b
		return nil
	}
	if media != "" {
		r.Headers["content-type"] = media
	}
	d := digestOf(body)
	r.Bytes = &d
	return nil
}

// readParts describes the parts of a form. The boundary between them, which
// clients draw by lot, is left out.
func (r *Request) readParts(boundary string, body []byte) error {
	mr := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		p, err := mr.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the form cannot be read: %w", err)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			return fmt.Errorf("the form cannot be read: %w", err)
		}
		part := Part{Headers: map[string]string{}, Digest: digestOf(b)}
		for name, values := range p.Header {
			part.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
		}
		r.Parts = append(r.Parts, part)
	}
}

// Model returns the model that is asked, as far as the request tells.
func (r *Request) Model() string {
	var body struct {
		Model string `json:"model"`
	}
	if json.Unmarshal(r.JSON, &body) == nil && body.Model != "" {
		return body.Model
	}
	words := strings.Split(r.Path, "/")
	for i, w := range words[:len(words)-1] {
		if w == "deployments" || w == "models" {
			name, _, _ := strings.Cut(words[i+1], ":")
			return name
		}
	}
	return ""
}

// String says which request it is: the model, and how the prompt begins.
func (r *Request) String() string {
	s := r.Provider + " " + r.Method + " " + r.Path
	if m := r.Model(); m != "" {
		s += ", " + m
	}
	if p := r.prompt(); p != "" {
		s += fmt.Sprintf(": %q", p)
	}
	return s
}

// promptRunes is how much of a prompt is shown.
const promptRunes = 60

// prompt returns how what was asked last begins.
func (r *Request) prompt() string {
	var body map[string]any
	if json.Unmarshal(r.JSON, &body) != nil {
		return ""
	}
	for _, name := range []string{"messages", "input", "prompt", "contents", "message"} {
		words := strings.Fields(lastText(body[name]))
		if len(words) == 0 {
			continue
		}
		text := []rune(strings.Join(words, " "))
		if len(text) > promptRunes {
			return string(text[:promptRunes-1]) + "…"
		}
		return string(text)
	}
	return ""
}

// lastText returns the last text in a message, or a list of them.
func lastText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		for _, item := range slices.Backward(v) {
			if s := lastText(item); s != "" {
				return s
			}
		}
	case map[string]any:
		for _, name := range []string{"content", "text", "parts"} {
			if s := lastText(v[name]); s != "" {
				return s
			}
		}
	}
	return ""
}
