package testserver

import "io"

// Truncate returns an answer's body that breaks off after n bytes, for use in
// [Fault.After].
func Truncate(body io.ReadCloser, n int64) io.ReadCloser { return &truncated{body, n} }

// FlipBit returns an answer's body with one bit of byte n changed.
func FlipBit(body io.ReadCloser, n int64) io.ReadCloser { return &flipped{body, n} }

type truncated struct {
	io.ReadCloser
	left int64
}

func (b *truncated) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

type flipped struct {
	io.ReadCloser
	at int64 // from the next byte on
}

func (b *flipped) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.at >= 0 && b.at < int64(n) {
		p[b.at] ^= 1
	}
	b.at -= int64(n)
	return n, err
}
