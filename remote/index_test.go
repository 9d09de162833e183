package remote

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/pack"
	"github.com/xtrepro/xt/remote/store"
)

// counted counts what is read of a store.
type counted struct {
	store.Store
	reads, bytes atomic.Int64
}

func (c *counted) Read(ctx context.Context, key string, off int64, p []byte) error {
	c.reads.Add(1)
	c.bytes.Add(int64(len(p)))
	return c.Store.Read(ctx, key, off, p)
}

// TestBigIndex reads one directory from a remote that holds a million others: a
// fresh machine must not read the whole index for it.
func TestBigIndex(t *testing.T) {
	w := newWorld(t)
	w.write("d/a", noise(1, 1000))
	w.write("d/b", noise(2, 2000))
	want := Want{"d", w.add("d")}
	w.push(want)
	entries := 1_000_000
	if testing.Short() {
		entries = 700_000 // as many as are not read at once
	}
	crowd(t, w, entries)
	w.clone()
	st, err := store.Open(context.Background(), w.url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{Store: st}
	r, err := Open(context.Background(), c, w.opts)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Fetch(context.Background(), w.cache, []Want{want}, nil); err != nil {
		t.Fatal(err)
	}
	if !w.cache.HasTree(want.Node.Sum) {
		t.Error("the directory did not come")
	}
	t.Logf("%d entries: %d reads, %d bytes", entries, c.reads.Load(), c.bytes.Load())
	if c.reads.Load() > 30 || c.bytes.Load() > 1<<20 {
		t.Errorf("%d reads of %d bytes together", c.reads.Load(), c.bytes.Load())
	}
}

// crowd puts a table of many blobs into the index.
func crowd(t *testing.T, w *world, entries int) {
	t.Helper()
	const each = 10_000
	var files []pack.File
	for n := 0; n < entries; n += each {
		f := pack.File{Size: packSize}
		for i := range each {
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], uint64(n+i))
			f.Entries = append(f.Entries, pack.Entry{Sum: hash.Bytes(b[:]), Kind: pack.Data, Offset: uint32(24 + i), Length: 1, Raw: 1})
		}
		f.Name = f.Entries[0].Sum
		files = append(files, f)
	}
	text := pack.EncodeTable(files, nil)
	path := filepath.Join(w.url[len("file://"):], "meta", "index-"+hash.Bytes(text).String())
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
}
