package sql

import (
	"context"
	"database/sql"
	"errors"
)

// conn is a connection and the statements that were prepared on it. One
// goroutine uses it at a time.
type conn struct {
	*dialect
	ctx   context.Context
	sql   *sql.Conn
	stmts map[string]*sql.Stmt
}

func newConn(ctx context.Context, db *sql.DB, d *dialect) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return &conn{dialect: d, ctx: context.Background(), sql: c, stmts: map[string]*sql.Stmt{}}, nil
}

// close ends the connection for good; it does not go back to a pool.
func (c *conn) close() {
	_ = c.sql.Raw(func(any) error { return errDrop })
	_ = c.sql.Close()
}

// prepare returns a statement for a query that is used often.
func (c *conn) prepare(query string) (*sql.Stmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	s, err := c.sql.PrepareContext(context.Background(), c.bind(query))
	if err == nil {
		c.stmts[query] = s
	}
	return s, err
}

// exec runs a query that returns nothing, and returns how many rows it changed.
func (c *conn) exec(query string, args ...any) (int64, error) {
	s, err := c.prepare(query)
	if err != nil {
		return 0, explain(err)
	}
	r, err := s.ExecContext(c.ctx, args...)
	if err != nil {
		return 0, explain(err)
	}
	n, err := r.RowsAffected()
	return n, explain(err)
}

// plain runs a statement without parameters or results.
func (c *conn) plain(query string) error {
	_, err := c.sql.ExecContext(c.ctx, query)
	return explain(err)
}

// row reads the only row of a query that is used often. The error is
// sql.ErrNoRows if there is none.
func (c *conn) row(query string, args []any, dest ...any) error {
	s, err := c.prepare(query)
	if err != nil {
		return explain(err)
	}
	return explain(s.QueryRowContext(c.ctx, args...).Scan(dest...))
}

// each calls f, which scans, for each row of a query that is used often.
func (c *conn) each(query string, args []any, f func(scan func(...any) error) error) error {
	s, err := c.prepare(query)
	if err != nil {
		return explain(err)
	}
	rows, err := s.QueryContext(c.ctx, args...)
	return drain(rows, err, f)
}

// eachOnce is each for a query that was made for this once.
func (c *conn) eachOnce(query string, args []any, f func(scan func(...any) error) error) error {
	if c.postgres {
		query = number(query)
	}
	rows, err := c.sql.QueryContext(c.ctx, query, args...)
	return drain(rows, err, f)
}

func drain(rows *sql.Rows, err error, f func(scan func(...any) error) error) error {
	if err != nil {
		return explain(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return explain(err)
		}
	}
	return explain(rows.Err())
}

// exists reports whether a query has a row, which is of one number.
func (c *conn) exists(query string, args ...any) (bool, error) {
	var n int64
	err := c.row(query, args, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// chunks are how many rows one INSERT takes: few sizes, so that few statements
// are prepared.
var chunks = [...]int{128, 32, 8, 1}

// insert inserts rows of m values, which lie one after the other. The query is
// what is before and after the values.
func (c *conn) insert(before, after string, m int, args []any) error {
	for len(args) > 0 {
		for _, n := range chunks {
			if n*m > len(args) {
				continue
			}
			if _, err := c.exec(before+" VALUES "+values(n, m)+" "+after, args[:n*m]...); err != nil {
				return err
			}
			args = args[n*m:]
			break
		}
	}
	return nil
}

// bit is a bool as the tables have it.
func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
