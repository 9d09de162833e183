package pipeline

import (
	"context"
	"errors"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/remote"
)

// roots returns what this clone needs of a remote.
func (w *Workspace) roots(ctx context.Context, to *destination, scope Scope) (*remote.Roots, error) {
	owner, err := w.owner()
	if err != nil {
		return nil, err
	}
	r := &remote.Roots{Project: w.projectName(), Owners: []string{owner}}
	items, err := w.History(ctx, scope)
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		if w.route(it.Path, to.byDefault) == to.name {
			r.Needs = append(r.Needs, it)
		}
	}
	kept, err := w.artifacts(ctx)
	r.Needs = append(r.Needs, kept...)
	return r, err
}

// GCRemote deletes from a remote what neither this clone, within the scope, nor
// another one needs. What opts say of roots is filled in.
func (w *Workspace) GCRemote(ctx context.Context, scope Scope, t Transfer, opts remote.GCOptions) (string, remote.GCReport, error) {
	to, err := w.destination(t.Remote)
	if err != nil {
		return "", remote.GCReport{}, err
	}
	if opts.Roots, err = w.roots(ctx, to, scope); err != nil {
		return to.name, remote.GCReport{}, err
	}
	r, err := w.OpenRemote(ctx, to.name, false, t)
	if err != nil {
		return to.name, remote.GCReport{}, err
	}
	defer r.Close()
	opts.Progress = t.Progress
	report, err := r.GC(ctx, opts)
	return to.name, report, err
}

// FsckRemote reads back what is on a remote, and with repair sends again from the
// cache what is lost.
func (w *Workspace) FsckRemote(ctx context.Context, t Transfer, repair bool) (string, remote.FsckReport, error) {
	to, err := w.destination(t.Remote)
	if err != nil {
		return "", remote.FsckReport{}, err
	}
	opts := remote.FsckOptions{Progress: t.Progress}
	if opts.Roots, err = w.roots(ctx, to, KeepHistory); err != nil {
		return to.name, remote.FsckReport{}, err
	}
	if repair {
		opts.Repair = w.Cache
	}
	r, err := w.OpenRemote(ctx, to.name, false, t)
	if err != nil {
		return to.name, remote.FsckReport{}, err
	}
	defer r.Close()
	report, err := r.Fsck(ctx, opts)
	return to.name, report, err
}

// Heal fetches what the cache lacks of the items from the remotes. It returns how
// many files came, and those of the items that are still not whole.
func (w *Workspace) Heal(ctx context.Context, items []Item, t Transfer) (int64, []Item, error) {
	f := &fetching{w: w, opts: FetchOptions{Transfer: t}, wants: map[string][]remote.Want{}, open: map[string]*remote.Remote{}}
	defer f.close()
	var err error
	if f.to, err = w.destination(t.Remote); err != nil {
		return 0, items, err
	}
	var wanted []lock.Item
	for _, it := range items {
		wanted = append(wanted, it.Item)
	}
	f.add(wanted)
	err = f.fetch(ctx)
	if missing := (*cache.MissingError)(nil); err != nil && !errors.As(err, &missing) {
		return f.done.Files, items, err
	}
	var left []Item
	for _, it := range items {
		if w.needsAny(it.Node, map[hash.Sum]bool{}) {
			left = append(left, it)
		}
	}
	return f.done.Files, left, nil
}
