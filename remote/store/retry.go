package store

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/xtrepro/xt/internal/backoff"
)

// driver is a transport: a store whose errors are the raw ones, and which
// tries nothing twice.
type driver interface {
	stat(ctx context.Context, key string) (Info, error)
	// read returns how many bytes at the start of p are filled.
	read(ctx context.Context, key string, off int64, p []byte) (int, error)
	// put replaces a blob, or if create is set fails where there is one.
	put(ctx context.Context, key string, data []byte, create bool) error
	// list puts each request to the server through try. It yields keys as the
	// server has them.
	list(ctx context.Context, prefix string, try func(func() error) error) iter.Seq2[Info, error]
	// remove returns the keys that are left.
	remove(ctx context.Context, keys []string) ([]string, error)
	close() error
}

// How often something is tried, and how long it takes until the next time.
const (
	maxTries    = 7
	maxUnknown  = 3 // where there has been no connection yet
	firstWait   = 200 * time.Millisecond
	longestWait = 10 * time.Second
)

// retrying is a [Store] that tries again what is likely to go away.
type retrying struct {
	driver
	url     string
	log     func(format string, args ...any)
	sleep   func(ctx context.Context, d time.Duration) error
	reached atomic.Bool // there has been a good answer
	foreign bool        // as in [Options]
}

var (
	_ Store   = (*retrying)(nil)
	_ Sweeper = (*sweeping)(nil)
)

func newRetrying(d driver, url string, opts Options) *retrying {
	s := &retrying{driver: d, url: url, log: opts.Log, sleep: opts.sleep, foreign: opts.Foreign}
	if s.sleep == nil {
		s.sleep = backoff.Sleep
	}
	if s.log == nil {
		s.log = func(string, ...any) {}
	}
	return s
}

// do calls f until it succeeds, fails for good, or has been tried too often
// without getting on with the work, which is what it returns beside the error.
func (s *retrying) do(ctx context.Context, op, key string, f func() (moved bool, err error)) error {
	for try := 1; ; try++ {
		moved, err := f()
		if err == nil {
			s.reached.Store(true)
			return nil
		}
		if moved {
			try = 1
		}
		e := explain(ctx, s.url, op, key, err)
		if try >= s.tries(e.Kind) {
			return e
		}
		wait := backoff.Pause(try, firstWait, longestWait)
		s.log("%v; trying again in %v", e, wait.Round(100*time.Millisecond))
		if err := s.sleep(ctx, wait); err != nil {
			return explain(ctx, s.url, op, key, err)
		}
	}
}

// tries is how often to try in all what ended like this.
func (s *retrying) tries(kind Kind) int {
	switch {
	case kind == Temporary, kind == Unreachable && s.reached.Load():
		return maxTries
	case kind == Unreachable:
		return maxUnknown
	case kind == Skewed:
		return 2 // the SDK of S3 has learnt the time from the answer
	}
	return 1
}

func (s *retrying) Stat(ctx context.Context, key string) (info Info, err error) {
	if err := s.check("look at", key); err != nil {
		return Info{}, err
	}
	err = s.do(ctx, "look at", key, func() (bool, error) {
		info, err = s.stat(ctx, key)
		return false, err
	})
	return info, err
}

func (s *retrying) Read(ctx context.Context, key string, off int64, p []byte) error {
	if err := s.check("read", key); err != nil {
		return err
	}
	return s.do(ctx, "read", key, func() (bool, error) {
		if len(p) == 0 {
			return false, s.readNothing(ctx, key, off)
		}
		n, err := s.read(ctx, key, off, p)
		off, p = off+int64(n), p[n:]
		return n > 0, err
	})
}

// readNothing is a read of no bytes, such as of an empty blob.
func (s *retrying) readNothing(ctx context.Context, key string, off int64) error {
	info, err := s.stat(ctx, key)
	if err == nil && info.Size < off {
		err = ErrShort
	}
	return err
}

func (s *retrying) Put(ctx context.Context, key string, data []byte) error {
	if err := s.check("write", key); err != nil {
		return err
	}
	return s.do(ctx, "write", key, func() (bool, error) {
		return false, s.put(ctx, key, data, false)
	})
}

