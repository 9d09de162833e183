package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/seedenv"
)

// Scope says what a garbage collection must keep besides what the workspace,
// the linked worktrees and the other projects in the cache need now.
type Scope uint8

// The scopes, from the most careful on.
const (
	KeepHistory   Scope = iota // all that any commit reachable from a ref needs
	KeepTips                   // what the tips of branches, tags and the stash need
	KeepWorkspace              // nothing more
)

// Needs is what must stay.
type Needs struct {
	Nodes        []hash.Node       // files and directories in the cache
	Environments map[hash.Sum]bool // that stages ran in
}

// Needs returns what the lock files in the scope need, but for those of projects
// that are gone for good, and the runs of all workspaces, of which runs tells by
// their roots; nil for none. What cannot be read is an error: what it needs is not
// known.
func (w *Workspace) Needs(ctx context.Context, scope Scope, gone []string, runs func(ctx context.Context, root string) ([]hash.Node, error)) (*Needs, error) {
	n := newNeeded(w.Root)
	n.lock(w.Lock.File())
	if err := n.repo(ctx, w.Repo, w.prefix, scope); err != nil {
		return nil, err
	}
	projects, err := w.Cache.Projects()
	if err != nil {
		return nil, err
	}
	for _, root := range projects {
		if slices.Contains(gone, root) {
			continue
		}
		if err := n.project(ctx, root, scope); err != nil {
			return nil, err
		}
	}
	needs := &Needs{Environments: n.environments}
	for root := range n.roots {
		if runs == nil {
			break
		}
		nodes, err := runs(ctx, root)
		if err != nil {
			return nil, fmt.Errorf("cannot tell what the runs of %s need: %w", root, err)
		}
		needs.Nodes = append(needs.Nodes, nodes...)
	}
	for _, it := range n.items {
		needs.Nodes = append(needs.Nodes, it.Node)
	}
	return needs, nil
}

// RemoveEnvironments removes the Python environments that xt has built, that are
// not needed, and that were made longer ago than grace. It returns how many they
// are; with dryRun it only counts.
func (w *Workspace) RemoveEnvironments(ctx context.Context, needs *Needs, grace time.Duration, dryRun bool) (int, error) {
	keep := map[string]bool{}
	for sum := range needs.Environments {
		keep[seedenv.EnvName(sum)] = true
	}
	if w.Graph.Config.Python != nil {
		if env, known, err := w.ownPython(ctx); err == nil && known {
			keep[seedenv.EnvName(env.Sum())] = true
		}
	}
	dir := w.builder().Dir
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	n := 0
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() || keep[e.Name()] || time.Since(info.ModTime()) < grace {
			continue
		}
		n++
		if dryRun {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return n, err
		}
	}
	return n, nil
}

// needed gathers what locks need.
type needed struct {
	items        []lock.Item       // files and directories in the cache
	environments map[hash.Sum]bool // that stages ran in
	seen         map[hash.Sum]bool // digests of lock files that were looked at
	roots        map[string]bool   // workspaces that were looked at
}

// newNeeded begins with nothing; the workspace at root is looked at by the caller.
func newNeeded(root string) *needed {
	return &needed{environments: map[hash.Sum]bool{}, seen: map[hash.Sum]bool{}, roots: map[string]bool{root: true}}
}

func (n *needed) lock(f *lock.File) {
	for sum := range f.Environments {
		n.environments[sum] = true
	}
	for _, d := range f.Data {
		n.items = append(n.items, d.Item)
	}
	for _, s := range f.Stages {
		n.items = append(n.items, s.Outs...)
	}
}

// bytes takes the text of a lock file, once however often it is met.
func (n *needed) bytes(b []byte, name string) error {
	sum := hash.Bytes(b)
	if n.seen[sum] {
		return nil
	}
	n.seen[sum] = true
	f, err := lock.Parse(name, b)
	if err != nil {
		return fmt.Errorf("cannot tell what is still needed: %w", err)
	}
	n.lock(f)
	return nil
}

// dir takes the lock file of a workspace, with what a killed xt left there.
func (n *needed) dir(root string) error {
	if n.roots[root] {
		return nil
	}
	n.roots[root] = true
	store, err := lock.OpenStore(filepath.Join(root, LockFile), filepath.Join(root, StateDir, "journal"))
	if err != nil {
		return fmt.Errorf("cannot tell what %s still needs: %w", root, err)
	}
	defer store.Close()
	n.lock(store.File())
	return nil
}

// repo takes what the refs and the other working trees of a repository need.
func (n *needed) repo(ctx context.Context, r *git.Repo, prefix string, scope Scope) error {
	if r == nil {
		return nil
	}
	for _, top := range r.Worktrees() {
		if err := n.dir(filepath.Join(top, filepath.FromSlash(prefix))); err != nil {
			return err
		}
	}
	return n.commits(ctx, r, prefix, scope)
}

// commits takes what the commits in the scope need.
func (n *needed) commits(ctx context.Context, r *git.Repo, prefix string, scope Scope) error {
	if scope == KeepWorkspace {
		return nil
	}
	path := prefix + LockFile
	at := func(commit string) error {
		if err := ctx.Err(); err != nil {
			return err // a long history takes a while
		}
		b, err := r.ReadFileAt(commit, path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return n.bytes(b, commit[:min(10, len(commit))]+":"+path)
	}
	if scope == KeepHistory {
		return r.Commits(at)
	}
	refs, err := r.Refs()
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if err := at(ref.Commit); err != nil {
			return err
		}
	}
	head, err := r.Head() // detached, it may be at no ref
	if err != nil || head == "" {
		return err
	}
	return at(head)
}

// project takes what another project that uses the cache needs. One that is
// gone may be on a disk that is not there now, so that this is an error.
func (n *needed) project(ctx context.Context, root string, scope Scope) error {
	if n.roots[root] {
		return nil
	}
	if _, err := os.Stat(root); err != nil {
		return &MisuseError{Msg: fmt.Sprintf("the project %s uses this cache and cannot be found, so that what it needs is not known", root),
			Hint: "bring it back, or say that it is gone for good: xt gc --forget " + root}
	}
	if err := n.dir(root); err != nil {
		return err
	}
	repo, err := git.Open(root)
	if errors.Is(err, git.ErrNoRepository) {
		return nil
	}
	if err != nil {
		return err
	}
	if repo.Top == "" {
		return nil
	}
	return n.repo(ctx, repo, prefixOf(repo, root), scope)
}

// Owners returns, for digests that were lost, what xt.lock says they were: the
// path, and the stage that makes it.
func (w *Workspace) Owners(lost map[hash.Sum]bool) []Item {
	var items []Item
	for _, it := range w.items() {
		if w.needsAny(it.Node, lost) {
			items = append(items, it)
		}
	}
	return items
}

// needsAny reports whether n is, or contains, one of the digests.
func (w *Workspace) needsAny(n hash.Node, lost map[hash.Sum]bool) bool {
	if lost[n.Sum] || !w.stored(n) {
		return true
	}
	if n.Kind != hash.Directory {
		return false
	}
	tree, err := w.Cache.Tree(n.Sum)
	if err != nil {
		return true // its listing is lost
	}
	for _, e := range tree {
		if w.needsAny(e.Node, lost) {
			return true
		}
	}
	return false
}
