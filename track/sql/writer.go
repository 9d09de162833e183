package sql

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xtrepro/xt/track"
)

// writer is the one goroutine that writes. Requests that come while it works
// share the next transaction, so that many cost one commit; each is answered
// only after that. If one fails, which is rare, all is rolled back and done
// again, each with a savepoint, so that the failure spoils nothing of others.
type writer struct {
	store *Store
	db    *sql.DB
	queue chan *request
	ended chan struct{}
	mu    sync.RWMutex // held for reading while something is queued
	done  bool
	conn  *conn // nil until it is needed, and after it was lost

	busySince time.Time // when it last let others have the lock
}

// request is one write.
type request struct {
	f     func(*tx) error
	again bool // whether it may be done a second time
	state atomic.Int32
	err   error
	done  chan struct{}
}

// The states of a request.
const (
	waiting int32 = iota
	started
	givenUp
)

// tx is the transaction that a request writes in.
type tx struct {
	*conn
	store *Store
	now   int64
	names map[string]int64 // that this request has made or read
	fresh map[string]int64 // that those before it in the transaction have
}

const (
	maxGroup = 512                    // requests in a transaction
	maxTime  = 30 * time.Millisecond  // before a transaction that others wait for is committed
	maxTurn  = 30 * time.Millisecond  // before another process is given a chance to write
	patience = 10 * time.Second       // for a database that is away
	pause    = 100 * time.Millisecond // between attempts to reach it
)

func newWriter(s *Store, db *sql.DB) *writer {
	w := &writer{store: s, db: db, queue: make(chan *request, maxGroup), ended: make(chan struct{})}
	go w.loop()
	return w
}

var errClosed = track.Errorf(track.Unavailable, "the store of runs is closed")

// do has f run in a transaction and returns when that is committed. If again,
// f may be repeated although it is not known whether it was committed.
func (w *writer) do(ctx context.Context, again bool, f func(*tx) error) error {
	r := &request{f: f, again: again, done: make(chan struct{})}
	if err := w.enqueue(ctx, r); err != nil {
		return err
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
	}
	if r.state.CompareAndSwap(waiting, givenUp) {
		return ctx.Err()
	}
	<-r.done // whether it was written must be known
	return r.err
}

