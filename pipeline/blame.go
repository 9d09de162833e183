package pipeline

import (
	"strings"

	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/lock"
)

// blames is what git said of files, by file and the commit since which a change
// was looked for. A status asks the same for each stage that reads a file, and
// each answer costs two git processes.
type blames map[[2]string]blame

type blame struct {
	commit git.Commit
	ok     bool
}

// Blame returns the newest commit that changed the file that a reason of the
// stage is about since the stage was last made. A commit without a hash stands
// for a change that is not committed. ok is false where git does not know:
// outside a repository, and for data that git does not have.
func (w *Workspace) Blame(stage string, r Reason) (c git.Commit, ok bool) {
	path := r.source()
	if w.Repo == nil || path == "" {
		return git.Commit{}, false
	}
	since := ""
	if old, _ := w.Lock.Stage(stage); old != nil && !old.Dirty {
		since = old.Commit
	}
	key := [2]string{path, since}
	b, known := w.blames[key]
	if !known {
		b.commit, b.ok = w.askBlame(path, since)
		if w.blames == nil {
			w.blames = blames{}
		}
		w.blames[key] = b
	}
	return b.commit, b.ok
}

func (w *Workspace) askBlame(path, since string) (git.Commit, bool) {
	tracked, err := w.tracked([]string{path})
	if err != nil || len(tracked) == 0 {
		return git.Commit{}, false
	}
	if dirty, err := w.Repo.Dirty(w.inTop([]string{path})); err != nil || len(dirty) > 0 {
		return git.Commit{}, err == nil
	}
	return w.Repo.LastChange(w.prefix+path, since)
}

// source returns the file that the reason comes from; "" if there is none.
func (r Reason) source() string {
	switch lock.ChangeKind(r.Kind) {
	case lock.KindCode, lock.KindDep:
		return r.Name
	case lock.KindParam:
		if file, _, ok := strings.Cut(r.Name, ":"); ok {
			return file
		}
		return ConfigFile
	case lock.KindCmd, lock.KindShell, lock.KindWdir, lock.KindEnv, lock.KindSeed, lock.KindDeterministic, lock.KindThreads:
		return ConfigFile
	}
	return ""
}
