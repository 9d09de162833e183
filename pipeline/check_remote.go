package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/xtrepro/xt/remote"
)

// InspectRemote adds what xt.lock, as the snapshot has it, names and the remotes
// lack. With a name in t it is asked of that remote only. It looks which packs are
// there, and takes the index's word for what is in them: "xt fsck --remote" reads
// them back.
func (w *Workspace) InspectRemote(ctx context.Context, s *Snapshot, in *Inspection, t Transfer) error {
	at := &Workspace{Root: w.Root, Graph: s.Graph, Repo: w.Repo, Lock: w.Lock, Cache: w.Cache, Log: w.Log, environ: w.environ, common: &common{}}
	to, err := at.destination(t.Remote)
	if err != nil {
		return err
	}
	f := &fetching{w: at, opts: FetchOptions{Transfer: t}, to: to, open: map[string]*remote.Remote{}}
	defer f.close()
	held := map[string]*remote.Holdings{}
	for _, it := range itemsOf(s.Graph, s.Lock) {
		name := at.route(it.Path, to.name)
		if to.load(name) == nil || it.Kind == 0 {
			continue
		}
		if _, ok := held[name]; !ok {
			if held[name], err = f.holdings(ctx, name); err != nil {
				return err
			}
		}
		has := false
		if h := held[name]; h != nil {
			if has, err = h.Has(ctx, it.Node); err != nil {
				return err
			}
		}
		if !has {
			in.notHeld(it, name, held[name])
		}
	}
	in.sort()
	return nil
}

// holdings returns what a remote has; nil for one that is empty.
func (f *fetching) holdings(ctx context.Context, name string) (*remote.Holdings, error) {
	r, err := f.remote(ctx, name)
	if errors.Is(err, remote.ErrEmpty) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	held, err := r.Holdings(ctx)
	if err != nil {
		return nil, err
	}
	return held, held.Look(ctx)
}

func (in *Inspection) notHeld(it Item, name string, held *remote.Holdings) {
	f := Finding{
		Rule: RuleMissing, Level: Error, File: LockFile,
		Message: fmt.Sprintf("remote %s does not have %s (%s)", name, it.Path, nodeWords(it.Node)),
		Hint:    "\"xt push\" sends it; what no cache has any more, \"xt repro\" makes again",
	}
	if held != nil && held.Damaged() {
		f.Hint = "the remote lost some of what it had: \"xt fsck --remote --repair\" sends it again from a cache, \"xt push\" what it never had"
	}
	if it.Stage == "" {
		in.add(f)
		return
	}
	in.atEntry(it.Stage, f)
}
