package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/lock"
)

// A directory of which only a part was brought into the workspace looks as if
// the rest had been deleted. So that nobody takes it for a change, it is noted
// what xt itself left there.
const partialFile = "partial"

// portion is a part of a tracked directory.
type portion struct {
	Locked hash.Sum `json:"locked"` // what xt.lock says of the directory
	Here   hash.Sum `json:"here"`   // what stands in the workspace
}

func (w *Workspace) portions() (map[string]portion, error) {
	b, err := os.ReadFile(w.state(partialFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all map[string]portion
	if json.Unmarshal(b, &all) != nil {
		return nil, nil // a spoiled note is as good as none
	}
	return all, nil
}

// inPart reports whether now, which stands at the path, is what xt itself brought
// there of a directory.
func inPart(all map[string]portion, path string, locked, now hash.Node) bool {
	p, ok := all[path]
	return ok && p == portion{locked.Sum, now.Sum} && !now.Same(locked)
}

// hidePortions takes out of the nodes what is there in part only, so that it
// counts as missing rather than as changed.
func (w *Workspace) hidePortions(nodes map[string]hash.Node, file *lock.File) error {
	all, err := w.portions()
	if err != nil || len(all) == 0 {
		return err
	}
	for path := range all {
		if locked, ok := lockedAt(file, path); ok && inPart(all, path, locked, nodes[path]) {
			delete(nodes, path)
		}
	}
	return nil
}

// lockedAt returns what the lock says of tracked data or of an output.
func lockedAt(file *lock.File, path string) (hash.Node, bool) {
	if d := file.Data[path]; d != nil {
		return d.Node, true
	}
	for _, s := range file.Stages {
		if n, ok := nodeAt(s.Outs, path); ok {
			return n, true
		}
	}
	return hash.Node{}, false
}

// checkoutPart checks out something inside a tracked directory, and notes what is
// there of the directory then.
func (w *Workspace) checkoutPart(ctx context.Context, dir, it lock.Item, opts cache.CheckoutOptions) (cache.Summary, error) {
	all, err := w.portions()
	if err != nil {
		return cache.Summary{}, err
	}
	before, err := w.node(ctx, dir.Path)
	if err != nil {
		return cache.Summary{}, err
	}
	ours := before.IsZero() || inPart(all, dir.Path, dir.Node, before)
	sum, err := w.Cache.Checkout(ctx, w.cached(), it.Path, it.Node, opts)
	if err != nil || !ours {
		return sum, err
	}
	now, err := w.node(ctx, dir.Path)
	if err != nil {
		return sum, err
	}
	if all == nil {
		all = map[string]portion{}
	}
	all[dir.Path] = portion{dir.Sum, now.Sum}
	if now.Same(dir.Node) {
		delete(all, dir.Path)
	}
	return sum, w.savePortions(all)
}

func (w *Workspace) savePortions(all map[string]portion) error {
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(w.state(partialFile), b, 0o666)
}

// wholeHere refuses to add again what is here in part only: the rest would be lost
// to those who come after.
func (w *Workspace) wholeHere(ctx context.Context, path string) error {
	all, err := w.portions()
	d := w.Lock.Data(path)
	if err != nil || d == nil || len(all) == 0 {
		return err
	}
	now, err := w.node(ctx, path)
	if err == nil && inPart(all, path, d.Node, now) {
		err = &MisuseError{Msg: path + " is here in part only", Hint: "\"xt pull " + path + "\" brings the rest; to keep only this part, take it out first with \"xt remove " + path + "\""}
	}
	return err
}

// around returns the tracked directory that a path lies in; ok is false if the path
// is tracked itself, or not at all.
func (w *Workspace) around(path string) (dir lock.Item, ok bool) {
	for _, it := range w.items() {
		if it.Path == path {
			return lock.Item{}, false
		}
		if below(path, it.Path) {
			dir, ok = it.Item, true
		}
	}
	return dir, ok
}
