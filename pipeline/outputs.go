package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// makeRoom takes away what stands where the outputs will be, so that a stage
// cannot pass off an old output as new, and makes the directories above. What
// is in no cache goes into the cache first; its paths are returned.
func (w *Workspace) makeRoom(ctx context.Context, s *Stage) (kept []Kept, err error) {
	for _, o := range s.Outs {
		if err := w.staysInside(o.Path); err != nil {
			return kept, err
		}
		abs := w.path(o.Path)
		if err := os.MkdirAll(filepath.Dir(abs), 0o777); err != nil {
			return kept, err
		}
		if o.Keep {
			// The command goes on with it, so it must not be a link into the cache.
			if err := w.Cache.Unprotect(ctx, abs); err != nil && !absent(err) {
				return kept, err
			}
			continue
		}
		saved, err := w.clear(ctx, o.Path)
		kept = append(kept, saved...)
		if err != nil {
			return kept, err
		}
	}
	return kept, nil
}

// clear removes what stands at path. What is in no cache and no commit goes into
// the cache, which saved tells, unless a failed command left it. Files that xt
// ignores stay.
func (w *Workspace) clear(ctx context.Context, path string) (saved []Kept, err error) {
	n, err := w.standing(ctx, path)
	if err != nil || n.IsZero() {
		return nil, err
	}
	left := w.isLeftover(path, n)
	if n.Kind == hash.Symlink {
		if !left && !cache.IsObject(n.Target) {
			return nil, &MisuseError{Msg: fmt.Sprintf("output %s is a symbolic link to %s, which is not xt's to replace", path, n.Target),
				Hint: "remove the link; to have outputs on another disk set the cache there: xt config cache.dir DIR, and cache.link symlink"}
		}
		return nil, os.Remove(w.path(path))
	}
	ws := w.cached()
	_, err = w.Cache.Checkout(ctx, ws, path, hash.Node{}, cache.CheckoutOptions{Force: left})
	if err == nil {
		w.forgetLeftover(path)
	}
	var loss *cache.UncachedError
	if !errors.As(err, &loss) {
		return nil, err
	}
	if n, err = w.Cache.Keep(ctx, ws, path); err != nil {
		return nil, fmt.Errorf("keep %s before it is replaced: %w", path, err)
	}
	return []Kept{{Path: path, At: w.Cache.Location(n)}}, nil
}

// standing returns what stands at the path of an output; of a symbolic link the
// link itself, unless it leads to an object of the cache.
func (w *Workspace) standing(ctx context.Context, path string) (hash.Node, error) {
	target, err := os.Readlink(w.path(path))
	isLink := err == nil
	if !isLink || cache.IsObject(target) {
		n, err := w.node(ctx, path)
		if err != nil || !isLink || !n.IsZero() {
			return n, err
		}
		// The object is gone. A command would write to where it was.
	}
	return hash.Node{Kind: hash.Symlink, Sum: hash.Bytes([]byte(target)), Target: target}, nil
}

// staysInside refuses an output that would be made elsewhere, because one of the
// directories above it is a symbolic link that leads out of the project.
func (w *Workspace) staysInside(path string) error {
	dir := filepath.Dir(w.path(path))
	real, err := filepath.EvalSymlinks(dir)
	for errors.Is(err, fs.ErrNotExist) && dir != w.Root {
		dir = filepath.Dir(dir)
		real, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return err
	}
	if real != w.Root && !strings.HasPrefix(real, w.Root+string(filepath.Separator)) {
		return &MisuseError{Msg: fmt.Sprintf("output %s would be made outside the project: %s leads to %s", path, filepath.Dir(path), real),
			Hint: "make it a directory; to have outputs on another disk set the cache there: xt config cache.dir DIR, and cache.link symlink"}
	}
	return nil
}

// cached is the workspace as the cache wants to know it.
func (w *Workspace) cached() cache.Workspace {
	return cache.Workspace{Scanner: w.Scan, InGit: w.inGit}
}

