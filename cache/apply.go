package cache

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/xtrepro/xt/hash"
)

// apply does what d says. It works in open directories, so that nobody can
// lead it out of the workspace by a symbolic link in place of a directory.
func (co *checkout) apply(ctx context.Context, d *dirPlan) error {
	root, err := os.OpenRoot(co.scanner.Root)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(filepath.FromSlash(d.path), 0o777); err != nil {
		return err
	}
	dir, err := openFolderIn(root, d.path)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(co.opts.Jobs)
	err = co.inDir(ctx, g, dir, d)
	err = firstError(g.Wait(), err)
	co.settle.finish(co.added.Load()+co.changed.Load(), co.bytes.Load())
	return err
}

// firstError prefers what happened to what was cancelled because of it.
func firstError(a, b error) error {
	if a != nil && !(b != nil && errors.Is(a, context.Canceled)) {
		return a
	}
	return b
}

// work is a directory with several workers in it.
type work struct {
	dir  *folder
	plan *dirPlan
	left atomic.Int64 // how many still use dir
	bad  atomic.Bool  // not all was done
}

// note notes an error of one who works in the directory.
func (w *work) note(err error) error {
	if err != nil {
		w.bad.Store(true)
	}
	return err
}

// inDir does what d says in dir, and closes it.
func (co *checkout) inDir(ctx context.Context, g *errgroup.Group, dir *folder, d *dirPlan) error {
	w := &work{dir: dir, plan: d}
	w.left.Store(1)
	defer co.leave(w)
	if err := co.removeAll(ctx, dir, d); err != nil {
		return w.note(err)
	}
	if d.fresh {
		d.recs = make([]hash.Record, len(d.tree))
	}
	for i := 0; i < d.files(); i += chunk {
		w.left.Add(1)
		g.Go(func() error {
			defer co.leave(w)
			return w.note(co.files(ctx, w, i, min(i+chunk, d.files())))
		})
	}
	for _, sub := range d.subs {
		if err := co.subDir(ctx, g, dir, sub); err != nil {
			return w.note(err)
		}
	}
	return nil
}

func (co *checkout) subDir(ctx context.Context, g *errgroup.Group, dir *folder, d *dirPlan) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	base := path.Base(d.path)
	if d.fresh {
		if err := dir.mkdir(base); err != nil {
			return err
		}
		co.scanner.Index.Drop(d.path)
	}
	sub, err := dir.sub(base)
	if err != nil {
		return err
	}
	return co.inDir(ctx, g, sub, d)
}

// leave is called by each who worked in a directory. The last one records what
// is there now.
func (co *checkout) leave(w *work) {
	if w.left.Add(-1) > 0 {
		return
	}
	w.dir.close()
	if !w.bad.Load() {
		co.record(w.plan)
	}
	w.plan.tree, w.plan.recs, w.plan.subs = nil, nil, nil
}

// record hands the directory on to the index. What lies below the path is
// known exactly; of the directory it is in, only the path itself.
func (co *checkout) record(d *dirPlan) {
	for i := range d.tree {
		if d.tree[i].Kind == hash.Directory {
			d.recs[i] = hash.Record{Name: d.tree[i].Name, Node: d.tree[i].Node}
		}
	}
	if d.self.IsZero() {
		if len(d.recs) == 0 {
			co.scanner.Index.Drop(co.path)
		}
		if len(d.recs) == 1 && d.recs[0].Node.Kind != hash.Directory {
			co.settle.file(co.path, d.recs[0])
		}
		return
	}
	co.settle.dir(d.path, d.self, d.recs)
}

// files writes the files from to before to of a directory.
func (co *checkout) files(ctx context.Context, w *work, from, to int) error {
	for j := from; j < to; j++ {
		i := w.plan.file(j)
		e := &w.plan.tree[i]
		if e.Kind == hash.Directory {
			continue // of a fresh directory: in subs
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		err := co.file(ctx, w.dir, e, &w.plan.recs[i])
		if damaged := (*DamagedError)(nil); errors.As(err, &damaged) {
			return &MissingError{Items: []Missing{{Path: path.Join(w.plan.path, e.Name), Sum: e.Sum, Kind: e.Kind}}}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// file writes the file or link e, in the place of what rec says, and records
// it there.
func (co *checkout) file(ctx context.Context, dir *folder, e *hash.Entry, rec *hash.Record) error {
	replace := !rec.Node.IsZero()
	if err := co.place(ctx, dir, e, rec); err != nil {
		return err
	}
	now, err := dir.lstat(e.Name)
	if err != nil {
		return err
	}
	*rec = hash.Record{Name: e.Name, Stat: now.Stat, Node: e.Node}
	if replace {
		co.changed.Add(1)
	} else {
		co.added.Add(1)
	}
	co.bytes.Add(e.Size)
	if co.opts.OnFile != nil {
		co.opts.OnFile(e.Size)
	}
	return nil
}

// unchanged fails if a file is not what the scan found: then nobody knows
// whether it is stored anywhere.
func (d *folder) unchanged(rec *hash.Record) error {
	now, err := d.lstat(rec.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing is left to be lost
	}
	if err != nil || rec.Stat == (hash.Stat{}) {
		return err
	}
	if now.links > 1 || !now.isWritable() {
		// Of a file with several names, it changes when one comes or goes, even
		// if this is the last one.
		now.Ctime = rec.Stat.Ctime
	}
	if !now.Stat.Same(rec.Stat) {
		return d.fail("replace", rec.Name, errTouched)
	}
	return nil
}

var errTouched = errors.New("changed during the checkout")

// removeAll removes what is to go from a directory.
func (co *checkout) removeAll(ctx context.Context, dir *folder, d *dirPlan) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(co.opts.Jobs)
	for i := 0; i < len(d.gone); i += chunk {
		g.Go(func() error { return co.remove(ctx, dir, d.path, d.gone[i:min(i+chunk, len(d.gone))]) })
	}
	return g.Wait()
}

// remove removes what is to go from dir, whose path in the workspace is at.
func (co *checkout) remove(ctx context.Context, dir *folder, at string, gone []goner) error {
	for i := range gone {
		if err := ctx.Err(); err != nil {
			return err
		}
		rec := &gone[i].rec
		if rec.Node.Kind == hash.Directory {
			co.scanner.Index.Drop(path.Join(at, rec.Name))
			if err := co.removeDir(ctx, dir, path.Join(at, rec.Name), gone[i]); err != nil {
				return err
			}
			continue
		}
		if err := dir.unchanged(rec); err != nil {
			return err
		}
		if err := dir.remove(rec.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		co.removed.Add(1)
	}
	return nil
}

// removeDir removes the directory g of dir, whose path in the workspace is at.
// It stays if there are ignored files in it.
func (co *checkout) removeDir(ctx context.Context, dir *folder, at string, g goner) error {
	sub, err := dir.sub(g.rec.Name)
	if err != nil {
		return err
	}
	err = co.remove(ctx, sub, at, g.below)
	sub.close()
	if err != nil {
		return err
	}
	if err := dir.rmdir(g.rec.Name); !errors.Is(err, fs.ErrExist) {
		return err // ErrExist is what package fs makes of "directory not empty"
	}
	return nil
}
