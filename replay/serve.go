package replay

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxBody bounds requests and answers.
const maxBody = 64 << 20

// serve answers a request of the command.
func (s *Session) serve(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		return
	}
	defer s.pending.Done()
	to, path, ok := s.locate(r.URL.EscapedPath())
	if !ok {
		refuse(w, "", http.StatusNotFound, "not_found", "there is no such API here: xt answers below the addresses that it sets in the environment")
		return
	}
	if r.Header.Get("Upgrade") != "" || r.Method == http.MethodConnect {
		s.refuse(w, to.provider+" "+r.Method+" "+path, to.provider, http.StatusNotImplemented, "a WebSocket cannot be recorded")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if large := new(http.MaxBytesError); errors.As(err, &large) {
		s.refuse(w, to.provider+" "+r.Method+" "+path, to.provider, http.StatusRequestEntityTooLarge, fmt.Sprintf("the request has more than %d MiB", maxBody>>20))
		return
	}
	if err != nil {
		return // the client left before it had asked
	}
	req, err := readRequest(to.provider, path, r, body)
	if err != nil {
		s.refuse(w, to.provider+" "+r.Method+" "+path, to.provider, http.StatusBadRequest, err.Error())
		return
	}
	s.answer(w, &exchange{s: s, to: to, path: path, req: req, in: r, body: body})
}

// enter reports whether a request is answered, which pending then counts.
func (s *Session) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.pending.Add(1)
	return true
}

// locate returns where a request goes, and its path below the address of the API.
func (s *Session) locate(escaped string) (to route, path string, ok bool) {
	rest, _ := strings.CutPrefix(escaped, "/")
	secret, rest, _ := strings.Cut(rest, "/")
	if subtle.ConstantTimeCompare([]byte(secret), []byte(s.secret)) != 1 {
		return route{}, "", false
	}
	name, rest, _ := strings.Cut(rest, "/")
	to, ok = s.routes[name]
	if !ok {
		return route{}, "", false
	}
	path, ok = strings.CutPrefix("/"+rest, to.path())
	if hasDots(path) || !ok || path != "" && path[0] != '/' {
		return route{}, "", false
	}
	return to, path, true
}

// hasDots reports whether a path may lead out of where it begins.
func hasDots(path string) bool {
	for part := range strings.SplitSeq(strings.NewReplacer("%2e", ".", "%2E", ".", "%2f", "/", "%2F", "/", `\`, "/", "%5c", "/", "%5C", "/").Replace(path), "/") {
		if part == ".." || part == "." {
			return true
		}
	}
	return false
}

// exchange is a request that is being answered.
type exchange struct {
	s    *Session
	to   route
	path string
	req  *Request
	in   *http.Request
	body []byte
}

// answer finds the answer to a request, and gives it.
func (s *Session) answer(w http.ResponseWriter, x *exchange) {
	key := x.req.Key()
	c, release := s.take(x.req, key)
	for {
		rec, busy, mine := s.begin(c)
		switch {
		case rec != nil:
			s.repeat(w, rec, release)
			return
		case mine:
			s.resolve(w, x, c, release)
			return
		}
		select {
		case <-busy:
		case <-x.in.Context().Done():
			release()
			return
		}
	}
}

// resolve answers from a recording, or asks where that is allowed.
func (s *Session) resolve(w http.ResponseWriter, x *exchange, c *call, release func()) {
	rec, err := s.store.find(c.name, c.key)
	switch {
	case err != nil:
		s.fail(err)
		s.finish(c, nil, false, "", nil)
		refuse(w, x.to.provider, statusMiss, "recording", err.Error())
	case rec != nil:
		s.finish(c, rec, false, "", nil)
		s.repeat(w, rec, release)
	case s.opts.Mode == Replay:
		reason := "it is not recorded"
		if c.number > 1 {
			reason = fmt.Sprintf("it is asked %d times, and recorded %d times", c.number, c.number-1)
		}
		s.finish(c, nil, false, reason, nil)
		release()
		refuse(w, x.to.provider, statusMiss, "not_recorded", "xt: "+c.request+": "+reason+"; a run with llm = \"record\" asks and records it")
	default:
		x.ask(w, c, release)
	}
}

// repeat gives a recorded answer. An error of the moment is the answer to each
// attempt of the client.
func (s *Session) repeat(w http.ResponseWriter, rec *stored, release func()) {
	if retried(rec.Response.Status) {
		release()
	}
	s.give(w, &rec.Response)
}

// give writes a recorded answer: a stream event by event.
func (s *Session) give(w http.ResponseWriter, r *Response) {
	body, err := r.Body()
	if err != nil { // it was checked when it was read
		s.fail(err)
		return
	}
	for name, value := range r.Headers {
		w.Header().Set(name, value)
	}
	if retried(r.Status) {
		// The client gave up on it when it was recorded.
		w.Header().Set("X-Should-Retry", "false")
	}
	w.WriteHeader(r.Status)
	if !isStream(r.Headers["content-type"]) {
		_, _ = w.Write(body) // the client may be gone
		return
	}
	for len(body) > 0 {
		n := pieceEnd(r.Headers["content-type"], body)
		if _, err := w.Write(body[:n]); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		body = body[n:]
	}
}

// isStream reports whether answers of a type come piece by piece.
func isStream(contentType string) bool {
	media, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	switch strings.TrimSpace(media) {
	case "text/event-stream", "application/x-ndjson", "application/jsonl", "application/stream+json":
		return true
	}
	return false
}

// pieceEnd returns where the first piece of a stream ends.
func pieceEnd(contentType string, b []byte) int {
	if isEventStream(contentType) {
		return eventEnd(b)
	}
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	return len(b)
}

// record stores an answer that was asked for.
func (s *Session) record(c *call, rec *Recording) error {
	text := rec.Encode()
	again, err := Decode(text)
	if err == nil && again.Request.Key() != c.key {
		err = errors.New("it cannot be written down")
	}
	if err == nil {
		err = s.store.put(c.name, text)
	}
	if err != nil {
		return fmt.Errorf("record the answer to %s: %w", c.request, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.rec = newStored(again, text)
	return nil
}

// untilGone calls release when the client goes away, unless answering began before.
func untilGone(ctx context.Context, release func()) (begin func() bool) {
	stop := context.AfterFunc(ctx, release)
	begun := false
	return func() bool {
		begun = begun || stop()
		return begun
	}
}
