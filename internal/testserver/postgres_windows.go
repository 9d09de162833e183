package testserver

import "testing"

// Postgres skips the test.
func Postgres(t testing.TB) *Server {
	t.Skip("PostgreSQL is tested on Unix")
	return nil
}
