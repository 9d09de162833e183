package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xtrepro/xt/hash"
)

// FsckOptions are the choices of a check of the cache.
type FsckOptions struct {
	// Jobs is how many files are read at a time; 0 for as many as there are
	// processors.
	Jobs int
	// OnFile, if not nil, is told the size in bytes of each object that was
	// read. It is called from several goroutines.
	OnFile func(bytes int64)
}

// FsckReport says what a check of the cache found.
type FsckReport struct {
	Objects, Trees int         // how many were read
	Bytes          int64       // of the objects
	Damaged        []Damage    // what was moved to the quarantine
	Missing        []Reference // what good trees name and the cache lacks
	Repaired       int         // good objects that were writable and now are not
	Stray          []string    // files in the cache that are none of its own
	Leftovers      int         // files that killed processes had left; GC removes them
}

// Damage is something whose bytes were not what its name says.
type Damage struct {
	Kind  hash.Kind // File or Directory
	Sum   hash.Sum
	Moved string // the path of the bytes now; "" if they could not be moved
}

// Reference is a name in a tree.
type Reference struct {
	Tree hash.Sum // the listing
	Name string   // in it
	Node hash.Node
}

// OK reports whether nothing is lost.
func (r *FsckReport) OK() bool { return len(r.Damaged) == 0 && len(r.Missing) == 0 }

// Lost returns the digests of what is damaged or missing.
func (r *FsckReport) Lost() map[hash.Sum]bool {
	lost := make(map[hash.Sum]bool, len(r.Damaged)+len(r.Missing))
	for _, d := range r.Damaged {
		lost[d.Sum] = true
	}
	for _, m := range r.Missing {
		lost[m.Node.Sum] = true
	}
	return lost
}

// Fsck reads every object and tree and moves those whose bytes are not what
// their name says to the quarantine; it never deletes. Then it looks whether
// all that the trees name is there. Problems are in the report; an error means
// that the check could not be done.
func (c *Cache) Fsck(ctx context.Context, opts FsckOptions) (FsckReport, error) {
	if _, err := c.folder(); errors.Is(err, fs.ErrNotExist) {
		return FsckReport{}, nil
	}
	if opts.Jobs <= 0 {
		opts.Jobs = runtime.GOMAXPROCS(0)
	}
	k := &checker{Cache: c, opts: opts, begun: c.now()}
	err := k.run(ctx)
	if err != nil {
		err = fmt.Errorf("check the cache: %w", err)
	}
	k.sort()
	return k.report, err
}

// checker is one check of the cache.
type checker struct {
	*Cache
	opts  FsckOptions
	begun time.Time

	mu     sync.Mutex
	report FsckReport
}

func (k *checker) run(ctx context.Context) error {
	if err := k.readAll(ctx, objects, k.object); err != nil {
		return err
	}
	if err := k.readAll(ctx, trees, k.tree); err != nil {
		return err
	}
	// Only now it is known which trees and objects are good.
	if err := k.readAll(ctx, trees, k.references); err != nil {
		return err
	}
	var err error
	if k.report.Leftovers, err = k.leftovers(false); err != nil {
		return err
	}
	return k.note()
}

// readAll calls f for all that is stored in the folder kind, from several
// goroutines, and notes files that do not belong there.
func (k *checker) readAll(ctx context.Context, kind string, f func(ctx context.Context, sum hash.Sum, rel string) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(k.opts.Jobs)
	err := k.eachFolder(kind, func(_ *folder, dir string, names []string) error {
		for part := range slices.Chunk(names, 16) {
			g.Go(func() error { return k.readPart(ctx, dir, part, f) })
		}
		return ctx.Err()
	})
	return firstError(g.Wait(), err)
}

func (k *checker) readPart(ctx context.Context, dir string, names []string, f func(ctx context.Context, sum hash.Sum, rel string) error) error {
	for _, n := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		sum, err := hash.ParseSum(dir[len(dir)-2:] + n)
		if err != nil {
			k.stray(dir + "/" + n)
			continue
		}
		if err := f(ctx, sum, dir+"/"+n); ignoreMissing(err) != nil {
			return err
		}
	}
	return nil
}

