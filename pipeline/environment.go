package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/seedenv"
)

// pythons finds out which interpreters and packages the stages run with.
type pythons struct {
	detector     seedenv.Detector
	interpreters *seedenv.Interpreters

	mu    sync.Mutex
	built *seedenv.Env // of [python], when it is there
	hook  string       // directory of the start-up hook, when it is there
}

// environments returns what [Facts.Environment] asks for.
func (w *Workspace) environments(ctx context.Context, stages []*Stage) (func(*Stage) (*lock.Environment, bool), error) {
	type answer struct {
		env   *lock.Environment
		known bool
	}
	answers := make(map[*Stage]answer, len(stages))
	memo := map[string]*lock.Environment{}
	var own *answer // of [python]: one for all stages
	for _, s := range stages {
		if !w.usesPython(s) {
			answers[s] = answer{&lock.Environment{OS: runtime.GOOS, Arch: runtime.GOARCH}, true}
			continue
		}
		if w.Graph.Config.Python == nil {
			env, err := w.foundPython(ctx, s, memo)
			if err != nil {
				return nil, err
			}
			answers[s] = answer{env, true}
			continue
		}
		if own == nil {
			env, known, err := w.ownPython(ctx)
			if err != nil {
				return nil, err
			}
			own = &answer{env, known}
		}
		answers[s] = *own
	}
	return func(s *Stage) (*lock.Environment, bool) { a := answers[s]; return a.env, a.known }, nil
}

// usesPython reports whether the interpreter and its packages are part of what
// decides the stage's result.
func (w *Workspace) usesPython(s *Stage) bool {
	switch s.Python {
	case Used:
		return true
	case Unused:
		return false
	}
	var code []seedenv.CodeFile
	for _, name := range s.Code {
		code = append(code, w.codeFiles(name)...)
	}
	return w.python.detector.UsesPython(s.Cmd, w.path(s.Wdir), w.declared(s), code)
}

// codeFiles returns the source file at a path, or those in the directory there.
func (w *Workspace) codeFiles(name string) []seedenv.CodeFile {
	var files []seedenv.CodeFile
	// What cannot be read is told when it is hashed.
	_ = filepath.WalkDir(w.path(name), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.Type().IsRegular():
			files = append(files, seedenv.CodeFile{Name: filepath.ToSlash(path), Head: func() ([]byte, error) { return readHead(path) }})
		}
		return nil
	})
	return files
}

// readHead returns the beginning of a file.
func readHead(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 64<<10))
}

// foundPython describes the interpreter that the stage's command finds for
// itself. Where there is none the command will say so. memo, which may be nil,
// holds what was found before.
func (w *Workspace) foundPython(ctx context.Context, s *Stage, memo map[string]*lock.Environment) (*lock.Environment, error) {
	environ, dir := w.declared(s), w.path(s.Wdir)
	path, err := seedenv.FindPython(s.Cmd, dir, environ)
	var none *seedenv.MissingError
	if errors.As(err, &none) {
		return &lock.Environment{OS: runtime.GOOS, Arch: runtime.GOARCH}, nil
	}
	if err != nil {
		return nil, err
	}
	key := path + "\x00" + dir + "\x00" + fmt.Sprint(s.Env)
	if env := memo[key]; env != nil {
		return env, nil
	}
	env, err := w.python.interpreters.Environment(ctx, path, dir, environ)
	if err != nil {
		return nil, err
	}
	if memo != nil {
		memo[key] = &env
	}
	return &env, nil
}

// pythonUnchanged looks whether the interpreter and its packages are still those
// that are in the fingerprint: another stage, or the user, may have installed some.
func (w *Workspace) pythonUnchanged(ctx context.Context, step *Step) error {
	if step.Environment == nil || step.Environment.Python == "" {
		return nil
	}
	now, err := w.foundOrOwnPython(ctx, step.Stage)
	if err != nil {
		return err
	}
	if now.Sum() != step.Environment.Sum() || !w.builtIntact() {
		return &OutputError{Stage: step.Stage,
			Msg:  "the Python interpreter or its packages changed while it ran, so that its result belongs to neither and is not recorded",
			Hint: "run xt repro again; packages belong into the requirements of [python], or a stage that installs some says python = false"}
	}
	return nil
}

// builtIntact reports whether the environment of [python], if it was needed, has
// the packages that it was built with.
func (w *Workspace) builtIntact() bool {
	w.python.mu.Lock()
	defer w.python.mu.Unlock()
	return w.python.built == nil || w.python.built.Intact()
}

// foundOrOwnPython describes what the stage's command runs with, as it is now.
func (w *Workspace) foundOrOwnPython(ctx context.Context, s *Stage) (*lock.Environment, error) {
	if w.Graph.Config.Python == nil {
		return w.foundPython(ctx, s, nil)
	}
	env, _, err := w.ownPython(ctx)
	return env, err
}

