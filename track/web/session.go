package web

import (
	"encoding/base64"
	"net/http"

	"github.com/xtrepro/xt/track/access"
)

// The token that a person signs in with is kept in a cookie that scripts cannot
// read. So images, sounds and downloads come without the token in their addresses,
// other tabs are signed in, and nothing that runs in the page, were there ever
// something, could take the token away. It is sent below /ui/ alone and never with
// a request that another site causes, so that it opens no other API and no write to
// forged requests; the guard refuses those besides.

// cookieName is the name of the cookie. The browser sends it to all ports of a
// host, so that two servers on one must not take each other's.
func cookieName(r *http.Request) string { return "xt-token-" + port(r.Host) }

// port returns what of a host tells servers on the same machine apart.
func port(host string) string {
	for i := len(host) - 1; i >= 0; i-- {
		switch c := host[i]; {
		case c == ':':
			return host[i+1:]
		case c < '0' || c > '9':
			return "0"
		}
	}
	return "0"
}

// Secret returns the token that a browser sends with a request to the page.
func Secret(r *http.Request) string {
	c, err := r.Cookie(cookieName(r))
	if err != nil || !Owns(r) {
		return ""
	}
	secret, err := base64.RawURLEncoding.DecodeString(c.Value) // a token of a file may be any text
	if err != nil {
		return ""
	}
	return string(secret)
}

// session says who the page may act for, and what there is to show.
type session struct {
	Title   string `json:"title"`
	Version string `json:"version"`
	Write   bool   `json:"write"`
	Signed  bool   `json:"signed"` // in with a token
	Project bool   `json:"project"`
	Git     bool   `json:"git"` // whether the models are those of git
}

func (c *call) session() (any, error) {
	return session{
		Title: c.Title, Version: c.Version, Write: access.ScopeOf(c.r.Context()) == access.Write, Signed: Secret(c.r) != "",
		Project: c.Project != nil, Git: c.Models != nil,
	}, nil
}

// login keeps the token that the request was let in with.
func (c *call) login() (any, error) {
	c.setCookie(access.Secret(c.r), 0)
	return c.session()
}

func (c *call) logout() (any, error) {
	c.setCookie("", -1)
	return struct{}{}, nil
}

func (c *call) setCookie(secret string, age int) {
	http.SetCookie(c.w, &http.Cookie{Name: cookieName(c.r), Value: base64.RawURLEncoding.EncodeToString([]byte(secret)), MaxAge: age, Path: "/ui/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: c.r.TLS != nil || c.r.Header.Get("X-Forwarded-Proto") == "https"})
}
