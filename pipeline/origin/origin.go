// Package origin brings into a cache what lies elsewhere: on the web, in a store,
// in a folder, or in another git repository that has data in xt.
package origin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
)

// Fetcher brings content into a cache.
type Fetcher struct {
	Cache *cache.Cache
	Group bool   // whether all users of the cache's group may use what is written
	Temp  string // an empty directory, best on the disk of the cache
	Parts string // where downloads stay that are given up; "": they are not kept
	// MaxSize bounds what is brought, in bytes; 0 for no bound.
	MaxSize int64
	// Transfer is how it is brought. Its Remote is not used.
	Transfer pipeline.Transfer
	// Settings are those of a project on this machine, whose cache is asked before
	// its remotes; see [pipeline.OpenOptions].
	Settings func(root string) (pipeline.Settings, error)
	// Log, if not nil, is told of what takes long or is tried again.
	Log func(format string, args ...any)
}

// Content is what a source has.
type Content struct {
	Node   hash.Node
	Origin lock.Origin
	// Unchanged says that the source is as it was, and that nothing was brought.
	Unchanged bool
}

// Fetch brings what the source has into the cache. If known is not nil and the
// source says that it is still that, nothing is brought.
func (f *Fetcher) Fetch(ctx context.Context, src Source, known *lock.Data) (Content, error) {
	switch src.kind {
	case web:
		return f.fromWeb(ctx, src, known)
	case blobs:
		return f.fromStore(ctx, src, known)
	case folder:
		return f.fromFolder(ctx, src)
	}
	return f.fromGit(ctx, src, known)
}

// sharing opens the cache so that what it stores are the files of Temp
// themselves.
func (f *Fetcher) sharing() (*cache.Cache, error) {
	return cache.Open(f.Cache.Dir(), cache.Options{Group: f.Group, Links: []cache.Link{cache.Hardlink, cache.Copy}})
}

// copying opens the cache so that it shares nothing with what it stores.
func (f *Fetcher) copying() (*cache.Cache, error) {
	return cache.Open(f.Cache.Dir(), cache.Options{Group: f.Group})
}

// take stores the file or directory name of Temp.
func (f *Fetcher) take(ctx context.Context, name string) (hash.Node, error) {
	c, err := f.sharing()
	if err != nil {
		return hash.Node{}, err
	}
	return (&hash.Scanner{Root: f.Temp}).Put(ctx, name, c)
}

// makeTemp makes an empty directory in Temp.
func (f *Fetcher) makeTemp() (name string, err error) {
	if err := os.MkdirAll(f.Temp, 0o777); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(f.Temp, "in-")
	return filepath.Base(dir), err
}

// fromFolder takes a file or directory of this machine as it is.
func (f *Fetcher) fromFolder(ctx context.Context, src Source) (Content, error) {
	at := src.local()
	if real, err := filepath.EvalSymlinks(at); err == nil {
		at = real
	}
	if err := f.fits(at); err != nil {
		return Content{}, err
	}
	c, err := f.copying()
	if err != nil {
		return Content{}, err
	}
	scan := &hash.Scanner{Root: filepath.Dir(at), OnFile: f.onFile()}
	n, err := scan.Put(ctx, filepath.ToSlash(filepath.Base(at)), c)
	if errors.Is(err, fs.ErrNotExist) {
		return Content{}, gone(src, "there is nothing at that path")
	}
	if err != nil {
		return Content{}, fmt.Errorf("import %s: %w", src.Shown(), err)
	}
	return Content{Node: n, Origin: lock.Origin{Source: src.URL}}, nil
}

func (f *Fetcher) onFile() func(int64) {
	if f.Transfer.Progress == nil {
		return nil
	}
	return func(n int64) { f.Transfer.Progress.Count(1, n) }
}

// fits adds up the sizes of a file or directory where they are bounded.
func (f *Fetcher) fits(at string) error {
	if f.MaxSize == 0 {
		return nil
	}
	var sum int64
	err := filepath.WalkDir(at, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // that is told elsewhere
	}
	return errors.Join(err, f.allowed(sum))
}

func (f *Fetcher) allowed(size int64) error {
	if f.MaxSize > 0 && size > f.MaxSize {
		return &TooBigError{Size: size, Most: f.MaxSize}
	}
	return nil
}
