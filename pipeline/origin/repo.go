package origin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
)

// fromGit reads a path of a git repository: what xt tracks there, what git does,
// or a directory with both.
func (f *Fetcher) fromGit(ctx context.Context, src Source, known *lock.Data) (Content, error) {
	if c, ok, err := f.sameCommit(ctx, src, known); ok || err != nil {
		return c, err
	}
	name, err := f.makeTemp()
	if err != nil {
		return Content{}, err
	}
	r, commit, err := git.Clone(ctx, src.URL, src.Rev, filepath.Join(f.Temp, name))
	if err != nil {
		return Content{}, f.explainClone(src, err)
	}
	origin := lock.Origin{Source: src.URL, Path: src.Path, Rev: src.Rev, Commit: commit}
	if known != nil && commit == known.Origin.Commit {
		return Content{Node: known.Node, Origin: origin, Unchanged: true}, nil
	}
	n, err := f.atCommit(ctx, src, r, commit)
	return Content{Node: n, Origin: origin}, err
}

// sameCommit asks the repository whether a branch or tag is still where it was;
// ok is true if so.
func (f *Fetcher) sameCommit(ctx context.Context, src Source, known *lock.Data) (c Content, ok bool, err error) {
	if known == nil {
		return Content{}, false, nil
	}
	ref, named, err := git.LookUp(ctx, src.URL, src.Rev)
	if err != nil {
		return Content{}, false, err
	}
	commit := ref.Commit
	if !named {
		commit = src.Rev
	}
	if commit != known.Origin.Commit {
		return Content{}, false, nil
	}
	origin := lock.Origin{Source: src.URL, Path: src.Path, Rev: src.Rev, Commit: commit}
	return Content{Node: known.Node, Origin: origin, Unchanged: true}, true, nil
}

// explainClone tells that a revision is one of the other repository's.
func (f *Fetcher) explainClone(src Source, err error) error {
	if rev := new(git.RevisionError); errors.As(err, &rev) {
		return &SourceError{Source: src.URL, Msg: fmt.Sprintf("it has no branch, tag or commit %q", src.Rev), Hint: "\"git ls-remote " + src.URL + "\" lists branches and tags", Err: err}
	}
	return err
}

// atCommit brings what stands at the path of the source in a commit.
func (f *Fetcher) atCommit(ctx context.Context, src Source, r *git.Repo, commit string) (hash.Node, error) {
	files, err := r.At(commit)
	if err != nil {
		return hash.Node{}, err
	}
	items, err := f.tracked(ctx, src, r, files, commit)
	if err != nil {
		return hash.Node{}, err
	}
	if len(items) == 1 && items[0].Path == src.Path {
		return items[0].Node, nil
	}
	below := files.Below(src.Path)
	if len(below) == 0 && len(items) == 0 {
		return hash.Node{}, gonePath(src, commit)
	}
	n, err := f.checkOut(ctx, src, r, commit, below)
	for _, it := range items {
		if err != nil {
			break
		}
		n, err = graft(f.Cache, n, under(src.Path, it.Path), it.Node)
	}
	return n, err
}

// under returns the path p relative to the directory dir that it is in.
func under(dir, p string) string {
	if dir == "." {
		return p
	}
	return strings.TrimPrefix(p, dir+"/")
}

func gonePath(src Source, commit string) error {
	return &SourceError{Source: src.URL, Msg: fmt.Sprintf("there is nothing at %s in commit %s", src.Path, commit[:10]), Hint: "name it as the root of the repository has it, and another version with --rev"}
}

