package sql

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/xtrepro/xt/track"
)

// maxRecordKey is how long, in bytes, the key of a record may be: PostgreSQL has to
// find it in an index.
const maxRecordKey = 1000

// clean replaces what not every database takes in a text.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// PutRecords implements [track.Records].
func (s *Store) PutRecords(ctx context.Context, kind string, records ...track.Record) error {
	args := make([]any, 0, 3*len(records))
	for _, r := range records {
		if len(r.Key) > maxRecordKey {
			return track.Errorf(track.InvalidParameter, "a key of %d bytes is too long", len(r.Key))
		}
		args = append(args, kind, clean(r.Key), clean(r.Value))
	}
	return s.repeat(ctx, func(t *tx) error {
		return t.insert("INSERT INTO records (kind, key, value)", "ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value", 3, args)
	})
}

// SwapRecord implements [track.Records].
func (s *Store) SwapRecord(ctx context.Context, kind, key, old, value string) error {
	if len(key) > maxRecordKey {
		return track.Errorf(track.InvalidParameter, "a key of %d bytes is too long", len(key))
	}
	query := "UPDATE records SET value = ? WHERE kind = ? AND key = ? AND value = ?"
	args := []any{clean(value), kind, clean(key), clean(old)}
	if old == "" {
		query, args = "INSERT INTO records (value, kind, key) VALUES (?, ?, ?) ON CONFLICT (kind, key) DO NOTHING", args[:3]
	}
	return s.change(ctx, func(t *tx) error {
		n, err := t.exec(query, args...)
		if err == nil && n == 0 {
			err = track.Errorf(track.InvalidState, "the %s with the key %q has changed meanwhile", kind, key)
		}
		return err
	})
}

// Record implements [track.Records].
func (s *Store) Record(ctx context.Context, kind, key string) (value string, err error) {
	err = s.view(ctx, func(c *conn) error {
		err := c.row("SELECT value FROM records WHERE kind = ? AND key = ?", []any{kind, clean(key)}, &value)
		if errors.Is(err, sql.ErrNoRows) {
			return track.Errorf(track.NotFound, "there is no %s with the key %q", kind, key)
		}
		return err
	})
	return value, err
}

// Records implements [track.Records].
func (s *Store) Records(ctx context.Context, kind, prefix string) (records []track.Record, err error) {
	prefix = clean(prefix)
	err = s.view(ctx, func(c *conn) error {
		records = nil
		query, args := "SELECT key, value FROM records WHERE kind = ?", []any{kind}
		if prefix != "" {
			query, args = query+" AND key >= ? AND substr(key, 1, ?) = ?", append(args, prefix, int64(len([]rune(prefix))), prefix)
		}
		return c.each(query+" ORDER BY key", args, func(scan func(...any) error) error {
			var r track.Record
			err := scan(&r.Key, &r.Value)
			records = append(records, r)
			return err
		})
	})
	return records, err
}

// DeleteRecord implements [track.Records].
func (s *Store) DeleteRecord(ctx context.Context, kind, key string) error {
	return s.repeat(ctx, func(t *tx) error {
		_, err := t.exec("DELETE FROM records WHERE kind = ? AND key = ?", kind, clean(key))
		return err
	})
}

// PutLines implements [track.Records].
func (s *Store) PutLines(ctx context.Context, runID, stream string, from int64, lines []string) error {
	if from < 0 {
		return track.Errorf(track.InvalidParameter, "lines are numbered from 0, not from %d", from)
	}
	if len(lines) == 0 {
		return nil
	}
	return s.repeat(ctx, func(t *tx) error {
		r, err := t.activeRun(runID)
		if err != nil {
			return err
		}
		args := make([]any, 0, 4*len(lines))
		for i, line := range lines {
			args = append(args, r.row, stream, from+int64(i), clean(line))
		}
		return t.insert("INSERT INTO lines (run, stream, number, content)", "ON CONFLICT (run, stream, number) DO UPDATE SET content = excluded.content", 4, args)
	})
}

// Lines implements [track.Records].
func (s *Store) Lines(ctx context.Context, q track.LineQuery) (lines []track.Line, err error) {
	query := "SELECT l.number, l.content FROM runs r JOIN lines l ON l.run = r.id WHERE r.run_id = ? AND l.stream = ? AND l.number >= ?"
	args := []any{q.RunID, q.Stream, q.From}
	if q.To > 0 {
		query, args = query+" AND l.number < ?", append(args, q.To)
	}
	query += " ORDER BY l.number"
	if q.Max > 0 {
		query, args = query+" LIMIT ?", append(args, int64(q.Max))
	}
	err = s.view(ctx, func(c *conn) error {
		lines = nil
		return c.each(query, args, func(scan func(...any) error) error {
			var l track.Line
			err := scan(&l.Number, &l.Text)
			lines = append(lines, l)
			return err
		})
	})
	return lines, err
}

// CountLines implements [track.Records].
func (s *Store) CountLines(ctx context.Context, runID, stream string) (n int64, err error) {
	err = s.view(ctx, func(c *conn) error {
		return c.row("SELECT coalesce(max(l.number) + 1, 0) FROM runs r JOIN lines l ON l.run = r.id WHERE r.run_id = ? AND l.stream = ?", []any{runID, stream}, &n)
	})
	return n, err
}

// ReplaceParams implements [track.Records].
func (s *Store) ReplaceParams(ctx context.Context, runID string, params []track.Param) error {
	return s.repeat(ctx, func(t *tx) error {
		r, err := t.activeRun(runID)
		if err != nil {
			return err
		}
		args := make([]any, 0, 3*len(params))
		for _, p := range params {
			p, err := track.CheckParam(p)
			if err != nil {
				return err
			}
			name, err := t.name(p.Key)
			if err != nil {
				return err
			}
			args = append(args, r.row, name, p.Value)
		}
		return t.insert("INSERT INTO params (run, name, value)", "ON CONFLICT (run, name) DO UPDATE SET value = excluded.value", 3, args)
	})
}
