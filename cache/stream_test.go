package cache

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/xtrepro/xt/hash"
)

func TestPutStream(t *testing.T) {
	c, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, smallFile - 1, smallFile, smallFile + 1, 3*smallFile + 7} {
		data := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
		for range 2 { // the second time the cache has it
			sum, n, err := c.PutStream(t.Context(), iotest.HalfReader(bytes.NewReader(data)))
			if err != nil || n != int64(size) || sum != hash.Bytes(data) {
				t.Fatalf("%d bytes: %s, %d, %v", size, sum, n, err)
			}
		}
		f, err := c.OpenFile(hash.Bytes(data))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(f)
		f.Close()
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: read back %d, %v", size, len(got), err)
		}
	}
	for _, size := range []int{0, 5, 2 * smallFile} {
		for _, gone := range []error{errors.New("gone"), io.ErrUnexpectedEOF} {
			broken := io.MultiReader(bytes.NewReader(make([]byte, size)), iotest.ErrReader(gone))
			if _, _, err := c.PutStream(t.Context(), broken); !errors.Is(err, gone) {
				t.Errorf("a reader that fails after %d bytes: %v, not %v", size, err, gone)
			}
		}
	}
	report, err := c.Fsck(t.Context(), FsckOptions{})
	if err != nil || !report.OK() || report.Leftovers != 0 || report.Objects != 6 {
		t.Errorf("%+v, %v", report, err)
	}
}
