// Package access decides which requests over HTTP reach a store of runs: by
// tokens, and by where a browser says a request comes from.
package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// Guard is a handler in front of others.
type Guard struct {
	// Next is what answers requests that pass.
	Next http.Handler
	// Secret is a token that allows everything; "" for none.
	Secret string
	// Tokens is a file of tokens, which may change while the guard is there; ""
	// for none. Without a secret and tokens no request needs one.
	Tokens string
	// Hosts are names that the server may be asked by, besides localhost and
	// addresses on loopback. They are looked at where no token is needed: a page
	// whose name is suddenly one of this machine (DNS rebinding) can read from
	// servers that ask for none.
	Hosts []string
	// Capability, if not nil, reports whether the URL of a request holds a
	// secret that is enough.
	Capability func(*http.Request) bool
	// Session, if not nil, returns the token that a browser keeps for a request
	// that has none in its headers.
	Session func(*http.Request) string
	// Reads reports whether a request only reads.
	Reads func(*http.Request) bool
	// Deny writes the answer to a request that does not pass.
	Deny func(w http.ResponseWriter, r *http.Request, status int, message string)

	cross http.CrossOriginProtection
	file  tokenFile
}

// tokenFile is what was read of the file of tokens.
type tokenFile struct {
	mu     sync.Mutex
	looked time.Time
	info   os.FileInfo
	tokens []Token
	err    error
}

// Guarded reports whether requests need a token.
func (g *Guard) Guarded() (bool, error) {
	tokens, err := g.tokens()
	return g.Secret != "" || len(tokens) > 0, err
}

// tokens returns what is in the file of tokens. It looks at most once a second
// whether that has changed. A file that cannot be read lets nobody in.
func (g *Guard) tokens() ([]Token, error) {
	f := &g.file
	if g.Tokens == "" {
		return nil, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) < time.Second {
		return f.tokens, f.err
	}
	f.looked = time.Now()
	info, err := os.Stat(g.Tokens)
	if err == nil && f.info != nil && f.err == nil && info.ModTime().Equal(f.info.ModTime()) && info.Size() == f.info.Size() {
		return f.tokens, nil
	}
	f.info = info
	f.tokens, f.err = ReadTokens(g.Tokens)
	return f.tokens, f.err
}

// ServeHTTP passes a request on, or answers that it may not pass.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.cross.Check(r) != nil {
		g.Deny(w, r, http.StatusForbidden, "Cross-origin request blocked")
		return
	}
	guarded, err := g.Guarded()
	switch {
	case err != nil:
		g.Deny(w, r, http.StatusForbidden, "The tokens of the server cannot be read; its output says why.")
	case r.URL.Path == "/health":
		g.Next.ServeHTTP(w, r)
	case g.Capability != nil && g.Capability(r):
		if guarded {
			r = withScope(r, g.scope(g.secretOf(r)))
		}
		g.Next.ServeHTTP(w, r)
	case !guarded && !g.knownHost(r.Host):
		g.Deny(w, r, http.StatusForbidden, fmt.Sprintf("Invalid Host header: %q is not a name of this server; see xt serve --allow-host.", r.Host))
	case guarded:
		g.check(w, r)
	default:
		g.Next.ServeHTTP(w, r)
	}
}

// check looks at the token of a request.
func (g *Guard) check(w http.ResponseWriter, r *http.Request) {
	scope := g.scope(g.secretOf(r))
	switch {
	case scope == "":
		w.Header().Set("WWW-Authenticate", `Basic realm="xt"`)
		g.Deny(w, r, http.StatusUnauthorized, "This server needs a token: set MLFLOW_TRACKING_TOKEN.")
	case scope == Read && !g.Reads(r):
		g.Deny(w, r, http.StatusForbidden, "The token allows only to read.")
	default:
		g.Next.ServeHTTP(w, withScope(r, scope))
	}
}

func (g *Guard) secretOf(r *http.Request) string {
	if secret := Secret(r); secret != "" || g.Session == nil {
		return secret
	}
	return g.Session(r)
}

type scopeKey struct{}

func withScope(r *http.Request, s Scope) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), scopeKey{}, s))
}

// ScopeOf returns what a request that passed a guard may do: everything, where none
// needs a token; "" if it passed without one.
func ScopeOf(ctx context.Context) Scope {
	if s, ok := ctx.Value(scopeKey{}).(Scope); ok {
		return s
	}
	return Write
}

// scope returns what a secret allows, "" for nothing. It takes the same time
// for any wrong one.
func (g *Guard) scope(secret string) Scope {
	if secret == "" {
		return ""
	}
	sum, found := sha256.Sum256([]byte(secret)), Scope("")
	if g.Secret != "" {
		own := sha256.Sum256([]byte(g.Secret))
		if subtle.ConstantTimeCompare(own[:], sum[:]) == 1 {
			found = Write
		}
	}
	tokens, _ := g.tokens() // an error has been answered before
	for _, t := range tokens {
		if subtle.ConstantTimeCompare(t.sum[:], sum[:]) == 1 {
			found = t.Scope
		}
	}
	return found
}

// Secret returns the token of a request: that of "Authorization: Bearer", or
// the password of basic authentication, whatever the name of the user.
func Secret(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(kind, "Bearer") {
		return strings.TrimSpace(token)
	}
	return ""
}

// knownHost reports whether a Host header names this server.
func (g *Guard) knownHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if ip := net.ParseIP(name); ip != nil && ip.IsLoopback() {
		return true
	}
	for _, h := range g.Hosts {
		if strings.EqualFold(h, name) || strings.EqualFold(h, host) {
			return true
		}
	}
	return false
}

// ReadSecret reads the secret that a file consists of.
func ReadSecret(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(b))
	if len(secret) < 16 {
		return "", errors.New(file + " holds no token: it must have 16 characters at least")
	}
	return secret, nil
}

// IsLoopback reports whether only this machine reaches an address to listen on.
func IsLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
