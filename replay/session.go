package replay

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/xtrepro/xt/hash"
)

// Mode says what a session does with calls.
type Mode string

// The modes.
const (
	Off    Mode = "off"    // calls go where they go
	Record Mode = "record" // what is not recorded is asked, and recorded
	Replay Mode = "replay" // what is not recorded is an error
)

// Options say how a session answers.
type Options struct {
	Mode      Mode              // Record or Replay
	Dir       string            // the recordings
	Aside     string            // where recordings wait for [Session.Keep], and go when they are not used; of no use to Replay
	Environ   []string          // what the command gets otherwise
	Caller    []string          // where the addresses of the providers are looked up
	Upstreams map[string]string // addresses by the variable that clients read, where Caller does not have it
	Errors    bool              // record also errors that a client gave up on
}

// Session answers the calls of one execution of a command.
type Session struct {
	opts    Options
	store   store
	routes  map[string]route // by the variable, in lower case
	secret  string           // in all addresses: others on this machine must not use the user's keys
	addr    string
	server  *http.Server
	client  *http.Client
	environ []string

	ctx     context.Context // of questions to providers
	stop    context.CancelFunc
	pending sync.WaitGroup // requests that are being answered

	mu     sync.Mutex
	closed bool
	queues map[hash.Sum]*queue
	sum    Summary
	misses []Miss
	err    error // of the session itself: the result must not be kept
}

// Summary says what became of the calls.
type Summary struct {
	Calls    int   `json:"calls"` // that were answered
	Replayed int   `json:"replayed"`
	Recorded int   `json:"recorded"`
	Tokens   int64 `json:"tokens"` // of the answers, as far as they say
}

// Miss is a call that has no recording.
type Miss struct {
	Request string // which it is, for people
	Reason  string // why it was not answered
}

// Start starts a session. It ends with [Session.Close].
func Start(ctx context.Context, opts Options) (*Session, error) {
	s := &Session{opts: opts, store: store{dir: opts.Dir, aside: opts.Aside}, routes: map[string]route{}, queues: map[hash.Sum]*queue{}}
	if opts.Mode == Replay {
		s.store.aside = ""
	}
	recorded, err := s.store.providers()
	if err != nil {
		return nil, fmt.Errorf("read the recordings: %w", err)
	}
	routes, err := opts.routes(recorded)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for calls to language models: %w", err)
	}
	s.secret, s.addr = rand.Text(), l.Addr().String()
	s.client = newClient()
	s.setEnviron(routes, recorded)
	s.ctx, s.stop = context.WithCancel(ctx)
	s.server = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: time.Minute, MaxHeaderBytes: 1 << 20, ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.fail(err)
		}
	}()
	return s, nil
}

// Mode returns what the session does with calls.
func (s *Session) Mode() Mode { return s.opts.Mode }

// Environ returns the environment of the command.
func (s *Session) Environ() []string { return s.environ }

// patience is how long answers are waited for that a command did not read to the
// end.
const patience = time.Minute

// Close ends the session. If the command succeeded, answers that it did not read
// to their end are waited for: it may ask for them again. Otherwise they are lost.
func (s *Session) Close(succeeded bool) {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	if succeeded {
		done := make(chan struct{})
		go func() { s.pending.Wait(); close(done) }()
		select {
		case <-done:
		case <-s.ctx.Done():
		case <-time.After(patience):
		}
	}
	s.stop()
	_ = s.server.Close()
	s.pending.Wait()
	s.client.CloseIdleConnections()
}

// Summary returns what became of the calls so far.
func (s *Session) Summary() Summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum
}

// Err returns why the result of a command is not that of the recordings; nil if
// it is. It is an [*IncompleteError] if there are calls without an answer.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	misses := slices.Clone(s.misses)
	for _, q := range s.queues {
		for _, c := range q.calls {
			if c.rec == nil && c.failure != "" && !(s.opts.Errors && c.last != nil) {
				misses = append(misses, Miss{c.request, c.failure})
			}
		}
	}
	if len(misses) == 0 {
		return nil
	}
	slices.SortFunc(misses, func(a, b Miss) int { return cmp.Or(cmp.Compare(a.Request, b.Request), cmp.Compare(a.Reason, b.Reason)) })
	return &IncompleteError{Mode: s.opts.Mode, Misses: misses}
}

// Keep makes the directory of a session that records hold what it used, and
// nothing else. It is called after Close, when the result is to be kept.
func (s *Session) Keep() error {
	if s.opts.Mode != Record {
		return nil
	}
	if err := s.Err(); err != nil {
		return err
	}
	used := map[string]hash.Sum{}
	for _, q := range s.queues {
		for _, c := range q.calls {
			if c.rec == nil && c.last != nil {
				if err := s.record(c, c.last); err != nil {
					return err
				}
			}
			if c.rec != nil {
				used[c.name] = c.rec.sum
			}
		}
	}
	if err := s.store.keep(used); err != nil {
		return fmt.Errorf("keep the recordings: %w", err)
	}
	return nil
}

// Used returns how many recordings the command was answered with.
func (s *Session) Used() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, q := range s.queues {
		for _, c := range q.calls {
			if c.rec != nil {
				n++
			}
		}
	}
	return n
}

// fail notes that something is wrong with the session itself.
func (s *Session) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

// IncompleteError says that calls were not answered from recordings, nor with what
// could be recorded, so that the command's result is not that of its recordings.
type IncompleteError struct {
	Mode   Mode
	Misses []Miss // never empty
}

// shownMisses is how many calls are named.
const shownMisses = 5

// Error names the first few calls.
func (e *IncompleteError) Error() string {
	text := fmt.Sprintf("%d calls to language models have no recorded answer:", len(e.Misses))
	if len(e.Misses) == 1 {
		text = "a call to a language model has no recorded answer:"
	}
	for i, m := range e.Misses {
		if i == shownMisses {
			return text + fmt.Sprintf("\n  and %d more", len(e.Misses)-i)
		}
		text += "\n  " + m.Request + ": " + m.Reason
	}
	return text
}
