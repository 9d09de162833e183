package remote

import (
	"context"
	"slices"
	"time"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/remote/pack"
	"github.com/xtrepro/xt/remote/store"
)

// GCOptions are the choices of a garbage collection of a remote.
type GCOptions struct {
	// Roots is what this clone needs now, in place of what it said before.
	Roots *Roots
	// Forget are the owners of roots that are gone for good.
	Forget []string
	// Grace is how long something that nobody needs is kept: what was pushed since
	// is, and what is doomed is deleted only when that was so long ago. Zero is for
	// when nobody else pushes or pulls.
	Grace    time.Duration
	DryRun   bool // only find out
	Progress Progress
}

// GCReport says what a garbage collection of a remote did, or would do.
type GCReport struct {
	Deleted      int64       // packs that were deleted
	DeletedBytes int64       // in these
	Doomed       int64       // packs that the next collection after the grace deletes
	DoomedBytes  int64       // in these
	Moved        int64       // bytes of blobs that were moved out of such packs
	Kept         int64       // packs that stay
	KeptBytes    int64       // in these
	Dead         int64       // bytes in packs that stay, which nobody needs
	Unlisted     int64       // packs that no table names, kept since things that clones need are in none
	Items        []lock.Item // what this clone no longer needs, and nobody else does
	Clones       []Clone     // whose needs were looked at
}

// Clone is one that has written down what it needs.
type Clone struct {
	Project string
	Owners  []string
	Pushed  time.Time // by the clock of the store
	Needs   int
}

// GC deletes what no clone needs, in two steps: packs that hold too much of it
// are doomed, after what is needed of them was moved to others; and when that is
// longer ago than the grace, they are deleted. Each call does what is due of both.
func (r *Remote) GC(ctx context.Context, opts GCOptions) (GCReport, error) {
	if opts.Progress == nil {
		opts.Progress = silent{}
	}
	g := &gc{opts: opts, now: time.Now()}
	if !opts.DryRun {
		if err := r.claim(ctx, opts.Roots); err != nil {
			return g.report, err
		}
	}
	var err error
	if g.index, err = r.openIndex(ctx); err != nil {
		return g.report, err
	}
	for _, step := range []func(ctx context.Context) error{g.findLive, g.weigh, g.doom, g.finish, g.sweep} {
		if err := step(ctx); err != nil {
			return g.report, err
		}
	}
	return g.report, nil
}

// gc is one garbage collection.
type gc struct {
	*index
	opts   GCOptions
	now    time.Time // by the clock of the store, as far as it is known
	report GCReport

	live   *live
	absent int                 // how many things that clones need are nowhere
	gone   []note              // roots that this collection gives up
	less   []*Roots            // these, where others need them still
	packs  map[hash.Sum]*heap  // all that there are
	moves  map[hash.Sum][]wish // what has to be moved out of packs, by pack
	new    []hash.Sum          // packs that are doomed now
	dead   []*heap             // packs that are deleted now
}

// Of a pack of which more than a third is not needed the rest is moved away, and
// so it is of small packs where there are many.
const (
	wasteful  = 3
	smallPack = packSize / 4
	manyPacks = 16
)

// doom chooses the packs that are to go, and moves what is needed of them.
func (g *gc) doom(ctx context.Context) error {
	var small []*heap
	for _, h := range g.sorted() {
		switch {
		case !h.listed || !h.named || g.doomed[h.Name] || g.young(h.modified):
		case h.used == 0 || h.deadMeta || h.unused*wasteful > h.used+h.unused:
			g.new = append(g.new, h.Name)
		case h.Size < smallPack:
			small = append(small, h)
		}
	}
	if len(small) >= manyPacks {
		for _, h := range small {
			g.new = append(g.new, h.Name)
		}
	}
	for _, sum := range g.new {
		g.report.Doomed++
		g.report.DoomedBytes += g.packs[sum].Size
		g.report.Moved += g.packs[sum].used
	}
	if g.opts.DryRun || len(g.new) == 0 {
		return nil
	}
	if err := g.move(ctx, g.new); err != nil {
		return err
	}
	n, err := g.r.writeNote(ctx, doomPrefix, encodeDoom(g.new))
	if err != nil {
		return err
	}
	n.modified = g.now
	g.notes.dooms = append(g.notes.dooms, n)
	for _, sum := range g.new {
		g.doomed[sum] = true
	}
	return nil
}

// move copies what is needed of the packs to new ones, and records these.
func (g *gc) move(ctx context.Context, packs []hash.Sum) error {
	var wishes []wish
	for _, sum := range packs {
		wishes = append(wishes, g.moves[sum]...)
		delete(g.moves, sum)
	}
	if len(wishes) == 0 {
		return nil
	}
	u := newUpload(g.index, nil, nil)
	return u.copy(ctx, wishes)
}

