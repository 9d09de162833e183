package store

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// Time limits of connections.
const (
	stallAfter  = 60 * time.Second // with nothing coming or going
	dialTimeout = 15 * time.Second
)

// errStalled is why a connection was given up.
var errStalled = errors.New("nothing came or went for too long")

// wire makes connections that count what they carry, and break off when that
// comes to a halt.
type wire struct {
	sent, received func(int64)
	stall          time.Duration
}

func newWire(opts Options) *wire {
	w := &wire{sent: opts.Sent, received: opts.Received, stall: cmp.Or(opts.stall, stallAfter)}
	if w.sent == nil {
		w.sent = func(int64) {}
	}
	if w.received == nil {
		w.received = func(int64) {}
	}
	return w
}

// dial is what [http.Transport] wants as DialContext.
func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, wire: w}, nil
}

// tune makes t use the wire.
func (w *wire) tune(t *http.Transport) {
	t.DialContext = w.dial
	t.MaxIdleConns = 0 // no limit but the next
	t.MaxIdleConnsPerHost = 64
	t.TLSHandshakeTimeout = dialTimeout
	t.ForceAttemptHTTP2 = true
	t.DisableCompression = true // objects are what was stored, and of that length
	t.ReadBufferSize = 64 << 10
	t.WriteBufferSize = 64 << 10
}

// client is for the SDKs that take a client as it is.
func (w *wire) client() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	w.tune(t)
	return &http.Client{Transport: t}
}

// conn is one connection. A deadline that each transfer pushes on makes both
// directions fail when nothing moves in either.
type conn struct {
	net.Conn
	wire *wire
	// users counts the requests on a connection that may be silent without
	// any; nil for HTTP, where one that idles may well be closed.
	users   *atomic.Int64
	stalled atomic.Bool
}

// writeSize is how much is written at once, for the deadline is for each.
const writeSize = 64 << 10

func (c *conn) touch() error { return c.SetDeadline(time.Now().Add(c.wire.stall)) }

func (c *conn) Read(p []byte) (int, error) {
	for {
		if err := c.touch(); err != nil {
			return 0, err
		}
		n, err := c.Conn.Read(p)
		c.wire.received(int64(n))
		if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
			if c.users != nil && c.users.Load() == 0 {
				continue
			}
			err = c.stall()
		}
		return n, err
	}
}

func (c *conn) Write(p []byte) (int, error) {
	done := 0
	for {
		part := p[done:min(len(p), done+writeSize)]
		if err := c.touch(); err != nil {
			return done, err
		}
		n, err := c.Conn.Write(part)
		done += n
		c.wire.sent(int64(n))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = c.stall()
		}
		if err != nil || done == len(p) {
			return done, err
		}
	}
}

func (c *conn) stall() error {
	c.stalled.Store(true)
	return errStalled
}

// use notes that a request begins on a connection that may be silent between
// them, and done that it ended.
func (c *conn) use() (done func()) {
	if c.users.Add(1) == 1 {
		_ = c.touch() // fails only on a closed connection, and so will the request
	}
	return func() { c.users.Add(-1) }
}
