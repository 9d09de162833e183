package cache

import (
	"context"
	"io"
	"path"

	"github.com/xtrepro/xt/hash"
)

// PutStream stores what it reads as an object, and returns its digest and size
// in bytes. What is small, or known to the cache, is written once or not at
// all; nothing is left behind if r fails.
func (c *Cache) PutStream(ctx context.Context, r io.Reader) (hash.Sum, int64, error) {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	data := sized(buf, smallFile)
	// io.ReadFull has the same error for a reader that ends as for one that was cut
	// off, such as the body of a request.
	var n int
	var err error
	for m := 0; n < len(data) && err == nil; n += m {
		m, err = r.Read(data[n:])
	}
	if err == io.EOF { //nolint:errorlint // one that is wrapped is no end
		sum := hash.Bytes(data[:n])
		return sum, int64(n), c.PutBytes(ctx, sum, data[:n])
	}
	if err != nil {
		return hash.Sum{}, 0, err
	}
	return c.putLong(ctx, data, r)
}

// putLong stores what was read already, which fills data, and the rest.
func (c *Cache) putLong(ctx context.Context, data []byte, r io.Reader) (sum hash.Sum, size int64, err error) {
	if err := c.makeFolder(temporary); err != nil {
		return sum, 0, c.explain(err)
	}
	top, err := c.folder()
	if err != nil {
		return sum, 0, err
	}
	w, err := c.draft(top, temporary, objectMode)
	if err != nil {
		return sum, 0, c.explain(err)
	}
	if sum, size, err = fillStream(ctx, w, data, r); err != nil {
		w.discard()
		return sum, size, c.explain(err)
	}
	had, err := c.hold(ctx, sum, size)
	rel := name(objects, sum)
	if had != held && err == nil {
		err = c.makeFolder(path.Dir(rel))
	}
	if had == held || err != nil {
		w.discard()
		return sum, size, c.explain(err)
	}
	return sum, size, c.explain(c.commitObject(top, w, rel, had))
}

// fillStream writes data and then the rest, by way of data, to w.
func fillStream(ctx context.Context, w *draft, data []byte, r io.Reader) (sum hash.Sum, size int64, err error) {
	var digest hash.Stream
	for n := len(data); ; {
		_, _ = digest.Write(data[:n]) // it never fails
		if err := w.write(data[:n]); err != nil {
			return sum, size, err
		}
		size += int64(n)
		if err := ctx.Err(); err != nil {
			return sum, size, err
		}
		n, err = r.Read(data)
		if err == io.EOF && n == 0 { //nolint:errorlint // one that is wrapped is no end
			return digest.Sum(), size, nil
		}
		if err != nil && err != io.EOF { //nolint:errorlint // as above
			return sum, size, err
		}
	}
}
