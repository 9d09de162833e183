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
)

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

func (g *gc) sorted() []*heap {
	list := make([]*heap, 0, len(g.packs))
	for _, h := range g.packs {
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b *heap) int { return strings.Compare(string(a.Name[:]), string(b.Name[:])) })
	return list
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
