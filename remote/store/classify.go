package store

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/pkg/sftp"
)

// classify finds out what kind of trouble err is, and says it in one line.
func classify(err error) *trouble {
	var known *trouble
	if errors.As(err, &known) {
		return known
	}
	for _, ask := range []func(error) *trouble{fromAWS, fromAzure, fromGoogle, fromSystem, fromNetwork} {
		if t := ask(err); t != nil {
			if t.err == nil {
				t.err = err
			}
			return t
		}
	}
	var asJSON *json.SyntaxError
	var asXML *xml.SyntaxError
	if errors.As(err, &asJSON) || errors.As(err, &asXML) {
		// Where an answer ends too early, its reader may not have been told.
		if text := err.Error(); strings.Contains(text, "unexpected end") || strings.Contains(text, "unexpected EOF") {
			return &trouble{kind: Temporary, text: "the connection broke off", err: err}
		}
		return notAStore(err)
	}
	return &trouble{kind: Other, text: oneLine(err.Error()), err: err}
}

// fromSystem knows what this machine's file system, or that of an SFTP server,
// says.
func fromSystem(err error) *trouble {
	kind := Other
	switch {
	case errors.Is(err, ErrShort):
	case errors.Is(err, fs.ErrNotExist):
		kind = NotFound
	case errors.Is(err, fs.ErrExist):
		kind = Exists
	case errors.Is(err, syscall.ENOSPC), isQuota(err):
		kind = Full
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		kind = Denied
	default:
		return nil
	}
	text := oneLine(err.Error())
	if kind == Exists {
		text = "it exists already" // err would tell of a file with another name
	}
	return &trouble{kind: kind, text: text}
}

// fromNetwork knows what the layers below the protocol say.
func fromNetwork(err error) *trouble {
	kind := Temporary
	switch {
	case isUnreachable(err):
		kind = Unreachable
	case isBroken(err):
	default:
		return nil
	}
	return &trouble{kind: kind, text: innermost(err)}
}

// isUnreachable reports whether there was never a connection to speak of.
func isUnreachable(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var cert *tls.CertificateVerificationError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect"):
		return true
	case errors.As(err, &dns), errors.As(err, &record), errors.As(err, &cert), errors.As(err, &host), errors.As(err, &authority):
		return true
	}
	return strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") ||
		strings.Contains(err.Error(), "TLS handshake timeout")
}

// isBroken reports whether a connection broke off, or the answer on it.
func isBroken(err error) bool {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, errStalled):
		return true
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.ECONNABORTED), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ETIMEDOUT):
		return true
	case errors.Is(err, os.ErrDeadlineExceeded):
		return true
	case errors.Is(err, sftp.ErrSSHFxConnectionLost), errors.Is(err, sftp.ErrSSHFxNoConnection):
		return true
	case errors.As(err, &timeout) && timeout.Timeout():
		return true
	}
	// net/http says these in no other way.
	for _, text := range []string{"server closed idle connection", "transport connection broken", "http2: ", "stream error: ", "malformed HTTP"} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

// innermost is the text of what lies at the bottom of a pile of errors; those
// above it tell which of the SDK's layers it went through.
func innermost(err error) string {
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return oneLine(dns.Error())
	case errors.As(err, &op):
		return oneLine(op.Error())
	case errors.Is(err, errStalled):
		return errStalled.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection broke off"
	}
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return oneLine(err.Error())
		}
		err = next
	}
}

// maxText is how much of a server's message is shown.
const maxText = 300

// oneLine makes a line of a text of unknown origin.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}
