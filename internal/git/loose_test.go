package git

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/zlib"
)

// deflated returns the file of a loose object.
func deflated(object string) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(object)) // to memory
	_ = w.Close()
	return b.Bytes()
}

func blobOf(content string) []byte {
	return deflated(fmt.Sprintf("blob %d\x00%s", len(content), content))
}

func TestInflateBlob(t *testing.T) {
	in := new(inflater) // one for all, in turns with what is broken
	broken := [][]byte{
		nil, []byte("no zlib at all"), blobOf("cut off")[:10], deflated(""), deflated("blob 1"),
		deflated("tree 1\x00a"), deflated("blob 2\x00a"), deflated("blob 1\x00ab"), deflated("blob -1\x00"),
		deflated("blob 99999999999999\x00a"), deflated("blob 40\x00" + strings.Repeat("a", 41)),
	}
	wrongSum := blobOf("content")
	wrongSum[len(wrongSum)-1] ^= 1
	for i, file := range append(broken, wrongSum) {
		if content, ok := in.blob(file); ok {
			t.Errorf("broken %d: %q", i, content)
		}
		for _, n := range []int{0, 1, 23, 24, 25, 26, 1000, 1 << 20} {
			want := strings.Repeat("x", n)
			if got, ok := in.blob(blobOf(want)); !ok || string(got) != want {
				t.Errorf("after broken %d: %d bytes became %d, %v", i, n, len(got), ok)
			}
		}
	}
}

func FuzzInflateBlob(f *testing.F) {
	f.Add(blobOf(""))
	f.Add(blobOf("some text, some text, some text"))
	f.Fuzz(func(t *testing.T, file []byte) {
		content, ok := new(inflater).blob(file)
		if !ok {
			return
		}
		if again, ok := new(inflater).blob(blobOf(string(content))); !ok || !bytes.Equal(again, content) {
			t.Errorf("%q became %q, %v", content, again, ok)
		}
	})
}
