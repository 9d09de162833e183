package sql

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/xtrepro/xt/track"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrateInTurn is migrate, again while others open the same new file: SQLite does not
// wait where two change the mode of its journal at once, but says that it is locked.
func (s *Store) migrateInTurn(ctx context.Context) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if err := s.migrate(ctx); !isBusy(err) || time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
	}
}

// migrate brings the tables up to date: all the steps that are missing, in one
// transaction, while nobody else does.
func (s *Store) migrate(ctx context.Context) error {
	steps, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return err
	}
	c, err := newConn(ctx, s.write, s.dialect)
	if err != nil {
		return err
	}
	defer c.close()
	c.ctx = ctx
	if err := s.checkPragmas(c); err != nil {
		return err
	}
	if version, err := s.version(c); err != nil || version == len(steps) {
		return err
	}
	for _, q := range s.begin() {
		if err := c.plain(q); err != nil {
			return err
		}
	}
	if err := s.upgrade(c, steps); err != nil {
		return errors.Join(err, c.plain("ROLLBACK"))
	}
	return c.plain("COMMIT")
}

// checkPragmas reports whether SQLite took what the store counts on.
func (s *Store) checkPragmas(c *conn) error {
	if s.postgres {
		return nil
	}
	var mode string
	var keys int
	if err := c.row("PRAGMA journal_mode", nil, &mode); err != nil {
		return err
	}
	if err := c.row("PRAGMA foreign_keys", nil, &keys); err != nil {
		return err
	}
	if mode != s.journal || keys != 1 {
		return fmt.Errorf("the journal mode is %s, but must be %s: another process may have it open in that mode", mode, s.journal)
	}
	return nil
}

// version returns how many of the steps were taken.
func (s *Store) version(c *conn) (int, error) {
	tables := "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('xt_schema', 'experiments')"
	if s.postgres {
		tables = "SELECT CAST(relname AS text) FROM pg_class WHERE relkind = 'r' AND relname IN ('xt_schema', 'experiments') AND pg_table_is_visible(oid)"
	}
	found := map[string]bool{}
	err := c.eachOnce(tables, nil, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		found[name] = true
		return err
	})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	if !found["xt_schema"] {
		return 0, track.Errorf(track.InvalidState, "there are tables of something else in this database")
	}
	var version int
	return version, c.row("SELECT version FROM xt_schema", nil, &version)
}

func (s *Store) upgrade(c *conn, steps []string) error {
	version, err := s.version(c) // another process may have been faster
	if err != nil {
		return err
	}
	if version > len(steps) {
		return track.Errorf(track.InvalidState, "it was made by a newer xt (tables of version %d, this xt knows %d): update xt", version, len(steps))
	}
	if version == 0 {
		if err := c.plain("CREATE TABLE xt_schema (version INTEGER NOT NULL)"); err != nil {
			return err
		}
		if err := c.plain("INSERT INTO xt_schema (version) VALUES (0)"); err != nil {
			return err
		}
	}
	for _, step := range steps[version:] {
		if err := s.take(c, step); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	_, err = c.exec("UPDATE xt_schema SET version = ?", len(steps))
	return err
}

// take runs the statements of one step.
func (s *Store) take(c *conn, step string) error {
	b, err := migrations.ReadFile(step)
	if err != nil {
		return err
	}
	for _, q := range strings.Split(s.schema(string(b), s.now().UnixMilli()), ";\n") {
		if strings.TrimSpace(q) == "" {
			continue
		}
		if err := c.plain(q); err != nil {
			return err
		}
	}
	return nil
}
