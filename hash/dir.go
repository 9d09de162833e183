package hash

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// dirJob is the job of looking at one directory. It is over when all that
// lies below it is known; the last one to know makes the listing.
//
// A directory in which each name and Stat is what the index says is never
// written out in memory: only the outcome of the directories in it is awaited.
type dirJob struct {
	top    *top
	parent *dirJob // nil for the path that was asked for
	slot   int     // which of parent's kids it is
	abs    string
	rel    string
	parts  []string // of rel
	rules  *ignoreRules

	old     block
	stored  bool     // the store has all that old lists
	recs    []Record // nil as long as they are those of old
	kids    []kid
	pending atomic.Int64 // how much below is not known yet
}

// kid is a directory in a directory.
type kid struct {
	at   int // the index of its record
	node Node
}

func (d *dirJob) run(w *worker) {
	if d.top.failed() {
		return
	}
	if err := d.list(w); err != nil {
		if d.parent != nil {
			err = vanished(d.abs, err)
		}
		d.top.fail(err)
		return
	}
	if x := d.top.Index; x != nil {
		d.old, _ = x.block(d.rel)
	}
	st := d.top.store
	d.stored = st != nil && d.old.exists() && st.HasTree(d.old.node().Sum)
	if !d.same(&w.buffers) || st != nil && !d.stored {
		d.compare(&w.buffers)
	}
	d.spread(w)
}

// list fills the worker's buffers with what stands in the directory, sorted.
func (d *dirJob) list(w *worker) error {
	f, err := openFolder(d.abs)
	if err != nil {
		return err
	}
	defer f.close()
	if w.ents, err = f.names(w.ents[:0], &w.buffers); err != nil {
		return err
	}
	if err := d.filter(f, w); err != nil {
		return err
	}
	slices.SortFunc(w.ents, func(a, b dirent) int { return strings.Compare(a.name, b.name) })
	w.stats = slices.Grow(w.stats[:0], len(w.ents))[:len(w.ents)]
	if err := statAll(w.ctx, f, w.ents, w.stats); err != nil {
		return err
	}
	w.dropGone()
	for i := range w.stats {
		if w.stats[i].kind() == 0 {
			return unsupported(d.child(w.ents[i].name), w.stats[i])
		}
	}
	return nil
}

func (d *dirJob) child(name string) string { return d.abs + string(filepath.Separator) + name }

// filter leaves out what is ignored, by the rules that hold in the directory.
func (d *dirJob) filter(f *folder, w *worker) (err error) {
	for i := range w.ents {
		if e := &w.ents[i]; e.name == IgnoreFile && !e.dir {
			if d.rules, err = d.rules.addFile(d.child(e.name), len(d.parts)); err != nil {
				return err
			}
		}
	}
	kept := w.ents[:0]
	for _, e := range w.ents {
		if !e.known {
			st, err := f.stat(&e)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			e.dir = st.kind() == Directory
		}
		if !reserved(e.name) && !d.rules.ignores(d.parts, e.name, e.dir) {
			kept = append(kept, e)
		}
	}
	w.ents = kept
	return nil
}

// statChunk is how many names one goroutine looks at, at most: a folder with
// more is looked at by several.
const statChunk = 4096

// statAll looks at each of ents. One that is gone leaves a zero Stat.
func statAll(ctx context.Context, f *folder, ents []dirent, stats []Stat) error {
	if len(ents) <= statChunk {
		return statSome(ctx, f, ents, stats)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookersPerReader * runtime.GOMAXPROCS(0))
	for from := 0; from < len(ents); from += statChunk {
		to := min(from+statChunk, len(ents))
		g.Go(func() error { return statSome(ctx, f, ents[from:to], stats[from:to]) })
	}
	return g.Wait()
}

func statSome(ctx context.Context, f *folder, ents []dirent, stats []Stat) error {
	for i := range ents {
		if i%256 == 255 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if ents[i].dir {
			stats[i] = Stat{Mode: uint32(fs.ModeDir)}
			continue
		}
		st, err := f.stat(&ents[i])
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		stats[i] = st
	}
	return nil
}

// dropGone removes the names that were gone when they were looked at.
func (s *buffers) dropGone() {
	if !slices.Contains(s.stats, Stat{}) {
		return
	}
	n := 0
	for i := range s.stats {
		if s.stats[i] != (Stat{}) {
			s.ents[n], s.stats[n] = s.ents[i], s.stats[i]
			n++
		}
	}
	s.ents, s.stats = s.ents[:n], s.stats[:n]
}

// same reports whether the directory has the names of old in the state of old,
// and notes its kids.
func (d *dirJob) same(s *buffers) bool {
	same := d.old.exists() && d.old.len() == len(s.ents)
	for i := range s.ents {
		same = same && d.old.holds(i, s.ents[i].name, &s.stats[i])
		if s.stats[i].kind() == Directory {
			d.kids = append(d.kids, kid{at: i})
		}
	}
	return same
}

// compare makes the records of the directory, with the nodes that old knows.
func (d *dirJob) compare(s *buffers) {
	d.recs = make([]Record, len(s.ents))
	j := 0
	for i := range d.recs {
		r := &d.recs[i]
		r.Name = s.ents[i].name
		if s.stats[i].kind() == Directory {
			continue
		}
		r.Stat = s.stats[i]
		for j < d.old.len() && string(d.old.name(j)) < r.Name {
			j++
		}
		if j < d.old.len() && d.old.holds(j, r.Name, &r.Stat) {
			r.Node = d.old.nodeAt(j)
		}
	}
}

// spread adds the jobs for what lies in the directory.
func (d *dirJob) spread(w *worker) {
	d.pending.Store(1) // so that it does not end before all are added
	for i := range d.kids {
		d.pending.Add(1)
		w.look(d.kidJob(i, w.ents[d.kids[i].at].name))
	}
	for i := range d.recs {
		r := &d.recs[i]
		if w.stats[i].kind() != Directory && (r.Node.IsZero() || d.top.store != nil && !d.stored) {
			d.pending.Add(1)
			w.read(&leaf{top: d.top, in: d, rec: r})
		}
	}
	d.release()
}

func (d *dirJob) kidJob(slot int, name string) *dirJob {
	n := len(d.parts)
	return &dirJob{
		top: d.top, parent: d, slot: slot, rules: d.rules,
		abs: d.child(name), rel: join(d.rel, name), parts: append(d.parts[:n:n], name),
	}
}

// release notes that one thing below is known, and ends the directory with the
// last one, and the directories above.
func (d *dirJob) release() {
	for d.pending.Add(-1) == 0 && !d.top.failed() {
		n, err := d.finish()
		if err != nil {
			d.top.fail(err)
			return
		}
		if d.parent == nil {
			d.top.node.Store(&n)
			return
		}
		d.parent.kids[d.slot].node = n
		d = d.parent
	}
}
