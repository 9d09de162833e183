package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/remote/pack"
	"github.com/xtrepro/xt/remote/store"
)

// FsckOptions are the choices of a check of a remote.
type FsckOptions struct {
	// Repair, if not nil, is a cache from which what is lost is sent again.
	Repair *cache.Cache
	// Roots is what this clone needs, besides what clones have written down.
	Roots    *Roots
	Progress Progress
}

// FsckReport says what a check of a remote found.
type FsckReport struct {
	Packs, Blobs int64
	Bytes        int64    // that were read
	Problems     []string // what is damaged or missing, in words
	Unlisted     int64    // packs that no table names: of a push that did not end, or that goes on
	Lost         []Want   // what clones need and the remote has not whole, with one of its paths; sorted
	Absent       int64    // how many things clones need that were never pushed
	Repaired     int64    // files and listings that were sent again
}

// OK reports whether all that is needed is there and undamaged.
func (r *FsckReport) OK() bool { return len(r.Problems) == 0 && len(r.Lost) == 0 }

// Fsck reads back everything on the remote and compares it with its digests, and
// looks whether all is there that clones need. Problems are in the report; an
// error means that the check could not be done.
//
// With a cache to repair from, what is damaged is doomed, so that nobody counts on
// it, what is good in a damaged pack is moved to another, and what is lost is sent
// again. The report then is of what is left.
func (r *Remote) Fsck(ctx context.Context, opts FsckOptions) (FsckReport, error) {
	if opts.Progress == nil {
		opts.Progress = silent{}
	}
	x, err := r.openIndexWith(ctx, true)
	if err != nil {
		return FsckReport{}, err
	}
	f := &fsck{index: x, opts: opts, found: map[hash.Sum]pack.File{}, spoiled: map[hash.Sum]bool{}, fresh: map[hash.Sum]bool{}}
	for _, n := range slices.Concat(x.broken, x.unread) {
		f.problem("%s cannot be read", n.key)
	}
	if err := f.readPacks(ctx); err != nil {
		return f.report, err
	}
	if err := f.closure(ctx); err != nil {
		return f.report, err
	}
	if f.orphans > 0 && f.report.Absent > 0 {
		f.problem("%d packs are in no index, while %d things that clones need are not there: the index is lost, or a push did not end", f.orphans, f.report.Absent)
	}
	if opts.Repair != nil && (!f.report.OK() || f.report.Unlisted > 0) {
		err = f.repair(ctx)
	}
	slices.Sort(f.report.Problems)
	return f.report, err
}

// fsck is one check.
type fsck struct {
	*index
	opts FsckOptions

	mu      sync.Mutex
	report  FsckReport
	found   map[hash.Sum]pack.File // packs, with what in them is good
	spoiled map[hash.Sum]bool      // packs with damage
	named   map[hash.Sum]bool      // packs that a table names

	unreadRoots []note            // what clones need, which is lost
	fresh       map[hash.Sum]bool // packs that a push may just have sent
	orphans     int               // other packs that no table names
}

// orphanAge is much more than it takes a push that goes on to name a pack in a
// table: see checkpoint.
const orphanAge = time.Hour

func (f *fsck) problem(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.report.Problems = append(f.report.Problems, fmt.Sprintf(format, args...))
}

