package main

import (
	"errors"
	"io"
	"net/http"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/access"
	"github.com/xtrepro/xt/track/mlflow"
	"github.com/xtrepro/xt/track/optuna"
	"github.com/xtrepro/xt/track/wandb"
)

// protocol answers one kind of client.
type protocol struct {
	http.Handler

	owns       func(*http.Request) bool // whether a request is its own
	reads      func(*http.Request) bool // whether a request only reads
	capability func(*http.Request) bool // see [access.Guard]
	deny       func(w http.ResponseWriter, r *http.Request, status int, message string)
	io.Closer
}

// protocols answer the clients of all tools that xt stands in for, out of one store
// and on one port. A request belongs to the first protocol that owns it; the last
// one owns what is left.
type protocols []*protocol

// openProtocols returns what answers for a store; models is the registry behind it.
// Report is told what went wrong in answering a request.
func openProtocols(store track.Store, models track.Registry, report func(*http.Request, error)) protocols {
	m := mlflow.New(store, mlflow.Options{Registry: models, Report: report})
	o := optuna.New(store, optuna.Options{Report: report})
	w := wandb.New(store, wandb.Options{Report: report})
	return protocols{
		{Handler: w, Closer: w, owns: wandb.Owns, reads: wandb.Reads, capability: wandb.IsCapability, deny: wandb.Deny},
		{
			Handler: o, Closer: o,
			owns: optuna.Owns, reads: optuna.Reads, deny: optuna.Deny,
			capability: func(*http.Request) bool { return false },
		},
		{
			Handler: m, Closer: m,
			owns:  func(*http.Request) bool { return true },
			reads: mlflow.Reads, capability: mlflow.IsCapability, deny: mlflow.Deny,
		},
	}
}

// versions are those of HTTP that the protocols need: gRPC takes the second, also
// without TLS.
func versions() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	return p
}

// of returns the door that a request belongs to.
func (ps protocols) of(r *http.Request) *protocol {
	for _, p := range ps {
		if p.owns(r) {
			return p
		}
	}
	return ps[len(ps)-1]
}

// ServeHTTP implements http.Handler.
func (ps protocols) ServeHTTP(w http.ResponseWriter, r *http.Request) { ps.of(r).ServeHTTP(w, r) }

// behind puts the protocols behind a guard, which lets each decide about the requests
// that are its own.
func (ps protocols) behind(g *access.Guard) {
	g.Next = ps
	g.Reads = func(r *http.Request) bool { return ps.of(r).reads(r) }
	g.Capability = func(r *http.Request) bool { return ps.of(r).capability(r) }
	g.Deny = func(w http.ResponseWriter, r *http.Request, status int, message string) {
		ps.of(r).deny(w, r, status, message)
	}
}

// Close ends what the protocols keep between requests.
func (ps protocols) Close() error {
	var errs []error
	for _, p := range ps {
		errs = append(errs, p.Closer.Close())
	}
	return errors.Join(errs...)
}
