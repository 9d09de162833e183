package remote

import (
	"context"
	"slices"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/pack"
)

// repair makes good what the check has found.
func (f *fsck) repair(ctx context.Context) error {
	if err := f.mendTables(ctx); err != nil {
		return err
	}
	if err := f.doomSpoiled(ctx); err != nil {
		return err
	}
	if err := f.sendAgain(ctx); err != nil {
		return err
	}
	if err := f.dropNotes(ctx); err != nil {
		return err
	}
	f.report.Problems, f.report.Unlisted, f.broken, f.spoiled = nil, 0, nil, f.doomed
	return f.closure(ctx)
}

// mendTables writes a table of the good packs that no table names, which those of
// damaged and lost tables are among, and takes the damaged ones away.
func (f *fsck) mendTables(ctx context.Context) error {
	if len(f.broken) == 0 && f.report.Unlisted == 0 {
		return nil
	}
	var blobs, runs []pack.File
	for sum, p := range f.found {
		switch {
		case f.named[sum] || f.spoiled[sum] || f.doomed[sum] || len(p.Entries) == 0:
		case p.Entries[0].Kind == pack.Run:
			runs = append(runs, p)
		default:
			blobs = append(blobs, p)
		}
	}
	if err := f.writeTable(ctx, indexPrefix, blobs, nil); err != nil {
		return err
	}
	if err := f.writeTable(ctx, runsPrefix, runs, nil); err != nil {
		return err
	}
	var keys []string
	for _, n := range f.broken {
		// The same packs make the same table, so that it may just have been mended.
		if !slices.ContainsFunc(f.notes.tables, func(t note) bool { return t.key == n.key }) {
			keys = append(keys, n.key)
		}
	}
	return f.r.store.Delete(ctx, keys)
}

// dropNotes takes away notes that cannot be read, once this clone has written down
// again what it needs. Packs that were doomed by one have been checked.
func (f *fsck) dropNotes(ctx context.Context) error {
	var keys []string
	for _, n := range slices.Concat(f.unread, f.unreadRoots) {
		keys = append(keys, n.key)
	}
	if len(keys) == 0 {
		return nil
	}
	if f.opts.Roots != nil {
		if err := f.r.claim(ctx, f.opts.Roots); err != nil {
			return err
		}
	}
	if err := f.r.store.Delete(ctx, keys); err != nil {
		return err
	}
	n, err := f.r.listNotes(ctx)
	if err == nil {
		f.notes.roots, f.notes.dooms, f.unread, f.unreadRoots = n.roots, n.dooms, nil, nil
	}
	return err
}

// doomSpoiled sees that nobody counts on damaged packs, and moves what is good in
// them to others.
func (f *fsck) doomSpoiled(ctx context.Context) error {
	var packs []hash.Sum
	var wishes []wish
	for sum, spoiled := range f.spoiled {
		if !spoiled {
			continue
		}
		packs = append(packs, sum)
		p := f.found[sum]
		for _, e := range p.Entries {
			wishes = append(wishes, wish{at: pack.Location{Entry: e, Pack: sum, Size: p.Size}})
		}
	}
	if len(packs) == 0 {
		return nil
	}
	slices.SortFunc(packs, compareSums)
	if _, err := f.r.writeNote(ctx, doomPrefix, encodeDoom(packs)); err != nil {
		return err
	}
	for _, sum := range packs {
		f.doomed[sum] = true
	}
	// A listing that is good may name what is not: those are sent again, after what
	// they name, or they stay away.
	wishes = slices.DeleteFunc(wishes, func(w wish) bool { return w.at.Kind != pack.Data && w.at.Kind != pack.Run })
	return newUpload(f.index, nil, nil).copy(ctx, wishes)
}

// sendAgain sends what is lost as far as the cache has it, and all listings above.
func (f *fsck) sendAgain(ctx context.Context) error {
	needs, err := f.needs(ctx)
	if err != nil {
		return err
	}
	f.avoid = f.doomed
	l := &live{index: f.index, blobs: map[hash.Sum]kindSet{}}
	lost := map[hash.Sum]bool{}
	l.lacking = func(w Want) { lost[w.Node.Sum] = true }
	if err := l.needs(ctx, needs); err != nil {
		return err
	}
	s := &survey{index: f.index, cache: f.opts.Repair, lost: lost}
	var wants []Want
	for _, it := range needs {
		wants = append(wants, Want{it.Path, it.Node})
	}
	if err := s.look(ctx, wants); err != nil {
		return err
	}
	u := newUpload(f.index, f.opts.Repair, f.opts.Progress)
	err = u.send(ctx, s.list)
	f.report.Repaired = int64(len(s.list))
	return err
}

func compareSums(a, b hash.Sum) int { return slices.Compare(a[:], b[:]) }
