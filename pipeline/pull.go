package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/remote"
)

// FetchOptions say what is to be brought.
type FetchOptions struct {
	Transfer
	Scope   Scope    // as in [PushOptions]
	Paths   []string // only what is at or below these; nil: everything
	Results bool     // also all that the entries of the run cache lead to
}

// Fetched says what was brought.
type Fetched struct {
	remote.FetchReport
	Items []lock.Item // what was asked for, to be checked out
}

// Fetch brings what xt.lock names, or what the paths do, from the remotes into
// the cache, and the entries of the run cache. What no remote has is a
// [*cache.MissingError], when the rest is done; outputs that are not sent to any
// remote are not asked for.
func (w *Workspace) Fetch(ctx context.Context, opts FetchOptions) (*Fetched, error) {
	f := &fetching{w: w, opts: opts, wants: map[string][]remote.Want{}, open: map[string]*remote.Remote{}}
	defer f.close()
	to, err := w.destination(opts.Remote)
	if err != nil {
		return nil, err
	}
	f.to = to
	if err := f.gather(ctx); err != nil {
		return nil, err
	}
	if err := f.runs(ctx); err != nil {
		return nil, err
	}
	return &f.done, f.fetch(ctx)
}

// fetching is one fetch.
type fetching struct {
	w     *Workspace
	opts  FetchOptions
	to    *destination
	wants map[string][]remote.Want
	open  map[string]*remote.Remote
	done  Fetched
}

func (f *fetching) close() {
	for _, r := range f.open {
		r.Close()
	}
}

// remote opens a remote once.
func (f *fetching) remote(ctx context.Context, name string) (*remote.Remote, error) {
	if r := f.open[name]; r != nil {
		return r, nil
	}
	r, err := f.w.OpenRemote(ctx, name, false, f.opts.Transfer)
	if err == nil {
		f.open[name] = r
	}
	return r, err
}

// gather finds out what is wanted from which remote.
func (f *fetching) gather(ctx context.Context) error {
	w := f.w
	items, err := w.wantedFrom(f.opts.Paths, func(it lock.Item, sub string) (hash.Node, bool, error) {
		r, err := f.remote(ctx, f.source(it.Path))
		if err != nil {
			return hash.Node{}, false, err
		}
		return r.Lookup(ctx, w.Cache, it.Node, sub)
	})
	if err != nil {
		return err
	}
	f.done.Items = items
	f.add(items)
	if f.opts.Scope == KeepWorkspace {
		return nil
	}
	history, err := w.History(ctx, f.opts.Scope)
	f.add(history)
	return err
}

// source returns the remote that a path comes from: where it is sent to, or the
// one that the user named.
func (f *fetching) source(path string) string {
	if f.to.only {
		return f.to.name
	}
	if name := f.w.route(path, f.to.name); name != "" {
		return name
	}
	return f.to.name
}

func (f *fetching) add(items []lock.Item) {
	for _, it := range items {
		if f.w.route(it.Path, f.to.name) == "" && !f.to.only {
			continue
		}
		name := f.source(it.Path)
		f.wants[name] = append(f.wants[name], remote.Want{Path: it.Path, Node: it.Node})
	}
}

// runs brings the entries of the run cache.
func (f *fetching) runs(ctx context.Context) error {
	if len(f.opts.Paths) > 0 {
		return nil
	}
	r, err := f.remote(ctx, f.to.name)
	if err != nil {
		return err
	}
	entries, fresh, err := r.Runs(ctx, f.w.Cache)
	if err != nil {
		return err
	}
	f.done.Runs = fresh
	if !f.opts.Results {
		return nil
	}
	for _, fp := range entries {
		if _, outs, err := f.w.Cache.RunText(fp); err == nil {
			f.add(outs)
		}
	}
	return nil
}

func (f *fetching) fetch(ctx context.Context) error {
	var missing cache.MissingError
	for _, name := range slices.Sorted(maps.Keys(f.wants)) {
		r, err := f.remote(ctx, name)
		if err != nil {
			return err
		}
		report, err := r.Fetch(ctx, f.w.Cache, f.wants[name], f.opts.Progress)
		f.done.Files += report.Files
		f.done.Bytes += report.Bytes
		if lost := (*cache.MissingError)(nil); errors.As(err, &lost) {
			missing.Items, missing.Remote = append(missing.Items, lost.Items...), lost.Remote
			err = nil
		}
		if err != nil {
			return err
		}
	}
	if len(missing.Items) > 0 {
		return &missing
	}
	return nil
}

// wantedFrom is wanted for content that the cache may lack: then lookup says what
// lies at sub in a directory.
func (w *Workspace) wantedFrom(paths []string, lookup func(it lock.Item, sub string) (hash.Node, bool, error)) ([]lock.Item, error) {
	var items []lock.Item
	all := w.items()
	if len(paths) == 0 {
		for _, it := range all {
			items = append(items, it.Item)
		}
		return items, nil
	}
	for _, p := range paths {
		n := len(items)
		for _, it := range all {
			switch {
			case below(it.Path, p):
				items = append(items, it.Item)
			case below(p, it.Path):
				node, ok, err := lookup(it.Item, p[len(it.Path)+1:])
				if err != nil {
					return nil, err
				}
				if ok {
					items = append(items, lock.Item{Path: p, Node: node})
				}
			}
		}
		if len(items) == n {
			return nil, w.nothingAt(p)
		}
	}
	return items, nil
}

// nothingAt says why there is nothing to be brought to a path.
func (w *Workspace) nothingAt(p string) error {
	if made := w.Graph.Producers(p); len(made) > 0 && !made[0].Out.Cache {
		return &MisuseError{Msg: fmt.Sprintf("git keeps %s, not xt's cache", made[0].Out.Path), Hint: "\"git checkout -- " + p + "\" brings it back"}
	}
	return &MisuseError{Msg: "xt.lock has nothing at " + p, Hint: "\"xt status\" lists what it has"}
}

// Pull fetches and checks out. What could be brought is checked out also where
// something is missing.
func (w *Workspace) Pull(ctx context.Context, opts FetchOptions, out cache.CheckoutOptions) (*Fetched, cache.Summary, error) {
	done, err := w.Fetch(ctx, opts)
	var lost *cache.MissingError
	if err != nil && !errors.As(err, &lost) {
		return done, cache.Summary{}, err
	}
	items := slices.DeleteFunc(slices.Clone(done.Items), func(it lock.Item) bool {
		// What is sent nowhere can only be made again.
		return w.route(it.Path, "x") == "" && !w.stored(it.Node)
	})
	sum, outErr := w.checkoutAll(ctx, items, out)
	var lacking *cache.MissingError
	if lost != nil && errors.As(outErr, &lacking) {
		// The same, in other words.
		return done, sum, lost
	}
	return done, sum, errors.Join(err, outErr)
}
