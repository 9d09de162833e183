//go:build !unix

package git

import "os"

// openRead opens the file at path for reading.
func openRead(path string) (*os.File, error) { return os.Open(path) }
