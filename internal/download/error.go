package download

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Kind is what sort of trouble an [Error] is about.
type Kind int

// The kinds of trouble.
const (
	Other       Kind = iota
	Gone             // there is no such file
	Denied           // who asks may not have it
	Unreachable      // there was no connection
	Untrusted        // nobody vouches for the server
	Temporary        // the server or the connection broke down
	TooBig           // the file is larger than allowed
)

// Error is why a file could not be downloaded.
type Error struct {
	URL  string // without secrets
	Kind Kind
	Err  error

	wait time.Duration // that the server asks to wait
}

// Error says what could not be downloaded, and why.
func (e *Error) Error() string { return fmt.Sprintf("download %s: %v", e.URL, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hints says what to do about it.
func (e *Error) Hints() []string {
	switch e.Kind {
	case Gone:
		return []string{"check the address in a browser"}
	case Denied:
		return []string{"xt asks without a login: download it yourself and \"xt add\" it, or name where it is stored, such as s3://BUCKET/KEY"}
	case Unreachable:
		return []string{"check the address, the network, and the proxy settings HTTPS_PROXY and NO_PROXY"}
	case Untrusted:
		return []string{"check the address and this machine's clock; the certificate of a server of your own belongs to those that the system trusts, or into SSL_CERT_FILE"}
	case Temporary:
		return []string{"try again later: what has come is gone on with where the server can"}
	case TooBig:
		return []string{"allow more with --max-size"}
	}
	return nil
}

// Shown returns an address without what may be secret in it.
func Shown(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "that address"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// diskError says that what came could not be written.
type diskError struct{ err error }

func (e *diskError) Error() string { return e.err.Error() }
func (e *diskError) Unwrap() error { return e.err }

type tooBigError struct{ most, size int64 }

func (e *tooBigError) Error() string {
	if e.size < 0 {
		return fmt.Sprintf("it has more than the %d bytes that are allowed", e.most)
	}
	return fmt.Sprintf("it has %d bytes, and %d are allowed", e.size, e.most)
}

// statusError is an answer that is no file.
type statusError struct {
	code int
	wait time.Duration
}

func (e *statusError) Error() string {
	words := http.StatusText(e.code)
	if words == "" {
		words = "unknown status"
	}
	return fmt.Sprintf("the server answers %d %s", e.code, words)
}

func (t *transfer) status(resp *http.Response) error {
	return &statusError{resp.StatusCode, retryAfter(resp.Header.Get("Retry-After"))}
}

// retryAfter returns how long a server asks to wait, within reason.
func retryAfter(s string) time.Duration {
	var d time.Duration
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		d = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(s); err == nil {
		d = time.Until(at)
	}
	return max(0, min(d, longestAsk))
}

// explain says what sort of trouble it is.
func (t *transfer) explain(ctx context.Context, err error) *Error {
	if end := ctx.Err(); end != nil {
		return &Error{URL: t.shown, Err: end}
	}
	if ue := new(url.Error); errors.As(err, &ue) {
		err = ue.Err // its text has the address, also one that the server led to
	}
	e := &Error{URL: t.shown, Kind: t.kind(err), Err: err}
	if s := new(statusError); errors.As(err, &s) {
		e.wait = s.wait
	}
	return e
}

func (t *transfer) kind(err error) Kind {
	var (
		status  *statusError
		big     *tooBigError
		changed *changedError
		cert    *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		host    x509.HostnameError
		netErr  net.Error
		opErr   *net.OpError
	)
	switch {
	case errors.As(err, &status):
		return statusKind(status.code)
	case errors.As(err, &big):
		return TooBig
	case errors.Is(err, errInsecure):
		return Other
	case errors.As(err, &changed):
		return Temporary
	case errors.As(err, &cert), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &host):
		return Untrusted
	case t.reached:
		return Temporary
	case errors.As(err, &opErr), errors.As(err, &netErr), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Unreachable
	}
	return Other
}

func statusKind(code int) Kind {
	switch code {
	case http.StatusNotFound, http.StatusGone:
		return Gone
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusPaymentRequired:
		return Denied
	case http.StatusProxyAuthRequired:
		return Unreachable
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusTooEarly,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return Temporary
	}
	return Other
}
