package cache

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/xtrepro/xt/hash"
)

// each calls f for all that is stored in the folder kind, in no order. What
// has a name that is no digest is passed over.
func (c *Cache) each(ctx context.Context, kind string, f func(sum hash.Sum, rel string, i info) error) error {
	return c.eachFolder(kind, func(top *folder, dir string, names []string) error {
		for _, n := range names {
			sum, err := hash.ParseSum(dir[len(dir)-2:] + n)
			if err != nil {
				continue
			}
			rel := dir + "/" + n
			i, err := top.lstat(rel)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = f(sum, rel, i)
			}
			if err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// eachFolder calls f for the folders ab of kind, with the names in them.
func (c *Cache) eachFolder(kind string, f func(top *folder, dir string, names []string) error) error {
	top, err := c.folder()
	if err != nil {
		return err
	}
	subs, err := top.names(kind)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, sub := range subs {
		if len(sub) != 2 {
			continue
		}
		names, err := top.names(kind + "/" + sub)
		if err != nil {
			return err
		}
		if err := f(top, kind+"/"+sub, names); err != nil {
			return err
		}
	}
	return err
}

func (g *collector) sweepRuns(ctx context.Context, old []string) error {
	top, err := g.folder()
	if err != nil {
		return err
	}
	for _, rel := range old {
		if err := ctx.Err(); err != nil {
			return err
		}
		sum, _ := hash.ParseSum(strings.ReplaceAll(rel[len(runs)+1:], "/", ""))
		if nodes := g.runNodes(sum, rel); nodes != nil && g.isLive(nodes) {
			continue
		}
		g.report.Runs++
		if g.opts.DryRun {
			continue
		}
		if err := top.remove(rel); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (g *collector) isLive(nodes []hash.Node) bool {
	for _, n := range nodes {
		if _, ok := g.live[n.Sum]; !ok && n.Kind != hash.Symlink {
			return false
		}
	}
	return true
}

// sweepTrees removes the trees, which are in order from the top down. One that
// turns out to be in use again is marked, with what hangs on it.
func (g *collector) sweepTrees(ctx context.Context, dead []hash.Sum) error {
	for _, sum := range dead {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, ok := g.live[sum]; ok {
			continue
		}
		_, gone, err := g.sweep(trees, sum)
		if err != nil {
			return err
		}
		if gone {
			g.report.Trees++
			continue
		}
		if err := g.mark(ctx, hash.Node{Kind: hash.Directory, Sum: sum}); err != nil {
			return err
		}
	}
	return nil
}

func (g *collector) sweepObjects(ctx context.Context) error {
	return g.each(ctx, objects, func(sum hash.Sum, _ string, i info) error {
		if _, ok := g.live[sum]; ok || !i.lastUse().Before(g.cutoff) {
			g.report.Kept++
			return nil
		}
		if i.links > 1 {
			g.report.Linked++
			return nil
		}
		size, gone, err := g.sweep(objects, sum)
		if gone {
			g.report.Objects++
			g.report.Bytes += size
		}
		return err
	})
}

// sweep removes what is stored under sum unless it was used lately, and
// reports whether it did and how big it was.
func (g *collector) sweep(kind string, sum hash.Sum) (size int64, gone bool, err error) {
	top, err := g.folder()
	if err != nil {
		return 0, false, err
	}
	rel := name(kind, sum)
	i, err := top.lstat(rel)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil || !i.lastUse().Before(g.cutoff) {
		return 0, false, err
	}
	if g.opts.DryRun {
		return i.Size, true, nil
	}
	aside := asideName(kind, sum)
	if err := top.rename(top, rel, aside); err != nil {
		return 0, false, ignoreMissing(err)
	}
	// Renaming changes the time of the inode's change: only the time of
	// modification and the number of links can tell of a use.
	if i, err = top.lstat(aside); err == nil && (i.modified().After(g.cutoff) || i.links > 1) {
		return 0, false, top.rename(top, aside, rel)
	}
	return i.Size, true, top.remove(aside)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// asideName is where sweep takes things aside. The name tells what it is, for
// if GC is killed then it is not known whether it was in use.
func asideName(kind string, sum hash.Sum) string {
	return temporary + "/" + kind + "-" + sum.String()
}

// restore brings back what a killed GC had taken aside.
func (g *collector) restore() error {
	top, err := g.folder()
	if err != nil {
		return err
	}
	names, err := top.names(temporary)
	if err != nil {
		return ignoreMissing(err)
	}
	for _, n := range names {
		kind, hex, _ := strings.Cut(n, "-")
		sum, err := hash.ParseSum(hex)
		if err != nil || kind != objects && kind != trees {
			continue
		}
		if err := top.rename(top, temporary+"/"+n, name(kind, sum)); err != nil {
			return ignoreMissing(err)
		}
	}
	return nil
}

// leftoverAge is when a file that is being written is taken to be abandoned.
const leftoverAge = 24 * time.Hour

// sweepLeftovers removes what killed processes had begun to write.
func (g *collector) sweepLeftovers() error {
	n, err := g.leftovers(!g.opts.DryRun)
	g.report.Leftovers = n
	return err
}

// leftovers counts the abandoned drafts, and removes them if so asked.
func (c *Cache) leftovers(remove bool) (int, error) {
	total := 0
	in := func(top *folder, dir string, names []string) error {
		n, err := c.leftoversIn(top, dir, names, remove)
		total += n
		return err
	}
	top, err := c.folder()
	if err != nil {
		return 0, err
	}
	for _, dir := range []string{temporary, projects, "."} {
		names, err := top.names(dir)
		if err == nil {
			err = in(top, dir, names)
		}
		if ignoreMissing(err) != nil {
			return total, err
		}
	}
	for _, kind := range []string{objects, trees, runs} {
		if err := c.eachFolder(kind, in); err != nil {
			return total, err
		}
	}
	return total, nil
}

func (c *Cache) leftoversIn(top *folder, dir string, names []string, remove bool) (int, error) {
	n := 0
	for _, base := range names {
		rel := dir + "/" + base
		if !isTemp(base) && !isPartial(base) {
			continue
		}
		i, err := top.lstat(rel)
		if err != nil || c.now().Sub(i.lastUse()) < leftoverAge {
			continue
		}
		n++
		if !remove {
			continue
		}
		if err := top.remove(rel); ignoreMissing(err) != nil {
			return n, err
		}
	}
	return n, nil
}
