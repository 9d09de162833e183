//go:build unix

package git

import (
	"os"
	"syscall"
)

// openRead opens the file at path for reading. O_NONBLOCK saves the runtime's
// attempt to poll it, which for a small file is half of the work.
func openRead(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}
