package origin

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
)

// For returns a Fetcher for a project's cache, and what removes its temporary
// files again.
func For(w *pipeline.Workspace, f Fetcher) (*Fetcher, func(), error) {
	temp, err := w.TempDir()
	if err != nil {
		return nil, nil, err
	}
	f.Cache, f.Group = w.Cache, w.Graph.Config.Cache.Shared
	f.Temp, f.Parts = temp, w.PartsDir()
	remove := func() {
		// What is left the next xt removes; what others are using stays.
		_ = os.RemoveAll(temp)
		_ = os.Remove(filepath.Dir(temp))
	}
	return &f, remove, nil
}

// Import brings what a source has to a path of the project, and pins it in
// xt.lock. What stands there in no cache and no commit is replaced with force
// only.
func Import(ctx context.Context, w *pipeline.Workspace, f *Fetcher, src Source, path string, force bool) (*lock.Data, error) {
	if err := w.MayImport(ctx, path, force); err != nil {
		return nil, err
	}
	content, err := f.Fetch(ctx, src, nil)
	if err != nil {
		return nil, err
	}
	d := content.data(path)
	_, err = w.Import(ctx, d, cache.CheckoutOptions{Force: force})
	return d, err
}

// data is what xt.lock says of the content.
func (c Content) data(path string) *lock.Data {
	return &lock.Data{Item: lock.Item{Path: path, Node: c.Node}, How: lock.Imported, Origin: c.Origin}
}

// Update is what became of imported data.
type Update struct {
	Old, New *lock.Data // the same one if its source is as it was
	Changed  bool       // whether the content changed, and not only what it comes from
	Fetched  bool       // whether the cache lacked it
}

// UpdateOptions are the choices of one update.
type UpdateOptions struct {
	Rev    string // another revision of the repository, if RevSet
	RevSet bool
	Force  bool // replace what is in no cache and no commit
}

// Refresh brings imported data up to what its source has now, and its entry in
// xt.lock with it. If the source is as it was, and the cache has the content,
// nothing is brought.
func Refresh(ctx context.Context, w *pipeline.Workspace, f *Fetcher, d *lock.Data, opts UpdateOptions) (Update, error) {
	u := Update{Old: d, New: d}
	src, err := Of(d.Origin)
	if err != nil {
		return u, err
	}
	if opts.RevSet {
		src.Rev = opts.Rev
	}
	if err := w.MayImport(ctx, d.Path, opts.Force); err != nil {
		return u, err
	}
	known := d
	if d.Conflicted || !w.Stored(d.Node) {
		known = nil
	}
	content, err := f.Fetch(ctx, src, known)
	if err != nil {
		return u, err
	}
	now := content.data(d.Path)
	u.Changed, u.Fetched = now.Node != d.Node, known == nil
	if *now == *d && !u.Fetched {
		return u, nil
	}
	u.New = now
	if u.Changed || u.Fetched {
		_, err = w.Import(ctx, now, cache.CheckoutOptions{Force: opts.Force})
		return u, err
	}
	return u, errors.Join(w.Lock.SetData(now), w.Lock.Commit())
}
