package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/xtrepro/xt/hash"
)

// How long a machine that makes a result may give no sign of life before others make it,
// too, and how often it gives one.
const (
	silence   = time.Minute
	signEvery = 10 * time.Second
)

// turnElsewhere waits while another machine makes the result of a fingerprint, and
// returns a function to call when this one has. Where the file system has no locks, or
// the other gives no sign of life, both make it: that costs time and does no harm.
func (w *Workspace) turnElsewhere(ctx context.Context, fp hash.Fingerprint) (release func()) {
	dir := w.state("making")
	l := flock.New(filepath.Join(dir, fp.String()))
	if os.MkdirAll(dir, 0o777) != nil {
		return func() {}
	}
	for {
		ok, err := l.TryLock()
		info, statErr := os.Stat(l.Path())
		switch {
		case err != nil || ctx.Err() != nil:
			return func() {}
		case ok:
			return w.hold(l)
		case statErr == nil && time.Since(info.ModTime()) > silence:
			return func() {}
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// hold gives signs of life until it is released.
func (w *Workspace) hold(l *flock.Flock) (release func()) {
	now := time.Now()
	_ = os.Chtimes(l.Path(), now, now) // without a sign of life others wait no longer
	ended := make(chan struct{})
	go func() {
		tick := time.NewTicker(signEvery)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case now := <-tick.C:
				_ = os.Chtimes(l.Path(), now, now)
			}
		}
	}()
	return func() {
		close(ended)
		_ = os.Remove(l.Path()) // who waits for it finds the result, or makes it
		_ = l.Close()
	}
}
