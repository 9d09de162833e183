package pipeline

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// MayImport refuses a path that data cannot be imported to, before the data is
// fetched: as [Workspace.Add] does, and unless force is set where something
// stands that is in no cache and no commit.
func (w *Workspace) MayImport(ctx context.Context, p string, force bool) error {
	if err := errors.Join(w.mayTrack(p), w.staysInside(p)); err != nil {
		return err
	}
	tracked, err := w.tracked([]string{p})
	if err != nil {
		return err
	}
	if len(tracked) > 0 {
		return &TrackedError{Paths: tracked}
	}
	if force {
		return nil
	}
	n, err := w.standing(ctx, p)
	if err != nil || n.IsZero() || n.Kind != hash.Symlink && (w.stored(n) || w.inGit(p, n)) {
		return err
	}
	if n.Kind == hash.Directory && w.Lock.Data(p) != nil {
		return nil // the checkout looks at each file of it
	}
	return &cache.UncachedError{Paths: []string{p}}
}

// Import puts what was brought into the cache from elsewhere at its path: into
// the workspace, xt.lock and .gitignore. The errors are those of
// [Workspace.Checkout].
func (w *Workspace) Import(ctx context.Context, d *lock.Data, opts cache.CheckoutOptions) (cache.Summary, error) {
	if err := os.MkdirAll(filepath.Dir(w.path(d.Path)), 0o777); err != nil {
		return cache.Summary{}, err
	}
	sum, err := w.Cache.Checkout(ctx, w.cached(), d.Path, d.Node, opts)
	if err != nil {
		return sum, errors.Join(err, w.SaveIndex())
	}
	return sum, errors.Join(w.Lock.SetData(d), w.finishAdd([]*lock.Data{d}))
}

// Below reports whether a path is dir, or lies in it.
func Below(p, dir string) bool { return below(p, dir) }

// Stored reports whether the cache has all of n.
func (w *Workspace) Stored(n hash.Node) bool { return w.stored(n) }

// TempDir makes a directory of the project's own for files on their way. It is
// gone when the next xt changes the project.
func (w *Workspace) TempDir() (string, error) {
	if err := MakeStateDir(w.Root); err != nil {
		return "", err
	}
	if err := os.MkdirAll(w.state("tmp"), 0o777); err != nil {
		return "", err
	}
	return os.MkdirTemp(w.state("tmp"), "import-")
}

// PartsDir returns the directory of downloads that were given up and can be gone
// on with. It need not be there.
func (w *Workspace) PartsDir() string { return w.state("downloads") }

// LostImportError says that what is missing was imported, so that its source may
// still have it.
type LostImportError struct {
	Err   error    // wraps a [*cache.MissingError]
	Paths []string // of the imports that lack something
}

// Error says what is missing.
func (e *LostImportError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *LostImportError) Unwrap() error { return e.Err }

// Hints says how to have it brought again.
func (e *LostImportError) Hints() []string {
	return []string{"it was imported: \"xt update " + strings.Join(e.Paths, " ") + "\" brings it from its source again"}
}

// Imported returns err, or if it says that imported data is missing a
// [*LostImportError] that wraps it.
func (w *Workspace) Imported(err error) error {
	var lost *cache.MissingError
	if !errors.As(err, &lost) {
		return err
	}
	var paths []string
	for _, d := range w.Imports() {
		for _, it := range lost.Items {
			if below(it.Path, d.Path) {
				paths = append(paths, d.Path)
				break
			}
		}
	}
	if len(paths) == 0 {
		return err
	}
	return &LostImportError{err, paths}
}

// Imports returns the data of which xt.lock knows the source, sorted by path.
func (w *Workspace) Imports() []*lock.Data {
	file := w.Lock.File()
	var list []*lock.Data
	for _, it := range w.items() {
		if d := file.Data[it.Path]; d != nil && it.Stage == "" && d.Origin.Source != "" {
			list = append(list, d)
		}
	}
	return list
}