// ownPython describes the environment of [python]. It is not known while the
// requirements have not been resolved.
func (w *Workspace) ownPython(ctx context.Context) (*lock.Environment, bool, error) {
	req, locked, err := w.requirements()
	if err != nil {
		return nil, false, err
	}
	if !req.Resolved(locked) {
		return nil, false, nil
	}
	env, err := w.builder().Identity(ctx, req, locked)
	return &env, true, err
}

// requirements reads what [python] asks for, and what it was resolved to.
func (w *Workspace) requirements() (req seedenv.Requirements, locked []byte, err error) {
	python := w.Graph.Config.Python
	req, err = seedenv.ReadRequirements(Dir(w.Root).ReadFile, python.Requirements, python.Version)
	if err != nil {
		return req, nil, &ConfigErrors{List: []*ConfigError{{Pos: python.Pos, Where: "[python]", Msg: err.Error(), Hint: "requirements names a file in the project", Err: err}}}
	}
	locked, err = os.ReadFile(w.path(seedenv.LockName(python.Requirements)))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return req, locked, err
}

// builder makes the environment of [python], beside the cache, so that linked
// worktrees share it.
func (w *Workspace) builder() *seedenv.Builder {
	dir := filepath.Join(filepath.Dir(w.defaultCacheDir()), "envs")
	return &seedenv.Builder{Dir: dir, Root: w.Root, Environ: w.environ, Interpreters: w.python.interpreters, Log: w.Log}
}

// Prepare resolves the requirements of [python] if they have changed and one of
// the stages needs them: their environment is part of what a plan is made from.
func (w *Workspace) Prepare(ctx context.Context, stages []*Stage) error {
	if w.Graph.Config.Python == nil || !slices.ContainsFunc(stages, w.usesPython) {
		return nil
	}
	req, locked, err := w.requirements()
	if err != nil || req.Resolved(locked) {
		return err
	}
	_, err = w.builder().Lock(ctx, req)
	return err
}

// buildPython makes the environment of [python] when the first stage needs it.
func (w *Workspace) buildPython(ctx context.Context) (*seedenv.Env, error) {
	w.python.mu.Lock()
	defer w.python.mu.Unlock()
	if w.python.built != nil {
		return w.python.built, nil
	}
	req, locked, err := w.requirements()
	if err != nil {
		return nil, err
	}
	w.python.built, err = w.builder().Build(ctx, req, locked)
	return w.python.built, err
}

// hookDir unpacks the Python start-up hook when the first stage needs it.
func (w *Workspace) hookDir() (string, error) {
	w.python.mu.Lock()
	defer w.python.mu.Unlock()
	if w.python.hook == "" {
		dir, err := seedenv.WriteHook(w.state("hook"))
		if err != nil {
			return "", err
		}
		w.python.hook = dir
	}
	return w.python.hook, nil
}

// declared returns the environment with what the stage declares laid over it.
func (w *Workspace) declared(s *Stage) []string {
	return seedenv.Overlay(w.environ, s.Env)
}

// childEnv returns the environment of a stage's command: the user's, the Python
// environment, the seeds, and over all of them what the stage declares.
func (w *Workspace) childEnv(ctx context.Context, s *Stage) ([]string, error) {
	return w.envFrom(ctx, s, w.inside(s, w.environ))
}

// isolatedEnv is childEnv with no more of the user's environment than what every
// command counts on, and what the stage declares.
func (w *Workspace) isolatedEnv(ctx context.Context, s *Stage) ([]string, error) {
	return w.envFrom(ctx, s, w.inside(s, seedenv.Plain(w.environ, w.declaredNames(s))))
}

// inside tells a command of which workspace and stage it is.
func (w *Workspace) inside(s *Stage, base []string) []string {
	return seedenv.Overlay(base, map[string]string{insideVar: w.Root, "XT_STAGE": s.Name})
}

func (w *Workspace) envFrom(ctx context.Context, s *Stage, base []string) ([]string, error) {
	env := base
	for name, value := range seedenv.Locale() {
		// Where and in which language somebody works must not decide a result.
		if !slices.Contains(s.Pass, name) {
			env = seedenv.Overlay(env, map[string]string{name: value})
		}
	}
	if _, ok := seedenv.Lookup(w.environ, "PYTHONUNBUFFERED"); !ok {
		// So that what Python writes is seen when it is written.
		env = append(env, "PYTHONUNBUFFERED=1")
	}
	if w.Graph.Config.Python != nil && w.usesPython(s) {
		venv, err := w.buildPython(ctx)
		if err != nil {
			return nil, err
		}
		env = seedenv.Overlay(env, venv.Vars(env))
	}
	env = seedenv.Overlay(env, seedenv.Vars(seedenv.Seed(s.Seed), env))
	dir, err := w.hookDir()
	if err != nil {
		return nil, fmt.Errorf("unpack the Python start-up hook: %w", err)
	}
	env = seedenv.Overlay(env, seedenv.HookVars(dir, seedenv.Overlay(env, s.Env)))
	declared := maps.Clone(s.Env)
	delete(declared, "PYTHONPATH") // the hook stands in front of it
	return seedenv.Overlay(env, declared), nil
}
