package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/pack"
)

// adopt takes over what an earlier push has sent before it was killed. Listings
// and recipes are sent again: what they name may not have been sent yet.
func (u *upload) adopt(ctx context.Context) error {
	entries, err := os.ReadDir(u.r.local("pending"))
	if err != nil {
		return nil // there is none
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * u.r.opts.Jobs)
	for _, e := range entries {
		g.Go(func() error { return u.adoptOne(gctx, e.Name()) })
	}
	return g.Wait()
}

func (u *upload) adoptOne(ctx context.Context, base string) error {
	if _, err := hash.ParseSum(base); err != nil {
		return nil // another push is about to write it
	}
	path := u.r.local("pending", base)
	f, err := readPending(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another push has recorded it
	}
	if err != nil || slices.ContainsFunc(f.Entries, func(e pack.Entry) bool { return e.Kind.IsMeta() }) {
		return removed(os.Remove(path))
	}
	info, err := u.r.store.Stat(ctx, packKey(f.Name))
	if errors.Is(err, fs.ErrNotExist) || err == nil && (info.Size != f.Size || u.doomed[f.Name]) {
		return removed(os.Remove(path))
	}
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sent = append(u.sent, f)
	for _, e := range f.Entries {
		u.known[e.Sum] = true
	}
	return nil
}

// removed is the error of a removal, but for that somebody else was faster.
func removed(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// readPending reads what is noted of a pack.
func readPending(ctx context.Context, path string) (pack.File, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return pack.File{}, err
	}
	t, err := pack.OpenTable(ctx, pack.Bytes(b), int64(len(b)))
	if err != nil {
		return pack.File{}, err
	}
	files, err := t.Files(ctx)
	if err != nil || len(files) != 1 {
		return pack.File{}, errors.Join(err, errors.New("not of one pack"))
	}
	return files[0], nil
}

// commit writes tables of the packs that were sent. Everything that their
// listings and recipes name is in them, or was in the index before. The error is
// errMoved if any of that is gone.
func (u *upload) commit(ctx context.Context) error {
	if len(u.sent) == 0 {
		return nil
	}
	if err := u.stillThere(ctx); err != nil {
		return err
	}
	// It has to be the last look before a table is written.
	if err := u.confirm(ctx); err != nil {
		return err
	}
	var blobs, runs []pack.File
	for _, f := range u.sent {
		if len(f.Entries) > 0 && f.Entries[0].Kind == pack.Run {
			runs = append(runs, f)
		} else {
			blobs = append(blobs, f)
		}
	}
	if err := u.writeTable(ctx, indexPrefix, blobs, nil); err != nil {
		return err
	}
	if err := u.writeTable(ctx, runsPrefix, runs, nil); err != nil {
		return err
	}
	for _, f := range u.sent {
		_ = os.Remove(u.r.local("pending", f.Name.String())) // it is looked at again if it stays
	}
	u.sent = nil
	return nil
}

// unlistedFor is how long after it was sent a pack that no table names is looked
// for before one does. It is far less than leftoverAge, when a garbage collection
// takes it for what a killed push has left, and more than a push waits with a table.
const unlistedFor = time.Hour

// stillThere looks whether packs that were sent some time ago, as by a machine that
// slept in between, are still there.
func (u *upload) stillThere(ctx context.Context) error {
	if time.Since(u.oldest) < unlistedFor {
		return nil
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * u.r.opts.Jobs)
	for _, f := range u.sent {
		g.Go(func() error {
			_, err := u.r.store.Stat(gctx, packKey(f.Name))
			if errors.Is(err, fs.ErrNotExist) {
				return errMoved
			}
			return err
		})
	}
	return g.Wait()
}

// writeTable adds a table to the index, here and on the remote.
func (x *index) writeTable(ctx context.Context, prefix string, files []pack.File, replaced []hash.Sum) error {
	if len(files) == 0 && len(replaced) == 0 {
		return nil
	}
	plain := pack.EncodeTable(files, replaced)
	n, err := x.r.writeNote(ctx, prefix, plain)
	if err != nil {
		return err
	}
	src := &tableSource{r: x.r, note: n, mem: plain, size: int64(len(plain))}
	_ = keepFile(src.path(), plain) // or it is read again the next time
	t, err := pack.OpenTable(ctx, src.reader(), src.length())
	if err != nil {
		return err
	}
	x.setTables(append(append(x.blobs, x.runs...), &table{t, n, src}))
	return nil
}

// mergeAt is how many tables of about the same size are put together to one. So
// there are never more than a few for each size, and each entry is written
// anew only a few times.
const mergeAt = 8

// mergeSize is the size in bytes up to which tables are merged by a push. Bigger
// ones are for the garbage collection.
const mergeSize = 64 << 20

// tidy merges tables and deletes those that are no longer needed.
func (u *upload) tidy(ctx context.Context) error {
	if err := u.mergeTables(ctx, indexPrefix, u.blobs); err != nil {
		return err
	}
	if err := u.mergeTables(ctx, runsPrefix, u.runs); err != nil {
		return err
	}
	var keys []string
	for _, n := range u.notes.stale {
		keys = append(keys, n.key)
	}
	u.notes.stale = nil
	return u.r.store.Delete(ctx, keys)
}

func (u *upload) mergeTables(ctx context.Context, prefix string, tables []*table) error {
	tiers := map[int][]*table{}
	for _, t := range tables {
		if size := t.src.length(); size <= mergeSize {
			tier := bits.Len64(uint64(size)>>16) / 4
			tiers[tier] = append(tiers[tier], t)
		}
	}
	for _, group := range tiers {
		if len(group) < mergeAt {
			continue
		}
		if err := u.merge(ctx, prefix, group); err != nil {
			return err
		}
	}
	return nil
}

// merge writes one table in place of several.
func (x *index) merge(ctx context.Context, prefix string, tables []*table) error {
	files, err := x.files(ctx, tables)
	if err != nil {
		return err
	}
	return x.replace(ctx, prefix, files, tables)
}

// replace writes a table of the packs in place of several. It stands also for
// those that they stood for, as long as these are there: else they would count
// again.
func (x *index) replace(ctx context.Context, prefix string, files []pack.File, tables []*table) error {
	var replaced []hash.Sum
	for _, t := range tables {
		replaced = append(replaced, t.note.sum)
		for _, sum := range t.Replaced() {
			if slices.ContainsFunc(x.notes.stale, func(n note) bool { return n.sum == sum }) {
				replaced = append(replaced, sum)
			}
		}
	}
	return x.writeTable(ctx, prefix, files, replaced)
}

// files returns the packs that the tables name, each once.
func (x *index) files(ctx context.Context, tables []*table) ([]pack.File, error) {
	var all []pack.File
	for _, t := range tables {
		files, err := t.Files(ctx)
		if err != nil {
			return nil, fmt.Errorf("remote %s: %s: %w", x.r.opts.Name, t.note.key, err)
		}
		all = append(all, files...)
	}
	slices.SortFunc(all, func(a, b pack.File) int {
		return cmp.Or(strings.Compare(string(a.Name[:]), string(b.Name[:])), cmp.Compare(len(b.Entries), len(a.Entries)))
	})
	return slices.CompactFunc(all, func(a, b pack.File) bool { return a.Name == b.Name }), nil
}