// finish deletes the packs whose time has come.
func (g *gc) finish(ctx context.Context) error {
	var rescue []hash.Sum
	for _, n := range g.notes.dooms {
		packs, err := g.r.readDoom(ctx, n)
		if err != nil {
			return err
		}
		if g.young(n.modified) {
			continue
		}
		for _, sum := range packs {
			if h := g.packs[sum]; h != nil && h.listed && !slices.Contains(g.dead, h) {
				g.dead = append(g.dead, h)
				rescue = append(rescue, sum)
			}
		}
	}
	for _, h := range g.sorted() {
		if !h.listed || h.named || g.unfinished(h) || slices.Contains(g.dead, h) {
			continue
		}
		if g.absent > 0 {
			// Perhaps a table was lost, and what clones need is in there.
			g.report.Unlisted++
			continue
		}
		// It was left by a push that did not end.
		g.dead = append(g.dead, h)
	}
	if g.opts.DryRun && g.opts.Grace == 0 {
		for _, sum := range g.new {
			g.dead = append(g.dead, g.packs[sum])
		}
	}
	for _, h := range g.dead {
		g.report.Deleted++
		g.report.DeletedBytes += h.Size
	}
	g.tally()
	if g.opts.DryRun {
		return nil
	}
	// Somebody may need again what was not needed when the pack was doomed.
	if err := g.move(ctx, rescue); err != nil {
		return err
	}
	return g.delete(ctx)
}

// delete takes the dead packs out of the index and then off the remote. The
// notes that doomed them stay until no table names them: a push that goes on
// may write one that does.
func (g *gc) delete(ctx context.Context) error {
	dead := map[hash.Sum]bool{}
	var keys []string
	for _, h := range g.dead {
		dead[h.Name] = true
		keys = append(keys, packKey(h.Name))
	}
	if err := g.rewrite(ctx, indexPrefix, g.blobs, dead); err != nil {
		return err
	}
	if err := g.rewrite(ctx, runsPrefix, g.runs, dead); err != nil {
		return err
	}
	for _, r := range g.less {
		if _, err := g.r.writeNote(ctx, rootsKey(r.Project), r.encode()); err != nil {
			return err
		}
	}
	for _, n := range slices.Concat(g.notes.stale, g.gone) {
		keys = append(keys, n.key)
	}
	return g.r.store.Delete(ctx, keys)
}

// rewrite puts the tables together to one that does not name the dead packs.
func (g *gc) rewrite(ctx context.Context, prefix string, tables []*table, dead map[hash.Sum]bool) error {
	files, err := g.files(ctx, tables)
	if err != nil {
		return err
	}
	n := len(files)
	files = slices.DeleteFunc(files, func(f pack.File) bool { return dead[f.Name] || !g.exists(f.Name) })
	if len(files) == n && len(tables) < mergeAt {
		return nil
	}
	return g.replace(ctx, prefix, files, tables)
}

// exists reports whether a pack is on the remote: it was there at the beginning,
// or came since.
func (g *gc) exists(sum hash.Sum) bool {
	h := g.packs[sum]
	return h == nil || h.listed
}

// sweep removes notes of doomed packs that nothing names any more, and what
// killed writers left.
func (g *gc) sweep(ctx context.Context) error {
	if g.opts.DryRun {
		return nil
	}
	named := map[hash.Sum]bool{}
	files, err := g.files(ctx, slices.Concat(g.blobs, g.runs))
	if err != nil {
		return err
	}
	for _, f := range files {
		named[f.Name] = true
	}
	var keys []string
	for _, n := range g.notes.dooms {
		packs, err := g.r.readDoom(ctx, n)
		if err != nil {
			return err
		}
		if g.young(n.modified) || slices.ContainsFunc(packs, func(sum hash.Sum) bool { return named[sum] }) {
			continue
		}
		// A push that began before the packs were deleted may still name them: one
		// more grace.
		if len(g.dead) == 0 {
			keys = append(keys, n.key)
		}
	}
	if err := g.r.store.Delete(ctx, keys); err != nil {
		return err
	}
	if s, ok := g.r.store.(store.Sweeper); ok {
		_, err = s.Sweep(ctx, max(g.opts.Grace, leftoverAge))
	}
	return err
}

// unfinished reports whether a pack that no table names may be of a push that goes on.
func (g *gc) unfinished(h *heap) bool {
	return g.opts.Grace > 0 && h.modified.After(g.now.Add(-max(g.opts.Grace, leftoverAge)))
}

// leftoverAge is when what a push has begun and not recorded is taken to be abandoned.
const leftoverAge = 24 * time.Hour
