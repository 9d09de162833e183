package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/pack"
	"github.com/xtrepro/xt/remote/store"
)

// Want is something that belongs at a path.
type Want struct {
	Path string
	Node hash.Node
}

// Progress is told how far a transfer is. Its methods are called from several
// goroutines. A nil Progress is told nothing.
type Progress interface {
	// Expect says that there are so many more files and bytes to come.
	Expect(files, bytes int64)
	// Count says that so much is done.
	Count(files, bytes int64)
}

type silent struct{}

func (silent) Expect(_, _ int64) {}
func (silent) Count(_, _ int64)  {}

// FetchReport says what a fetch did.
type FetchReport struct {
	Files int64 // brought into the cache, each content once
	Bytes int64 // in these files
	Runs  int64 // entries of the run cache that are new here
}

// Fetch brings the wants, and all below them, into the cache. What neither the
// cache nor the remote has is a [*cache.MissingError] when all else is done.
func (r *Remote) Fetch(ctx context.Context, c *cache.Cache, wants []Want, p Progress) (FetchReport, error) {
	var report FetchReport
	var before []note
	for try := 1; ; try++ {
		x, err := r.openIndex(ctx)
		if err != nil {
			return report, err
		}
		f := &fetcher{index: x, cache: c, progress: p}
		err = f.fetch(ctx, wants)
		report.Files += f.files.Load()
		report.Bytes += f.bytes.Load()
		if !errors.Is(err, fs.ErrNotExist) {
			return report, err
		}
		// A garbage collection may have moved things to other packs meanwhile. Then
		// the index is another one now.
		if try == maxTries || slices.Equal(before, x.notes.tables) {
			return report, r.gone(err)
		}
		before = x.notes.tables
	}
}

// gone says of an error that something is missing which should be there.
func (r *Remote) gone(err error) error {
	what := "something"
	if e := (*store.Error)(nil); errors.As(err, &e) {
		what = e.Key
	}
	return &DamagedError{Remote: r.opts.Name, What: what, Gone: true}
}

// fetcher is one fetch.
type fetcher struct {
	*index
	cache    *cache.Cache
	progress Progress

	trees   []*branch
	known   map[hash.Sum]*branch
	todo    map[hash.Sum]Want // files that the cache lacks
	order   []hash.Sum        // of todo
	missing []cache.Missing
	absent  map[hash.Sum]bool // digests that are missing

	files, bytes atomic.Int64
}

// branch is a directory whose listing is on its way into the cache.
type branch struct {
	sum  hash.Sum
	text []byte
	tree hash.Tree
}

func (f *fetcher) fetch(ctx context.Context, wants []Want) error {
	if f.progress == nil {
		f.progress = silent{}
	}
	f.known, f.todo, f.absent = map[hash.Sum]*branch{}, map[hash.Sum]Want{}, map[hash.Sum]bool{}
	if err := f.walk(ctx, wants); err != nil {
		return err
	}
	for part := range slices.Chunk(f.order, batch) {
		if err := f.fetchFiles(ctx, part); err != nil {
			return err
		}
	}
	if err := f.putTrees(); err != nil {
		return err
	}
	if len(f.missing) > 0 {
		slices.SortFunc(f.missing, func(a, b cache.Missing) int { return strings.Compare(a.Path, b.Path) })
		return &cache.MissingError{Items: f.missing, Remote: f.r.opts.Name}
	}
	return nil
}

// batch is how many files are looked up at a time.
const batch = 50_000

// walk finds out what the cache lacks, reading listings level by level.
func (f *fetcher) walk(ctx context.Context, level []Want) error {
	for len(level) > 0 {
		dirs, err := f.split(ctx, level)
		if err != nil {
			return err
		}
		if level, err = f.descend(ctx, dirs); err != nil {
			return err
		}
	}
	return nil
}

