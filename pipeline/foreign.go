package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/remote"
)

// Foreign is another project, of which data is brought into one's own cache:
// from the cache of that project if it is on this machine, and else from the
// remotes that its xt.toml names.
type Foreign struct {
	w    *Workspace // without a directory
	near *cache.Cache
	lock *lock.File
	t    Transfer
	open map[string]*remote.Remote
}

// Foreign returns the project of the snapshot. What it brings goes into c, which
// must not share files with a workspace; near is the project's own cache, nil if
// there is none. log may be nil.
func (s *Snapshot) Foreign(c, near *cache.Cache, t Transfer, log func(format string, args ...any)) *Foreign {
	w := &Workspace{Graph: s.Graph, Cache: c, environ: os.Environ(), common: &common{}}
	if log != nil {
		w.Log = lineWriter(log)
	}
	return &Foreign{w: w, near: near, lock: s.Lock, t: t, open: map[string]*remote.Remote{}}
}

// lineWriter hands on what is said line by line.
type lineWriter func(format string, args ...any)

func (l lineWriter) Write(b []byte) (int, error) {
	l("%s", string(b[:max(0, len(b)-1)]))
	return len(b), nil
}

// Close gives up the connections.
func (f *Foreign) Close() {
	for _, r := range f.open {
		r.Close()
	}
}

// At returns what xt has of the project at or below a path, or around it: then
// it is the one thing at the path, if there is one.
func (f *Foreign) At(ctx context.Context, p string) ([]lock.Item, error) {
	var items []lock.Item
	for _, it := range itemsOf(f.w.Graph, f.lock) {
		switch {
		case below(it.Path, p):
			items = append(items, it.Item)
		case below(p, it.Path):
			n, ok, err := f.lookUp(ctx, it.Item, p[len(it.Path)+1:])
			if err != nil || !ok {
				return nil, err
			}
			return []lock.Item{{Path: p, Node: n}}, nil
		}
	}
	return items, nil
}

func (f *Foreign) lookUp(ctx context.Context, it lock.Item, sub string) (hash.Node, bool, error) {
	if f.near != nil {
		there := &Workspace{Cache: f.near, common: &common{}}
		if n, ok := there.within(it.Node, sub); ok {
			return n, true, nil
		}
		if f.near.HasTree(it.Sum) {
			return hash.Node{}, false, nil
		}
	}
	r, err := f.remote(ctx, it.Path)
	if err != nil {
		return hash.Node{}, false, err
	}
	n, ok, err := r.Lookup(ctx, f.w.Cache, it.Node, sub)
	if ok || err != nil {
		return n, ok, err
	}
	// Either there is nothing, or the remote cannot tell.
	held, err := r.Holdings(ctx)
	if err != nil {
		return n, false, err
	}
	if ok, err := held.Has(ctx, it.Node); err != nil || ok {
		return n, false, err
	}
	return n, false, &cache.MissingError{Items: []cache.Missing{{Path: it.Path, Sum: it.Sum, Kind: it.Kind}}}
}

// remote opens the remote that a path is sent to.
func (f *Foreign) remote(ctx context.Context, p string) (*remote.Remote, error) {
	name, err := f.w.Graph.Config.DefaultRemote()
	if routed := f.w.route(p, name); routed != "" || err == nil {
		name, err = routed, nil
	}
	switch {
	case err != nil:
		return nil, err
	case name == "":
		return nil, &NoRemoteError{fmt.Sprintf("%s is an output with push = false, which is in no remote", p), "run its pipeline to make it"}
	case f.open[name] != nil:
		return f.open[name], nil
	}
	r, err := f.w.OpenRemote(ctx, name, false, f.t)
	if err == nil {
		f.open[name] = r
	}
	return r, err
}

// Fetch brings items into the cache. What is nowhere is a [*cache.MissingError].
func (f *Foreign) Fetch(ctx context.Context, items []lock.Item) error {
	wants := map[*remote.Remote][]remote.Want{}
	for _, it := range items {
		if f.w.stored(it.Node) {
			continue
		}
		if f.near != nil {
			err := copyNode(ctx, f.w.Cache, f.near, it.Node)
			if err == nil {
				continue
			}
			if !isLacking(err) {
				return err
			}
		}
		r, err := f.remote(ctx, it.Path)
		if err != nil {
			return err
		}
		wants[r] = append(wants[r], remote.Want{Path: it.Path, Node: it.Node})
	}
	var missing cache.MissingError
	for r, list := range wants {
		_, err := r.Fetch(ctx, f.w.Cache, list, f.t.Progress)
		if lost := (*cache.MissingError)(nil); errors.As(err, &lost) {
			missing.Items = append(missing.Items, lost.Items...)
		} else if err != nil {
			return err
		}
	}
	if len(missing.Items) > 0 {
		return &missing
	}
	return nil
}

// isLacking reports whether err says that a cache has something not, or not
// rightly.
func isLacking(err error) bool {
	var damaged *cache.DamagedError
	return absent(err) || errors.As(err, &damaged) || errors.Is(err, hash.ErrChanged)
}

// copyNode copies what from has of n into to. What it lacks, or has damaged, is
// an error that [isLacking] knows.
func copyNode(ctx context.Context, to, from *cache.Cache, n hash.Node) error {
	switch n.Kind {
	case hash.Symlink:
		return nil
	case hash.Directory:
		return copyTree(ctx, to, from, n)
	}
	if to.HasFile(n) {
		return nil
	}
	sum, _, err := to.PutFile(ctx, from.Location(n))
	if err == nil && sum != n.Sum {
		err = &cache.DamagedError{Sum: n.Sum}
	}
	return err
}

func copyTree(ctx context.Context, to, from *cache.Cache, n hash.Node) error {
	if to.HasTree(n.Sum) {
		return nil
	}
	t, err := from.Tree(n.Sum)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range t {
		if t[i].Kind != hash.Directory {
			g.Go(func() error { return copyNode(ctx, to, from, t[i].Node) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i := range t {
		if t[i].Kind == hash.Directory {
			if err := copyTree(ctx, to, from, t[i].Node); err != nil {
				return err
			}
		}
	}
	return to.PutTree(n.Sum, t.Encode())
}
