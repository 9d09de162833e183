package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/lock"
)

// History returns what the lock files of the project need: that of the
// workspace, those of linked worktrees, and those of the commits in the scope.
// Each content is in it once for each path.
func (w *Workspace) History(ctx context.Context, scope Scope) ([]lock.Item, error) {
	n := newNeeded(w.Root)
	n.lock(w.Lock.File())
	if scope == KeepHistory {
		items, err := w.committedItems(ctx)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, items...)
		scope = KeepWorkspace
	}
	if err := n.repo(ctx, w.Repo, w.prefix, scope); err != nil {
		return nil, err
	}
	return distinct(n.items), nil
}

// distinct returns the items sorted by path, without what is there twice.
func distinct(items []lock.Item) []lock.Item {
	seen := make(map[lock.Item]bool, len(items))
	var list []lock.Item
	for _, it := range items {
		if !seen[it] && it.Kind != 0 {
			seen[it] = true
			list = append(list, it)
		}
	}
	slices.SortFunc(list, func(a, b lock.Item) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), bytes.Compare(a.Sum[:], b.Sum[:]))
	})
	return list
}

// committedItems returns what all commits need. To look into thousands of them
// takes seconds, so that it is remembered until a ref moves.
func (w *Workspace) committedItems(ctx context.Context) ([]lock.Item, error) {
	if w.Repo == nil {
		return nil, nil
	}
	key, err := w.refsKey()
	if err != nil {
		return nil, err
	}
	path := w.state("history")
	if items, ok := readHistory(path, key); ok {
		return items, nil
	}
	n := newNeeded(w.Root)
	if err := n.commits(ctx, w.Repo, w.prefix, KeepHistory); err != nil {
		return nil, err
	}
	items := distinct(n.items)
	text := []byte(key)
	for i := range items {
		text = cache.AppendItem(text, &items[i])
	}
	_ = atomicfile.WriteFast(path, text, 0o666) // or it is found out again
	return items, nil
}

// refsKey returns a line that is another one when a ref has moved.
func (w *Workspace) refsKey() (string, error) {
	refs, err := w.Repo.Refs()
	if err != nil {
		return "", err
	}
	head, err := w.Repo.Head()
	if err != nil {
		return "", err
	}
	var t hash.Text
	t.Line("history", "1", filepath.ToSlash(w.prefix), head)
	for _, r := range slices.SortedFunc(slices.Values(refs), func(a, b git.Ref) int { return cmp.Compare(a.Name, b.Name) }) {
		t.Line("ref", r.Name, r.Commit)
	}
	return fmt.Sprintf("xt-history %s\n", t.Fingerprint()), nil
}

// readHistory reads what was remembered under the key.
func readHistory(path, key string) ([]lock.Item, bool) {
	b, err := os.ReadFile(path)
	rest, ok := bytes.CutPrefix(b, []byte(key))
	if err != nil || !ok {
		return nil, false
	}
	var items []lock.Item
	for line := range bytes.Lines(rest) {
		it, err := cache.ParseItem(line)
		if err != nil {
			return nil, false
		}
		items = append(items, it)
	}
	return items, true
}