// inGit reports whether the file at path is as it is in HEAD, so that git can
// bring it back.
func (w *Workspace) inGit(path string, n hash.Node) bool {
	if w.Repo == nil || n.Kind == hash.Directory {
		return false
	}
	b, err := w.Repo.ReadFileAt("HEAD", w.prefix+path)
	return err == nil && hash.Bytes(b) == n.Sum
}

// takeOuts stores what the command made where scan looks, and returns what it is.
// take stores one of them, or says what it is.
func (w *Workspace) takeOuts(ctx context.Context, s *Stage, scan *hash.Scanner, take func(context.Context, Out, *hash.Scanner) (hash.Node, error)) ([]lock.Item, error) {
	items := make([]lock.Item, 0, len(s.Outs))
	for _, o := range s.Outs {
		if target, err := os.Readlink(filepath.Join(scan.Root, filepath.FromSlash(o.Path))); err == nil && !cache.IsObject(target) {
			return nil, &OutputError{Stage: s, Msg: fmt.Sprintf("its command made output %s as a symbolic link to %s, so that it would hold what others may change", o.Path, target),
				Hint: "let the command write the file itself, or name the directory that the link is in as the output: links in it are kept as links"}
		}
		n, err := take(ctx, o, scan)
		if absent(err) {
			return nil, &OutputError{Stage: s, Msg: "its command succeeded but did not make its output " + o.Path,
				Hint: "outputs are relative to the project root, or to wdir where the stage has one: see " + s.Pos.String()}
		}
		if err != nil {
			return nil, fmt.Errorf("stage %s: %w", s.Name, err)
		}
		items = append(items, lock.Item{Path: o.Path, Node: n})
	}
	return items, nil
}

// stored reports whether the output's bytes go into the cache. Metrics and
// plots do although git keeps them too: they are small, and the run cache can
// then bring back a whole result.
func (o Out) stored() bool { return o.Cache || o.Kind != PlainOut }

func (w *Workspace) takeOut(ctx context.Context, o Out, scan *hash.Scanner) (hash.Node, error) {
	switch {
	case o.Cache:
		return scan.Put(ctx, o.Path, w.Cache)
	case o.stored():
		// A link into the cache must not end up in git.
		return scan.Put(ctx, o.Path, w.copies)
	}
	return scan.Scan(ctx, o.Path)
}

// restore brings a stage's outputs back from the cache.
func (w *Workspace) restore(ctx context.Context, step *Step, res *Result) error {
	for _, o := range step.Entry.Outs {
		now, err := w.node(ctx, o.Path)
		if err != nil {
			return err
		}
		if now.Same(o.Node) {
			continue
		}
		if err := w.restoreOut(ctx, step.Stage, o, res); err != nil {
			return err
		}
	}
	return nil
}

func (w *Workspace) restoreOut(ctx context.Context, s *Stage, o lock.Item, res *Result) error {
	err := w.checkout(ctx, s, o)
	var loss *cache.UncachedError
	if errors.As(err, &loss) {
		saved, err := w.clear(ctx, o.Path)
		if err != nil {
			return err
		}
		res.Kept = append(res.Kept, saved...)
		return w.checkout(ctx, s, o)
	}
	var lost *cache.MissingError
	if errors.As(err, &lost) {
		return &lostError{err}
	}
	return err
}

// checkout brings one output of a stage into the workspace. A metric or a plot
// belongs to git and is never a link into the cache.
func (w *Workspace) checkout(ctx context.Context, s *Stage, o lock.Item) error {
	from := w.Cache
	if slices.ContainsFunc(s.Outs, func(d Out) bool { return d.Path == o.Path && !d.Cache }) {
		from = w.copies
	}
	_, err := from.Checkout(ctx, w.cached(), o.Path, o.Node, cache.CheckoutOptions{})
	return err
}
