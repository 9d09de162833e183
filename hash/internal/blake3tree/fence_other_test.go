//go:build !unix

package blake3tree

import "testing"

// fenced returns n bytes: this system has no portable way to guard them.
func fenced(t *testing.T, n int) []byte { return make([]byte, n) }
