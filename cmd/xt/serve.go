package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/track/access"
	"github.com/xtrepro/xt/track/web"
)

func (a *app) serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "show runs, curves, pipeline and models on a page; keep what clients of MLflow, W&B and Optuna log",
		Description: "A browser finds a page at /: the runs of the project that you stand in, or of your own store\n" +
			"where there is none, with their curves, and the project's pipeline, models and data. Clients find\n" +
			"what answers as MLflow's tracking server does, and W&B's, by MLFLOW_TRACKING_URI and\n" +
			"WANDB_BASE_URL, and Optuna's GrpcStorageProxy a storage of studies on the same port; GET /docs\n" +
			"lists the endpoints of MLflow's API. It listens on this machine alone, and ends at an interrupt\n" +
			"when requests under way are answered.\n\n" +
			"On another address it must be told who may come: see \"xt serve token add\" and --token-file.\n\n" +
			"examples:\n   xt serve\n   xt serve --addr 127.0.0.1:0\n   xt serve token add ann\n   xt serve --addr 0.0.0.0:5000 --tls-cert cert.pem --tls-key key.pem",
		Flags: append(storeFlags(),
			&cli.StringFlag{Name: "addr", Usage: "listen on `HOST:PORT`; port 0 is any that is free", Value: "127.0.0.1:5000"},
			&cli.StringFlag{Name: "token-file", Usage: "let in whoever sends the token that is in `FILE`"},
			&cli.StringFlag{Name: "tls-cert", Usage: "the server's certificate and its chain, PEM, in `FILE`"},
			&cli.StringFlag{Name: "tls-key", Usage: "the certificate's key in `FILE`"},
			&cli.StringSliceFlag{Name: "allow-host", Usage: "a `NAME` by which clients may call the server besides localhost"},
		),
		Subcommands: []*cli.Command{a.tokenCommand()},
		Action:      a.serve,
	}
}

// serve carries out "xt serve".
func (a *app) serve(c *cli.Context) error {
	if c.NArg() > 0 {
		return a.noCommand(c)
	}
	place, err := a.storePlace(c)
	if err != nil {
		return err
	}
	guard, err := a.guard(c, place)
	if err != nil {
		return err
	}
	store, err := place.open(c.Context)
	if err != nil {
		return err
	}
	defer store.Close()
	models := modelsOf(place.w, store)
	ps := append(protocols{a.pageFor(place, store, models)}, openProtocols(store, models, a.reportRequest)...)
	defer ps.Close()
	ps.behind(guard)
	guard.Session = web.Secret
	listener, err := net.Listen("tcp", c.String("addr"))
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.String("addr"), err)
	}
	server := newHTTPServer(c.Context, guard)
	if err := a.announce(c, listener.Addr(), place, guard); err != nil {
		return errors.Join(err, listener.Close())
	}
	return a.serveUntilEnd(c, server, listener)
}

// newHTTPServer returns a server that slow clients cannot hold up. Requests go
// on when ctx ends: the server waits for them.
func newHTTPServer(ctx context.Context, h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		Protocols:         versions(),
		ReadHeaderTimeout: 20 * time.Second,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
}

// drain is how long requests under way have to end.
const drain = 10 * time.Second

// serveUntilEnd answers until the user ends xt.
func (a *app) serveUntilEnd(c *cli.Context, server *http.Server, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() {
		if c.IsSet("tls-cert") {
			failed <- server.ServeTLS(listener, c.String("tls-cert"), c.String("tls-key"))
		} else {
			failed <- server.Serve(listener)
		}
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-c.Context.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	go func() {
		select {
		case <-a.hurry:
			cancel()
		case <-ctx.Done():
		}
	}()
	if server.Shutdown(ctx) != nil {
		return server.Close() // they have had their time
	}
	return nil
}

// announce says where the server is.
func (a *app) announce(c *cli.Context, addr net.Addr, place *storePlace, guard *access.Guard) error {
	scheme := "http"
	if c.IsSet("tls-cert") {
		scheme = "https"
		if _, err := tls.LoadX509KeyPair(c.String("tls-cert"), c.String("tls-key")); err != nil {
			return &usageError{msg: fmt.Sprintf("--tls-cert, --tls-key: %v", err)}
		}
	}
	url := scheme + "://" + callAs(addr.String())
	a.term.Printf("serving %s at %s; an interrupt ends it\nexport MLFLOW_TRACKING_URI=%s\nexport WANDB_BASE_URL=%s\n", place.title, url, url, url)
	if guarded, _ := guard.Guarded(); guarded {
		a.term.Printf("export MLFLOW_TRACKING_TOKEN=… WANDB_API_KEY=…\n")
	}
	return nil
}

// callAs returns an address by which this machine can call one that is
// listened on.
func callAs(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	return net.JoinHostPort(host, port)
}

// guard returns what decides which requests pass.
func (a *app) guard(c *cli.Context, place *storePlace) (*access.Guard, error) {
	if c.IsSet("tls-cert") != c.IsSet("tls-key") {
		return nil, usageErrorf("--tls-cert and --tls-key go together")
	}
	g := &access.Guard{Tokens: place.tokens, Hosts: c.StringSlice("allow-host")}
	if file := c.String("token-file"); file != "" {
		var err error
		if g.Secret, err = access.ReadSecret(file); err != nil {
			return nil, &usageError{msg: fmt.Sprintf("--token-file: %v", err)}
		}
	}
	guarded, err := g.Guarded()
	if err != nil {
		return nil, err
	}
	if !guarded && !access.IsLoopback(c.String("addr")) {
		return nil, &usageError{msg: fmt.Sprintf("anybody could come by %s", c.String("addr")),
			hints: []string{"\"xt serve token add NAME\" makes a token, without which nobody gets in", "--token-file FILE takes one that is in a file"}}
	}
	return g, nil
}

// reportRequest says what went wrong in answering a request.
func (a *app) reportRequest(r *http.Request, err error) {
	a.term.Error(fmt.Sprintf("%s %s: %v", r.Method, r.URL.Path, err))
}
