package pipeline

import (
	"slices"
	"strings"
	"sync"

	"github.com/xtrepro/xt/lock"
)

// heads is what git said of the working tree, asked once a command.
type heads struct {
	once   sync.Once
	commit string
	dirty  map[string]bool

	lockOnce sync.Once
	lock     *lock.File // xt.lock in HEAD; nil if there is none to be read
}

// provenance returns the commit that is checked out and whether the stage's
// code differs from it. Git is asked once for all stages, when the first has
// been executed.
func (w *Workspace) provenance(s *Stage) (commit string, dirty bool) {
	if w.Repo == nil {
		return "", false
	}
	w.heads.once.Do(w.askHeads)
	for _, path := range s.Code {
		dirty = dirty || w.heads.dirty[path]
	}
	return w.heads.commit, dirty
}

func (w *Workspace) askHeads() {
	var code []string
	for _, s := range w.Graph.Stages {
		code = append(code, s.Code...)
	}
	slices.Sort(code)
	code = slices.Compact(code)
	w.heads.dirty = map[string]bool{}
	w.heads.commit, _ = w.Repo.Head()
	dirty, err := w.Repo.Dirty(w.inTop(code))
	if err != nil || w.heads.commit == "" {
		dirty = w.inTop(code) // what git does not vouch for is dirty
	}
	for _, path := range dirty {
		w.heads.dirty[strings.TrimPrefix(path, w.prefix)] = true
	}
}

// committed returns the stage's entry in the xt.lock of HEAD; nil if there is
// none.
func (w *Workspace) committed(stage string) *lock.Stage {
	if w.Repo == nil {
		return nil
	}
	w.heads.lockOnce.Do(func() {
		b, err := w.Repo.ReadFileAt("HEAD", w.prefix+LockFile)
		if err != nil {
			return
		}
		w.heads.lock, _ = lock.Parse(LockFile, b)
	})
	if w.heads.lock == nil {
		return nil
	}
	return w.heads.lock.Stages[stage]
}

// inTop returns the paths relative to the top of the git repository.
func (w *Workspace) inTop(paths []string) []string {
	top := make([]string, len(paths))
	for i, p := range paths {
		top[i] = w.prefix + p
	}
	return top
}

// refuseOutsInGit returns a [*TrackedError] if git tracks an output that
// belongs in the cache: both would claim to know what it is.
func (w *Workspace) refuseOutsInGit(stages []*Stage) error {
	if w.Repo == nil || len(stages) == 0 {
		return nil
	}
	var paths []string
	for _, s := range stages {
		for _, o := range s.Outs {
			if o.Cache {
				paths = append(paths, o.Path)
			}
		}
	}
	tracked, err := w.tracked(paths)
	if err != nil || len(tracked) == 0 {
		return err
	}
	return &TrackedError{Paths: tracked, Outs: true}
}

// tracked returns those of the paths at or below which git tracks something.
func (w *Workspace) tracked(paths []string) ([]string, error) {
	if w.Repo == nil || len(paths) == 0 {
		return nil, nil
	}
	index, err := w.Repo.Index()
	if err != nil {
		return nil, err
	}
	var tracked []string
	for _, p := range paths {
		if index.Has(w.prefix + p) {
			tracked = append(tracked, p)
		}
	}
	return tracked, nil
}
