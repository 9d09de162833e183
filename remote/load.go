package remote

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/pack"
)

// load reads blobs of one of the kinds into memory. Those that the remote lacks
// are left out, and so are runs that are damaged.
func (x *index) load(ctx context.Context, sums []hash.Sum, kinds ...pack.Kind) (map[hash.Sum][]byte, error) {
	found, err := x.locate(ctx, sums, false)
	if err != nil {
		return nil, err
	}
	return x.loadAt(ctx, found, kinds...)
}

// loadAt is load for what has been located.
func (x *index) loadAt(ctx context.Context, found map[hash.Sum][]pack.Location, kinds ...pack.Kind) (map[hash.Sum][]byte, error) {
	var wishes []wish
	var mu sync.Mutex
	blobs := make(map[hash.Sum][]byte, len(found))
	for sum, locations := range found {
		at, other, ok := choose(locations, kinds...)
		if !ok {
			continue
		}
		wishes = append(wishes, wish{at, other, func(_ context.Context, raw []byte) error {
			mu.Lock()
			defer mu.Unlock()
			blobs[sum] = slices.Clone(raw) // raw is part of what was read at once
			return nil
		}, at.Kind == pack.Run})
	}
	return blobs, x.r.grant(ctx, wishes)
}

// choose returns the best location of one of the kinds, and others that hold the
// same.
func choose(locations []pack.Location, kinds ...pack.Kind) (at pack.Location, other []pack.Location, ok bool) {
	at, ok = pick(locations, kinds...)
	for _, l := range locations {
		if ok && l.Kind == at.Kind && (l.Pack != at.Pack || l.Offset != at.Offset) {
			other = append(other, l)
		}
	}
	return at, other, ok
}

// loadTrees reads listings, whole or put together by recipes. Those that the
// remote lacks are left out.
func (x *index) loadTrees(ctx context.Context, sums []hash.Sum) (map[hash.Sum][]byte, error) {
	texts, err := x.load(ctx, sums, pack.Tree)
	if err != nil {
		return nil, err
	}
	var long []hash.Sum
	for _, sum := range sums {
		if texts[sum] == nil {
			long = append(long, sum)
		}
	}
	recipes, err := x.load(ctx, long, pack.TreeRecipe)
	if err != nil {
		return nil, err
	}
	for sum, text := range recipes {
		if texts[sum], err = x.assemble(ctx, sum, text); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// assemble puts a listing together by its recipe.
func (x *index) assemble(ctx context.Context, sum hash.Sum, text []byte) ([]byte, error) {
	parts, err := x.chunks(ctx, sum, text, pack.UnknownSize)
	if err != nil {
		return nil, err
	}
	var sums []hash.Sum
	for _, p := range parts {
		sums = append(sums, p.Sum)
	}
	blobs, err := x.load(ctx, sums, pack.Data)
	if err != nil {
		return nil, err
	}
	var whole []byte
	for _, p := range parts {
		b := blobs[p.Sum]
		if int64(len(b)) != p.Size {
			return nil, x.incomplete(sum)
		}
		whole = append(whole, b...)
	}
	if hash.Bytes(whole) != sum {
		return nil, &DamagedError{Remote: x.r.opts.Name, What: "listing " + sum.Short()}
	}
	return whole, nil
}

func (x *index) incomplete(sum hash.Sum) error {
	return &DamagedError{Remote: x.r.opts.Name, What: "the recipe of " + sum.Short()}
}

// chunks returns the chunks that make up what the recipe, given as text, is of.
func (x *index) chunks(ctx context.Context, sum hash.Sum, text []byte, size int64) ([]pack.Part, error) {
	r, err := pack.ParseRecipe(text, size)
	if err != nil {
		return nil, fmt.Errorf("remote %s: %s: %w", x.r.opts.Name, sum.Short(), err)
	}
	if !r.Pieces {
		return r.Parts, nil
	}
	var sums []hash.Sum
	for _, p := range r.Parts {
		sums = append(sums, p.Sum)
	}
	pieces, err := x.load(ctx, sums, pack.Piece)
	if err != nil {
		return nil, err
	}
	var parts []pack.Part
	for _, p := range r.Parts {
		sub, err := pack.ParseRecipe(pieces[p.Sum], p.Size)
		if err != nil || sub.Pieces {
			return nil, x.incomplete(sum)
		}
		parts = append(parts, sub.Parts...)
	}
	return parts, nil
}
