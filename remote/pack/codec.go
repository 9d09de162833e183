package pack

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// encoder and decoder are shared: EncodeAll and DecodeAll may be called
// concurrently. Low memory, because blobs are small and there are many workers.
var (
	encoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		if err != nil {
			panic(err) // the options are constant
		}
		return e
	})
	decoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(MaxBlob), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderConcurrency(0))
		if err != nil {
			panic(err) // the options are constant
		}
		return d
	})
)

// leastSaving is the part of a blob's size that compression must save to pay for
// the time that it takes on the other side.
const leastSaving = 32

// Compress returns raw in the form in which a pack holds it, appended to dst[:0]
// where it was compressed, else raw itself. A piece of a blob tells whether the
// rest is worth trying: what is random or compressed already is most of what is
// big.
func Compress(dst, raw []byte) []byte {
	if len(raw) < 64 || len(raw) > 2*sampleLen && !pays(raw) {
		return raw
	}
	out := encoder().EncodeAll(raw, dst[:0])
	if len(out) >= len(raw)-len(raw)/leastSaving {
		return raw
	}
	return out
}

const sampleLen = 16 << 10

// pays tries compression on a piece from the middle of raw.
func pays(raw []byte) bool {
	mid := len(raw)/2 - sampleLen/2
	buf := samples.Get().(*[]byte)
	defer samples.Put(buf)
	*buf = encoder().EncodeAll(raw[mid:mid+sampleLen], (*buf)[:0])
	return len(*buf) < sampleLen-sampleLen/leastSaving
}

var samples = sync.Pool{New: func() any { return new([]byte) }}

// decompress returns the size bytes that b stands for, and never more.
func decompress(b []byte, size int) ([]byte, error) {
	out, err := decoder().DecodeAll(b, make([]byte, 0, size))
	if err == nil && len(out) != size {
		err = fmt.Errorf("%d bytes instead of %d", len(out), size)
	}
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return out, nil
}
