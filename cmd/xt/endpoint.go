package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/access"
	"github.com/xtrepro/xt/track/wandb"
)

// endpoint serves the doors of the run store to the commands that xt runs, on
// loopback. Each command has a token of its own, which says whose runs it opens.
type endpoint struct {
	listener net.Listener
	server   *http.Server

	mu    sync.Mutex
	doors map[string]*entrance // by token
}

// entrance is where a command comes in. Most commands never do, so that it is made
// when one does.
type entrance struct {
	once   sync.Once
	store  track.Store
	models track.Registry
	made   protocols
}

// open returns what answers behind it; nil if it was closed before.
func (d *entrance) open() protocols {
	d.once.Do(func() { d.made = openProtocols(d.store, d.models, nil) })
	return d.made
}

func openEndpoint() (*endpoint, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return newEndpoint(l), nil
}

func newEndpoint(l net.Listener) *endpoint {
	e := &endpoint{listener: l, doors: map[string]*entrance{}}
	e.server = &http.Server{Handler: e, Protocols: versions(), ReadHeaderTimeout: 30 * time.Second}
	go func() { _ = e.server.Serve(l) }() // ends with close
	return e
}

// file returns the socket that is listened on, for another process.
func (e *endpoint) file() (*os.File, error) {
	l, ok := e.listener.(*net.TCPListener)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return l.File()
}

func (e *endpoint) url() string { return "http://" + e.listener.Addr().String() }

// add lets a command in and returns its token.
func (e *endpoint) add(s track.Store, models track.Registry) (string, error) {
	b := make([]byte, 20) // in hexadecimal it has the form of a key of W&B
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	token := hex.EncodeToString(b)
	e.let(token, s, models)
	return token, nil
}

// let lets in who has a token.
func (e *endpoint) let(token string, s track.Store, models track.Registry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.doors[token] = &entrance{store: s, models: models}
}

func (e *endpoint) remove(token string) {
	e.mu.Lock()
	d := e.doors[token]
	delete(e.doors, token)
	e.mu.Unlock()
	if d == nil {
		return
	}
	d.once.Do(func() {}) // too late for one to be made
	if d.made != nil {
		_ = d.made.Close() // of uploads that were not completed nothing is wanted
	}
}

// ServeHTTP implements http.Handler.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d := e.entrance(r); d != nil {
		if ps := d.open(); ps != nil {
			ps.ServeHTTP(w, r)
			return
		}
	}
	http.Error(w, "this endpoint is for the command that xt runs: MLFLOW_TRACKING_TOKEN", http.StatusUnauthorized)
}

// entrance returns where a request comes in: by its token, or by an address that
// one of them made.
func (e *endpoint) entrance(r *http.Request) *entrance {
	e.mu.Lock()
	defer e.mu.Unlock()
	if d := e.doors[access.Secret(r)]; d != nil {
		return d
	}
	if wandb.IsCapability(r) {
		for _, d := range e.doors {
			return d // they are doors to one store, which knows what it signed
		}
	}
	return nil
}

// close waits for requests that are being answered, but not for ever.
func (e *endpoint) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := e.server.Shutdown(ctx); err != nil {
		return errors.Join(err, e.server.Close())
	}
	return nil
}
