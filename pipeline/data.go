package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// Add puts files and directories that no stage makes under xt: their content
// into the cache, their digests into xt.lock, and their names into .gitignore.
// It returns what they are now.
func (w *Workspace) Add(ctx context.Context, paths []string) ([]*lock.Data, error) {
	paths = slices.Compact(slices.Sorted(slices.Values(paths)))
	for _, p := range paths {
		if err := errors.Join(w.mayAdd(p), w.wholeHere(ctx, p)); err != nil {
			return nil, err
		}
	}
	tracked, err := w.tracked(paths)
	if err != nil {
		return nil, err
	}
	if len(tracked) > 0 {
		return nil, &TrackedError{Paths: tracked}
	}
	var added []*lock.Data
	for _, p := range paths {
		d, err := w.addOne(ctx, p)
		if err != nil {
			return added, errors.Join(err, w.finishAdd(added))
		}
		added = append(added, d)
	}
	return added, w.finishAdd(added)
}

func (w *Workspace) addOne(ctx context.Context, p string) (*lock.Data, error) {
	n, err := w.Scan.Put(ctx, p, w.Cache)
	if err != nil {
		return nil, fmt.Errorf("add %s: %w", p, err)
	}
	if old := w.Lock.Data(p); old != nil && old.Node == n && !old.Conflicted {
		return old, nil // it stays known where it was imported from
	}
	d := &lock.Data{Item: lock.Item{Path: p, Node: n}, How: lock.Committed}
	return d, w.Lock.SetData(d)
}

func (w *Workspace) finishAdd(added []*lock.Data) error {
	var names []string
	for _, d := range added {
		names = append(names, d.Path)
	}
	return errors.Join(w.keepOutOfGit(names), w.Lock.Commit(), w.SaveIndex())
}

// mayAdd refuses what is not there or cannot be data.
func (w *Workspace) mayAdd(p string) error {
	if _, err := os.Lstat(w.path(p)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return &MissingPathError{Path: p}
		}
		return err
	}
	return w.mayTrack(p)
}

