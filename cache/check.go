package cache

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"golang.org/x/sync/errgroup"

	"github.com/xtrepro/xt/hash"
)

// check looks whether everything to be written is in the cache, and everything
// to be destroyed is kept somewhere, with several workers: for 100,000 files
// these are as many calls of lstat.
func (p *planner) check(d *dirPlan) error {
	g, ctx := errgroup.WithContext(p.ctx)
	g.SetLimit(p.opts.Jobs)
	p.checkDir(ctx, g, d)
	return g.Wait()
}

// chunk is how many files a worker takes at a time: enough that handing them
// out costs nothing, few enough that a single folder occupies all workers.
const chunk = 256

func (p *planner) checkDir(ctx context.Context, g *errgroup.Group, d *dirPlan) {
	for i := 0; i < d.files(); i += chunk {
		g.Go(func() error {
			for j := i; j < min(i+chunk, d.files()); j++ {
				if err := p.checkEntry(ctx, d, j); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	for _, gone := range d.gone {
		g.Go(func() error { return p.checkGone(ctx, path.Join(d.path, gone.rec.Name), gone, d.kept) })
	}
	for _, sub := range d.subs {
		p.checkDir(ctx, g, sub)
	}
}

// files is the number of entries that file knows; of a fresh directory, that
// includes the directories in it.
func (d *dirPlan) files() int {
	if d.fresh {
		return len(d.tree)
	}
	return len(d.todo)
}

// file returns the index in d.tree of the j-th file to be written.
func (d *dirPlan) file(j int) int {
	if d.fresh {
		return j
	}
	return d.todo[j]
}

func (p *planner) checkEntry(ctx context.Context, d *dirPlan, j int) error {
	i := d.file(j)
	e := &d.tree[i]
	if e.Kind == hash.File || e.Kind == hash.Executable {
		_, err := p.c.present(ctx, e.Sum, e.Size)
		if err != nil && !p.isMissing(err, path.Join(d.path, e.Name), e.Node) {
			return err
		}
	}
	if d.fresh || d.recs[i].Node.IsZero() {
		return nil
	}
	return p.checkKept(ctx, path.Join(d.path, e.Name), d.recs[i].Node, d.kept && !d.ignored[i])
}

// checkGone looks whether what is to be removed is kept. listed says that a
// listing of it is in the cache.
func (p *planner) checkGone(ctx context.Context, at string, g goner, listed bool) error {
	if g.rec.Node.Kind != hash.Directory {
		return p.checkKept(ctx, at, g.rec.Node, listed)
	}
	listed = listed || p.c.HasTree(g.rec.Node.Sum)
	for _, b := range g.below {
		if err := p.checkGone(ctx, path.Join(at, b.rec.Name), b, listed); err != nil {
			return err
		}
	}
	return nil
}

// checkKept notes the path if its content n is stored nowhere else. A listing is
// all that there is of a link. Of a file it is no proof: somebody may have
// deleted the object, and then this is the only copy.
func (p *planner) checkKept(ctx context.Context, at string, n hash.Node, listed bool) error {
	if n.Kind == hash.Symlink {
		if !listed && !IsObject(n.Target) && !p.inGit(at, n) {
			p.lose(at)
		}
		return nil
	}
	_, err := p.c.present(ctx, n.Sum, n.Size)
	damaged := (*DamagedError)(nil)
	if !errors.Is(err, fs.ErrNotExist) && !errors.As(err, &damaged) {
		return err // nil: the cache has it
	}
	if !p.inGit(at, n) {
		p.lose(at)
	}
	if listed {
		p.doubtTrees()
	}
	return nil
}

// doubtTrees sees that from now on a listing is not taken for proof: an object
// is gone that one names. Where the cache cannot be written to it stays as it is.
func (p *planner) doubtTrees() { _ = p.c.markIncomplete() }

func (p *planner) inGit(at string, n hash.Node) bool { return p.w.InGit != nil && p.w.InGit(at, n) }

// lose notes that the only copy of what stands at a path would be destroyed.
func (p *planner) lose(at string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.uncached = append(p.uncached, at)
}
