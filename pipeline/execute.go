package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// execute runs a stage's command and takes its outputs into the cache. Nothing
// of a command that failed is taken.
func (w *Workspace) execute(ctx context.Context, step *Step, opts RunOptions, res *Result, rep Reporter) error {
	s := step.Stage
	if err := w.bring(ctx, step.Entry.Deps); err != nil {
		return err
	}
	env, err := w.childEnv(ctx, s)
	if err != nil {
		return err
	}
	how := w.inPlace
	if opts.Isolated {
		how = w.apart
	}
	outs, err := how(ctx, step, env, res, rep)
	if err != nil {
		return err
	}
	step.Entry.Outs, step.Entry.How = outs, lock.Executed
	step.Entry.Commit, step.Entry.Dirty = w.provenance(s)
	return w.remember(step)
}

// inPlace runs the command in the workspace and takes its outputs.
func (w *Workspace) inPlace(ctx context.Context, step *Step, env []string, res *Result, rep Reporter) (outs []lock.Item, err error) {
	if res.Kept, err = w.makeRoom(ctx, step.Stage); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.noteLeftovers(ctx, step.Stage)
		}
	}()
	retry := func() error {
		w.noteLeftovers(ctx, step.Stage)
		_, err := w.makeRoom(ctx, step.Stage)
		return err
	}
	if err := w.attempts(ctx, step.Stage, w.Root, env, retry, res, rep); err != nil {
		return nil, err
	}
	if err := w.unchanged(ctx, step); err != nil {
		return nil, err
	}
	return w.takeOuts(ctx, step.Stage, w.Scan)
}

// bring takes dependencies that are not in the workspace from the cache.
func (w *Workspace) bring(ctx context.Context, deps []lock.Item) error {
	for _, d := range deps {
		now, err := w.Node(ctx, d.Path)
		if err != nil {
			return err
		}
		if !now.IsZero() {
			continue
		}
		if _, err := w.checkoutItem(ctx, d, cache.CheckoutOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// remember puts the result into the run cache, if it can be restored from it.
func (w *Workspace) remember(step *Step) error {
	for i, o := range step.Entry.Outs {
		if !step.Stage.Outs[i].stored() && !w.Stored(o.Node) {
			return nil
		}
	}
	return w.Cache.PutRun(step.Entry.Fingerprint, step.Entry.Outs)
}

// attempts runs the command, below root, until it succeeds or its retries are
// used up. Before another attempt it calls again.
func (w *Workspace) attempts(ctx context.Context, s *Stage, root string, env []string, again func() error, res *Result, rep Reporter) error {
	for i := 0; ; i++ {
		err := w.command(ctx, s, root, env, res, rep)
		if err == nil || i >= s.Retries || ctx.Err() != nil {
			return err
		}
		var failed *StageError
		if !errors.As(err, &failed) {
			return err
		}
		w.say("%s: %s; attempt %d of %d follows", s.Name, failed.What, i+2, s.Retries+1)
		if err := again(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(min(time.Second<<i, 30*time.Second)):
		}
	}
}

// makeRoom takes away what stands where the outputs will be, so that a stage
// cannot pass off an old output as new, and makes the directories above. What
// is in no cache goes into the cache first; its paths are returned.
func (w *Workspace) makeRoom(ctx context.Context, s *Stage) (kept []string, err error) {
	for _, o := range s.Outs {
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
		if saved {
			kept = append(kept, o.Path)
		}
		if err != nil {
			return kept, err
		}
	}
	return kept, nil
}

// clear removes what stands at path. What is in no cache and no commit goes into
// the cache, which saved says, unless a failed command left it. Files that xt
// ignores stay.
func (w *Workspace) clear(ctx context.Context, path string) (saved bool, err error) {
	n, err := w.Node(ctx, path)
	if err != nil || n.IsZero() {
		return false, err
	}
	ws := w.cached()
	_, err = w.Cache.Checkout(ctx, ws, path, hash.Node{}, cache.CheckoutOptions{Force: w.isLeftover(path, n)})
	if err == nil {
		w.forgetLeftover(path)
	}
	var loss *cache.UncachedError
	if !errors.As(err, &loss) {
		return false, err
	}
	if target, err := os.Readlink(w.path(path)); err == nil {
		return false, &MisuseError{Msg: fmt.Sprintf("output %s is a symbolic link to %s, which is not xt's to replace", path, target),
			Hint: "remove the link; to have outputs on another disk set the cache there: xt config cache.dir DIR, and cache.link symlink"}
	}
	if _, err := w.Cache.Keep(ctx, ws, path); err != nil {
		return false, fmt.Errorf("keep %s before it is replaced: %w", path, err)
	}
	return true, nil
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

// unchanged looks whether the inputs are still those that the fingerprint was
// made from. A result that may be of either version is not recorded as of one.
func (w *Workspace) unchanged(ctx context.Context, step *Step) error {
	items := slices.Concat(step.Entry.Code, step.Entry.Deps)
	paths := make([]string, len(items))
	for i, it := range items {
		paths[i] = it.Path
	}
	for i, r := range w.Scan.ScanAll(ctx, paths) {
		if r.Err != nil && !absent(r.Err) {
			return r.Err
		}
		if !r.Node.Same(items[i].Node) {
			return &OutputError{Stage: step.Stage,
				Msg:  paths[i] + " changed while it ran, so that its result belongs to neither version and is not recorded",
				Hint: "the outputs are left where they are; run xt repro again"}
		}
	}
	return nil
}

// takeOuts stores what the command made where scan looks, and returns what it is.
func (w *Workspace) takeOuts(ctx context.Context, s *Stage, scan *hash.Scanner) ([]lock.Item, error) {
	items := make([]lock.Item, 0, len(s.Outs))
	for _, o := range s.Outs {
		n, err := w.takeOut(ctx, o, scan)
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
		now, err := w.Node(ctx, o.Path)
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
	err := w.checkout(ctx, s, o, false)
	var loss *cache.UncachedError
	if errors.As(err, &loss) {
		saved, err := w.clear(ctx, o.Path)
		if err != nil {
			return err
		}
		if saved {
			res.Kept = append(res.Kept, o.Path)
		}
		return w.checkout(ctx, s, o, false)
	}
	var lost *cache.MissingError
	if errors.As(err, &lost) {
		return &lostError{err}
	}
	return err
}

// lastLines returns the end of what a command wrote.
func lastLines(b []byte, n int) string {
	text := strings.TrimRight(string(b), "\n")
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == '\n' {
			if n--; n == 0 {
				return text[i+1:]
			}
		}
	}
	return text
}
