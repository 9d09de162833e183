package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/xtrepro/xt/hash"
)

// Workspace is where objects are checked out to.
type Workspace struct {
	// Scanner finds out what is there. What is written is recorded in its
	// Index, so that the next scan need not read it.
	Scanner *hash.Scanner
	// InGit reports whether git has the content n of path, so that it may be
	// overwritten though no cache holds it. May be nil; is called concurrently.
	InGit func(path string, n hash.Node) bool
}

// CheckoutOptions are the choices of one checkout.
type CheckoutOptions struct {
	// Force overwrites and deletes files whose bytes are nowhere else.
	Force bool
	// Relink also replaces files that are as they should be, so that all are
	// links of the kind that the cache is configured for.
	Relink bool
	// Jobs is how many files are written at a time; 0 for twice as many as
	// there are processors.
	Jobs int
	// OnFile, if not nil, is told the size in bytes of each file that was
	// written. It is called from several goroutines.
	OnFile func(bytes int64)
}

// Summary says what a checkout did, in files and links.
type Summary struct {
	Added, Changed, Removed int
	Bytes                   int64 // of the files added and changed
}

// Add returns the sum of s and t.
func (s Summary) Add(t Summary) Summary {
	return Summary{s.Added + t.Added, s.Changed + t.Changed, s.Removed + t.Removed, s.Bytes + t.Bytes}
}

// Checkout makes what stands at path in the workspace equal to want; the zero
// Node removes it. It touches only what differs. Files that the scanner
// ignores are left alone.
//
// Before anything is changed it fails with a [*MissingError] if the cache
// lacks part of want, and unless forced with an [*UncachedError] if the
// content of a file to be replaced or removed is stored nowhere else. Each
// file is replaced in one step, so that a kill leaves the old one or the new.
func (c *Cache) Checkout(ctx context.Context, w Workspace, path string, want hash.Node, opts CheckoutOptions) (Summary, error) {
	if err := checkPath(path); err != nil {
		return Summary{}, err
	}
	co := c.newCheckout(w, path, opts)
	cur, err := co.current(ctx)
	if err != nil || cur.Same(want) && !opts.Relink {
		return Summary{}, err
	}
	if cur, err = co.notFollowed(cur); err != nil {
		return Summary{}, err
	}
	todo, err := co.plan(ctx, cur, want)
	if err != nil {
		return Summary{}, err
	}
	if err := co.apply(ctx, todo); err != nil {
		return co.summary(), fmt.Errorf("check out %s: %w", path, err)
	}
	return co.summary(), nil
}

// checkout is one run of Checkout.
type checkout struct {
	c       *Cache
	w       Workspace
	scanner *hash.Scanner // w.Scanner, with an Index in any case: it lists what is there
	opts    CheckoutOptions
	path    string
	settle  settler
	far     atomic.Bool // the workspace cannot share blocks with the cache

	added, changed, removed, bytes atomic.Int64
}

func (c *Cache) newCheckout(w Workspace, path string, opts CheckoutOptions) *checkout {
	s := *w.Scanner
	if s.Index == nil {
		s.Index = hash.OpenIndex("")
	}
	if opts.Jobs <= 0 {
		opts.Jobs = 2 * runtime.GOMAXPROCS(0)
	}
	return &checkout{c: c, w: w, scanner: &s, opts: opts, path: path, settle: settler{index: s.Index}}
}

// current returns what stands at the path; the zero Node if nothing does.
func (co *checkout) current(ctx context.Context) (hash.Node, error) {
	n, err := co.scanner.Scan(ctx, co.path)
	if errors.Is(err, fs.ErrNotExist) {
		return hash.Node{}, nil
	}
	return n, err
}

// notFollowed returns cur, unless the path is a symbolic link of the user's:
// then the link, because that is what would be replaced, while the scanner
// told of the content it leads to.
func (co *checkout) notFollowed(cur hash.Node) (hash.Node, error) {
	target, err := os.Readlink(co.abs(co.path))
	if err != nil || IsObject(target) {
		return cur, nil
	}
	return hash.Node{Kind: hash.Symlink, Sum: hash.Bytes([]byte(target)), Size: int64(len(target)), Target: target}, nil
}

// IsObject reports whether the target of a symbolic link is an object, of this
// cache or of one that has since been moved, so that xt made the link.
func IsObject(target string) bool {
	parts := strings.Split(filepath.ToSlash(target), "/")
	if len(parts) < 4 {
		return false
	}
	parts = parts[len(parts)-3:]
	_, err := hash.ParseSum(parts[1] + parts[2])
	return err == nil && parts[0] == objects && len(parts[1]) == 2
}

func (co *checkout) abs(path string) string {
	return filepath.Join(co.scanner.Root, filepath.FromSlash(path))
}

func (co *checkout) summary() Summary {
	return Summary{
		Added:   int(co.added.Load()),
		Changed: int(co.changed.Load()),
		Removed: int(co.removed.Load()),
		Bytes:   co.bytes.Load(),
	}
}