func (w *writer) enqueue(ctx context.Context, r *request) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.done {
		return errClosed
	}
	select {
	case w.queue <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close waits for what is queued.
func (w *writer) close() {
	w.mu.Lock()
	first := !w.done
	w.done = true
	w.mu.Unlock()
	if first {
		close(w.queue)
	}
	<-w.ended
}

func (w *writer) loop() {
	defer close(w.ended)
	for r := range w.queue {
		if r.state.CompareAndSwap(waiting, started) {
			w.group(r)
			w.giveWay()
		}
	}
	if w.conn != nil {
		w.conn.close()
	}
}

// group writes a request, and those that come meanwhile, in a transaction. If
// the database was lost before the commit, all of it is done again.
func (w *writer) group(first *request) {
	all, deadline := []*request{first}, time.Now().Add(patience)
	for {
		var err error
		all, err = w.attempt(all)
		if err == nil {
			break
		}
		if w.conn != nil {
			w.conn.close()
			w.conn = nil
		}
		all = w.repeatable(all, err, time.Now().After(deadline))
		if len(all) == 0 {
			return
		}
		time.Sleep(pause)
	}
	for _, r := range all {
		close(r.done)
	}
}

// lostError says that the database was lost in a commit.
type lostError struct{ error }

func (e lostError) Unwrap() error { return e.error }

// repeatable returns the requests that are to be done again after err; it
// answers the others.
func (w *writer) repeatable(all []*request, err error, late bool) []*request {
	unknown := errors.As(err, new(lostError))
	again := all[:0:0]
	for _, r := range all {
		if track.CodeOf(err) == track.Unavailable && !late && (r.again || !unknown) {
			again = append(again, r)
			continue
		}
		if r.err = err; unknown {
			r.err = &track.Error{Code: track.Unavailable, Message: "the database of runs was lost, and it is not known whether this was written", Err: err}
		}
		close(r.done)
	}
	return again
}

// attempt runs the requests, and those that come meanwhile, in a transaction.
// It returns all of them, with their own errors; the error is about the whole.
func (w *writer) attempt(all []*request) ([]*request, error) {
	all, fresh, err := w.together(all)
	if errors.Is(err, errSpoilt) {
		fresh, err = w.apart(all)
	}
	if err != nil {
		return all, err
	}
	if err := w.insist("COMMIT"); err != nil {
		return all, lostError{err}
	}
	w.store.names.add(fresh)
	return all, nil
}

// errSpoilt says that a request failed, and with it a transaction.
var errSpoilt = errors.New("a request failed")

// together runs requests without savepoints.
func (w *writer) together(all []*request) ([]*request, map[string]int64, error) {
	if err := w.begin(); err != nil {
		return all, nil, err
	}
	start, fresh := time.Now(), map[string]int64{}
	for i := 0; i < len(all); i++ {
		if err := w.run(all[i], fresh); err != nil {
			return all, nil, err
		}
		if all[i].err != nil {
			return all, nil, errors.Join(errSpoilt, w.conn.plain("ROLLBACK"))
		}
		if i == len(all)-1 && len(all) < maxGroup && time.Since(start) < maxTime {
			all = w.more(all)
		}
	}
	return all, fresh, nil
}

// apart runs requests with a savepoint each.
func (w *writer) apart(all []*request) (map[string]int64, error) {
	if err := w.begin(); err != nil {
		return nil, err
	}
	fresh := map[string]int64{}
	for _, r := range all {
		if err := w.conn.plain("SAVEPOINT one"); err != nil {
			return nil, err
		}
		if err := w.run(r, fresh); err != nil {
			return nil, err
		}
		end := "RELEASE one"
		if r.err != nil {
			end = "ROLLBACK TO one"
		}
		if err := w.conn.plain(end); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

func (w *writer) begin() (err error) {
	if w.conn == nil {
		if w.conn, err = newConn(context.Background(), w.db, w.store.dialect); err != nil {
			return err
		}
		if err := w.conn.pollLocks(); err != nil {
			return err
		}
	}
	queries := w.store.dialect.begin()
	err = w.insist(queries[0])
	for _, q := range queries[1:] {
		if err == nil {
			err = w.conn.plain(q)
		}
	}
	return err
}

// insist carries out a query for which others may hold a lock: those that write, and
// without a write-ahead log, those that read.
func (w *writer) insist(query string) error {
	for deadline := time.Now().Add(patience); ; {
		if err := w.conn.plain(query); !isBusy(err) || time.Now().After(deadline) {
			return err
		}
	}
}

// pollLocks has SQLite wait only a millisecond for a lock, after which insist
// tries again. By itself it would look ever more seldom, up to ten times a
// second, and might find the lock taken each time.
func (c *conn) pollLocks() error {
	if c.postgres {
		return nil
	}
	return c.plain("PRAGMA busy_timeout = 1")
}

// giveWay lets another process have the lock, if this one has had it for a
// while without pause.
func (w *writer) giveWay() {
	if w.store.postgres || len(w.queue) == 0 {
		w.busySince = time.Now()
		return
	}
	if time.Since(w.busySince) > maxTurn {
		time.Sleep(2 * time.Millisecond)
		w.busySince = time.Now()
	}
}

// more adds a request that waits.
func (w *writer) more(all []*request) []*request {
	for {
		select {
		case r, ok := <-w.queue:
			if !ok {
				return all
			}
			if r.state.CompareAndSwap(waiting, started) {
				return append(all, r)
			}
		default:
			return all
		}
	}
}

// run runs one request. Its own error is kept in it; the error that is
// returned is that of the database.
func (w *writer) run(r *request, fresh map[string]int64) error {
	t := &tx{conn: w.conn, store: w.store, now: w.store.now().UnixMilli(), names: map[string]int64{}, fresh: fresh}
	r.err = r.f(t)
	if r.err != nil && track.CodeOf(r.err) == track.Unavailable {
		err := r.err
		r.err = nil
		return err
	}
	if r.err == nil {
		maps.Copy(fresh, t.names)
	}
	return nil
}