func (k *checker) stray(rel string) {
	if isTemp(rel[strings.LastIndexByte(rel, '/')+1:]) {
		return // a draft, or what is left of one
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.report.Stray, rel) {
		k.report.Stray = append(k.report.Stray, rel)
	}
}

// object reads one object.
func (k *checker) object(ctx context.Context, sum hash.Sum, rel string) error {
	top, err := k.folder()
	if err != nil {
		return err
	}
	i, err := top.lstat(rel)
	if err != nil {
		return err
	}
	var is hash.Sum
	if i.isRegular() {
		is, err = k.digest(ctx, objects, sum)
		if err != nil && !errors.Is(err, hash.ErrChanged) {
			return err
		}
	}
	if k.opts.OnFile != nil {
		k.opts.OnFile(i.Size)
	}
	if is != sum {
		return k.damaged(hash.File, objects, sum)
	}
	if !i.Sealed() {
		k.seal(sum, i)
	}
	now, err := top.lstat(rel)
	fixed := i.isWritable() && err == nil && !now.isWritable()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.report.Objects++
	k.report.Bytes += i.Size
	if fixed {
		k.report.Repaired++
	}
	return nil
}

// damaged moves something to the quarantine and notes it.
func (k *checker) damaged(kind hash.Kind, in string, sum hash.Sum) error {
	err := k.quarantine(in, sum)
	damaged := (*DamagedError)(nil)
	if !errors.As(err, &damaged) {
		return err
	}
	k.add(Damage{Kind: kind, Sum: sum, Moved: damaged.Moved})
	return nil
}

func (k *checker) add(d Damage) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.report.Damaged = append(k.report.Damaged, d)
}

// tree reads one tree.
func (k *checker) tree(_ context.Context, sum hash.Sum, _ string) error {
	_, err := k.Tree(sum)
	if damaged := (*DamagedError)(nil); errors.As(err, &damaged) {
		k.add(Damage{Kind: hash.Directory, Sum: sum, Moved: damaged.Moved})
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		// Its digest is right, so somebody stored it thus: a newer xt, perhaps.
		k.stray(name(trees, sum))
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.report.Trees++
	return err
}

// references looks whether what a tree names is there.
func (k *checker) references(_ context.Context, sum hash.Sum, _ string) error {
	t, err := k.Tree(sum)
	if err != nil {
		return nil // noted by tree
	}
	for i := range t {
		if k.isThere(&t[i].Node) {
			continue
		}
		k.mu.Lock()
		k.report.Missing = append(k.report.Missing, Reference{Tree: sum, Name: t[i].Name, Node: t[i].Node})
		k.mu.Unlock()
	}
	return nil
}

func (k *checker) isThere(n *hash.Node) bool {
	if n.Kind == hash.Symlink {
		return true
	}
	kind := objects
	if n.Kind == hash.Directory {
		kind = trees
	}
	top, err := k.folder()
	if err != nil {
		return false
	}
	i, err := top.lstat(name(kind, n.Sum))
	return err == nil && (n.Kind == hash.Directory || i.Size == n.Size)
}

// note writes down whether trees can be trusted to be complete, unless someone
// else found out meanwhile that they cannot.
func (k *checker) note() error {
	if !k.report.OK() {
		return k.markIncomplete()
	}
	top, err := k.folder()
	if err != nil {
		return err
	}
	i, err := top.lstat(incompleteMark)
	if err != nil || i.modified().After(k.begun) {
		return ignoreMissing(err)
	}
	if err := top.remove(incompleteMark); err != nil {
		return k.explain(err)
	}
	k.incomplete.Store(false)
	return nil
}

func (k *checker) sort() {
	slices.SortFunc(k.report.Damaged, func(a, b Damage) int { return strings.Compare(a.Sum.String(), b.Sum.String()) })
	slices.SortFunc(k.report.Missing, func(a, b Reference) int {
		return strings.Compare(a.Tree.String()+a.Name, b.Tree.String()+b.Name)
	})
	slices.Sort(k.report.Stray)
}
