package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/xtrepro/xt/hash"
)

// dirPlan is what is to be done in one directory, to names in it.
type dirPlan struct {
	path string    // of the directory
	self hash.Node // what it is to be; zero for the parent of the path checked out
	// fresh says that the directory is to be made. Then all of tree is to be
	// written, and recs and todo are empty.
	fresh bool
	tree  hash.Tree // what is to stand in it
	// kept says that the listing of what the scan found in it is in the cache;
	// ignored are those of tree that the scan passed over.
	kept    bool
	ignored map[int]bool
	recs    []hash.Record // what stands there now for each of tree; zero: nothing
	todo    []int         // which of tree are files and links to be written
	gone    []goner       // what is to be removed, before anything is written
	subs    []*dirPlan    // directories in it in which there is something to do
}

// goner is a name that is to go, with what the scan found there.
type goner struct {
	rec   hash.Record
	below []goner // of a directory, everything in it that is not ignored
}

// planner finds out what is to be done, and what speaks against it.
type planner struct {
	*checkout
	ctx context.Context

	mu       sync.Mutex
	missing  []Missing
	uncached []string
}

// plan compares cur, which stands at the path, with want. The result is about
// the parent directory, so that a file and a directory are alike.
func (co *checkout) plan(ctx context.Context, cur, want hash.Node) (*dirPlan, error) {
	p := &planner{checkout: co, ctx: ctx}
	d := &dirPlan{path: path.Dir(co.path)}
	base := path.Base(co.path)
	var curRecs []hash.Record
	if !cur.IsZero() {
		curRecs = []hash.Record{{Name: base, Node: cur}}
		if r, ok := co.scanner.Index.File(co.path); ok && cur.Kind != hash.Directory && r.Node == cur {
			curRecs[0] = r
		}
	}
	if !want.IsZero() {
		d.tree = hash.Tree{{Name: base, Node: want}}
	}
	if err := p.compare(d, curRecs); err != nil {
		return nil, err
	}
	if err := p.check(d); err != nil {
		return nil, err
	}
	return d, p.verdict()
}

// verdict turns what speaks against the plan into an error. What is missing
// comes first: force does not help against it.
func (p *planner) verdict() error {
	if len(p.missing) > 0 {
		slices.SortFunc(p.missing, func(a, b Missing) int { return strings.Compare(a.Path, b.Path) })
		return &MissingError{Items: p.missing}
	}
	if len(p.uncached) > 0 && !p.opts.Force {
		slices.Sort(p.uncached)
		return &UncachedError{Paths: slices.Compact(p.uncached)}
	}
	return nil
}

// compare walks over d.tree and what is there now, both sorted by name.
func (p *planner) compare(d *dirPlan, cur []hash.Record) error {
	d.recs = make([]hash.Record, len(d.tree))
	for i := range d.tree {
		for len(cur) > 0 && cur[0].Name < d.tree[i].Name {
			if err := p.remove(d, cur[0]); err != nil {
				return err
			}
			cur = cur[1:]
		}
		var have hash.Record
		if len(cur) > 0 && cur[0].Name == d.tree[i].Name {
			have, cur = cur[0], cur[1:]
		}
		if err := p.entry(d, i, have); err != nil {
			return err
		}
	}
	for _, r := range cur {
		if err := p.remove(d, r); err != nil {
			return err
		}
	}
	return nil
}

// entry plans to make what is at one name, which is have, what d.tree wants.
func (p *planner) entry(d *dirPlan, i int, have hash.Record) error {
	want := &d.tree[i]
	if have.Node.IsZero() {
		return p.unlisted(d, i)
	}
	wantDir, haveDir := want.Kind == hash.Directory, have.Node.Kind == hash.Directory
	switch {
	case have.Node.Same(want.Node) && (!p.opts.Relink || want.Kind == hash.Symlink):
		d.recs[i] = have
		return nil
	case wantDir && haveDir:
		return p.directory(d, want, &have.Node)
	case wantDir:
		if err := p.remove(d, have); err != nil {
			return err
		}
		return p.directory(d, want, nil)
	case haveDir:
		if err := p.emptied(path.Join(d.path, have.Name), have); err != nil {
			return err
		}
		if err := p.remove(d, have); err != nil {
			return err
		}
	default:
		d.recs[i] = have
	}
	d.todo = append(d.todo, i)
	return nil
}

