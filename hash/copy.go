package hash

import (
	"context"
	"io"
	"os"

	"github.com/zeebo/blake3"
)

// CopySum writes to dst what src holds from its start, and returns the digest
// and the number of bytes. The error wraps [ErrChanged] if src changed
// meanwhile.
func CopySum(ctx context.Context, dst, src *os.File) (Sum, int64, error) {
	before, err := src.Stat()
	if err != nil {
		return Sum{}, 0, err
	}
	h := blake3.New()
	w := io.Writer(h)
	if dst != nil {
		w = io.MultiWriter(h, dst)
	}
	n, err := io.Copy(w, ctxReader{ctx, src})
	if err != nil {
		return Sum{}, n, err
	}
	after, err := src.Stat()
	if err != nil {
		return Sum{}, n, err
	}
	if changed(before, after, n) {
		return Sum{}, n, errChanged(src.Name())
	}
	return sumOf(h), n, nil
}

type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (r ctxReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