// readPacks reads every pack that is on the remote, and compares what the tables
// say with what is there.
func (f *fsck) readPacks(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(f.r.opts.Jobs)
	for info, err := range f.r.store.List(ctx, packsPrefix) {
		if err != nil {
			return cmp.Or(g.Wait(), err)
		}
		sum, ok := packSum(info.Key)
		if !ok {
			continue
		}
		f.fresh[sum] = time.Since(info.Modified) < orphanAge
		f.opts.Progress.Expect(1, info.Size)
		g.Go(func() error {
			err := f.readPack(gctx, sum, info.Size)
			f.opts.Progress.Count(1, info.Size)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	files, err := f.files(ctx, slices.Concat(f.blobs, f.runs))
	if err != nil {
		return err
	}
	f.named = map[hash.Sum]bool{}
	for _, p := range files {
		f.named[p.Name] = true
		f.compare(p)
	}
	for sum := range f.found {
		if !f.named[sum] && !f.doomed[sum] {
			f.report.Unlisted++
			if !f.fresh[sum] {
				f.orphans++
			}
		}
	}
	return nil
}

// readPack reads one pack and notes what in it is good.
func (f *fsck) readPack(ctx context.Context, sum hash.Sum, size int64) error {
	key := packKey(sum)
	data, err := f.r.readSized(ctx, key, size, pack.MaxPack+pack.MaxPack/16)
	if e := (*store.Error)(nil); errors.As(err, &e) && e.Kind != store.NotFound || ctx.Err() != nil {
		return err
	}
	p := pack.File{Name: sum, Size: size}
	damaged := err != nil || hash.Bytes(data) != sum
	if err == nil && f.r.keys != nil {
		data, err = f.r.keys.open(data)
	}
	var entries []pack.Entry
	if err == nil {
		entries, err = pack.Directory(data, int64(len(data)))
	}
	for _, e := range entries {
		if _, err := pack.Decode(&e, data[e.Offset:e.Offset+e.Length]); err == nil {
			p.Entries = append(p.Entries, e)
		}
	}
	damaged = damaged || err != nil || len(p.Entries) < len(entries)
	if damaged && !f.doomed[sum] { // else nobody counts on it
		f.problem("%s is damaged", key)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.found[sum] = p
	f.spoiled[sum] = damaged
	f.report.Packs++
	f.report.Blobs += int64(len(entries))
	f.report.Bytes += size
	return nil
}

// compare looks whether a pack is what a table says of it.
func (f *fsck) compare(p pack.File) {
	there, ok := f.found[p.Name]
	if !ok {
		if !f.doomed[p.Name] {
			f.problem("%s is missing", packKey(p.Name))
		}
		f.spoiled[p.Name] = true
		return
	}
	has := map[pack.Entry]bool{}
	for _, e := range there.Entries {
		has[e] = true
	}
	for _, e := range p.Entries {
		if !has[e] && !f.spoiled[p.Name] {
			f.problem("%s is not what the index says of it", packKey(p.Name))
			f.spoiled[p.Name] = true
		}
	}
}

// closure looks whether all that is needed is there.
func (f *fsck) closure(ctx context.Context) error {
	f.report.Lost = nil
	needs, err := f.needs(ctx)
	if err != nil {
		return err
	}
	f.avoid = f.spoiled
	l := &live{index: f.index, blobs: map[hash.Sum]kindSet{}}
	l.lacking = func(w Want) { f.report.Lost = append(f.report.Lost, w) }
	if err := l.needs(ctx, needs); err != nil {
		return err
	}
	slices.SortFunc(f.report.Lost, func(a, b Want) int { return cmp.Compare(a.Path, b.Path) })
	return nil
}

// needs returns what clones need, as far as it was ever pushed: what no table
// names was not.
func (f *fsck) needs(ctx context.Context) ([]lock.Item, error) {
	var all []lock.Item
	for _, n := range f.notes.roots {
		roots, err := f.r.readRoots(ctx, n)
		if err != nil {
			f.problem("%s cannot be read: who wrote it has to push again before the next collection", n.key)
			if damaged := (*DamagedError)(nil); errors.As(err, &damaged) {
				f.unreadRoots = append(f.unreadRoots, n)
			}
			continue
		}
		all = append(all, roots.Needs...)
	}
	if f.opts.Roots != nil {
		all = append(all, f.opts.Roots.Needs...)
	}
	slices.SortFunc(all, compareNeeds)
	all = slices.CompactFunc(all, func(a, b lock.Item) bool { return compareNeeds(a, b) == 0 })
	sums := make([]hash.Sum, len(all))
	for i := range all {
		sums[i] = all[i].Sum
	}
	f.avoid = nil
	found, err := f.locate(ctx, sums, false)
	if err != nil {
		return nil, err
	}
	n := len(all)
	all = slices.DeleteFunc(all, func(it lock.Item) bool { return len(found[it.Sum]) == 0 && len(f.broken) == 0 })
	f.report.Absent = int64(n - len(all))
	return all, ctx.Err()
}
