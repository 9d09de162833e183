// Package download gets files from the web. A file that is cut short is never
// taken for a whole one: it is gone on with where the server can, and begun anew
// where it cannot.
package download

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"time"

	"github.com/xtrepro/xt/internal/backoff"
)

// Progress is told how far a download is.
type Progress interface {
	// Expect says that there are so many more files and bytes to come.
	Expect(files, bytes int64)
	// Count says that so much is done; less than nothing where it was in vain.
	Count(files, bytes int64)
}

type silent struct{}

func (silent) Expect(_, _ int64) {}
func (silent) Count(_, _ int64)  {}

// Downloader gets files. The zero Downloader does it without saying anything.
type Downloader struct {
	// MaxSize bounds a file, in bytes; 0 for no bound.
	MaxSize int64
	// Progress may be nil.
	Progress Progress
	// Log, if not nil, is told of each failure that is going to be tried again.
	Log func(format string, args ...any)

	// What tests replace.
	sleep func(ctx context.Context, d time.Duration) error
	stall time.Duration
	tls   *tls.Config
}

// Known is what is known of a file that has been downloaded before.
type Known struct {
	Version string // as in [Result]
	Size    int64
}

// Result is what a download brought.
type Result struct {
	Size int64
	// Version is the ETag, or else the date of the last change; "" where the
	// server says neither.
	Version string
	// Unchanged says that the file is still the one that was known, and that
	// nothing was brought.
	Unchanged bool
}

// How often something is tried, and how long it takes until the next time.
const (
	maxTries    = 7
	maxUnknown  = 3 // where there has been no answer yet
	firstWait   = 250 * time.Millisecond
	longestWait = 10 * time.Second
	longestAsk  = time.Minute // that a server may ask to wait
	stallTime   = time.Minute // without a byte, until a connection counts as broken
)

// Get brings the file at a URL into part, and goes on with what is there. What
// goes wrong on the way is an [*Error]. If the file is still what is known of it, it is not
// brought.
func (d *Downloader) Get(ctx context.Context, url string, part *Part, known Known) (Result, error) {
	t := &transfer{Downloader: d, url: url, part: part, known: known, client: d.client(), shown: Shown(url)}
	if t.Progress == nil {
		t.progress = silent{}
	} else {
		t.progress = t.Progress
	}
	defer t.client.CloseIdleConnections()
	for try := 1; ; try++ {
		moved, err := t.attempt(ctx)
		if err == nil {
			return t.result, nil
		}
		if moved {
			try = 1
		}
		if disk := new(diskError); errors.As(err, &disk) {
			return Result{}, disk.err
		}
		e := t.explain(ctx, err)
		if try >= t.tries(e.Kind) {
			return Result{}, e
		}
		wait := max(backoff.Pause(try, firstWait, longestWait), e.wait)
		if d.Log != nil {
			d.Log("%v; trying again in %v", e, wait.Round(100*time.Millisecond))
		}
		if err := d.pause(ctx, wait); err != nil {
			return Result{}, t.explain(ctx, err)
		}
	}
}

func (d *Downloader) pause(ctx context.Context, wait time.Duration) error {
	if d.sleep != nil {
		return d.sleep(ctx, wait)
	}
	return backoff.Sleep(ctx, wait)
}

// client takes the proxy from the environment, as all of Go's does.
func (d *Downloader) client() *http.Client {
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.DisableCompression = true // the bytes are to be those that the server has
	tr.ResponseHeaderTimeout = stallTime
	if d.tls != nil {
		tr.TLSClientConfig = d.tls
	}
	return &http.Client{Transport: tr, CheckRedirect: mayRedirect}
}

// errInsecure says that what was asked for in secret is to come openly.
var errInsecure = errors.New("the server leads from https to http, where anybody on the way could change it")

func mayRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("the server leads from one address to the next, more than 10 times")
	}
	if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errInsecure
	}
	return nil
}

// transfer is one file on its way.
type transfer struct {
	*Downloader
	url, shown string
	part       *Part
	known      Known
	client     *http.Client
	progress   Progress
	expected   bool // progress knows how much is to come
	counted    int64
	most       int64 // that has ever come
	reached    bool  // the server has answered
	result     Result
}

// tries is how often to try in all what ended like this.
func (t *transfer) tries(kind Kind) int {
	switch {
	case kind == Temporary, kind == Unreachable && t.reached:
		return maxTries
	case kind == Unreachable:
		return maxUnknown
	}
	return 1
}
