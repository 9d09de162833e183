package pack

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/xtrepro/xt/hash"
)

// sums yields digests of which many begin alike, so that they meet in the
// buckets of a table.
func sums() *rapid.Generator[hash.Sum] {
	return rapid.Custom(func(t *rapid.T) (sum hash.Sum) {
		if rapid.Bool().Draw(t, "spread") {
			copy(sum[:], rapid.SliceOfN(rapid.Byte(), hash.Size, hash.Size).Draw(t, "sum"))
			return sum
		}
		sum[0] = rapid.SampledFrom([]byte{0, 1, 0x80, 0xff}).Draw(t, "first")
		sum[hash.Size-1] = rapid.ByteMax(8).Draw(t, "last")
		return sum
	})
}

func files() *rapid.Generator[[]File] {
	entry := rapid.Custom(func(t *rapid.T) Entry {
		raw := rapid.Uint32Max(MaxBlob).Draw(t, "raw")
		return Entry{
			Sum:    sums().Draw(t, "blob"),
			Kind:   Kind(rapid.IntRange(1, int(lastKind)).Draw(t, "kind")),
			Raw:    raw,
			Length: rapid.Uint32Max(raw).Draw(t, "length"),
		}
	})
	one := rapid.Custom(func(t *rapid.T) File {
		f := File{Name: sums().Draw(t, "pack"), Entries: rapid.SliceOfN(entry, 0, 20).Draw(t, "entries")}
		at := uint32(headLen)
		for i := range f.Entries {
			f.Entries[i].Offset = at
			at += f.Entries[i].Length
		}
		f.Size = int64(at) + trailerLen
		return f
	})
	return rapid.SliceOfNDistinct(one, 0, 8, func(f File) hash.Sum { return f.Name })
}

// slowly is a table that is not in memory, which is read another way.
type slowly struct{ Bytes }

func (s slowly) ReadAt(ctx context.Context, p []byte, off int64) error {
	return s.Bytes.ReadAt(ctx, p, off)
}

func TestTableHoldsWhatItIsMadeOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		packs := files().Draw(t, "packs")
		replaced := rapid.SliceOfN(sums(), 0, 3).Draw(t, "replaced")
		b := EncodeTable(packs, replaced)
		for _, r := range []Reader{Bytes(b), slowly{b}} {
			checkTable(t, r, int64(len(b)), packs, replaced)
		}
		// The order in which it is told does not matter.
		mixed := rapid.Permutation(packs).Draw(t, "mixed")
		if !bytes.Equal(b, EncodeTable(mixed, append(slices.Clone(replaced), replaced...))) {
			t.Fatal("another order makes other bytes")
		}
	})
}

func checkTable(t *rapid.T, r Reader, size int64, packs []File, replaced []hash.Sum) {
	ctx := context.Background()
	table, err := OpenTable(ctx, r, size)
	if err != nil {
		t.Fatal(err)
	}
	for _, sum := range replaced {
		if !slices.Contains(table.Replaced(), sum) {
			t.Fatalf("it does not replace %s", sum)
		}
	}
	got, err := table.Files(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := sortedPacks(packs)
	if len(got) != len(want) {
		t.Fatalf("%d packs, want %d", len(got), len(want))
	}
	places := map[Location]int{}
	for i := range want {
		if got[i].Name != want[i].Name || got[i].Size != want[i].Size || !sameEntries(got[i].Entries, want[i].Entries) {
			t.Fatalf("pack %+v, want %+v", got[i], want[i])
		}
		for _, e := range want[i].Entries {
			places[Location{e, want[i].Name, want[i].Size}]++
		}
	}
	asked := rapid.SliceOfN(sums(), 0, 10).Draw(t, "asked")
	for l := range places {
		asked = append(asked, l.Sum)
	}
	slices.SortFunc(asked, compareSums)
	asked = slices.Compact(asked)
	if err := table.Find(ctx, asked, func(l Location) { places[l]-- }); err != nil {
		t.Fatal(err)
	}
	for l, n := range places {
		if n != 0 {
			t.Fatalf("found %+v %d times too few", l, n)
		}
	}
}

// sameEntries compares entries, of which those of no length may stand in any
// order.
func sameEntries(a, b []Entry) bool {
	count := map[Entry]int{}
	for i := range a {
		count[a[i]]++
	}
	for i := range b {
		count[b[i]]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return len(a) == len(b)
}

func TestTableOfNothing(t *testing.T) {
	b := EncodeTable(nil, nil)
	table, err := OpenTable(t.Context(), Bytes(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	err = table.Find(t.Context(), []hash.Sum{{}, {1}}, func(l Location) { t.Errorf("found %+v", l) })
	if err != nil {
		t.Error(err)
	}
}

func TestPackHoldsWhatItIsMadeOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := NewBuilder(0)
		var contents [][]byte
		for i := range rapid.IntRange(0, 10).Draw(t, "n") {
			kind := Kind(rapid.IntRange(1, int(lastKind)).Draw(t, "kind"))
			content := bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "content"), rapid.IntRange(1, 500).Draw(t, "times"))
			sum := hash.Bytes(content)
			if !kind.hashed() {
				sum = hash.Sum{byte(i)}
			}
			raw := Raw(kind, content)
			b.Add(kind, sum, Compress(nil, raw), len(raw))
			contents = append(contents, content)
		}
		if b.Empty() {
			return
		}
		want := b.Len()
		data, entries := b.Finish()
		if len(data) != want {
			t.Fatalf("%d bytes, and Len said %d", len(data), want)
		}
		n, err := DirectorySize(data[len(data)-TrailerSize:])
		if err != nil {
			t.Fatal(err)
		}
		for _, end := range [][]byte{data, data[int64(len(data))-n:]} {
			got, err := Directory(end, int64(len(data)))
			if err != nil || !slices.Equal(got, entries) {
				t.Fatalf("%v, %v, want %v", got, err, entries)
			}
		}
		for i := range entries {
			stored := data[entries[i].Offset:][:entries[i].Length]
			content, err := Decode(&entries[i], stored)
			if err != nil || !bytes.Equal(content, contents[i]) {
				t.Fatalf("blob %d: %d bytes, %v", i, len(content), err)
			}
			// No single byte can change unseen.
			if len(stored) == 0 {
				continue
			}
			broken := slices.Clone(stored)
			broken[rapid.IntRange(0, len(stored)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			if got, err := Decode(&entries[i], broken); err == nil && !bytes.Equal(got, contents[i]) {
				t.Fatalf("blob %d is damaged unseen", i)
			}
		}
	})
}

func TestRecipeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &Recipe{Pieces: rapid.Bool().Draw(t, "pieces")}
		for range rapid.IntRange(0, 20).Draw(t, "n") {
			r.Parts = append(r.Parts, Part{sums().Draw(t, "sum"), rapid.Int64Range(1, MaxBlob).Draw(t, "size")})
		}
		got, err := ParseRecipe(r.Encode(), r.Size())
		if err != nil || got.Pieces != r.Pieces || !slices.Equal(got.Parts, r.Parts) {
			t.Fatalf("%+v, %v, want %+v", got, err, r)
		}
		if _, err := ParseRecipe(r.Encode(), r.Size()+1); err == nil {
			t.Fatal("a recipe for a byte less is taken")
		}
		if r.Size() > 0 {
			if _, err := ParseRecipe(r.Encode(), r.Size()-1); err == nil {
				t.Fatal("a recipe for a byte more is taken")
			}
		}
	})
}
