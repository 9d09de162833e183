package pack

import (
	"bytes"
	"context"
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/xtrepro/xt/hash"
)

// frugal runs f and fails if that allocates much more than n bytes, which is what
// it was given.
func frugal(t *testing.T, n int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > uint64(32*n+3*MaxBlob) {
		t.Errorf("%d bytes made it allocate %d MiB", n, got>>20)
	}
}

// someTable is a table with a bit of everything.
func someTable() []byte {
	var packs []File
	for i := range 3 {
		f := File{Name: hash.Sum{byte(i)}, Size: 10_000}
		for j := range 100 {
			f.Entries = append(f.Entries, Entry{Sum: hash.Sum{byte(j), byte(i)}, Kind: Kind(j%int(lastKind) + 1), Offset: uint32(headLen + 10*j), Length: 10, Raw: 20})
		}
		packs = append(packs, f)
	}
	return EncodeTable(packs, []hash.Sum{{1}, {2}})
}

// header returns the beginning of a table with the given numbers, and size bytes
// of nothing after it.
func header(replaced, packs, bits uint32, entries uint64, size int) []byte {
	b := append([]byte(tableMagic), Version)
	for _, n := range []uint32{replaced, packs, bits, 0} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	b = binary.LittleEndian.AppendUint64(b, entries)
	return append(b, make([]byte, size)...)
}

func FuzzTable(f *testing.F) {
	good := someTable()
	f.Add(good)
	f.Add(good[:headerLen])
	f.Add(good[:len(good)-1])
	f.Add(EncodeTable(nil, nil))
	f.Add(header(1<<32-1, 1<<32-1, 1<<32-1, 1<<64-1, 100))
	f.Add(header(0, 0, 0, 1<<31, 4))
	f.Add(header(0, 0, 20, 0, 0))
	f.Add(header(1<<16, 1<<24, 0, 0, 4))
	f.Add(header(0, 1, 0, 1, packLen+4+entryLen))
	f.Fuzz(func(t *testing.T, b []byte) {
		frugal(t, len(b), func() {
			for _, r := range []Reader{Bytes(b), slowly{b}} {
				useTable(t, r, int64(len(b)))
			}
		})
	})
}

// useTable asks a table all that can be asked.
func useTable(t *testing.T, r Reader, size int64) {
	ctx := context.Background()
	table, err := OpenTable(ctx, r, size)
	if err != nil {
		return
	}
	inside := func(l Location) {
		if l.end() > l.Size || l.Size > MaxPack+MaxPack/16 || l.Raw > MaxBlob || l.Length > l.Raw {
			t.Errorf("a location that cannot be: %+v", l)
		}
	}
	_ = table.Find(ctx, []hash.Sum{{}, {0, 1}, {5, 2}, {0x80}, {0xff, 0xff}}, inside)
	files, err := table.Files(ctx)
	if err != nil {
		return
	}
	var all []hash.Sum
	for _, f := range files {
		for _, e := range f.Entries {
			inside(Location{e, f.Name, f.Size})
			all = append(all, e.Sum)
		}
	}
	_ = EncodeTable(files, table.Replaced())
	for _, sum := range all {
		_ = table.Find(ctx, []hash.Sum{sum}, inside)
	}
}

func FuzzDirectory(f *testing.F) {
	b := NewBuilder(100)
	content := bytes.Repeat([]byte("hello "), 1000)
	b.Add(Data, hash.Bytes(content), Compress(nil, content), len(content))
	b.Add(Run, hash.Sum{1}, Raw(Run, content), len(content)+hash.Size)
	data, _ := b.Finish()
	f.Add(bytes.Clone(data))
	f.Add(bytes.Clone(data[:len(data)-1]))
	for _, n := range []uint32{0, 1, 1 << 31, 1<<32 - 1} {
		lie := bytes.Clone(data)
		binary.LittleEndian.PutUint32(lie[len(lie)-trailerLen:], n)
		f.Add(lie)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frugal(t, len(b), func() {
			if n, err := DirectorySize(b); err == nil && (n < trailerLen || n > MaxPack+trailerLen) {
				t.Errorf("a directory of %d bytes", n)
			}
			entries, err := Directory(b, int64(len(b)))
			if err != nil {
				return
			}
			for i := range entries {
				e := &entries[i]
				if e.end() > int64(len(b)) {
					t.Fatalf("blob %+v is not inside the pack", e)
				}
				if len(entries) < 100 {
					_, _ = Decode(e, b[e.Offset:e.end()])
				}
			}
		})
	})
}

func FuzzDecode(f *testing.F) {
	zeros := make([]byte, MaxBlob)
	bomb := Compress(nil, zeros)
	f.Add(byte(Data), uint32(MaxBlob), bomb)
	f.Add(byte(Data), uint32(MaxBlob-1), bomb)
	f.Add(byte(Tree), uint32(100), bomb)
	f.Add(byte(Run), uint32(1<<24-1), bomb)
	f.Add(byte(Run), uint32(10), []byte("short"))
	// A frame that says it holds an exabyte.
	f.Add(byte(Data), uint32(1000), []byte("\x28\xb5\x2f\xfd\xe0\x00\x00\x00\x00\x00\x00\x00\x10\x02\x00\x00\x41"))
	// One without a size, of which a block repeats a byte 128 Ki times, often.
	many := append([]byte("\x28\xb5\x2f\xfd\x00\x58"), bytes.Repeat([]byte("\x02\x00\x10\x41"), 1000)...)
	f.Add(byte(Data), uint32(1<<24-1), append(many, "\x03\x00\x10\x41"...))
	f.Add(byte(Data), uint32(5000), append(many, "\x03\x00\x10\x41"...))
	f.Fuzz(func(t *testing.T, kind byte, raw uint32, stored []byte) {
		frugal(t, len(stored), func() {
			e := &Entry{Kind: Kind(kind), Raw: raw, Length: uint32(len(stored))}
			content, err := Decode(e, stored)
			if err == nil && len(content) > MaxBlob {
				t.Errorf("%d bytes", len(content))
			}
		})
	})
}

func FuzzRecipe(f *testing.F) {
	good := &Recipe{Parts: []Part{{hash.Sum{1}, 100}, {hash.Sum{2}, MaxBlob}}}
	f.Add(good.Encode(), good.Size())
	f.Add(good.Encode(), int64(UnknownSize))
	f.Add((&Recipe{Pieces: true, Parts: good.Parts}).Encode(), good.Size())
	f.Add((&Recipe{Pieces: true, Parts: []Part{{hash.Sum{1}, 1 << 62}, {hash.Sum{2}, 1 << 62}, {hash.Sum{2}, 1 << 62}}}).Encode(), int64(UnknownSize))
	f.Add((&Recipe{Parts: []Part{{hash.Sum{1}, -1}}}).Encode(), int64(-1))
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		frugal(t, len(b), func() {
			r, err := ParseRecipe(b, size)
			if err != nil {
				return
			}
			total := int64(0)
			for _, p := range r.Parts {
				if p.Size <= 0 || !r.Pieces && p.Size > MaxBlob {
					t.Errorf("a part of %d bytes", p.Size)
				}
				total += p.Size
			}
			if size != UnknownSize && total != size || total > max(size, MaxTree) {
				t.Errorf("%d bytes in all, want %d", total, size)
			}
			if !bytes.Equal(r.Encode(), b) {
				t.Error("another spelling is taken")
			}
		})
	})
}