func (s *retrying) Create(ctx context.Context, key string, data []byte) error {
	if err := s.check("create", key); err != nil {
		return err
	}
	again := false
	return s.do(ctx, "create", key, func() (bool, error) {
		err := s.put(ctx, key, data, true)
		if again && err != nil && classify(err).kind == Exists && s.holds(ctx, key, data) {
			return false, nil // an earlier try was done, but its answer was lost
		}
		again = true
		return false, err
	})
}

// holds reports whether the blob at key is data.
func (s *retrying) holds(ctx context.Context, key string, data []byte) bool {
	info, err := s.Stat(ctx, key)
	if err != nil || info.Size != int64(len(data)) {
		return false
	}
	there := make([]byte, len(data))
	return s.Read(ctx, key, 0, there) == nil && bytes.Equal(there, data)
}

func (s *retrying) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		if prefix != "" && (!strings.HasSuffix(prefix, "/") || !validKey(strings.TrimSuffix(prefix, "/"))) {
			yield(Info{}, s.badKey("list", prefix))
			return
		}
		try := func(f func() error) error {
			return s.do(ctx, "list", strings.TrimSuffix(prefix, "/"), func() (bool, error) { return false, f() })
		}
		for info, err := range s.list(ctx, prefix, try) {
			if err == nil && !believable(info, prefix) {
				if !s.foreign || isMarker(info) || isTemp(path.Base(info.Key)) {
					continue
				}
				info, err = Info{}, s.badKey("list", info.Key)
			}
			if !yield(info, err) || err != nil {
				return
			}
		}
	}
}

// isMarker reports whether an entry stands for a folder, as the consoles of the
// clouds make them.
func isMarker(info Info) bool {
	return info.Size == 0 && strings.HasSuffix(info.Key, "/") || info.Key == ""
}

// believable reports whether an entry of a listing is one: what lies in a
// bucket beside the blobs, such as the folders that the consoles of the clouds
// make, is passed over, and so is what a server should not have sent.
func believable(info Info, prefix string) bool {
	return validKey(info.Key) && strings.HasPrefix(info.Key, prefix) && info.Size >= 0 && !isTemp(path.Base(info.Key))
}

func (s *retrying) Delete(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if err := s.check("delete", key); err != nil {
			return err
		}
	}
	about := ""
	if len(keys) == 1 {
		about = keys[0]
	}
	return s.do(ctx, "delete", about, func() (bool, error) {
		if len(keys) == 0 {
			return false, nil
		}
		left, err := s.remove(ctx, keys)
		moved := len(left) < len(keys)
		keys = left
		return moved, err
	})
}

func (s *retrying) Close() error {
	if err := s.close(); err != nil {
		return explain(context.Background(), s.url, "close", "", err)
	}
	return nil
}

func (s *retrying) check(op, key string) error {
	if validKey(key) {
		return nil
	}
	return s.badKey(op, key)
}

func (s *retrying) badKey(op, key string) error {
	return &Error{Op: op, URL: s.url, Err: fmt.Errorf("%q cannot be the name of a blob", key)}
}

// validKey reports whether key is one that every store can hold as it is, and
// leads nowhere else.
func validKey(key string) bool {
	return fs.ValidPath(key) && key != "." && !strings.ContainsFunc(key, isOdd)
}

// isOdd reports whether one of the stores or gocloud would write r in another
// way.
func isOdd(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`"#%?\`, r) }

// sweeper is a driver that may hold what killed writers left.
type sweeper interface {
	driver
	sweep(ctx context.Context, olderThan time.Duration) (int, error)
}

// sweeping is a [Store] that is also a [Sweeper].
type sweeping struct {
	*retrying
	sweeper sweeper
}

func (s *sweeping) Sweep(ctx context.Context, olderThan time.Duration) (int, error) {
	total := 0
	err := s.do(ctx, "clean up", "", func() (bool, error) {
		n, err := s.sweeper.sweep(ctx, olderThan)
		total += n
		return n > 0, err
	})
	return total, err
}
