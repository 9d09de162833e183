package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/xtrepro/xt/hash"
)

// GCOptions are the choices of a garbage collection.
type GCOptions struct {
	// DryRun only finds out what would be removed.
	DryRun bool
	// Grace keeps what was stored or used no longer ago than this. It must be
	// longer than any other process takes from storing the first file of a
	// directory to writing its lock file; zero is for when there is none.
	Grace time.Duration
}

// Report says what a garbage collection removed.
type Report struct {
	Objects, Trees, Runs int   // entries removed
	Leftovers            int   // files that killed processes had left
	Bytes                int64 // of the objects removed
	Kept                 int   // objects kept
	Linked               int   // objects kept only because a workspace has links to them
}

// GC removes what is not part of one of the nodes in keep, and is older than
// the grace.
//
// Other processes may use the cache meanwhile. Whoever counts on something
// that is stored already first sets its modification time, unless that is
// young ([Cache.HasFile]). GC takes each thing aside under another name before
// it looks at the time again and removes it; so either GC sees the new time,
// or the other sees that the thing is gone and stores it anew. What is linked
// into a workspace is kept as well, since removing it would free nothing.
//
// A tree must not outlast what it names: so first go entries of the run cache,
// then trees, from the top down, and when all trees are decided on, objects.
func (c *Cache) GC(ctx context.Context, keep []hash.Node, opts GCOptions) (Report, error) {
	if _, err := c.folder(); errors.Is(err, fs.ErrNotExist) {
		return Report{}, nil
	}
	g := &collector{Cache: c, opts: opts, live: map[hash.Sum]struct{}{}}
	g.cutoff = c.now().Add(-opts.Grace)
	if opts.Grace > 0 {
		g.cutoff = g.cutoff.Add(-refreshEvery)
	}
	err := g.collect(ctx, keep)
	if err != nil {
		err = fmt.Errorf("collect garbage: %w", c.explain(err))
	}
	return g.report, err
}

// collector is one garbage collection.
type collector struct {
	*Cache
	opts   GCOptions
	cutoff time.Time             // what was used later is kept
	live   map[hash.Sum]struct{} // objects and trees that are needed
	report Report
}

func (g *collector) collect(ctx context.Context, keep []hash.Node) error {
	if !g.opts.DryRun {
		if err := g.makeFolder(temporary); err != nil {
			return err
		}
		if err := g.restore(); err != nil {
			return err
		}
	}
	for _, n := range keep {
		if err := g.mark(ctx, n); err != nil {
			return err
		}
	}
	dead, err := g.deadRuns(ctx)
	if err != nil {
		return err
	}
	deadTrees, err := g.deadTrees(ctx)
	if err != nil {
		return err
	}
	if err := g.sweepRuns(ctx, dead); err != nil {
		return err
	}
	if err := g.sweepTrees(ctx, deadTrees); err != nil {
		return err
	}
	if err := g.sweepObjects(ctx); err != nil {
		return err
	}
	return g.sweepLeftovers()
}

// mark notes that n and all below it is needed. A listing that the cache lacks
// says nothing about what it names, so that is not kept for its sake.
func (g *collector) mark(ctx context.Context, n hash.Node) error {
	if n.Kind == 0 || n.Kind == hash.Symlink {
		return nil
	}
	if _, ok := g.live[n.Sum]; ok {
		return nil
	}
	g.live[n.Sum] = struct{}{}
	if n.Kind != hash.Directory {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	t, err := g.Tree(n.Sum)
	damaged := (*DamagedError)(nil)
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &damaged) {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range t {
		if err := g.mark(ctx, t[i].Node); err != nil {
			return err
		}
	}
	return nil
}

// deadRuns marks the outputs of young entries of the run cache, and returns
// the names of those that are old and lead to something that is not needed
// otherwise.
func (g *collector) deadRuns(ctx context.Context) ([]string, error) {
	var old []string
	err := g.each(ctx, runs, func(sum hash.Sum, rel string, i info) error {
		if i.lastUse().Before(g.cutoff) {
			old = append(old, rel)
			return nil
		}
		for _, n := range g.runNodes(sum, rel) {
			if err := g.mark(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
	return old, err
}

// runNodes returns the outputs in an entry of the run cache; none if it is
// damaged.
func (g *collector) runNodes(sum hash.Sum, rel string) []hash.Node {
	b, err := g.read(rel)
	if err != nil {
		return nil
	}
	outs, err := ParseRun(hash.Fingerprint(sum), b)
	if err != nil {
		return nil
	}
	nodes := make([]hash.Node, len(outs))
	for i := range outs {
		nodes[i] = outs[i].Node
	}
	return nodes
}

// deadTrees marks what young trees name, and returns the trees that are old
// and not needed, each before those that it names.
func (g *collector) deadTrees(ctx context.Context) ([]hash.Sum, error) {
	var old []hash.Sum
	err := g.each(ctx, trees, func(sum hash.Sum, _ string, i info) error {
		if i.lastUse().Before(g.cutoff) {
			old = append(old, sum)
			return nil
		}
		return g.mark(ctx, hash.Node{Kind: hash.Directory, Sum: sum})
	})
	if err != nil {
		return nil, err
	}
	dead := map[hash.Sum][]hash.Sum{}
	for _, sum := range old {
		if _, ok := g.live[sum]; ok {
			continue
		}
		t, _ := g.Tree(sum) // of a damaged one nothing hangs
		dead[sum] = subtrees(t)
	}
	return topDown(dead), ctx.Err()
}

// subtrees returns the digests of the directories in t.
func subtrees(t hash.Tree) (sums []hash.Sum) {
	for i := range t {
		if t[i].Kind == hash.Directory {
			sums = append(sums, t[i].Sum)
		}
	}
	return sums
}

// topDown orders trees, each given with those that it names, so that each
// comes before those.
func topDown(named map[hash.Sum][]hash.Sum) []hash.Sum {
	parents := map[hash.Sum]int{}
	for _, below := range named {
		for _, sum := range below {
			parents[sum]++
		}
	}
	order := make([]hash.Sum, 0, len(named))
	for sum := range named {
		if parents[sum] == 0 {
			order = append(order, sum)
		}
	}
	for n := 0; n < len(order); n++ {
		for _, sum := range named[order[n]] {
			parents[sum]--
			if _, ok := named[sum]; ok && parents[sum] == 0 {
				order = append(order, sum)
			}
		}
	}
	return order
}
