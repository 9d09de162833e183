//go:build unix

package blake3tree

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// fenced returns n bytes, which end where a page begins that nobody may touch.
func fenced(t *testing.T, n int) []byte {
	page := os.Getpagesize()
	pages := (n + page - 1) / page * page
	b, err := unix.Mmap(-1, 0, pages+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(b) })
	if err := unix.Mprotect(b[pages:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return b[pages-n : pages : pages]
}
