package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/seedenv"
)

// AdHoc is a command that is no stage, made ready to be run in a project.
type AdHoc struct {
	Entry       *lock.Stage // what decides its result, as far as it can be told; without outputs
	Environment *lock.Environment
	Env         []string // of its process
}

// AdHoc makes a command ready that is to run in the directory dir with the seed,
// the determinism flags and the Python environment of the project. A seed that is
// given takes the place of the project's. The files of the project that the
// command line names count as its code.
func (w *Workspace) AdHoc(ctx context.Context, args []string, dir string, seed *int64) (*AdHoc, error) {
	s := &Stage{Name: "run", Cmd: git.QuoteWords(args), Shell: lock.DefaultShell(), Wdir: ".", Seed: w.Graph.Config.Seed}
	if seed != nil {
		s.Seed.Value = seed
	}
	if rel, err := w.Rel(dir, "."); err == nil {
		s.Wdir = rel
	}
	if err := w.Prepare(ctx, []*Stage{s}); err != nil {
		return nil, err
	}
	e := &lock.Stage{Name: s.Name, How: lock.Executed, Cmd: s.Cmd, Shell: s.Shell, Wdir: s.Wdir, Seed: s.Seed.Value}
	if s.Seed.Deterministic != lock.DeterministicOff {
		e.Deterministic, e.Threads = s.Seed.Deterministic, s.Seed.Threads
	}
	var err error
	if e.Code, err = w.namedFiles(ctx, args, dir); err != nil {
		return nil, err
	}
	for _, it := range e.Code {
		s.Code = append(s.Code, it.Path)
	}
	a := &AdHoc{Entry: e, Environment: &lock.Environment{OS: runtime.GOOS, Arch: runtime.GOARCH}}
	if w.usesPython(s) {
		if a.Environment, err = w.foundOrOwnPython(ctx, s); err != nil {
			return nil, err
		}
	}
	e.Environment = a.Environment.Sum()
	e.Fingerprint = Fingerprint(e)
	if w.Repo != nil {
		e.Commit, _ = w.Repo.Head()
	}
	a.Env, err = w.envFrom(ctx, s, w.environ)
	return a, err
}

// namedFiles returns the files of the project that words of a command line name.
func (w *Workspace) namedFiles(ctx context.Context, args []string, dir string) ([]lock.Item, error) {
	var items []lock.Item
	for _, word := range args {
		rel, err := w.Rel(dir, word)
		if err != nil || rel == "." || slices.ContainsFunc(items, func(it lock.Item) bool { return it.Path == rel }) {
			continue
		}
		info, err := os.Stat(w.path(rel))
		if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(rel, StateDir+"/") {
			continue
		}
		n, err := w.Scan.Scan(ctx, rel)
		if err != nil {
			return nil, err
		}
		items = append(items, lock.Item{Path: rel, Node: n})
	}
	slices.SortFunc(items, func(a, b lock.Item) int { return strings.Compare(a.Path, b.Path) })
	return items, nil
}

// HookDir unpacks the Python start-up hook into a directory of the user's, for
// commands outside a project, and returns where.
func HookDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return seedenv.WriteHook(filepath.Join(dir, "xt", "hook"))
}
