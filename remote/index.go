package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/pack"
)

// The keys below meta, by what they begin with.
const (
	metaPrefix  = "meta/"
	indexPrefix = metaPrefix + "index-"
	runsPrefix  = metaPrefix + "runs-"
	rootsPrefix = metaPrefix + "roots-"
	doomPrefix  = metaPrefix + "doomed-"
	packsPrefix = "packs/"
)

// note is a blob below meta.
type note struct {
	key      string
	sum      hash.Sum // in the key, of its bytes
	size     int64
	modified time.Time
}

// notes is what there is below meta.
type notes struct {
	tables []note // but for those that others stand for as well
	stale  []note // these: a table that replaces them is there
	roots  []note
	dooms  []note
}

// listNotes asks what is below meta: one request, where there are fewer than a
// thousand.
func (r *Remote) listNotes(ctx context.Context) (*notes, error) {
	n := new(notes)
	for info, err := range r.store.List(ctx, metaPrefix) {
		if err != nil {
			return nil, err
		}
		i := strings.LastIndexByte(info.Key, '-')
		sum, err := hash.ParseSum(info.Key[i+1:])
		if err != nil {
			continue // not one of ours
		}
		one := note{info.Key, sum, info.Size, info.Modified}
		switch {
		case strings.HasPrefix(info.Key, indexPrefix), strings.HasPrefix(info.Key, runsPrefix):
			n.tables = append(n.tables, one)
		case strings.HasPrefix(info.Key, rootsPrefix):
			n.roots = append(n.roots, one)
		case strings.HasPrefix(info.Key, doomPrefix):
			n.dooms = append(n.dooms, one)
		}
	}
	return n, nil
}

// index knows which blob of a remote is where.
type index struct {
	r      *Remote
	notes  *notes
	broken []note            // tables that could not be read
	unread []note            // dooms that could not
	blobs  []*table          // of all but runs
	runs   []*table          // of runs, which are few and wanted all at once
	doomed map[hash.Sum]bool // packs that must not be counted on
	avoid  map[hash.Sum]bool // packs that are known to be damaged

	mu      sync.Mutex
	counted map[hash.Sum]hash.Sum // packs that are counted on, for one of their blobs
}

// count notes that something which is going to be written counts on what is at a
// location.
func (x *index) count(l pack.Location) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.counted == nil {
		x.counted = map[hash.Sum]hash.Sum{}
	}
	x.counted[l.Pack] = l.Sum
}

// errMoved says that what was counted on is no longer where it was.
var errMoved = errors.New("what the remote holds keeps changing; try again")

// confirm looks once more for what is counted on. A collection of garbage does
// not know that it is needed as long as the listing that names it is not there,
// so that it may be gone when that took longer than the grace. The error is
// errMoved if any is doomed or gone.
func (x *index) confirm(ctx context.Context) error {
	x.mu.Lock()
	var sums []hash.Sum
	for _, sum := range x.counted {
		sums = append(sums, sum)
	}
	x.mu.Unlock()
	if len(sums) == 0 {
		return nil
	}
	now, err := x.r.openIndex(ctx)
	if err != nil {
		return err
	}
	found, err := now.locate(ctx, sums, true)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for name, sum := range x.counted {
		if !slices.ContainsFunc(found[sum], func(l pack.Location) bool { return l.Pack == name }) {
			return errMoved
		}
	}
	return nil
}

// table is one table of the index.
type table struct {
	*pack.Table
	note note
	src  *tableSource
}

// maxTries is how often the index is read again because somebody has deleted
// what was listed a moment ago.
const maxTries = 5

// openIndex reads what the remote holds. What was read before is on the disk
// here, since it cannot have changed.
func (r *Remote) openIndex(ctx context.Context) (*index, error) {
	return r.openIndexWith(ctx, false)
}

// openIndexWith is openIndex that, if so asked, does without tables that are
// damaged.
func (r *Remote) openIndexWith(ctx context.Context, lenient bool) (*index, error) {
	for try := 1; ; try++ {
		n, err := r.listNotes(ctx)
		if err != nil {
			return nil, err
		}
		x, err := r.openNotes(ctx, n, lenient)
		if err == nil || try == maxTries || !errors.Is(err, fs.ErrNotExist) {
			return x, err
		}
	}
}

