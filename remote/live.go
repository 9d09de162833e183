package remote

import (
	"context"
	"path"
	"time"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/remote/pack"
)

// kindSet is a set of kinds of blobs.
type kindSet uint8

func (s kindSet) has(k pack.Kind) bool { return s&(1<<k) != 0 }

// live finds out which blobs are needed.
type live struct {
	*index
	blobs map[hash.Sum]kindSet
	// lacking, if not nil, is told of what is needed and not there whole, and why:
	// each file, directory or run of which something is missing.
	lacking func(w Want)
}

// mark notes that a blob is needed. It reports whether that is new.
func (l *live) mark(sum hash.Sum, k pack.Kind) bool {
	if l.blobs[sum].has(k) {
		return false
	}
	l.blobs[sum] |= 1 << k
	return true
}

func (l *live) lacks(w Want) {
	if l.lacking != nil {
		l.lacking(w)
	}
}

// needs marks the items and all below them.
func (l *live) needs(ctx context.Context, items []lock.Item) error {
	var level []Want
	for _, it := range items {
		if it.Kind != hash.Symlink && it.Kind != 0 {
			level = append(level, Want{it.Path, it.Node})
		}
	}
	for len(level) > 0 {
		var next []Want
		for part := range chunked(level, batch) {
			below, err := l.level(ctx, part)
			if err != nil {
				return err
			}
			next = append(next, below...)
		}
		level = next
	}
	return nil
}

// level marks what is asked for, and returns what the directories in it hold.
func (l *live) level(ctx context.Context, wants []Want) ([]Want, error) {
	var sums []hash.Sum
	var fresh []Want
	for _, w := range wants {
		kind := pack.Data
		if w.Node.Kind == hash.Directory {
			kind = pack.Tree
		}
		// A file counts as seen by the kind that it has as a whole, wherever it is.
		if l.mark(w.Node.Sum, kind) {
			sums = append(sums, w.Node.Sum)
			fresh = append(fresh, w)
		}
	}
	found, err := l.locate(ctx, sums, false)
	if err != nil {
		return nil, err
	}
	var dirs []Want
	recipes := map[hash.Sum][]pack.Location{}
	for _, w := range fresh {
		whole, recipe := pack.Data, pack.DataRecipe
		if w.Node.Kind == hash.Directory {
			whole, recipe = pack.Tree, pack.TreeRecipe
		}
		_, ok := pick(found[w.Node.Sum], whole)
		if at, has := pick(found[w.Node.Sum], recipe); has {
			l.mark(w.Node.Sum, recipe)
			recipes[w.Node.Sum] = []pack.Location{at}
			ok = true
		}
		switch {
		case !ok:
			l.lacks(w)
		case w.Node.Kind == hash.Directory:
			dirs = append(dirs, w)
		}
	}
	if err := l.recipes(ctx, fresh, recipes); err != nil {
		return nil, err
	}
	return l.descend(ctx, dirs)
}

// recipes marks what the recipes of wants name.
func (l *live) recipes(ctx context.Context, wants []Want, at map[hash.Sum][]pack.Location) error {
	texts, err := l.loadAt(ctx, at, pack.DataRecipe, pack.TreeRecipe)
	if err != nil {
		return err
	}
	for _, w := range wants {
		text, ok := texts[w.Node.Sum]
		if !ok {
			continue
		}
		size := w.Node.Size
		if w.Node.Kind == hash.Directory {
			size = pack.UnknownSize
		}
		ok, err := l.recipe(ctx, text, size)
		if err != nil {
			return err
		}
		if !ok {
			l.lacks(w)
		}
	}
	return nil
}

// recipe marks what one recipe names, and reports whether all of it is there.
func (l *live) recipe(ctx context.Context, text []byte, size int64) (whole bool, err error) {
	r, err := pack.ParseRecipe(text, size)
	if err != nil {
		return false, nil // whoever fetches it says what is wrong with it
	}
	kind := pack.Data
	if r.Pieces {
		kind = pack.Piece
	}
	sums := make([]hash.Sum, len(r.Parts))
	for i, p := range r.Parts {
		sums[i] = p.Sum
		l.mark(p.Sum, kind)
	}
	found, err := l.locate(ctx, sums, false)
	if err != nil {
		return false, err
	}
	for _, sum := range sums {
		if _, ok := pick(found[sum], kind); !ok {
			return false, nil
		}
	}
	if !r.Pieces {
		return true, nil
	}
	pieces, err := l.loadAt(ctx, found, pack.Piece)
	if err != nil {
		return false, err
	}
	whole = true
	for _, p := range r.Parts {
		ok, err := l.recipe(ctx, pieces[p.Sum], p.Size)
		if err != nil {
			return false, err
		}
		whole = whole && ok
	}
	return whole, nil
}

// descend returns what the directories hold.
func (l *live) descend(ctx context.Context, dirs []Want) ([]Want, error) {
	sums := make([]hash.Sum, len(dirs))
	for i, d := range dirs {
		sums[i] = d.Node.Sum
	}
	texts, err := l.loadTrees(ctx, sums)
	if err != nil {
		return nil, err
	}
	var below []Want
	for _, d := range dirs {
		t, err := hash.ParseTree(texts[d.Node.Sum])
		if err != nil {
			l.lacks(d)
			continue
		}
		for i := range t {
			if t[i].Kind != hash.Symlink {
				below = append(below, Want{path.Join(d.Path, t[i].Name), t[i].Node})
			}
		}
	}
	return below, nil
}

// liveRuns marks the runs that were pushed since cutoff and what they lead to,
// and then those of which all is needed otherwise.
func (l *live) liveRuns(ctx context.Context, cutoff time.Time) error {
	at, err := l.allRuns(ctx)
	if err != nil {
		return err
	}
	texts, err := l.loadAt(ctx, at, pack.Run)
	if err != nil {
		return err
	}
	old := map[hash.Sum][]lock.Item{}
	for sum, b := range texts {
		when, text, err := unstamp(b)
		var outs []lock.Item
		if err == nil {
			outs, err = cache.ParseRun(hash.Fingerprint(sum), text)
		}
		switch {
		case err != nil:
			continue // of no use to anybody
		case when.Before(cutoff):
			old[sum] = outs
			continue
		}
		l.mark(sum, pack.Run)
		if err := l.needs(ctx, outs); err != nil {
			return err
		}
	}
	for sum, outs := range old {
		if l.all(outs) {
			l.mark(sum, pack.Run)
		}
	}
	return nil
}

// all reports whether the items are needed.
func (l *live) all(items []lock.Item) bool {
	for _, it := range items {
		kind := pack.Data
		if it.Kind == hash.Directory {
			kind = pack.Tree
		}
		if it.Kind != hash.Symlink && !l.blobs[it.Sum].has(kind) {
			return false
		}
	}
	return true
}
