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
)

// ExistsError says that there is something where something new is to be.
type ExistsError struct{ Path string }

// Error names the path.
func (e *ExistsError) Error() string { return e.Path + " is there already" }

// Hints says how to have it elsewhere.
func (e *ExistsError) Hints() []string { return []string{"-o names another path; --force replaces it"} }

// Get brings what a source has to a path, in one step, and writes nothing else.
// The Cache of f may be nil: then there is one beside the path until the end.
// What stands at the path is replaced with force only.
//
// If want is not zero, other content is a [*SourceError].
func Get(ctx context.Context, f Fetcher, src Source, out string, want hash.Node, force bool) (hash.Node, error) {
	if err := vacant(out, force); err != nil {
		return hash.Node{}, err
	}
	temp, err := os.MkdirTemp(filepath.Dir(out), hash.TempPrefix+"get-")
	if err != nil {
		return hash.Node{}, err
	}
	n, err := get(ctx, &f, src, temp)
	if err == nil && !want.IsZero() && !n.Same(want) {
		err = &SourceError{Source: src.Shown(), Msg: fmt.Sprintf("it has other content than it should: %s, not %s", n.Sum.Short(), want.Sum.Short()), Hint: "ask whoever keeps it: the tag and the commit do not agree"}
	}
	if err == nil {
		err = settle(filepath.Join(temp, "out"), out, filepath.Join(temp, "old"), force)
	}
	return n, errors.Join(err, os.RemoveAll(temp))
}

// vacant refuses to put something where something is.
func vacant(out string, force bool) error {
	_, err := os.Lstat(out)
	switch {
	case err == nil && !force:
		return &ExistsError{out}
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	dir := filepath.Dir(out)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return &AddressError{dir + " is no directory", "make it first"}
	}
	return nil
}

func get(ctx context.Context, f *Fetcher, src Source, temp string) (hash.Node, error) {
	f.Temp = filepath.Join(temp, "in")
	if f.Cache == nil {
		c, err := cache.Open(filepath.Join(temp, "cache"), cache.Options{})
		if err != nil {
			return hash.Node{}, err
		}
		f.Cache = c
	}
	content, err := f.Fetch(ctx, src, nil)
	if err != nil {
		return hash.Node{}, err
	}
	c, err := f.copying()
	if err != nil {
		return hash.Node{}, err
	}
	w := cache.Workspace{Scanner: &hash.Scanner{Root: temp, Objects: c.Objects()}}
	_, err = c.Checkout(ctx, w, "out", content.Node, cache.CheckoutOptions{})
	return content.Node, err
}

// settle gives what is complete its name. What had it is kept until then.
func settle(from, out, old string, force bool) error {
	if err := vacant(out, force); err != nil {
		return err
	}
	had := false
	if force {
		err := os.Rename(out, old)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		had = err == nil
	}
	if err := os.Rename(from, out); err != nil {
		if had {
			err = errors.Join(err, os.Rename(old, out))
		}
		return fmt.Errorf("put %s in its place: %w", out, err)
	}
	return nil
}
