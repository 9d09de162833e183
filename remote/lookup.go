package remote

import (
	"context"
	"strings"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
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

// Has reports whether the remote has n, and all below it.
func (h *Holdings) Has(ctx context.Context, n hash.Node) (bool, error) {
	if n.Kind == hash.Symlink {
		return true, nil
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
