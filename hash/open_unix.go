//go:build unix

package hash

import (
	"os"
	"syscall"
)

// openRead opens the file at path for reading. O_NONBLOCK keeps a named pipe,
// which somebody put there a moment ago, from blocking until it has a writer;
// it also saves regular files the runtime's attempt to poll them.
func openRead(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}