// mayTrack refuses what cannot be data.
func (w *Workspace) mayTrack(p string) error {
	switch first, _, _ := strings.Cut(p, "/"); {
	case p == ".":
		return &MisuseError{Msg: "the project itself cannot be added to xt", Hint: "add the data in it, by name"}
	case first == StateDir || slices.Contains(strings.Split(p, "/"), ".git"), p == ConfigFile, p == LockFile, path.Base(p) == ".gitignore":
		return &MisuseError{Msg: p + " is not data"}
	}
	if strings.Contains(p, `\`) {
		return &MisuseError{Msg: p + " has a backslash in its name, which separates directories on some systems", Hint: "rename it, or add the directory that it is in: names inside a directory are free"}
	}
	for _, s := range w.Graph.Stages {
		for _, c := range s.Code {
			if below(c, p) || below(p, c) {
				return &MisuseError{Msg: fmt.Sprintf("%s is code of stage %s (%s), which git keeps", p, s.Name, c), Hint: "\"git add " + p + "\", or list it under deps if it is data"}
			}
		}
	}
	for _, m := range w.Graph.Producers(p) {
		return &MisuseError{Msg: fmt.Sprintf("%s is made by stage %s (output %s), which records it", p, m.Stage.Name, m.Out.Path), Hint: "\"xt repro\" brings it up to date"}
	}
	for _, q := range slices.Sorted(maps.Keys(w.Lock.File().Data)) {
		if q != p && (below(p, q) || below(q, p)) {
			return &MisuseError{Msg: fmt.Sprintf("%s and %s overlap, and xt has %s already", p, q, q), Hint: "add " + q + " as a whole, or take it out first with \"xt remove " + q + "\""}
		}
	}
	return nil
}

// readdData takes data that was edited since it was added, and that one of the
// stages reads, into the cache and the lock: the results that follow must not
// rest on bytes that are nowhere recorded.
func (w *Workspace) readdData(ctx context.Context, stages []*Stage, facts *Facts) error {
	for _, p := range dataRead(stages, facts.Lock) {
		n, old := facts.Nodes[p], facts.Lock.Data[p]
		if n.IsZero() || n.Same(old.Node) && !old.Conflicted {
			continue
		}
		d, err := w.addOne(ctx, p)
		if err != nil {
			return err
		}
		facts.Lock.Data[p] = d
		w.say("%s was changed: added again", p)
	}
	return nil
}

// Remove takes paths that were added out of the lock and of .gitignore, and from
// the lock the entries of stages that xt.toml no longer has. The files stay.
func (w *Workspace) Remove(paths, stages []string) error {
	for _, p := range paths {
		if w.Lock.File().Data[p] == nil {
			return &MisuseError{Msg: p + " was not added to xt", Hint: "\"xt status\" lists what was"}
		}
	}
	for _, name := range stages {
		if slices.ContainsFunc(w.Graph.Stages, func(s *Stage) bool { return s.Name == name }) {
			return &MisuseError{Msg: name + " is a stage of xt.toml", Hint: "take it out of xt.toml first"}
		}
	}
	for _, p := range paths {
		if err := w.Lock.RemoveData(p); err != nil {
			return err
		}
	}
	for _, name := range stages {
		if err := w.Lock.RemoveStage(name); err != nil {
			return err
		}
	}
	return errors.Join(w.stopIgnoring(paths), w.Lock.Commit())
}

// Item is something that xt.lock records and the cache keeps.
type Item struct {
	lock.Item
	Stage string // that makes it; "" for data that was added
}

// items returns the data and the cached outputs that xt.lock has, sorted by
// path.
func (w *Workspace) items() []Item { return itemsOf(w.Graph, w.Lock.File()) }

func itemsOf(g *Graph, file *lock.File) []Item {
	var items []Item
	for _, d := range file.Data {
		items = append(items, Item{Item: d.Item})
	}
	for _, s := range g.Stages {
		e := file.Stages[s.Name]
		if e == nil {
			continue
		}
		for _, o := range s.Outs {
			if n, ok := nodeAt(e.Outs, o.Path); ok && o.Cache {
				items = append(items, Item{Item: lock.Item{Path: o.Path, Node: n}, Stage: s.Name})
			}
		}
	}
	slices.SortFunc(items, func(a, b Item) int { return strings.Compare(a.Path, b.Path) })
	return items
}

// Checkout makes what the paths name, or all that the cache keeps if there is
// none, what xt.lock says of it. A path may lie inside a tracked directory, or
// hold several tracked things. What the cache lacks is left as it is, and so is
// what would replace bytes that are in no cache and no commit, unless opts.Force
// is set: these are a [*cache.MissingError] and a [*cache.UncachedError], when
// the rest is done.
func (w *Workspace) Checkout(ctx context.Context, paths []string, opts cache.CheckoutOptions) (cache.Summary, error) {
	items, err := w.wanted(paths)
	if err != nil {
		return cache.Summary{}, err
	}
	return w.checkoutAll(ctx, items, opts)
}

func (w *Workspace) checkoutAll(ctx context.Context, items []lock.Item, opts cache.CheckoutOptions) (cache.Summary, error) {
	var sum cache.Summary
	var missing cache.MissingError
	var uncached cache.UncachedError
	for _, it := range items {
		one, err := w.checkoutItem(ctx, it, opts)
		sum = sum.Add(one)
		var lost *cache.MissingError
		var loss *cache.UncachedError
		switch {
		case errors.As(err, &lost):
			missing.Items = append(missing.Items, lost.Items...)
		case errors.As(err, &loss):
			uncached.Paths = append(uncached.Paths, loss.Paths...)
		case err != nil:
			return sum, errors.Join(err, w.SaveIndex())
		}
	}
	err := w.SaveIndex()
	if len(missing.Items) > 0 {
		err = errors.Join(&missing, err)
	}
	if len(uncached.Paths) > 0 {
		err = errors.Join(&uncached, err)
	}
	return sum, err
}

// wanted returns the items that the paths name, going by the listings in the cache.
func (w *Workspace) wanted(paths []string) ([]lock.Item, error) {
	return w.wantedFrom(paths, func(it lock.Item, sub string) (hash.Node, bool, error) {
		n, ok := w.within(it.Node, sub)
		return n, ok, nil
	})
}

func (w *Workspace) checkoutItem(ctx context.Context, it lock.Item, opts cache.CheckoutOptions) (cache.Summary, error) {
	if dir, ok := w.around(it.Path); ok {
		return w.checkoutPart(ctx, dir, it, opts)
	}
	return w.Cache.Checkout(ctx, w.cached(), it.Path, it.Node, opts)
}
