package hash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/zeebo/blake3"
)

// ErrChanged says that a file's size or modification time changed while the
// file was read, so that the digest would be of no content it ever had.
var ErrChanged = errors.New("file changed while it was read")

// FileSum returns the digest of the regular file at path and its size in
// bytes. The error wraps [ErrChanged] if the file changed meanwhile.
func FileSum(ctx context.Context, path string) (Sum, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return Sum{}, 0, err
	}
	defer f.Close()
	return CopySum(ctx, nil, f)
}

// ReaderSum returns the digest of what r yields until its end, and how many
// bytes that was.
func ReaderSum(r io.Reader) (Sum, int64, error) {
	h := blake3.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return Sum{}, n, err
	}
	return sumOf(h), n, nil
}

func sumOf(h *blake3.Hasher) (sum Sum) {
	h.Sum(sum[:0])
	return sum
}

func changed(before, after os.FileInfo, read int64) bool {
	return read != before.Size() || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime())
}

func errChanged(name string) error { return fmt.Errorf("read %s: %w", name, ErrChanged) }
