//go:build unix

package hash

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestCopySumToFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	for _, n := range []int64{10, 9 * segmentSize} {
		path, _ := writeFile(t, n)
		_, _, err := CopySum(t.Context(), open(t, "/dev/full", os.O_WRONLY), open(t, path, os.O_RDONLY))
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%d bytes: %v, want ENOSPC", n, err)
		}
	}
}

func TestFileSumOfNamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Skip(err)
	}
	if _, _, err := FileSum(t.Context(), path); !errors.Is(err, errNotRegular) {
		t.Errorf("named pipe: %v", err)
	}
}
