package pack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/xtrepro/xt/hash"
)

// File is a pack as a table knows it.
type File struct {
	Name hash.Sum // the digest of its bytes, as the remote has them
	Size int64    // of these bytes
	// Entries is what is in it; nil in a [Table].
	Entries []Entry
}

// A table has, one after the other: a header; the names of the tables that it
// stands for as well; a row for each pack; the fan-out, which says for each
// beginning of a digest how many entries come before the next; the entries,
// sorted. Whoever knows the header and the fan-out can find an entry with one
// read of a few KiB.
const (
	headerLen = magicLen + 24
	packLen   = hash.Size + 8
	entryLen  = hash.Size + 16

	// perBucket is about how many entries there are to one beginning.
	perBucket = 64
	maxFanout = 20 // bits

	maxTablePacks = 1 << 24
	maxReplaced   = 1 << 16
	maxEntries    = 1 << 31
)

// EncodeTable returns a table of packs that stands also for the tables replaced.
// The same packs and tables, in whatever order, make the same bytes.
func EncodeTable(packs []File, replaced []hash.Sum) []byte {
	packs = sortedPacks(packs)
	replaced = slices.Clone(replaced)
	slices.SortFunc(replaced, compareSums)
	replaced = slices.Compact(replaced)
	rows := tableRows(packs)
	bits := fanoutBits(len(rows))
	b := make([]byte, 0, headerLen+len(replaced)*hash.Size+len(packs)*packLen+4<<bits+len(rows)*entryLen)
	b = append(append(b, tableMagic...), Version)
	for _, n := range []int{len(replaced), len(packs), bits, 0} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(len(rows)))
	for _, sum := range replaced {
		b = append(b, sum[:]...)
	}
	for i := range packs {
		b = append(b, packs[i].Name[:]...)
		b = binary.LittleEndian.AppendUint64(b, uint64(packs[i].Size))
	}
	b = appendFanout(b, rows, bits)
	for i := range rows {
		b = appendEntry(b, &rows[i])
	}
	return b
}

func sortedPacks(packs []File) []File {
	packs = slices.Clone(packs)
	slices.SortFunc(packs, func(a, b File) int { return compareSums(a.Name, b.Name) })
	return slices.CompactFunc(packs, func(a, b File) bool { return a.Name == b.Name })
}

func compareSums(a, b hash.Sum) int { return bytes.Compare(a[:], b[:]) }

// tableRow is an entry and the pack that it is in.
type tableRow struct {
	Entry
	pack uint32
}

func tableRows(packs []File) []tableRow {
	n := 0
	for i := range packs {
		n += len(packs[i].Entries)
	}
	rows := make([]tableRow, 0, n)
	for i := range packs {
		for _, e := range packs[i].Entries {
			rows = append(rows, tableRow{e, uint32(i)})
		}
	}
	slices.SortFunc(rows, func(a, b tableRow) int {
		return cmp.Or(compareSums(a.Sum, b.Sum), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.pack, b.pack), cmp.Compare(a.Offset, b.Offset))
	})
	return rows
}

func fanoutBits(n int) int { return min(bits.Len(uint(n/perBucket)), maxFanout) }

// bucketOf returns the beginning of a digest as a number.
func bucketOf(sum *hash.Sum, bits int) int {
	return int(uint64(binary.BigEndian.Uint32(sum[:])) >> (32 - bits))
}

