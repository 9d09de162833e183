//go:build unix

package hash

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile returns the content of the file at path, read as it is looked at,
// and a function that lets go of it. Files mapped so are replaced and never
// written in place, so that the content stays what it was.
func mapFile(path string) (data []byte, unmap func() error, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	data, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return data, func() error { return unix.Munmap(data) }, nil
}