// directory plans to make the directory want in d, of the directory have or,
// if that is nil, afresh.
func (p *planner) directory(d *dirPlan, want *hash.Entry, have *hash.Node) error {
	sub := &dirPlan{path: path.Join(d.path, want.Name), self: want.Node, fresh: have == nil}
	d.subs = append(d.subs, sub)
	var err error
	sub.tree, err = p.c.Tree(want.Sum)
	if p.isMissing(err, sub.path, want.Node) {
		return nil
	}
	if err != nil {
		return err
	}
	if sub.self = total(want.Sum, sub.tree); sub.self != want.Node && !d.self.IsZero() {
		return fmt.Errorf("tree %s: the totals of %s are wrong", d.self.Sum.Short(), want.Name)
	}
	if sub.fresh {
		return p.freshSubs(sub)
	}
	sub.kept = p.c.HasTree(have.Sum)
	_, recs, _ := p.scanner.Index.Dir(sub.path)
	return p.compare(sub, recs)
}

// total returns the node of the directory that t lists. Unlike [hash.Tree.Node]
// it need not find out the digest.
func total(sum hash.Sum, t hash.Tree) hash.Node {
	n := hash.Node{Kind: hash.Directory, Sum: sum}
	for i := range t {
		n.Size += t[i].Size
		if t[i].Kind == hash.Directory {
			n.Files += t[i].Files
		} else {
			n.Files++
		}
	}
	return n
}

// freshSubs plans the directories in a directory that is to be made.
func (p *planner) freshSubs(d *dirPlan) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	for i := range d.tree {
		if d.tree[i].Kind == hash.Directory {
			if err := p.directory(d, &d.tree[i], nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// isMissing notes that the cache lacks n, if that is what err says.
func (p *planner) isMissing(err error, path string, n hash.Node) bool {
	damaged := (*DamagedError)(nil)
	if !errors.Is(err, fs.ErrNotExist) && !errors.As(err, &damaged) {
		return false
	}
	if path != p.path {
		p.doubtTrees()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.missing = append(p.missing, Missing{Path: path, Sum: n.Sum, Kind: n.Kind})
	return true
}

// unlisted plans for a name at which the scan found nothing. There may be
// something that the scanner ignores.
func (p *planner) unlisted(d *dirPlan, i int) error {
	want := &d.tree[i]
	at := path.Join(d.path, want.Name)
	info, err := os.Lstat(p.abs(at))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if want.Kind == hash.Directory {
			return p.directory(d, want, nil)
		}
	case err != nil:
		return err
	case want.Kind == hash.Directory && info.IsDir():
		return p.directory(d, want, &hash.Node{})
	case want.Kind == hash.Directory || !info.Mode().IsRegular():
		return fmt.Errorf("%s is in the way: xt ignores it, so it is yours to move", at)
	default:
		if d.recs[i], err = p.readIgnored(at, want.Name); err != nil {
			return err
		}
		if d.ignored == nil {
			d.ignored = map[int]bool{}
		}
		d.ignored[i] = true
	}
	d.todo = append(d.todo, i)
	return nil
}

// readIgnored reads a file that the scanner passed over.
func (p *planner) readIgnored(at, name string) (hash.Record, error) {
	stat, kind, err := hash.StatOf(p.abs(at))
	if err != nil {
		return hash.Record{}, err
	}
	sum, size, err := hash.FileSum(p.ctx, p.abs(at))
	return hash.Record{Name: name, Stat: stat, Node: hash.Node{Kind: kind, Sum: sum, Size: size}}, err
}

// remove plans to remove what a scan found.
func (p *planner) remove(d *dirPlan, r hash.Record) error {
	g, err := p.goner(path.Join(d.path, r.Name), r)
	d.gone = append(d.gone, g)
	return err
}

func (p *planner) goner(at string, r hash.Record) (goner, error) {
	g := goner{rec: r}
	if r.Node.Kind != hash.Directory {
		return g, nil
	}
	if err := p.ctx.Err(); err != nil {
		return g, err
	}
	_, recs, ok := p.scanner.Index.Dir(at)
	if !ok && r.Node.Files > 0 {
		return g, fmt.Errorf("%s: changed while it was looked at", at)
	}
	g.below = make([]goner, len(recs))
	for i, r := range recs {
		var err error
		if g.below[i], err = p.goner(path.Join(at, r.Name), r); err != nil {
			return g, err
		}
	}
	return g, nil
}

// emptied checks that nothing ignored is left where a directory is to become a
// file.
func (p *planner) emptied(at string, r hash.Record) error {
	entries, err := os.ReadDir(p.abs(at))
	if err != nil {
		return err
	}
	_, recs, _ := p.scanner.Index.Dir(at)
	for _, e := range entries {
		i, ok := slices.BinarySearchFunc(recs, e.Name(), func(r hash.Record, name string) int { return strings.Compare(r.Name, name) })
		if !ok {
			return fmt.Errorf("%s is in the way: xt ignores it, so it is yours to move", path.Join(at, e.Name()))
		}
		if recs[i].Node.Kind == hash.Directory {
			if err := p.emptied(path.Join(at, e.Name()), recs[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
