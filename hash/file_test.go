package hash

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/zeebo/blake3"
)

// sizes are those around which a file takes another way.
var sizes = []int64{0, 1, 1024, 4096, segmentSize - 1, segmentSize, segmentSize + 1, 2 * segmentSize, 3<<20 + 7, 16 << 20}

// writeFile makes a file of n random bytes, last changed long ago.
func writeFile(t testing.TB, n int64) (path string, sum Sum) {
	t.Helper()
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(data)
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	return path, blake3.Sum256(data)
}

func open(t testing.TB, path string, flag int) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, flag, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestFileSum(t *testing.T) {
	for _, n := range sizes {
		path, want := writeFile(t, n)
		got, size, err := FileSum(t.Context(), path)
		if err != nil || got != want || size != n {
			t.Errorf("FileSum of %d bytes: %v, %d, %v, want %v", n, got, size, err, want)
		}
	}
}

func TestCopySum(t *testing.T) {
	for _, n := range sizes {
		path, want := writeFile(t, n)
		copied := filepath.Join(t.TempDir(), "copy")
		got, size, err := CopySum(t.Context(), open(t, copied, os.O_WRONLY|os.O_CREATE), open(t, path, os.O_RDONLY))
		if err != nil || got != want || size != n {
			t.Errorf("CopySum of %d bytes: %v, %d, %v, want %v", n, got, size, err, want)
		}
		if there, size, err := FileSum(t.Context(), copied); err != nil || there != want || size != n {
			t.Errorf("copy of %d bytes is %v, %d bytes, %v", n, there, size, err)
		}
	}
}

// A file that is copied to itself changes while it is read.
func TestChangedWhileRead(t *testing.T) {
	for _, n := range []int64{100, 2 * segmentSize} {
		path, _ := writeFile(t, n)
		_, _, err := CopySum(t.Context(), open(t, path, os.O_WRONLY), open(t, path, os.O_RDONLY))
		if !errors.Is(err, ErrChanged) {
			t.Errorf("%d bytes: %v, want ErrChanged", n, err)
		}
	}
}

func TestTruncatedWhileRead(t *testing.T) {
	path, _ := writeFile(t, segmentSize)
	for _, more := range []int64{1, segmentSize, 9 * segmentSize} {
		p := pass{src: open(t, path, os.O_RDONLY), size: segmentSize + more}
		if _, err := p.run(t.Context()); !errors.Is(err, ErrChanged) {
			t.Errorf("%d bytes cut off: %v, want ErrChanged", more, err)
		}
	}
}

func TestFileSumIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	small, _ := writeFile(t, 10)
	if _, _, err := FileSum(ctx, small); !errors.Is(err, context.Canceled) {
		t.Errorf("small file: %v", err)
	}
	// Were it not cancelled, a file with a hole of this size would take an hour.
	huge := open(t, filepath.Join(t.TempDir(), "huge"), os.O_RDWR|os.O_CREATE)
	if err := huge.Truncate(15 << 40); err != nil {
		t.Skip("no file so large: ", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := FileSum(ctx, huge.Name()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("huge file: %v", err)
	}
}

func TestFileSumOfOtherThings(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := FileSum(t.Context(), filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, _, err := FileSum(t.Context(), dir); !errors.Is(err, errNotRegular) {
		t.Errorf("directory: %v", err)
	}
}

func TestFilesAtOnce(t *testing.T) {
	path, want := writeFile(t, 5*segmentSize+1)
	results := make(chan Sum)
	for range 4 * cap(slots) {
		go func() {
			sum, _, _ := FileSum(t.Context(), path)
			results <- sum
		}()
	}
	for range 4 * cap(slots) {
		if got := <-results; got != want {
			t.Errorf("one of many: %v, want %v", got, want)
		}
	}
}