// split notes which files of the wants are to be fetched, and returns the
// directories of which the cache lacks something.
func (f *fetcher) split(ctx context.Context, level []Want) ([]Want, error) {
	lacks := make([]bool, len(level))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := 0; i < len(level); i += 256 {
		g.Go(func() error {
			for j := i; j < min(i+256, len(level)); j++ {
				lacks[j] = !f.holds(level[j].Node)
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var dirs []Want
	for i, w := range level {
		switch {
		case !lacks[i]:
		case w.Node.Kind == hash.Directory && f.known[w.Node.Sum] == nil:
			f.known[w.Node.Sum] = &branch{sum: w.Node.Sum}
			dirs = append(dirs, w)
		case w.Node.Kind != hash.Directory:
			if _, ok := f.todo[w.Node.Sum]; !ok {
				f.todo[w.Node.Sum] = w
				f.order = append(f.order, w.Node.Sum)
				f.progress.Expect(1, w.Node.Size)
			}
		}
	}
	return dirs, nil
}

// holds reports whether the cache has all of n.
func (f *fetcher) holds(n hash.Node) bool {
	switch n.Kind {
	case hash.Directory:
		return f.cache.HasTree(n.Sum)
	case hash.File, hash.Executable:
		return f.cache.HasFile(n)
	}
	return true // a link is part of the listing
}

// descend reads the listings of the directories, and returns what is in them.
func (f *fetcher) descend(ctx context.Context, dirs []Want) ([]Want, error) {
	var unread []hash.Sum
	texts := map[hash.Sum][]byte{}
	for _, d := range dirs {
		if t, err := f.cache.Tree(d.Node.Sum); err == nil {
			texts[d.Node.Sum] = t.Encode() // the listing is there, and something below it is not
			continue
		}
		unread = append(unread, d.Node.Sum)
	}
	read, err := f.loadTrees(ctx, unread)
	if err != nil {
		return nil, err
	}
	var below []Want
	for _, d := range dirs {
		text := texts[d.Node.Sum]
		if text == nil {
			text = read[d.Node.Sum]
		}
		if text == nil {
			f.lack(d)
			continue
		}
		t, err := f.parse(d, text)
		if err != nil {
			return nil, err
		}
		b := f.known[d.Node.Sum]
		b.text, b.tree = text, t
		f.trees = append(f.trees, b)
		for i := range t {
			below = append(below, Want{path.Join(d.Path, t[i].Name), t[i].Node})
		}
	}
	return below, nil
}

// parse reads a listing, which must be of as much as is said elsewhere.
func (f *fetcher) parse(d Want, text []byte) (hash.Tree, error) {
	t, err := hash.ParseTree(text)
	if err != nil {
		return nil, fmt.Errorf("remote %s: listing of %s: %w", f.r.opts.Name, d.Path, err)
	}
	if n := t.Node(); n.Size != d.Node.Size || n.Files != d.Node.Files {
		return nil, fmt.Errorf("the listing of %s (%s) has %d bytes in %d files, and not %d in %d: somebody edited what names it", d.Path, d.Node.Sum.Short(), n.Size, n.Files, d.Node.Size, d.Node.Files)
	}
	return t, nil
}

// lack notes that nobody has something.
func (f *fetcher) lack(w Want) {
	f.missing = append(f.missing, cache.Missing{Path: w.Path, Sum: w.Node.Sum, Kind: w.Node.Kind})
	f.absent[w.Node.Sum] = true
}

// fetchFiles brings files into the cache.
func (f *fetcher) fetchFiles(ctx context.Context, sums []hash.Sum) error {
	found, err := f.locate(ctx, sums, false)
	if err != nil {
		return err
	}
	var wishes []wish
	var big []hash.Sum
	for _, sum := range sums {
		w := f.todo[sum]
		at, other, ok := choose(found[sum], pack.Data)
		if ok {
			if int64(at.Raw) != w.Node.Size {
				return fmt.Errorf("%s (%s) has %d bytes, and not %d: somebody edited what names it", w.Path, sum.Short(), at.Raw, w.Node.Size)
			}
			wishes = append(wishes, wish{at: at, other: other, take: f.store(sum)})
			continue
		}
		if _, _, ok := choose(found[sum], pack.DataRecipe); ok {
			big = append(big, sum)
			continue
		}
		f.lack(w)
	}
	if wishes, err = f.addChunks(ctx, wishes, big); err != nil {
		return err
	}
	return f.r.grant(ctx, wishes)
}

// store returns what is to be done with the bytes of a small file.
func (f *fetcher) store(sum hash.Sum) func(ctx context.Context, raw []byte) error {
	return func(ctx context.Context, raw []byte) error {
		err := f.cache.PutBytes(ctx, sum, raw)
		if err == nil {
			f.done(1, int64(len(raw)))
		}
		return err
	}
}

func (f *fetcher) done(files, bytes int64) {
	f.files.Add(files)
	f.bytes.Add(bytes)
	f.progress.Count(files, bytes)
}

// putTrees stores the listings of directories that are complete, each after those
// below it: they were read from the top down.
func (f *fetcher) putTrees() error {
	for _, b := range slices.Backward(f.trees) {
		for i := range b.tree {
			if n := &b.tree[i].Node; f.absent[n.Sum] && n.Kind != hash.Symlink {
				f.absent[b.sum] = true
			}
		}
		if f.absent[b.sum] {
			continue
		}
		if err := f.cache.PutTree(b.sum, b.text); err != nil {
			return err
		}
	}
	return nil
}