// tracked brings what xt tracks at or below the path, or around it. The paths of
// the items are relative to the top of the repository.
func (f *Fetcher) tracked(ctx context.Context, src Source, r *git.Repo, files *git.Snapshot, commit string) ([]lock.Item, error) {
	prefix, ok := projectAround(files, src.Path)
	if !ok {
		return nil, nil
	}
	s, err := pipeline.SnapshotOf(r, prefix, commit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", src.URL, err)
	}
	c, err := f.copying()
	if err != nil {
		return nil, err
	}
	project := s.Foreign(c, f.near(src, prefix), f.Transfer, f.Log)
	defer project.Close()
	items, err := project.At(ctx, relative(prefix, src.Path))
	if err == nil {
		err = project.Fetch(ctx, items)
	}
	if err != nil {
		return nil, explainFetch(src, err)
	}
	var sum int64
	for i := range items {
		items[i].Path = prefix + items[i].Path
		sum += items[i].Size
	}
	return items, f.allowed(sum)
}

// relative returns a path of the repository as the project at prefix has it.
func relative(prefix, p string) string {
	if p+"/" == prefix {
		return "."
	}
	return strings.TrimPrefix(p, prefix)
}

// explainFetch tells what is missing of the other project rather than of the
// user's.
func explainFetch(src Source, err error) error {
	var none *pipeline.NoRemoteError
	var lost *cache.MissingError
	switch {
	case errors.As(err, &none):
		return &SourceError{Source: src.Shown(), Msg: "xt tracks it there, but " + none.Msg, Hint: "ask whoever keeps that repository to \"xt push\" it", Err: err}
	case errors.As(err, &lost):
		return &SourceError{Source: src.Shown(), Msg: lost.Error() + ", nor in the remotes of that repository", Hint: "ask whoever keeps it to \"xt push\" it", Err: err}
	}
	return fmt.Errorf("%s: %w", src.Shown(), err)
}

// projectAround returns the prefix of the innermost project that a path lies in.
func projectAround(files *git.Snapshot, p string) (prefix string, ok bool) {
	for {
		prefix = p + "/"
		if p == "." {
			prefix = ""
		}
		if _, ok := files.File(prefix + pipeline.ConfigFile); ok {
			return prefix, true
		}
		if p == "." {
			return "", false
		}
		p = path.Dir(p)
	}
}

// near returns the cache of a project on this machine; nil if there is none.
func (f *Fetcher) near(src Source, prefix string) *cache.Cache {
	if !strings.HasPrefix(src.URL, "file://") {
		return nil
	}
	root := filepath.Join(src.local(), filepath.FromSlash(prefix))
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	w, err := pipeline.Open(root, pipeline.OpenOptions{Settings: f.Settings})
	if err != nil || w.Root != root {
		return nil // it may be bare, or another version of it may be broken
	}
	w.Lock.Close()
	return w.Cache
}

// checkOut stores files of git, as git stores them, and returns the file or
// directory that they are; the zero Node for none.
func (f *Fetcher) checkOut(ctx context.Context, src Source, r *git.Repo, commit string, files []git.File) (hash.Node, error) {
	if len(files) == 0 {
		return hash.Node{}, nil
	}
	if err := r.Prefetch(ctx, src.URL, files); err != nil {
		return hash.Node{}, err
	}
	s, err := r.At(commit)
	if err != nil {
		return hash.Node{}, err
	}
	name, err := f.makeTemp()
	if err != nil {
		return hash.Node{}, err
	}
	const top = "it" // what stands at the path
	at := func(p string) string {
		if p == src.Path {
			return top
		}
		return top + "/" + under(src.Path, p)
	}
	if err := s.Extract(ctx, files, filepath.Join(f.Temp, name), at); err != nil {
		return hash.Node{}, err
	}
	if err := f.fits(filepath.Join(f.Temp, name)); err != nil {
		return hash.Node{}, err
	}
	if info, err := os.Lstat(filepath.Join(f.Temp, name, top)); err == nil && info.Mode()&os.ModeSymlink != 0 {
		return hash.Node{}, &SourceError{Source: src.Shown(), Msg: "it is a symbolic link", Hint: "name what it leads to"}
	}
	return f.take(ctx, name+"/"+top)
}
