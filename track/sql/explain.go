package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/xtrepro/xt/track"
)

// errDrop makes database/sql drop a connection.
var errDrop = driver.ErrBadConn

// explain gives the errors of databases that a caller can do something about a
// code. Others stay as they are.
func explain(err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if e := (*track.Error)(nil); errors.As(err, &e) {
		return err
	}
	switch {
	case isLost(err):
		return &track.Error{Code: track.Unavailable, Message: "the database of runs does not answer", Err: err}
	case isBusy(err):
		return &track.Error{Code: track.Unavailable, Message: "the store of runs is locked by another process", Err: err}
	case isBadText(err):
		return &track.Error{Code: track.InvalidParameter, Message: "the database of runs does not take a value", Err: err}
	}
	return err
}

// isLost reports whether the connection is gone, or none can be made.
func isLost(err error) bool {
	pg, connect, network := (*pgconn.PgError)(nil), (*pgconn.ConnectError)(nil), net.Error(nil)
	if errors.As(err, &pg) {
		// 08 is about connections, 57P about servers that stop or start; 53 about
		// what a server has too little of, 40 about transactions to be repeated.
		return hasPrefix(pg.Code, "08", "57P", "53", "40")
	}
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "conn closed")
}

func hasPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

func isBusy(err error) bool {
	e := (*sqlite.Error)(nil)
	return errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_BUSY || e.Code()&0xff == sqlite3.SQLITE_LOCKED)
}

// isBadText reports whether a value was refused, such as a text with a zero
// byte.
func isBadText(err error) bool {
	pg := (*pgconn.PgError)(nil)
	return errors.As(err, &pg) && strings.HasPrefix(pg.Code, "22")
}