func (r *Remote) openNotes(ctx context.Context, n *notes, lenient bool) (*index, error) {
	x := &index{r: r, notes: n, doomed: map[hash.Sum]bool{}}
	tables := make([]*table, len(n.tables))
	dooms, broken := make([][]hash.Sum, len(n.dooms)), make([]bool, len(n.dooms))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * r.opts.Jobs)
	for i := range n.tables {
		g.Go(func() (err error) {
			tables[i], err = r.openTable(ctx, n.tables[i])
			if err != nil && lenient && !errors.Is(err, fs.ErrNotExist) && ctx.Err() == nil {
				return nil
			}
			return err
		})
	}
	for i := range n.dooms {
		g.Go(func() (err error) {
			dooms[i], err = r.readDoom(ctx, n.dooms[i])
			if err != nil && lenient && !errors.Is(err, fs.ErrNotExist) && ctx.Err() == nil {
				broken[i] = true
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, packs := range dooms {
		for _, sum := range packs {
			x.doomed[sum] = true
		}
	}
	for i, t := range tables {
		if t == nil {
			x.broken = append(x.broken, n.tables[i])
		}
	}
	for i, b := range broken {
		if b {
			x.unread = append(x.unread, n.dooms[i])
		}
	}
	x.setTables(slices.DeleteFunc(tables, func(t *table) bool { return t == nil }))
	r.forget("index", n.tables)
	r.forget("notes", slices.Concat(n.roots, n.dooms))
	return x, nil
}

// setTables takes the tables for those of the index, but for those that others
// replace.
func (x *index) setTables(tables []*table) {
	replaced := map[hash.Sum]bool{}
	for _, t := range tables {
		for _, sum := range t.Replaced() {
			replaced[sum] = true
		}
	}
	x.blobs, x.runs, x.notes.tables = nil, nil, nil
	for _, t := range tables {
		switch {
		case replaced[t.note.sum]:
			x.notes.stale = append(x.notes.stale, t.note)
			continue
		case t.note.isRuns():
			x.runs = append(x.runs, t)
		default:
			x.blobs = append(x.blobs, t)
		}
		x.notes.tables = append(x.notes.tables, t.note)
	}
}

// isRuns reports whether the note is a table of runs.
func (n *note) isRuns() bool { return strings.HasPrefix(n.key, runsPrefix) }

// locate returns where the digests are, wherever there is something of that name.
// A blob in a doomed pack comes after others, or not at all if counted is set:
// then the caller is going to count on what is found. Runs have an index of their
// own: see locateRuns.
func (x *index) locate(ctx context.Context, sums []hash.Sum, counted bool) (map[hash.Sum][]pack.Location, error) {
	return x.locateIn(ctx, x.blobs, sums, counted)
}

func (x *index) locateRuns(ctx context.Context, sums []hash.Sum, counted bool) (map[hash.Sum][]pack.Location, error) {
	return x.locateIn(ctx, x.runs, sums, counted)
}

func (x *index) locateIn(ctx context.Context, tables []*table, sums []hash.Sum, counted bool) (map[hash.Sum][]pack.Location, error) {
	sums = slices.Clone(sums)
	slices.SortFunc(sums, func(a, b hash.Sum) int { return strings.Compare(string(a[:]), string(b[:])) })
	sums = slices.Compact(sums)
	found := make(map[hash.Sum][]pack.Location, len(sums))
	if len(sums) == 0 {
		return found, nil
	}
	var doomed []pack.Location
	for _, t := range tables {
		err := t.Find(ctx, sums, func(l pack.Location) {
			switch {
			case x.avoid[l.Pack]:
				return
			case x.doomed[l.Pack]:
				doomed = append(doomed, l)
				return
			}
			found[l.Sum] = append(found[l.Sum], l)
		})
		if err != nil {
			return nil, fmt.Errorf("remote %s: %s: %w", x.r.opts.Name, t.note.key, err)
		}
	}
	if !counted {
		for _, l := range doomed {
			found[l.Sum] = append(found[l.Sum], l)
		}
	}
	return found, nil
}

// allRuns returns where the runs are.
func (x *index) allRuns(ctx context.Context) (map[hash.Sum][]pack.Location, error) {
	found, doomed := map[hash.Sum][]pack.Location{}, map[hash.Sum][]pack.Location{}
	for _, t := range x.runs {
		files, err := t.Files(ctx)
		if err != nil {
			return nil, fmt.Errorf("remote %s: %s: %w", x.r.opts.Name, t.note.key, err)
		}
		for _, f := range files {
			in := found
			if x.doomed[f.Name] {
				in = doomed
			}
			for _, e := range f.Entries {
				in[e.Sum] = append(in[e.Sum], pack.Location{Entry: e, Pack: f.Name, Size: f.Size})
			}
		}
	}
	for sum, locations := range doomed {
		found[sum] = append(found[sum], locations...)
	}
	return found, nil
}

// pick returns the first location of one of the kinds.
func pick(locations []pack.Location, kinds ...pack.Kind) (pack.Location, bool) {
	for _, l := range locations {
		if slices.Contains(kinds, l.Kind) {
			return l, true
		}
	}
	return pack.Location{}, false
}

// packKey returns the key of a pack.
func packKey(sum hash.Sum) string {
	hex := sum.String()
	return packsPrefix + hex[:2] + "/" + hex[2:]
}

// packSum returns the name of the pack at a key.
func packSum(key string) (hash.Sum, bool) {
	hex, ok := strings.CutPrefix(key, packsPrefix)
	if !ok || len(hex) != 2*hash.Size+1 || hex[2] != '/' {
		return hash.Sum{}, false
	}
	sum, err := hash.ParseSum(hex[:2] + hex[3:])
	return sum, err == nil
}
