package pipeline

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/remote"
)

// PushOptions say what is to be sent.
type PushOptions struct {
	Transfer
	// Scope is [KeepWorkspace] for what xt.lock names now. The others add what the
	// tips, or all commits, of the repository need, as far as the cache has it.
	Scope       Scope
	Paths       []string // only what is at or below these; nil: everything
	NoRun       bool     // without the run cache
	NoArtifacts bool     // without what runs logged
}

// Pushed says what was sent to one remote.
type Pushed struct {
	Remote string
	remote.PushReport
}

// Push sends what the remotes lack. What is in neither the cache nor a remote is
// a [*cache.MissingError], when the rest is done.
func (w *Workspace) Push(ctx context.Context, opts PushOptions) ([]Pushed, error) {
	loads, err := w.loads(ctx, opts)
	if err != nil {
		return nil, err
	}
	var all []Pushed
	var missing cache.MissingError
	for _, name := range slices.Sorted(maps.Keys(loads)) {
		report, err := w.pushTo(ctx, name, loads[name], opts)
		if lost := (*cache.MissingError)(nil); errors.As(err, &lost) {
			missing.Items, missing.Remote = append(missing.Items, lost.Items...), lost.Remote
			err = nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, Pushed{name, report})
	}
	if len(missing.Items) > 0 {
		return all, &missing
	}
	return all, nil
}

// cargo is what goes to one remote.
type cargo struct {
	wants []remote.Want
	runs  []remote.RunEntry
	needs []lock.Item
}

func (w *Workspace) pushTo(ctx context.Context, name string, l *cargo, opts PushOptions) (remote.PushReport, error) {
	r, err := w.OpenRemote(ctx, name, true, opts.Transfer)
	if err != nil {
		return remote.PushReport{}, err
	}
	defer r.Close()
	owner, err := w.owner()
	if err != nil {
		return remote.PushReport{}, err
	}
	return r.Push(ctx, w.Cache, l.wants, remote.PushOptions{
		Roots:    &remote.Roots{Project: w.projectName(), Owners: []string{owner}, Needs: l.needs},
		Runs:     l.runs,
		Progress: opts.Progress,
	})
}

// loads sorts what is to be sent by the remotes that it goes to.
func (w *Workspace) loads(ctx context.Context, opts PushOptions) (map[string]*cargo, error) {
	to, err := w.destination(opts.Remote)
	if err != nil {
		return nil, err
	}
	items, err := w.wanted(opts.Paths)
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		if l := to.load(w.route(it.Path, to.name)); l != nil {
			l.wants = append(l.wants, remote.Want{Path: it.Path, Node: it.Node})
		}
	}
	history, err := w.History(ctx, KeepHistory)
	if err != nil {
		return nil, err
	}
	for _, it := range history {
		if l := to.load(w.route(it.Path, to.name)); l != nil {
			l.needs = append(l.needs, it)
		}
	}
	if opts.Paths == nil && !opts.NoRun && !opts.NoArtifacts {
		if err := w.addArtifacts(ctx, to); err != nil {
			return nil, err
		}
	}
	switch opts.Scope {
	case KeepWorkspace:
	case KeepHistory:
		w.addHistory(to, history)
	default:
		tips, err := w.History(ctx, opts.Scope)
		if err != nil {
			return nil, err
		}
		w.addHistory(to, tips)
	}
	if !opts.NoRun {
		err = w.addRuns(to)
	}
	return to.loads, err
}

// destination is where things go.
type destination struct {
	name string // where they go unless they name another remote
	only bool   // whether nothing goes anywhere else
	// byDefault is where things go that name no remote, if the user does not say.
	byDefault string
	loads     map[string]*cargo
}

func (w *Workspace) destination(named string) (*destination, error) {
	d := &destination{name: named, only: named != "", byDefault: named, loads: map[string]*cargo{}}
	var err error
	if named == "" {
		d.name, err = w.Graph.Config.DefaultRemote()
		d.byDefault = d.name
	} else {
		_, err = w.Graph.Config.remoteNamed(named)
	}
	d.loads[d.name] = new(cargo)
	return d, err
}

// load returns the load for a remote; nil if nothing is to go there.
func (d *destination) load(name string) *cargo {
	if name == "" || d.only && name != d.name {
		return nil
	}
	if d.loads[name] == nil {
		d.loads[name] = new(cargo)
	}
	return d.loads[name]
}

// addArtifacts adds what runs logged, as far as the cache has it.
func (w *Workspace) addArtifacts(ctx context.Context, to *destination) error {
	l := to.load(to.name)
	if l == nil {
		return nil
	}
	items, err := w.artifacts(ctx)
	for _, it := range items {
		l.wants = append(l.wants, remote.Want{Path: it.Path, Node: it.Node})
	}
	l.needs = append(l.needs, items...)
	return err
}

// artifacts returns what runs logged, as far as the cache has it, with names for
// those who clean a remote up.
func (w *Workspace) artifacts(ctx context.Context) ([]lock.Item, error) {
	if w.Artifacts == nil {
		return nil, nil
	}
	nodes, err := w.Artifacts(ctx)
	var items []lock.Item
	for _, n := range nodes {
		if w.Cache.HasFile(n) {
			items = append(items, lock.Item{Path: path.Join("xt-runs", n.Sum.String()), Node: n})
		}
	}
	slices.SortFunc(items, func(a, b lock.Item) int { return strings.Compare(a.Path, b.Path) })
	return slices.CompactFunc(items, func(a, b lock.Item) bool { return a.Path == b.Path }), err
}

// addHistory adds what other commits need, if the cache has it: what it lacks has
// been pushed by somebody else, or is lost.
func (w *Workspace) addHistory(to *destination, items []lock.Item) {
	seen := map[hash.Sum]bool{}
	for _, it := range items {
		l := to.load(w.route(it.Path, to.name))
		if l == nil || seen[it.Sum] || !w.stored(it.Node) {
			continue
		}
		seen[it.Sum] = true
		l.wants = append(l.wants, remote.Want{Path: it.Path, Node: it.Node})
	}
}

// addRuns adds the results that this workspace has made or taken from the run
// cache, and what these consist of. One that has an output which is not to be
// sent cannot be restored elsewhere, and stays.
func (w *Workspace) addRuns(to *destination) error {
	known, err := w.knownRuns()
	if err != nil {
		return err
	}
	for _, fp := range known {
		text, outs, err := w.Cache.RunText(fp)
		if err != nil || !w.allStored(outs) {
			continue
		}
		var wants []remote.Want
		for _, o := range outs {
			name := w.route(o.Path, to.name)
			if name == "" {
				wants = nil
				break
			}
			if l := to.load(name); l != nil && name != to.name {
				l.wants = append(l.wants, remote.Want{Path: o.Path, Node: o.Node})
				continue
			}
			wants = append(wants, remote.Want{Path: o.Path, Node: o.Node})
		}
		if len(wants) == 0 {
			continue
		}
		l := to.load(to.name)
		l.wants = append(l.wants, wants...)
		l.runs = append(l.runs, remote.RunEntry{Fingerprint: fp, Text: text})
	}
	return nil
}

func (w *Workspace) allStored(items []lock.Item) bool {
	return !slices.ContainsFunc(items, func(it lock.Item) bool { return !w.stored(it.Node) })
}
