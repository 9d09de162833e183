package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/xtrepro/xt/internal/backoff"
	"github.com/xtrepro/xt/track"
)

// Login is how a client shows a server who it is.
type Login struct {
	Token          string
	User, Password string // where there is no token
}

// Server is a tracking server that speaks MLflow's protocol.
type Server struct {
	base   string
	login  Login
	client *http.Client
	warn   Warn
	wait   time.Duration             // before a request is tried again
	points map[string][]track.Metric // by run: those of an experiment about logged models
}

// How a server is asked.
const (
	maxAnswer   = 256 << 20 // bytes of JSON
	maxTries    = 5
	maxDepth    = 100 // of folders of artifacts
	answerTime  = 2 * time.Minute
	longestWait = 10 * time.Second
)

// OpenServer returns the server at a URL. It is asked nothing yet.
func OpenServer(address string, login Login, warn Warn) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, errors.New("this is no address of a server")
	}
	u.RawQuery, u.Fragment = "", ""
	if u.User != nil && login == (Login{}) {
		login.User = u.User.Username()
		login.Password, _ = u.User.Password()
	}
	u.User = nil
	transport := http.DefaultTransport.(*http.Transport).Clone() // takes the proxy from the environment
	transport.ResponseHeaderTimeout = answerTime
	client := &http.Client{Transport: transport, CheckRedirect: mayRedirect}
	return &Server{strings.TrimRight(u.String(), "/"), login, client, warn, 500 * time.Millisecond, nil}, nil
}

func mayRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("the server leads from one address to the next, more than 10 times")
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errors.New("the server leads from https to http, where anybody on the way could read it")
	}
	return nil
}

// Close drops the connections.
func (s *Server) Close() error {
	s.client.CloseIdleConnections()
	return nil
}

// statusError is an answer that is none.
type statusError struct {
	status  int
	message string
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("the server answers %d %s", e.status, http.StatusText(e.status))
	if e.status == http.StatusUnauthorized || e.status == http.StatusForbidden {
		text += " (MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, say who you are)"
	}
	if e.message != "" {
		text += ": " + e.message
	}
	return text
}

func isStatus(err error, codes ...int) bool {
	e := (*statusError)(nil)
	if !errors.As(err, &e) {
		return false
	}
	for _, code := range codes {
		if e.status == code {
			return true
		}
	}
	return false
}

// send sends a request, again if the server cannot answer now.
func (s *Server) send(ctx context.Context, method, path string, query url.Values, body []byte) (*http.Response, error) {
	at := s.base + path
	if query != nil {
		at += "?" + query.Encode()
	}
	for try := 1; ; try++ {
		resp, err := s.once(ctx, method, at, body)
		if err == nil || try == maxTries || ctx.Err() != nil {
			return resp, err
		}
		if e := (*statusError)(nil); errors.As(err, &e) && e.status < 500 && e.status != http.StatusTooManyRequests {
			return nil, err
		}
		if err := backoff.Sleep(ctx, backoff.Pause(try, s.wait, longestWait)); err != nil {
			return nil, err
		}
	}
}

func (s *Server) once(ctx context.Context, method, at string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if s.login.Token != "" {
		req.Header.Set("Authorization", "Bearer "+s.login.Token)
	} else if s.login.User != "" {
		req.SetBasicAuth(s.login.User, s.login.Password)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	e := &statusError{status: resp.StatusCode}
	var said struct{ Message string }
	if text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10)); err == nil && json.Unmarshal(text, &said) == nil {
		e.message = plain(said.Message)
	}
	return nil, errors.Join(e, resp.Body.Close())
}

// call asks for JSON. A nil body makes it a GET with the query.
func (s *Server) call(ctx context.Context, path string, query url.Values, body, answer any) error {
	method, sent := http.MethodGet, []byte(nil)
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		method, sent = http.MethodPost, b
	}
	resp, err := s.send(ctx, method, path, query, sent)
	if err != nil {
		return fmt.Errorf("ask %s%s: %w", s.base, path, err)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	err = errors.Join(err, resp.Body.Close())
	if err == nil && len(b) > maxAnswer {
		err = fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	if err == nil {
		err = json.Unmarshal(quoteNumbers(b), answer)
	}
	if err != nil {
		return fmt.Errorf("read the answer of %s%s: %w", s.base, path, err)
	}
	return nil
}

// quoteNumbers puts quotes around NaN and Infinity, which Python's JSON has bare.
func quoteNumbers(b []byte) []byte {
	if json.Valid(b) {
		return b
	}
	var out []byte
	inText := false
	for i := 0; i < len(b); i++ {
		word := ""
		switch {
		case inText && b[i] == '\\' && i+1 < len(b):
			out = append(out, b[i])
			i++
		case b[i] == '"':
			inText = !inText
		case !inText:
			for _, w := range []string{"NaN", "-Infinity", "Infinity"} {
				if bytes.HasPrefix(b[i:], []byte(w)) {
					word = w
					break
				}
			}
		}
		if word == "" {
			out = append(out, b[i])
			continue
		}
		out = append(append(append(out, '"'), word...), '"')
		i += len(word) - 1
	}
	return out
}

// pages calls ask with the token of each page, until there is none.
func pages(ask func(token string) (next string, err error)) error {
	seen := map[string]bool{}
	for token := ""; ; {
		next, err := ask(token)
		if err != nil || next == "" {
			return err
		}
		if seen[next] {
			return errors.New("the server gives the same page again and again")
		}
		seen[next], token = true, next
	}
}

// with returns a query with a token, unless that is "".
func with(token string, pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	if token != "" {
		q.Set("page_token", token)
	}
	return q
}
