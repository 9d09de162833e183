package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
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

// heap is a pack, with what a collection knows of it.
type heap struct {
	pack.File
	modified time.Time
	listed   bool // it is on the remote
	named    bool // a table names it
	used     int64
	unused   int64
	deadMeta bool // it holds a listing, a recipe or a run that nobody needs
}

// findLive reads what all clones need.
func (g *gc) findLive(ctx context.Context) error {
	mine := g.opts.Roots.normal()
	g.live = &live{index: g.index, blobs: map[hash.Sum]kindSet{}}
	g.live.lacking = func(Want) { g.absent++ }
	given := map[lock.Item]bool{}
	known := map[string]bool{}
	if err := g.live.needs(ctx, mine.Needs); err != nil {
		return err
	}
	for _, n := range g.notes.roots {
		if n.modified.After(g.now) {
			g.now = n.modified
		}
		roots, err := g.r.readRoots(ctx, n)
		if errors.Is(err, fs.ErrNotExist) {
			continue // taken over by a push just now
		}
		if err != nil {
			return err
		}
		for _, o := range roots.Owners {
			known[o] = true
		}
		if rest := g.owners(roots, mine); len(rest) < len(roots.Owners) {
			g.gone = append(g.gone, n)
			if len(rest) == 0 {
				for _, it := range roots.Needs {
					given[it] = true
				}
				continue
			}
			roots.Owners = rest
			g.less = append(g.less, roots)
		}
		g.report.Clones = append(g.report.Clones, Clone{roots.Project, roots.Owners, n.modified, len(roots.Needs)})
		if err := g.live.needs(ctx, roots.Needs); err != nil {
			return err
		}
	}
	for _, o := range g.opts.Forget {
		if !known[o] {
			return &UnknownCloneError{Name: o, Remote: g.r.opts.Name}
		}
	}
	if err := g.live.liveRuns(ctx, g.now.Add(-g.opts.Grace)); err != nil {
		return err
	}
	for it := range given {
		if !g.live.all([]lock.Item{it}) && it.Kind != hash.Symlink {
			g.report.Items = append(g.report.Items, it)
		}
	}
	slices.SortFunc(g.report.Items, compareNeeds)
	return nil
}

// UnknownCloneError says that a clone that is to be forgotten is not known.
type UnknownCloneError struct{ Name, Remote string }

// Error names it.
func (e *UnknownCloneError) Error() string {
	return fmt.Sprintf("no clone %q has pushed to remote %s", e.Name, e.Remote)
}

// Hints says where the clones are listed.
func (e *UnknownCloneError) Hints() []string {
	return []string{"\"xt gc --remote --dry-run\" lists those that have"}
}

// owners returns the owners of roots that still need them: not those that are
// owners_, and not this clone where it has written down since what it needs.
func (g *gc) owners(roots, mine *Roots) []string {
	superseded := roots.Project == mine.Project && !mine.covers(roots)
	return slices.DeleteFunc(slices.Clone(roots.Owners), func(o string) bool {
		return slices.Contains(g.opts.Forget, o) || superseded && slices.Contains(mine.Owners, o)
	})
}

// weigh finds out how much of each pack is needed. Of a blob that is in several,
// one copy counts.
func (g *gc) weigh(ctx context.Context) error {
	if err := g.list(ctx); err != nil {
		return err
	}
	files, err := g.files(ctx, slices.Concat(g.blobs, g.runs))
	if err != nil {
		return err
	}
	// Copies in packs that stay come first.
	slices.SortStableFunc(files, func(a, b pack.File) int {
		switch da, db := g.doomed[a.Name], g.doomed[b.Name]; {
		case da == db:
			return 0
		case da:
			return 1
		}
		return -1
	})
	seen := map[hash.Sum]kindSet{}
	g.moves = map[hash.Sum][]wish{}
	for _, f := range files {
		h := g.packs[f.Name]
		if h == nil {
			h = &heap{}
			g.packs[f.Name] = h
		}
		h.File, h.named = f, true
		for _, e := range f.Entries {
			g.weighBlob(h, e, seen)
		}
	}
	return nil
}

func (g *gc) weighBlob(h *heap, e pack.Entry, seen map[hash.Sum]kindSet) {
	needed := g.live.blobs[e.Sum].has(e.Kind) && !seen[e.Sum].has(e.Kind)
	if !needed {
		h.unused += int64(e.Length)
		h.deadMeta = h.deadMeta || e.Kind.IsMeta() && !g.live.blobs[e.Sum].has(e.Kind)
		return
	}
	seen[e.Sum] |= 1 << e.Kind
	h.used += int64(e.Length)
	g.moves[h.Name] = append(g.moves[h.Name], wish{at: pack.Location{Entry: e, Pack: h.Name, Size: h.Size}})
}

// list notes which packs there are.
func (g *gc) list(ctx context.Context) error {
	g.packs = map[hash.Sum]*heap{}
	for info, err := range g.r.store.List(ctx, packsPrefix) {
		if err != nil {
			return err
		}
		if sum, ok := packSum(info.Key); ok {
			g.packs[sum] = &heap{File: pack.File{Name: sum, Size: info.Size}, modified: info.Modified, listed: true}
		}
	}
	return nil
}

// young reports whether something is too new to be touched.
func (g *gc) young(t time.Time) bool { return g.opts.Grace > 0 && t.After(g.now.Add(-g.opts.Grace)) }

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

func (g *gc) sorted() []*heap {
	list := make([]*heap, 0, len(g.packs))
	for _, h := range g.packs {
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b *heap) int { return strings.Compare(string(a.Name[:]), string(b.Name[:])) })
	return list
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
		if !h.listed || h.named || g.young(h.modified) || slices.Contains(g.dead, h) {
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

// tally counts what stays.
func (g *gc) tally() {
	for _, h := range g.packs {
		switch {
		case !h.listed || slices.Contains(g.dead, h):
		case g.doomed[h.Name] || slices.Contains(g.new, h.Name):
			if !slices.Contains(g.new, h.Name) {
				g.report.Doomed++
				g.report.DoomedBytes += h.Size
			}
		default:
			g.report.Kept++
			g.report.KeptBytes += h.Size
			g.report.Dead += h.unused
		}
	}
	if g.opts.Grace == 0 {
		g.report.Doomed, g.report.DoomedBytes = 0, 0
	}
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

// leftoverAge is when a blob that is being written is taken to be abandoned.
const leftoverAge = 24 * time.Hour
