package pipeline

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"sync"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/compare"
	"github.com/xtrepro/xt/lock"
)

// oneAtATime calls a Reporter from one goroutine at a time.
type oneAtATime struct {
	Reporter
	mu sync.Mutex
}

func (r *oneAtATime) lock(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// Begin implements [Reporter].
func (r *oneAtATime) Begin(step *Step) { r.lock(func() { r.Reporter.Begin(step) }) }

// Output implements [Reporter].
func (r *oneAtATime) Output(s *Stage) (stdout, stderr io.Writer, end func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Reporter.Output(s)
}

// compare gives the verdict on a stage that was run in the rooms.
func (v *verifier) compare(ctx context.Context, res *Verified, rooms []*room, made [][]lock.Item) error {
	res.Verdict = Identical
	for i, o := range res.Stage.Outs {
		out := OutVerdict{Path: o.Path, Verdict: Identical}
		c := &comparison{w: v.w, out: &out, tolerance: res.Stage.toleranceOf(o.Path), pull: v.opts.Pull}
		for run := range made {
			if err := c.against(ctx, res.Entry, rooms, made, i, run); err != nil {
				return err
			}
			if out.Verdict == Differs {
				break
			}
		}
		res.Outs = append(res.Outs, out)
		if worse(out.Verdict, res.Verdict) {
			res.Verdict = out.Verdict
		}
	}
	return nil
}

func worse(a, b Verdict) bool {
	order := []Verdict{Identical, WithinLimits, Differs}
	return slices.Index(order, a) > slices.Index(order, b)
}

// toleranceOf returns how far numbers in an output may be off.
func (s *Stage) toleranceOf(path string) Tolerance { return s.Tolerance[path] }

// comparison finds out how one output differs.
type comparison struct {
	w         *Workspace
	out       *OutVerdict
	tolerance Tolerance
	pull      bool
}

// maxDiffs bounds how many files of a directory are described.
const maxDiffs = 10

// against compares what a run made with what xt.lock records, or, where it records
// nothing, with what the run before it made.
func (c *comparison) against(ctx context.Context, entry *lock.Stage, rooms []*room, made [][]lock.Item, i, run int) error {
	got := side{node: made[run][i].Node, root: rooms[run].root}
	if entry != nil {
		n, ok := nodeAt(entry.Outs, c.out.Path)
		if !ok {
			return c.differ(c.out.Path, "", "not recorded", nodeWords(got.node))
		}
		if c.pull {
			if err := c.w.obtain(ctx, []lock.Item{{Path: c.out.Path, Node: n}}); err != nil {
				return err
			}
		}
		return c.nodes(ctx, c.out.Path, side{node: n}, got)
	}
	if run == 0 {
		return nil
	}
	c.out.Runs = true
	return c.nodes(ctx, c.out.Path, side{node: made[0][i].Node, root: rooms[0].root}, got)
}

// side is one of two contents: in a room, or, where root is empty, in the cache or
// in the workspace as xt.lock records it.
type side struct {
	node hash.Node
	root string
}

// nodes compares two contents that belong at a path.
func (c *comparison) nodes(ctx context.Context, at string, want, got side) error {
	if err := ctx.Err(); err != nil || want.node.Same(got.node) {
		return err
	}
	a, b := want.node.Kind, got.node.Kind
	switch {
	case a == hash.Directory && b == hash.Directory:
		return c.directories(ctx, at, want, got)
	case isFile(a) && isFile(b) && want.node.Sum != got.node.Sum:
		return c.files(ctx, at, want, got)
	}
	return c.differ(at, "", nodeWords(want.node), nodeWords(got.node))
}

func isFile(k hash.Kind) bool { return k == hash.File || k == hash.Executable }

func (c *comparison) differ(at, where, want, got string) error {
	c.out.Verdict = Differs
	if len(c.out.Diffs) < maxDiffs {
		c.out.Diffs = append(c.out.Diffs, Difference{Path: at, Where: where, Want: want, Got: got})
	}
	return nil
}

// directories compares what is in two directories.
func (c *comparison) directories(ctx context.Context, at string, want, got side) error {
	a, err := c.listing(ctx, at, want)
	if err != nil {
		return c.unknown(at, err)
	}
	b, err := c.listing(ctx, at, got)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for i := range a {
		names[a[i].Name] = true
	}
	for i := range b {
		names[b[i].Name] = true
	}
	list := make([]string, 0, len(names))
	for name := range names {
		list = append(list, name)
	}
	slices.Sort(list)
	for _, name := range list {
		x, _ := a.Lookup(name)
		y, _ := b.Lookup(name)
		if err := c.nodes(ctx, path.Join(at, name), side{x.Node, want.root}, side{y.Node, got.root}); err != nil {
			return err
		}
	}
	return nil
}

// listing returns what is in a directory.
func (c *comparison) listing(ctx context.Context, at string, s side) (hash.Tree, error) {
	if s.root == "" {
		return c.w.Cache.Tree(s.node.Sum)
	}
	scan := &hash.Scanner{Root: s.root, Index: hash.OpenIndex("")}
	if _, err := scan.Scan(ctx, at); err != nil {
		return nil, err
	}
	_, recs, _ := scan.Index.Dir(at)
	tree := make(hash.Tree, len(recs))
	for i := range recs {
		tree[i] = hash.Entry{Name: recs[i].Name, Node: recs[i].Node}
	}
	return tree, nil
}

// unknown notes that two contents differ, and that the recorded one is not here to
// say how.
func (c *comparison) unknown(at string, err error) error {
	return c.differ(at, fmt.Sprintf("the recorded content is not here (%v), so that it cannot be said where", err), "", "")
}

// files compares two files of different bytes.
func (c *comparison) files(ctx context.Context, at string, want, got side) error {
	a, err := c.open(at, want)
	if err != nil {
		return c.unknown(at, err)
	}
	defer a.Close()
	b, err := c.open(at, got)
	if err != nil {
		return err
	}
	defer b.Close()
	r, err := compareFiles(ctx, a, b, path.Base(at), compare.Tolerance{Rel: c.tolerance.Rel, Abs: c.tolerance.Abs})
	if err != nil {
		return fmt.Errorf("compare %s: %w", at, err)
	}
	if r.Verdict == compare.Differs {
		return c.differ(at, r.Where, r.Want, r.Got)
	}
	if worse(WithinLimits, c.out.Verdict) && r.Verdict == compare.Within {
		c.out.Verdict = WithinLimits
	}
	return nil
}

func compareFiles(ctx context.Context, want, got *os.File, name string, tol compare.Tolerance) (compare.Result, error) {
	a, err := compare.Open(want)
	if err != nil {
		return compare.Result{}, err
	}
	b, err := compare.Open(got)
	if err != nil {
		return compare.Result{}, err
	}
	return compare.Files(ctx, a, b, name, tol)
}

// open opens a file of one side.
func (c *comparison) open(at string, s side) (*os.File, error) {
	if s.root != "" {
		return os.Open((&room{root: s.root}).path(at))
	}
	return c.w.openRecorded(at, s.node)
}

// openRecorded opens a file that xt.lock records at a path. Git keeps metrics and
// plots, and a workspace may have what the cache lacks.
func (w *Workspace) openRecorded(at string, n hash.Node) (*os.File, error) {
	f, err := w.Cache.OpenFile(n.Sum)
	if err == nil {
		return f, nil
	}
	if sum, _, hashErr := hash.FileSum(context.Background(), w.path(at)); hashErr == nil && sum == n.Sum {
		return os.Open(w.path(at))
	}
	return nil, err
}
