package sql

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/internal/testserver"
	"github.com/xtrepro/xt/track"
)

// newStores returns a function that makes URLs of empty stores.
type newStores func(t testing.TB) (url string)

func sqliteStores(t testing.TB) string { return filepath.Join(t.TempDir(), "runs.db") }

// postgresStores returns databases of one server.
func postgresStores(t testing.TB) newStores {
	s := testserver.Postgres(t)
	var n atomic.Int32
	return func(t testing.TB) string {
		name := fmt.Sprintf("store%d", n.Add(1))
		admin := &Store{dialect: &dialect{}}
		if err := admin.openPostgres(s.URL); err != nil {
			t.Fatal(err)
		}
		defer admin.closeDatabases()
		if _, err := admin.write.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
			t.Fatal(err)
		}
		return strings.Replace(s.URL, "/postgres?", "/"+name+"?", 1)
	}
}

// onEach runs a test on SQLite and on PostgreSQL.
func onEach(t *testing.T, f func(t *testing.T, stores newStores)) {
	t.Run("sqlite", func(t *testing.T) { f(t, sqliteStores) })
	t.Run("postgres", func(t *testing.T) {
		if testing.Short() {
			t.Skip("starts a server")
		}
		f(t, postgresStores(t))
	})
}

// open opens a store, and a cache for it, until the end of the test.
func open(t testing.TB, url string) *Store {
	t.Helper()
	c, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), url, Options{Cache: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// wantError reports an error that has another code or message.
func wantError(t testing.TB, err error, code track.Code, message string) {
	t.Helper()
	if err == nil || track.CodeOf(err) != code || !strings.Contains(err.Error(), message) {
		t.Errorf("got error %v; want %v, %q", err, code, message)
	}
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRun(t testing.TB, s track.Store, n track.NewRun) track.Run {
	t.Helper()
	r, err := s.CreateRun(t.Context(), n)
	check(t, err)
	return r
}

func tagOf(tags []track.Tag, key string) string {
	for _, t := range tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}
