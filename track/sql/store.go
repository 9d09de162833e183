// Package sql keeps runs in SQLite, or in PostgreSQL.
//
// # Who may use a store at the same time
//
// Any number of processes: nothing that another may change is remembered
// between requests. In a process one goroutine writes; requests that come
// while it does share a transaction, and each is answered after the commit.
// SQLite's write-ahead log must be on a local disk.
//
// # What survives what
//
// What was answered survives the death of the process. The log of SQLite is
// not flushed to the disk with each commit, so that a power cut may take back
// the last moments, whole transactions at a time, and leaves the store intact.
package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/netfs"
	"github.com/xtrepro/xt/track"
)

var _ track.Store = (*Store)(nil)

// Store is an open store.
type Store struct {
	*dialect
	cache   *cache.Cache
	fetch   func(context.Context, hash.Node) error // nil for none
	now     func() time.Time
	names   *names
	writer  *writer
	curves  *summarizer
	journal string // the mode of SQLite's
	write   *sql.DB
	read    *sql.DB
	readers chan *conn // of the read pool; nil where one is to be opened
	few     int64      // runs that a search may look at without a thought
	closing sync.Once
	closed  chan struct{}
}

// fewRuns takes a search some milliseconds.
const fewRuns = 3000

// Options are what a store needs besides its URL.
type Options struct {
	// Cache keeps the bytes of artifacts. Without one they cannot be stored or
	// read.
	Cache *cache.Cache
	// Fetch, if not nil, brings the bytes of an artifact that the cache lacks into
	// it, if it can.
	Fetch func(ctx context.Context, n hash.Node) error
	// Now is the clock; nil for time.Now.
	Now func() time.Time
	// Network says that a file is on a file system that several machines use. It is
	// found out where the system tells.
	Network bool
}

// Open opens a store, and makes or updates its tables. The URL is that of a
// PostgreSQL database, postgres://USER@HOST/DATABASE, or a file for SQLite, with
// or without "sqlite:" before it. A store of a newer xt is an error.
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	s := &Store{dialect: &dialect{}, cache: opts.Cache, fetch: opts.Fetch, now: opts.Now, names: newNames(), few: fewRuns, closed: make(chan struct{})}
	if s.now == nil {
		s.now = time.Now
	}
	var err error
	if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		err = s.openPostgres(url)
	} else {
		err = s.openSQLite(strings.TrimPrefix(strings.TrimPrefix(url, "sqlite:"), "//"), opts.Network)
	}
	if err == nil {
		err = s.migrateInTurn(ctx)
	}
	if err != nil {
		s.closeDatabases()
		return nil, fmt.Errorf("open the store of runs %s: %w", redact(url), err)
	}
	s.writer = newWriter(s, s.write)
	s.curves = newSummarizer(s)
	return s, nil
}

// redact hides the password in a URL.
func redact(text string) string {
	if u, err := url.Parse(text); err == nil && u.User != nil {
		return u.Redacted()
	}
	return text
}

func (s *Store) openPostgres(url string) error {
	s.postgres = true
	s.setReaders(8)
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	s.write = stdlib.OpenDB(*config)
	s.read = s.write
	return nil
}

func (s *Store) openSQLite(file string, network bool) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	if err := registerRegexp(); err != nil {
		return err
	}
	s.setReaders(max(4, runtime.GOMAXPROCS(0)))
	// With a write-ahead log processes share memory, which two machines do not have: on
	// a network file system they would spoil the file. The rollback journal needs
	// nothing but locks of files there.
	s.journal = "wal"
	if network || netfs.Is(filepath.Dir(file)) {
		s.journal = "delete"
	}
	if s.write, err = openFile(file, s.journal, "synchronous(NORMAL)", "cache_size(-16000)"); err != nil {
		return err
	}
	s.read, err = openFile(file, s.journal, "query_only(1)", "cache_size(-8000)")
	return err
}

func (s *Store) setReaders(n int) {
	s.readers = make(chan *conn, n)
	for range n {
		s.readers <- nil
	}
}

// openFile opens a database of SQLite.
func openFile(file, journal string, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"_pragma": append([]string{"busy_timeout(15000)", "journal_mode(" + journal + ")", "foreign_keys(1)", "case_sensitive_like(1)", "temp_store(MEMORY)"}, pragmas...)}
	at := url.URL{Path: "/" + strings.TrimPrefix(filepath.ToSlash(file), "/")} // a disk has one before it, too
	c, err := sqlite.NewConnector("file:" + at.EscapedPath() + "?" + query.Encode())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}

// view runs f, which reads, in a transaction that sees one state of the store.
func (s *Store) view(ctx context.Context, f func(*conn) error) error {
	var c *conn
	select {
	case c = <-s.readers:
	case <-s.closed:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	for attempt := 0; ; attempt++ {
		var err error
		old := c != nil
		if c, err = s.viewOn(ctx, c, f); err == nil || track.CodeOf(err) != track.Unavailable || !old || attempt > 0 {
			s.readers <- c
			return err
		}
		// The connection was an old one: the database may be there again.
	}
}

// viewOn runs f on a connection, or on a new one. It returns the connection if
// that can be used again.
func (s *Store) viewOn(ctx context.Context, c *conn, f func(*conn) error) (*conn, error) {
	if c == nil {
		var err error
		if c, err = newConn(ctx, s.read, s.dialect); err != nil {
			return nil, err
		}
	}
	c.ctx = ctx
	err := c.plain(s.beginRead())
	if err == nil {
		err = f(c)
		c.ctx = context.Background()
		if end := c.plain("ROLLBACK"); err == nil {
			err = end
		} else if end != nil {
			c.close()
			return nil, err
		}
	}
	if e := (*track.Error)(nil); err != nil && !(errors.As(err, &e) && e.Code != track.Unavailable) {
		c.close() // it may be spoilt
		return nil, err
	}
	return c, err
}

// change runs f, which writes, and returns when that is committed.
func (s *Store) change(ctx context.Context, f func(*tx) error) error {
	return s.writer.do(ctx, false, f)
}

// repeat is change for what may be done twice with the same result.
func (s *Store) repeat(ctx context.Context, f func(*tx) error) error {
	return s.writer.do(ctx, true, f)
}

// Ping reports whether the store can be reached.
func (s *Store) Ping(ctx context.Context) error {
	return s.view(ctx, func(c *conn) error {
		_, err := c.exists("SELECT 1")
		return err
	})
}

// Close waits for what is being written and read, and releases the store. What
// comes later is Unavailable.
func (s *Store) Close() (err error) {
	s.closing.Do(func() {
		close(s.closed)
		s.curves.close()
		s.writer.close()
		for range cap(s.readers) {
			if c := <-s.readers; c != nil {
				c.close()
			}
		}
		err = s.closeDatabases()
	})
	return err
}

func (s *Store) closeDatabases() error {
	var errs []error
	for _, db := range []*sql.DB{s.write, s.read} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
