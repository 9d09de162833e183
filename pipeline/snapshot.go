package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/seedenv"
)

// Snapshot is a project as git has it: in a commit, or in the index, which is
// what the next commit will be. It holds no data, and needs none.
type Snapshot struct {
	Graph *Graph
	Lock  *lock.File

	files    *git.Snapshot
	prefix   string
	texts    map[string][]byte    // what ReadFile has read
	nodes    map[string]hash.Node // by path in the project
	leaves   map[string]hash.Node // of files as git stores them, by path in git; nil if not read ahead
	recorded map[string]hash.Node // made on first need, by path in the project
}

// OpenSnapshot reads the project whose root is the directory root, as it is in
// the commit that rev names; "" stands for the index. Mistakes in the project's
// files are as for [Open].
func OpenSnapshot(root, rev string) (*Snapshot, error) {
	repo, err := git.Open(root)
	if err != nil {
		return nil, err
	}
	return SnapshotOf(repo, prefixOf(repo, root), rev)
}

// OpenToInspect is [OpenSnapshot] for a snapshot whose files will be looked at:
// it reads those that xt.lock names while it makes sense of xt.toml.
func OpenToInspect(root, rev string) (*Snapshot, error) {
	repo, err := git.Open(root)
	if err != nil {
		return nil, err
	}
	return snapshotOf(repo, prefixOf(repo, root), rev, (*Snapshot).foresee)
}

// SnapshotOf is [OpenSnapshot] for the project whose root is at prefix, "" or
// ending with a slash, below the top of a repository, which may be bare.
func SnapshotOf(repo *git.Repo, prefix, rev string) (*Snapshot, error) {
	return snapshotOf(repo, prefix, rev, func(*Snapshot) {})
}

// snapshotOf opens a snapshot. It calls ahead, beside all else, once xt.lock is
// parsed.
func snapshotOf(repo *git.Repo, prefix, rev string, ahead func(*Snapshot)) (s *Snapshot, err error) {
	s = &Snapshot{prefix: prefix, texts: map[string][]byte{}, nodes: map[string]hash.Node{}}
	if rev == "" {
		s.files, err = repo.Index()
	} else {
		s.files, err = repo.At(rev)
	}
	if err != nil {
		return nil, err
	}
	if _, ok := s.files.File(s.prefix + ConfigFile); !ok {
		return nil, notInGit(rev)
	}
	s.files.AddSubmodules()
	parsed := s.readLock(ahead)
	s.Graph, err = Load(s)
	if lockErr := parsed(); err == nil {
		err = lockErr
	}
	return s, err
}

func notInGit(rev string) error {
	if rev == "" {
		return &MisuseError{Msg: ConfigFile + " is not in git", Hint: "git add " + ConfigFile + " " + LockFile}
	}
	return &MisuseError{Msg: fmt.Sprintf("%s is not in git at %s", ConfigFile, rev)}
}

// readLock reads xt.lock, and begins to parse it and to do what is then ahead. The
// function that it returns waits for the end of that.
func (s *Snapshot) readLock(ahead func(*Snapshot)) (parsed func() error) {
	b, err := s.ReadFile(LockFile)
	if errors.Is(err, fs.ErrNotExist) {
		s.Lock = lock.New()
		return func() error { return nil }
	}
	if err != nil {
		return func() error { return err }
	}
	done := make(chan error, 1)
	go func() {
		var err error
		if s.Lock, err = lock.Parse(LockFile, b); err == nil {
			ahead(s)
		}
		done <- err
	}()
	return func() error { return <-done }
}

// Prefix returns where the project is below the top of the repository: "", or a
// path with a slash at its end.
func (s *Snapshot) Prefix() string { return s.prefix }

// dir returns where the project is below the top of the repository, as a path.
func (s *Snapshot) dir() string { return path.Clean(s.prefix) }

// ReadFile implements [Source]. What it returns must not be changed.
func (s *Snapshot) ReadFile(name string) ([]byte, error) {
	if b, ok := s.texts[name]; ok {
		return b, nil
	}
	b, err := s.files.ReadFile(s.prefix + name)
	if err == nil {
		s.texts[name] = b
	}
	return b, err
}

var _ Source = (*Snapshot)(nil)

// Check compares every stage with xt.lock, as git has both. What git does not
// have it takes from xt.lock: data, and the environment that a stage ran in.
func (s *Snapshot) Check(ctx context.Context) (*Plan, error) {
	facts := &Facts{
		Nodes:    map[string]hash.Node{},
		Lock:     s.Lock,
		Recorded: true,
		Stored:   func(hash.Node) bool { return false },
		Within:   func(hash.Node, string) (hash.Node, bool) { return hash.Node{}, false },
		Past:     func(hash.Fingerprint) ([]lock.Item, bool) { return nil, false },
	}
	recorded := s.recordedNodes()
	for _, path := range pathsOf(s.Graph.Stages, s.Lock) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, ok, err := s.node(path, recorded[path])
		if err != nil {
			return nil, err
		}
		if ok {
			facts.Nodes[path] = n
		}
	}
	var err error
	if facts.Environment, err = s.environments(); err != nil {
		return nil, err
	}
	return NewPlan(s.Graph, s.Graph.Stages, facts, Options{AllowMissing: true}), nil
}

// environments takes the environment of a stage from its entry in xt.lock, but
// for the requirements that xt builds it from: those are in git.
func (s *Snapshot) environments() (func(*Stage) (*lock.Environment, bool), error) {
	python := s.Graph.Config.Python
	var locked hash.Sum
	if python != nil {
		req, err := seedenv.ReadRequirements(s.ReadFile, python.Requirements, python.Version)
		if err != nil {
			return nil, err
		}
		b, err := s.ReadFile(seedenv.LockName(python.Requirements))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if !req.Resolved(b) {
			return func(st *Stage) (*lock.Environment, bool) {
				env := s.Lock.EnvironmentOf(s.Lock.Stages[st.Name])
				return env, env == nil || env.Python == ""
			}, nil
		}
		locked = seedenv.LockedSum(b)
	}
	return func(st *Stage) (*lock.Environment, bool) {
		return expected(s.Lock.EnvironmentOf(s.Lock.Stages[st.Name]), st.Python, locked), true
	}, nil
}

// expected returns what a stage's environment should be, where it once was env,
// as far as xt.toml and the locked requirements, zero without [python], tell.
func expected(env *lock.Environment, uses Usage, locked hash.Sum) *lock.Environment {
	if env == nil {
		return nil
	}
	want := *env
	switch {
	case uses == Unused:
		want.Python, want.Locked, want.Packages = "", hash.Sum{}, nil
	case env.Python != "" && env.Locked != locked:
		want.Locked, want.Packages = locked, nil
	case uses == Used && env.Python == "":
		want.Python = "not known"
	}
	return &want
}
