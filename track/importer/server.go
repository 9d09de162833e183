package importer

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/xtrepro/xt/internal/backoff"
	"github.com/xtrepro/xt/track"
)

// Login is how a client shows a server who it is.
type Login struct {
	User, Password string
	Token          string // where there are no user and password
}

// Server is a tracking server that speaks MLflow's protocol.
type Server struct {
	base   string
	login  Login
	client *http.Client
	warn   Warn
	wait   time.Duration             // before a request is tried again
	stall  time.Duration             // without a byte, after which a connection is given up
	points map[string][]track.Metric // by run: those of an experiment about logged models
}

// How a server is asked.
const (
	maxAnswer   = 256 << 20 // bytes of JSON
	maxTries    = 5
	maxEmpty    = 100     // pages without anything, one after the other
	maxListed   = 1 << 20 // artifacts and folders of a run
	answerTime  = 2 * time.Minute
	stallTime   = time.Minute
	longestWait = 10 * time.Second
)

// OpenServer returns the server at a URL. It is asked nothing yet. Who the URL says
// that it is for counts more than the login.
func OpenServer(address string, login Login, warn Warn) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, errors.New("this is no address of a server")
	}
	u.RawQuery, u.Fragment = "", ""
	if u.User != nil {
		login = Login{User: u.User.Username()}
		login.Password, _ = u.User.Password()
	}
	u.User = nil
	transport := http.DefaultTransport.(*http.Transport).Clone() // takes the proxy from the environment
	transport.ResponseHeaderTimeout = answerTime
	client := &http.Client{Transport: transport, CheckRedirect: mayRedirect}
	return &Server{base: strings.TrimRight(u.String(), "/"), login: login, client: client, warn: warn, wait: 500 * time.Millisecond, stall: stallTime}, nil
}

// Name implements [Source].
func (s *Server) Name() string { return s.base }

// errRedirect is about a server that leads elsewhere.
var errRedirect = errors.New("is not followed")

func mayRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return fmt.Errorf("the server leads from one address to the next more than 10 times, which %w", errRedirect)
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return fmt.Errorf("the server leads from https to http, where anybody on the way could read it, which %w", errRedirect)
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

// passing reports whether the server may answer otherwise in a while.
func (e *statusError) passing() bool {
	switch e.status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
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

// retry calls f again while the server cannot answer.
func (s *Server) retry(ctx context.Context, f func() error) error {
	for try := 1; ; try++ {
		err := f()
		if err == nil || try == maxTries || ctx.Err() != nil || isFinal(err, try) {
			return err
		}
		if err := backoff.Sleep(ctx, backoff.Pause(try, s.wait, longestWait)); err != nil {
			return err
		}
	}
}

// isFinal reports whether a request that was tried so often would have the same
// error again.
func isFinal(err error, tries int) bool {
	var status *statusError
	var cert *tls.CertificateVerificationError
	var name *net.DNSError
	switch {
	case errors.As(err, &status):
		// This is also what MLflow has for a place of artifacts that it cannot read.
		return !status.passing() && (status.status != http.StatusInternalServerError || tries > 1)
	case errors.As(err, &name):
		return name.IsNotFound
	}
	return errors.Is(err, errRedirect) || errors.Is(err, errAnswer) || errors.Is(err, errLarger) || errors.As(err, &cert)
}

// open sends a request, again if the server cannot answer now.
func (s *Server) open(ctx context.Context, path string, query url.Values) (r io.ReadCloser, err error) {
	err = s.retry(ctx, func() error {
		r, err = s.once(ctx, http.MethodGet, path, query, nil)
		return err
	})
	return r, err
}

func (s *Server) once(ctx context.Context, method, path string, query url.Values, sent []byte) (io.ReadCloser, error) {
	at := s.base + path
	if query != nil {
		at += "?" + query.Encode()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	req, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(sent))
	if err != nil {
		cancel(nil)
		return nil, err
	}
	if sent != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	switch {
	case s.login.User != "" && s.login.Password != "" || s.login.User != "" && s.login.Token == "":
		req.SetBasicAuth(s.login.User, s.login.Password)
	case s.login.Token != "":
		req.Header.Set("Authorization", "Bearer "+s.login.Token)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		cancel(nil)
		if e := (*url.Error)(nil); errors.As(err, &e) {
			err = e.Err // whoever called says what was asked
		}
		return nil, err
	}
	b := &watched{resp.Body, ctx, cancel, s.stall}
	if resp.StatusCode == http.StatusOK {
		return b, nil
	}
	e := &statusError{status: resp.StatusCode}
	var said struct{ Message string }
	if text, err := io.ReadAll(io.LimitReader(b, 64<<10)); err == nil && json.Unmarshal(text, &said) == nil {
		e.message = plain(said.Message)
	}
	return nil, errors.Join(e, b.Close())
}

// watched is the body of an answer, which is given up if nothing comes for a while.
// However long all of it takes does not matter.
type watched struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	stall  time.Duration
}

// errStalled is why an answer is given up.
var errStalled = errors.New("nothing came from the server for too long")

func (w *watched) Read(p []byte) (int, error) {
	timer := time.AfterFunc(w.stall, func() { w.cancel(errStalled) })
	n, err := w.ReadCloser.Read(p)
	timer.Stop()
	if err != nil && errors.Is(context.Cause(w.ctx), errStalled) {
		err = errStalled
	}
	return n, err
}

// Close ends the answer, of which there may be more.
func (w *watched) Close() error {
	w.cancel(nil)
	return w.ReadCloser.Close()
}

// errAnswer is about an answer that is not what was asked for.
var errAnswer = errors.New("this is no answer of MLflow's")

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
	err := s.retry(ctx, func() error {
		r, err := s.once(ctx, method, path, query, sent)
		if err != nil {
			return err
		}
		b, err := readAll(r, maxAnswer)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(quoteNumbers(b), answer); err != nil {
			return fmt.Errorf("%w: %w", errAnswer, err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("ask %s%s: %w", s.base, path, err)
	}
	return nil
}