func appendFanout(b []byte, rows []tableRow, bits int) []byte {
	n := 0
	for bucket := range 1 << bits {
		for n < len(rows) && bucketOf(&rows[n].Sum, bits) <= bucket {
			n++
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return b
}

func appendEntry(b []byte, r *tableRow) []byte {
	b = append(b, r.Sum[:]...)
	b = binary.LittleEndian.AppendUint32(b, r.pack)
	b = binary.LittleEndian.AppendUint32(b, r.Offset)
	b = binary.LittleEndian.AppendUint32(b, r.Length)
	return binary.LittleEndian.AppendUint32(b, r.Raw|uint32(r.Kind)<<24)
}

func readEntry(b []byte) (r tableRow) {
	copy(r.Sum[:], b)
	r.pack = binary.LittleEndian.Uint32(b[hash.Size:])
	r.Offset = binary.LittleEndian.Uint32(b[hash.Size+4:])
	r.Length = binary.LittleEndian.Uint32(b[hash.Size+8:])
	last := binary.LittleEndian.Uint32(b[hash.Size+12:])
	r.Raw, r.Kind = last&(1<<24-1), Kind(last>>24)
	return r
}

// Reader reads a part of a table, from wherever that is.
type Reader interface {
	// ReadAt fills p from offset off.
	ReadAt(ctx context.Context, p []byte, off int64) error
}

// Bytes is a table in memory.
type Bytes []byte

// ReadAt implements [Reader].
func (b Bytes) ReadAt(_ context.Context, p []byte, off int64) error {
	if off < 0 || off > int64(len(b)) || copy(p, b[off:]) < len(p) {
		return fmt.Errorf("table: %w", errShort)
	}
	return nil
}

// Table finds entries in an encoded table without reading all of it. Its methods
// may be called concurrently if those of its Reader may.
type Table struct {
	r        Reader
	bits     int
	replaced []hash.Sum
	packs    int64 // how many
	entries  int64 // how many
	packsAt  int64
	rowsAt   int64
	fanout   []byte
}

// OpenTable reads the beginning of a table of size bytes.
func OpenTable(ctx context.Context, r Reader, size int64) (*Table, error) {
	if size < headerLen {
		return nil, fmt.Errorf("table: %w", errShort)
	}
	head := make([]byte, headerLen)
	if err := r.ReadAt(ctx, head, 0); err != nil {
		return nil, err
	}
	if err := checkMagic(head, tableMagic, "table"); err != nil {
		return nil, err
	}
	t := &Table{r: r}
	replaced := int64(binary.LittleEndian.Uint32(head[magicLen:]))
	t.packs = int64(binary.LittleEndian.Uint32(head[magicLen+4:]))
	t.bits = int(binary.LittleEndian.Uint32(head[magicLen+8:]))
	entries := binary.LittleEndian.Uint64(head[magicLen+16:])
	if t.bits > maxFanout || replaced > maxReplaced || t.packs > maxTablePacks || entries > maxEntries {
		return nil, errors.New("table: impossible numbers in its header")
	}
	t.entries = int64(entries)
	t.packsAt = headerLen + replaced*hash.Size
	fanoutAt := t.packsAt + t.packs*packLen
	t.rowsAt = fanoutAt + 4<<t.bits
	if t.rowsAt+t.entries*entryLen != size {
		return nil, errors.New("table: its size is not what its header says")
	}
	return t, t.readFixed(ctx, replaced, fanoutAt)
}

// readFixed reads what is needed for each look-up.
func (t *Table) readFixed(ctx context.Context, replaced, fanoutAt int64) error {
	sums := make([]byte, replaced*hash.Size)
	if err := t.r.ReadAt(ctx, sums, headerLen); err != nil {
		return err
	}
	for ; len(sums) > 0; sums = sums[hash.Size:] {
		t.replaced = append(t.replaced, hash.Sum(sums[:hash.Size]))
	}
	t.fanout = make([]byte, 4<<t.bits)
	if err := t.r.ReadAt(ctx, t.fanout, fanoutAt); err != nil {
		return err
	}
	last := int64(0)
	for i := range 1 << t.bits {
		n := t.before(i + 1)
		if n < last || n > t.entries {
			return errors.New("table: its fan-out is not in order")
		}
		last = n
	}
	if last != t.entries {
		return errors.New("table: its fan-out does not add up")
	}
	return nil
}

// before returns how many entries there are in the buckets below the one given.
func (t *Table) before(bucket int) int64 {
	if bucket == 0 {
		return 0
	}
	return int64(binary.LittleEndian.Uint32(t.fanout[4*(bucket-1):]))
}

// Replaced returns the names of the tables that this one stands for.
func (t *Table) Replaced() []hash.Sum { return t.replaced }

// Len returns the number of entries.
func (t *Table) Len() int64 { return t.entries }

// Packs returns the number of packs.
func (t *Table) Packs() int64 { return t.packs }

// Location is where a blob is.
type Location struct {
	Entry
	Pack hash.Sum // the pack's name
	Size int64    // of the pack, as the remote has it
}

// Find calls f for each entry of one of the digests, which must be sorted. It
// reads what lies close together at once.
func (t *Table) Find(ctx context.Context, sums []hash.Sum, f func(Location)) error {
	var hits []tableRow
	for len(sums) > 0 {
		n, from, to := t.stretch(sums)
		rows, err := t.rows(ctx, from, to)
		if err != nil {
			return err
		}
		hits = appendHits(hits, rows, sums[:n])
		sums = sums[n:]
	}
	return t.located(ctx, hits, f)
}

// gap is how many entries are rather read for nothing than asked around.
const gap = 4096

// stretch returns how many of the digests are looked up with one read, and of
// which entries.
func (t *Table) stretch(sums []hash.Sum) (n int, from, to int64) {
	bucket := bucketOf(&sums[0], t.bits)
	from, to = t.before(bucket), t.before(bucket+1)
	for n = 1; n < len(sums); n++ {
		bucket := bucketOf(&sums[n], t.bits)
		if t.before(bucket) > to+gap || t.before(bucket+1)-from > maxStretch {
			break
		}
		to = max(to, t.before(bucket+1))
	}
	return n, from, to
}

// maxStretch bounds what is read at once to about 8 MiB.
const maxStretch = 8 << 20 / entryLen

// rows reads entries as they stand in the table.
func (t *Table) rows(ctx context.Context, from, to int64) ([]byte, error) {
	at, n := t.rowsAt+from*entryLen, (to-from)*entryLen
	if mem, ok := t.r.(Bytes); ok {
		return mem[at : at+n], nil
	}
	b := make([]byte, n)
	return b, t.r.ReadAt(ctx, b, at)
}

// appendHits appends the rows of the digests. Both are sorted.
func appendHits(hits []tableRow, rows []byte, sums []hash.Sum) []tableRow {
	n := len(rows) / entryLen
	sumAt := func(i int) []byte { return rows[i*entryLen:][:hash.Size] }
	lo := 0
	for i := range sums {
		// From here on the wanted row is not far: look further and further.
		hi, step := lo, 1
		for hi < n && bytes.Compare(sumAt(hi), sums[i][:]) < 0 {
			lo = hi + 1
			hi += step
			step *= 2
		}
		hi = min(hi, n)
		for lo < hi {
			mid := (lo + hi) / 2
			if bytes.Compare(sumAt(mid), sums[i][:]) < 0 {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		for j := lo; j < n && bytes.Equal(sumAt(j), sums[i][:]); j++ {
			hits = append(hits, readEntry(rows[j*entryLen:][:entryLen]))
		}
	}
	return hits
}

// located tells of the hits with the packs that they are in.
func (t *Table) located(ctx context.Context, hits []tableRow, f func(Location)) error {
	packs := map[uint32]File{}
	for i := range hits {
		packs[hits[i].pack] = File{}
	}
	if err := t.readPacks(ctx, packs); err != nil {
		return err
	}
	for i := range hits {
		p := packs[hits[i].pack]
		l := Location{Entry: hits[i].Entry, Pack: p.Name, Size: p.Size}
		if err := l.check(); err != nil {
			return err
		}
		f(l)
	}
	return nil
}

func (l *Location) check() error {
	if l.Size < 0 || l.Size > MaxPack+MaxPack/16 || l.end() > l.Size {
		return fmt.Errorf("table: blob %s is not inside its pack", l.Sum.Short())
	}
	return l.Entry.check()
}

// readPacks fills in the packs of which the numbers are given.
func (t *Table) readPacks(ctx context.Context, packs map[uint32]File) error {
	numbers := make([]uint32, 0, len(packs))
	for n := range packs {
		if int64(n) >= t.packs {
			return fmt.Errorf("table: there is no pack %d", n)
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for len(numbers) > 0 {
		n := 1
		for n < len(numbers) && numbers[n]-numbers[n-1] <= gap {
			n++
		}
		first, last := numbers[0], numbers[n-1]
		b := make([]byte, int64(last-first+1)*packLen)
		if err := t.r.ReadAt(ctx, b, t.packsAt+int64(first)*packLen); err != nil {
			return err
		}
		for _, number := range numbers[:n] {
			row := b[int64(number-first)*packLen:]
			packs[number] = File{Name: hash.Sum(row[:hash.Size]), Size: int64(binary.LittleEndian.Uint64(row[hash.Size:]))}
		}
		numbers = numbers[n:]
	}
	return nil
}

// Names returns the names of the packs.
func (t *Table) Names(ctx context.Context) ([]hash.Sum, error) {
	packs := map[uint32]File{}
	for i := range t.packs {
		packs[uint32(i)] = File{}
	}
	if err := t.readPacks(ctx, packs); err != nil {
		return nil, err
	}
	names := make([]hash.Sum, 0, len(packs))
	for i := range t.packs {
		names = append(names, packs[uint32(i)].Name)
	}
	return names, nil
}

// Files returns all packs with all their entries, in the order of their offsets.
func (t *Table) Files(ctx context.Context) ([]File, error) {
	packs := map[uint32]File{}
	for i := range t.packs {
		packs[uint32(i)] = File{}
	}
	if err := t.readPacks(ctx, packs); err != nil {
		return nil, err
	}
	files := make([]File, t.packs)
	for i := range files {
		files[i] = packs[uint32(i)]
	}
	for from := int64(0); from < t.entries; from += maxStretch {
		rows, err := t.rows(ctx, from, min(from+maxStretch, t.entries))
		if err != nil {
			return nil, err
		}
		for ; len(rows) > 0; rows = rows[entryLen:] {
			r := readEntry(rows[:entryLen])
			if int64(r.pack) >= t.packs {
				return nil, fmt.Errorf("table: there is no pack %d", r.pack)
			}
			f := &files[r.pack]
			l := Location{Entry: r.Entry, Size: f.Size}
			if err := l.check(); err != nil {
				return nil, err
			}
			f.Entries = append(f.Entries, r.Entry)
		}
	}
	for i := range files {
		slices.SortFunc(files[i].Entries, func(a, b Entry) int { return cmp.Compare(a.Offset, b.Offset) })
	}
	return files, nil
}
