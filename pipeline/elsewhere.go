package pipeline

import (
	"context"
	"errors"
	"sync"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/remote"
)

// elsewhere is what remotes have, for a run that takes from them what it needs.
// Its methods may be called concurrently.
type elsewhere struct {
	w   *Workspace
	ctx context.Context // of the run, for questions that a plan asks

	mu   sync.Mutex
	f    *fetching
	held map[string]*remote.Holdings // what each remote had at the beginning
	err  error                       // of a question
}

func (w *Workspace) newElsewhere(ctx context.Context, t Transfer) (*elsewhere, error) {
	to, err := w.destination(t.Remote)
	if err != nil {
		return nil, err
	}
	f := &fetching{w: w, opts: FetchOptions{Transfer: t}, to: to, open: map[string]*remote.Remote{}}
	return &elsewhere{w: w, ctx: ctx, f: f, held: map[string]*remote.Holdings{}}, nil
}

func (e *elsewhere) close() { e.f.close() }

// runs brings the entries of the run cache.
func (e *elsewhere) runs(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.f.runs(ctx)
}

// holds reports whether the remote that a path comes from has n whole. Trouble
// counts as no, and is told when the plan is made.
func (e *elsewhere) holds(path string, n hash.Node) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	name := e.f.source(path)
	h := e.held[name]
	if h == nil && e.err == nil {
		r, err := e.f.remote(e.ctx, name)
		if err == nil {
			h, err = r.Holdings(e.ctx)
		}
		e.held[name], e.err = h, err
	}
	if h == nil {
		return false
	}
	has, err := h.Has(e.ctx, n)
	e.err = errors.Join(e.err, err)
	return has
}

// trouble returns why a question could not be answered; nil if all were.
func (e *elsewhere) trouble() error {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// within returns what lies at sub in a stored directory.
func (e *elsewhere) within(dir hash.Node, sub string) (hash.Node, bool) {
	if n, ok := e.w.within(dir, sub); ok {
		return n, true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r, err := e.f.remote(e.ctx, e.f.to.name)
	if err != nil {
		e.err = errors.Join(e.err, err)
		return hash.Node{}, false
	}
	n, ok, err := r.Lookup(e.ctx, e.w.Cache, dir, sub)
	e.err = errors.Join(e.err, err)
	return n, ok
}

// fetch brings the items into the cache.
func (e *elsewhere) fetch(ctx context.Context, items []lock.Item) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.f.wants = map[string][]remote.Want{}
	for _, it := range items {
		name := e.f.source(it.Path)
		e.f.wants[name] = append(e.f.wants[name], remote.Want{Path: it.Path, Node: it.Node})
	}
	return e.f.fetch(ctx)
}

// reach prepares a run to take from remotes what it needs, and returns what to do
// at its end.
func (w *Workspace) reach(ctx context.Context, facts *Facts, opts RunOptions) (end func(), err error) {
	if !opts.Pull {
		return func() {}, nil
	}
	e, err := w.newElsewhere(ctx, opts.Transfer)
	if err != nil {
		return nil, err
	}
	if err := e.runs(ctx); err != nil && !errors.Is(err, remote.ErrEmpty) {
		e.close()
		return nil, err
	}
	w.elsewhere = e
	facts.Remote, facts.Within = e.holds, e.within
	return func() { e.close(); w.elsewhere = nil }, nil
}

// hasRemote reports whether there is a remote that the run cache may have entries
// from: these come with a pull, and what they lead to when it is wanted.
func (w *Workspace) hasRemote() bool {
	_, err := w.Graph.Config.DefaultRemote()
	return err == nil
}

// obtain brings what the cache lacks of the items, if a remote has it. What it
// could not bring is left to whoever needs it.
func (w *Workspace) obtain(ctx context.Context, items []lock.Item) error {
	var lacking []lock.Item
	for _, it := range items {
		if !it.IsZero() && !w.stored(it.Node) && w.route(it.Path, "x") != "" {
			lacking = append(lacking, it)
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	e := w.elsewhere
	if e == nil {
		var err error
		if e, err = w.newElsewhere(ctx, Transfer{}); err != nil {
			return nil // there is no remote
		}
		defer e.close()
	}
	err := e.fetch(ctx, lacking)
	if missing := (*cache.MissingError)(nil); errors.As(err, &missing) {
		return nil
	}
	return err
}

// Obtain brings files that belong to no path into the cache, if it lacks them and
// the default remote has them. What it does not have is no error.
func (w *Workspace) Obtain(ctx context.Context, nodes ...hash.Node) error {
	items := make([]lock.Item, len(nodes))
	for i, n := range nodes {
		items[i].Node = n
	}
	return w.obtain(ctx, items)
}
