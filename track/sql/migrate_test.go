package sql

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xtrepro/xt/track"
)

// TestOpenAtOnce opens an empty database many times at once: one makes the
// tables.
func TestOpenAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, stores newStores) {
		url := stores(t)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				s, err := Open(t.Context(), url, Options{})
				if err != nil {
					t.Error(err)
					return
				}
				if e, err := s.Experiment(t.Context(), 0); err != nil || e.Name != "Default" {
					t.Errorf("%+v, %v", e, err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// TestNewer refuses a store that a newer xt has made.
func TestNewer(t *testing.T) {
	onEach(t, func(t *testing.T, stores newStores) {
		url := stores(t)
		s := open(t, url)
		check(t, s.change(t.Context(), func(tx *tx) error {
			_, err := tx.exec("UPDATE xt_schema SET version = version + 1")
			return err
		}))
		_, err := Open(t.Context(), url, Options{})
		n := len(steps(t))
		wantError(t, err, track.InvalidState, fmt.Sprintf("it was made by a newer xt (tables of version %d, this xt knows %d): update xt", n+1, n))
		if strings.Contains(fmt.Sprint(err), "@") && !strings.Contains(fmt.Sprint(err), "xt:xxxxx@") {
			t.Errorf("it tells the password: %v", err)
		}
	})
}

// TestUpgrade opens a store that the first xt has made.
func TestUpgrade(t *testing.T) {
	onEach(t, func(t *testing.T, stores newStores) {
		url := stores(t)
		old := &Store{dialect: &dialect{}, now: time.Now}
		if strings.HasPrefix(url, "postgres") {
			check(t, old.openPostgres(url))
		} else {
			check(t, old.openSQLite(url, false))
		}
		defer old.closeDatabases()
		c, err := newConn(t.Context(), old.write, old.dialect)
		check(t, err)
		check(t, old.upgrade(c, steps(t)[:1]))
		c.close()
		s := open(t, url)
		testExperiments(t, s)
		testTrials(t, s)
		testEvaluations(t, s)
	})
}

// steps returns the migrations that there are.
func steps(t *testing.T) []string {
	return must[[]string](t)(fs.Glob(migrations, "migrations/*.sql"))
}

// TestForeign refuses a database of something else, and leaves it as it is.
func TestForeign(t *testing.T) {
	onEach(t, func(t *testing.T, stores newStores) {
		url := stores(t)
		other := &Store{dialect: &dialect{}}
		if strings.HasPrefix(url, "postgres") {
			check(t, other.openPostgres(url))
		} else {
			check(t, other.openSQLite(url, false))
		}
		defer other.closeDatabases()
		_, err := other.write.ExecContext(t.Context(), "CREATE TABLE experiments (experiment_id INTEGER)")
		check(t, err)
		_, err = Open(t.Context(), url, Options{})
		wantError(t, err, track.InvalidState, "there are tables of something else in this database")
		var n int
		if err := other.write.QueryRowContext(t.Context(), "SELECT count(*) FROM experiments").Scan(&n); err != nil || n != 0 {
			t.Errorf("%d, %v", n, err)
		}
	})
}

// TestBrokenStep takes back a migration that fails half-way.
func TestBrokenStep(t *testing.T) {
	onEach(t, func(t *testing.T, stores newStores) {
		url := stores(t)
		s := open(t, url)
		c, err := newConn(t.Context(), s.write, s.dialect)
		check(t, err)
		defer c.close()
		for _, q := range s.begin() {
			check(t, c.plain(q))
		}
		check(t, c.plain("CREATE TABLE half (n INTEGER)"))
		if err := s.upgrade(c, append(steps(t), "migrations/none.sql")); err == nil {
			t.Error("it did not fail")
		}
		check(t, c.plain("ROLLBACK"))
		if _, err := open(t, url).Experiment(t.Context(), 0); err != nil {
			t.Error(err)
		}
		if err := c.plain("SELECT * FROM half"); err == nil {
			t.Error("half of it is there")
		}
	})
}

// TestOpenErrors says what is wrong.
func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "text #1?.db")
	check(t, os.WriteFile(file, []byte(strings.Repeat("not a database ", 100)), 0o666))
	if _, err := Open(t.Context(), file, Options{}); err == nil || !strings.Contains(err.Error(), "not a database") {
		t.Errorf("a text: %v", err)
	}
	if _, err := Open(t.Context(), "postgres://xt:secret@127.0.0.1:1/x", Options{}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("nobody listens: %v", err)
	}
	s, err := Open(t.Context(), "sqlite:"+filepath.Join(dir, "new", "é %20.db"), Options{})
	check(t, err)
	check(t, s.Close())
	if _, err := os.Stat(filepath.Join(dir, "new", "é %20.db")); err != nil {
		t.Error(err)
	}
}
