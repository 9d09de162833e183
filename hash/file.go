package hash

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// ErrChanged says that a file's size or modification time changed while the
// file was read, so that the digest would be of no content it ever had.
var ErrChanged = errors.New("file changed while it was read")

// errNotRegular says that there is no content to hash: a directory, a device, a
// named pipe.
var errNotRegular = errors.New("not a regular file")

// FileSum returns the digest of the regular file at path and its size in
// bytes. A big file is hashed on every core. The error wraps [ErrChanged] if
// the file changed meanwhile.
func FileSum(ctx context.Context, path string) (Sum, int64, error) {
	f, err := openRead(path)
	if err != nil {
		return Sum{}, 0, err
	}
	defer f.Close()
	return sumFile(ctx, nil, f)
}

// CopySum writes what src holds to dst, an empty file not opened for
// appending, and returns the digest and size in bytes of what it wrote. Both
// are used from offset 0 whatever their positions. A big file is read, hashed
// and written on several cores, so that after an error dst may have holes. The
// error wraps [ErrChanged] if src changed meanwhile.
func CopySum(ctx context.Context, dst, src *os.File) (Sum, int64, error) {
	return sumFile(ctx, dst, src)
}

// sumFile hashes src, and copies it to dst unless that is nil.
func sumFile(ctx context.Context, dst, src *os.File) (Sum, int64, error) {
	before, err := src.Stat()
	if err != nil {
		return Sum{}, 0, err
	}
	if !before.Mode().IsRegular() {
		return Sum{}, 0, fmt.Errorf("read %s: %w", src.Name(), errNotRegular)
	}
	p := pass{src: src, dst: dst, size: before.Size()}
	sum, err := p.run(ctx)
	if err != nil {
		return Sum{}, 0, err
	}
	after, err := src.Stat()
	if err != nil {
		return Sum{}, 0, err
	}
	if after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return Sum{}, 0, fmt.Errorf("read %s: %w", src.Name(), ErrChanged)
	}
	return sum, before.Size(), nil
}
