package compare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// block is how much of a file is read at a time.
const block = 1 << 20

// bufferSize is how much to read at a time of what has so many bytes: all at
// once if it is small, with a byte to see the end.
func bufferSize(size int64) int { return int(min(max(size, 0), block-1) + 1) }

// input is a file that is read. It keeps what went wrong, so that this is never
// taken for what the file holds.
type input struct {
	ctx  context.Context
	src  Source
	name string
	err  error // the first
}

// Size is the length in bytes.
func (in *input) Size() int64 { return in.src.Size() }

// ReadAt reads, unless the context has ended.
func (in *input) ReadAt(p []byte, off int64) (int, error) {
	if in.err != nil {
		return 0, in.err
	}
	if err := in.ctx.Err(); err != nil {
		in.err = err
		return 0, err
	}
	if off < 0 {
		return 0, errFormat // a broken archive asks for it
	}
	n, err := in.src.ReadAt(p, off)
	switch {
	case n == len(p):
		return n, nil
	case errors.Is(err, io.EOF) && off+int64(n) >= in.Size():
		return n, io.EOF
	case err == nil || errors.Is(err, io.EOF):
		err = errors.New("it has become shorter meanwhile")
	}
	in.err = fmt.Errorf("read %s: %w", in.name, err)
	return n, in.err
}

func (in *input) reader() *io.SectionReader {
	return io.NewSectionReader(in, 0, in.Size())
}

// all returns the whole content.
func (in *input) all() ([]byte, error) {
	b := make([]byte, in.Size())
	if n, err := in.ReadAt(b, 0); n < len(b) {
		return nil, err
	}
	return b, nil
}

// byteDiff is the first difference of two streams.
type byteDiff struct {
	at        int64 // offset; -1 if there is none
	want, got int   // the bytes there; -1 where a stream has ended
}

// firstDiff compares two streams, of about that size, to their first difference.
func firstDiff(want, got io.Reader, size int64) (byteDiff, error) {
	a, b := make([]byte, bufferSize(size)), make([]byte, bufferSize(size))
	for at := int64(0); ; at += int64(len(a)) {
		n, err := readBlock(want, a)
		if err != nil {
			return byteDiff{}, err
		}
		m, err := readBlock(got, b)
		if err != nil {
			return byteDiff{}, err
		}
		if !bytes.Equal(a[:n], b[:m]) {
			i := samePrefix(a[:n], b[:m])
			return byteDiff{at + int64(i), byteAt(a[:n], i), byteAt(b[:m], i)}, nil
		}
		if n < len(a) {
			return byteDiff{at: -1}, nil
		}
	}
}

// readBlock fills the buffer as far as the stream goes.
func readBlock(r io.Reader, buf []byte) (int, error) {
	n, err := io.ReadFull(r, buf)
	if errors.Is(err, io.EOF) || err == io.ErrUnexpectedEOF { //nolint:errorlint // one that is wrapped is the reader's own
		err = nil
	}
	return n, err
}

// samePrefix returns how many bytes a and b begin with in common.
func samePrefix[T []byte | string](a, b T) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

func byteAt(b []byte, i int) int {
	if i < len(b) {
		return int(b[i])
	}
	return -1
}

// where names the place.
func (d byteDiff) where() string { return fmt.Sprintf("byte %d (%#x)", d.at, d.at) }

// show returns what is there of files of these sizes.
func (d byteDiff) show(wantSize, gotSize int64) (want, got string) {
	one := func(b int, size int64) string {
		if b < 0 {
			return fmt.Sprintf("the end, after %d bytes", size)
		}
		return fmt.Sprintf("%#02x of %d bytes", b, size)
	}
	return one(d.want, wantSize), one(d.got, gotSize)
}
