package remote

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/remote/pack"
)

// Lookup returns what lies at the path sub in the directory dir, reading listings
// from the cache or else from the remote. ok is false where there is nothing, or
// nobody has a listing.
func (r *Remote) Lookup(ctx context.Context, c *cache.Cache, dir hash.Node, sub string) (n hash.Node, ok bool, err error) {
	x, err := r.openIndex(ctx)
	if err != nil {
		return hash.Node{}, false, err
	}
	for name := range strings.SplitSeq(sub, "/") {
		if dir.Kind != hash.Directory {
			return hash.Node{}, false, nil
		}
		t, err := c.Tree(dir.Sum)
		if err != nil {
			texts, err := x.loadTrees(ctx, []hash.Sum{dir.Sum})
			if err != nil || texts[dir.Sum] == nil {
				return hash.Node{}, false, err
			}
			if t, err = hash.ParseTree(texts[dir.Sum]); err != nil {
				return hash.Node{}, false, err
			}
		}
		e, ok := t.Lookup(name)
		if !ok {
			return hash.Node{}, false, nil
		}
		dir = e.Node
	}
	return dir, true, nil
}

// Holdings is what a remote had when it was asked.
type Holdings struct{ x *index }

// Holdings asks what the remote has.
func (r *Remote) Holdings(ctx context.Context) (*Holdings, error) {
	x, err := r.openIndex(ctx)
	if err != nil {
		return nil, err
	}
	return &Holdings{x}, nil
}

// Look asks which packs are there, with one request for each thousand, so that
// [Holdings.Has] does not count on those that the index names and somebody has
// deleted. It does not read them: see [Remote.Fsck].
func (h *Holdings) Look(ctx context.Context) error {
	gone, err := h.x.packs(ctx)
	if err != nil {
		return err
	}
	for info, err := range h.x.r.store.List(ctx, packsPrefix) {
		if err != nil {
			return err
		}
		if sum, ok := packSum(info.Key); ok {
			delete(gone, sum)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	// A collection of garbage may have moved what was in them in the meantime.
	if h.x, err = h.x.r.openIndex(ctx); err != nil {
		return err
	}
	now, err := h.x.packs(ctx)
	if err != nil {
		return err
	}
	maps.DeleteFunc(gone, func(sum hash.Sum, _ bool) bool { return !now[sum] })
	h.x.avoid = gone
	return nil
}

// Damaged reports whether [Holdings.Look] missed packs that the index names.
func (h *Holdings) Damaged() bool { return len(h.x.avoid) > 0 }

// packs returns the packs that the tables name, but for those of runs.
func (x *index) packs(ctx context.Context) (map[hash.Sum]bool, error) {
	all := map[hash.Sum]bool{}
	for _, t := range x.blobs {
		names, err := t.Names(ctx)
		if err != nil {
			return nil, fmt.Errorf("remote %s: %s: %w", x.r.opts.Name, t.note.key, err)
		}
		for _, sum := range names {
			all[sum] = true
		}
	}
	return all, nil
}

// whole reports whether all of n is in packs that are there.
func (h *Holdings) whole(ctx context.Context, n hash.Node) (bool, error) {
	ok := true
	l := &live{index: h.x, blobs: map[hash.Sum]kindSet{}, lacking: func(Want) { ok = false }}
	err := l.needs(ctx, []lock.Item{{Path: ".", Node: n}})
	return ok, err
}

// Has reports whether the remote has n, and all below it.
func (h *Holdings) Has(ctx context.Context, n hash.Node) (bool, error) {
	if n.Kind == hash.Symlink {
		return true, nil
	}
	if h.Damaged() {
		return h.whole(ctx, n) // else whatever the index names has all below it there
	}
	found, err := h.x.locate(ctx, []hash.Sum{n.Sum}, false)
	if err != nil {
		return false, err
	}
	kinds := []pack.Kind{pack.Data, pack.DataRecipe}
	if n.Kind == hash.Directory {
		kinds = []pack.Kind{pack.Tree, pack.TreeRecipe}
	}
	_, ok := pick(found[n.Sum], kinds...)
	return ok, nil
}
