//go:build !unix

package hash

import "os"

// mapFile returns the content of the file at path and a function that lets go
// of it. A file that is mapped cannot be replaced on Windows, so it is read.
func mapFile(path string) (data []byte, unmap func() error, err error) {
	data, err = os.ReadFile(path)
	return data, func() error { return nil }, err
}
