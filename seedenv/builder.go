package seedenv

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// Builder makes virtual environments from requirements, with uv. Several
// processes may use one directory at once: one builds an environment, the
// others wait for it.
type Builder struct {
	Dir          string        // where the environments are kept, each by its key
	Root         string        // absolute: the project root, which requirements are relative to
	Environ      []string      // the user's environment
	Interpreters *Interpreters // must be non-nil
	Log          io.Writer     // gets a line for each step that takes long; nil: nothing

	askPip sync.Once
	pip    map[string]string // pip's settings, once asked for
}

// Env is a virtual environment that is complete.
type Env struct {
	Dir         string           // absolute
	Python      string           // its interpreter
	Environment lock.Environment // what identifies it
}

// completion is the file that an environment has once it is complete. It is
// written last: a build that was killed leaves none, and is done over.
const completion = "xt-complete.json"

// Identity returns what identifies the environment that [Builder.Build] would
// make, without making it. It starts an interpreter only to ask a new one which
// it is.
func (b *Builder) Identity(ctx context.Context, r Requirements, locked []byte) (lock.Environment, error) {
	_, e, err := b.plan(ctx, r, locked)
	return e, err
}

// plan picks the interpreter to build on: the executable behind a shim, which
// may stand for another one tomorrow.
func (b *Builder) plan(ctx context.Context, r Requirements, locked []byte) (base string, e lock.Environment, err error) {
	_, found, err := b.Interpreters.findVersion(ctx, orElse(r.Version, LockedPython(locked)), b.Root, b.Environ)
	if err != nil {
		return "", e, fmt.Errorf("find Python for %s: %w", r.File, err)
	}
	e = lock.Environment{OS: runtime.GOOS, Arch: runtime.GOARCH, Python: found.Python, Locked: LockedSum(locked)}
	return found.Executable, e, nil
}

// Build returns the environment that holds what locked, the content of a locked
// file, pins. It is made if it is not there, which needs the package index
// unless uv has the packages in its cache.
func (b *Builder) Build(ctx context.Context, r Requirements, locked []byte) (*Env, error) {
	base, identity, err := b.plan(ctx, r, locked)
	if err != nil {
		return nil, err
	}
	sum := identity.Sum()
	dir := filepath.Join(b.Dir, EnvName(sum))
	env := &Env{Dir: dir, Python: venvPython(dir), Environment: identity}
	if isComplete(env, sum) && env.Intact() {
		return env, nil
	}
	held, unlock, err := b.lock(ctx, dir+".lock", "an environment is being built")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if isComplete(env, sum) {
		if env.Intact() {
			return env, nil
		}
		b.say("somebody changed the packages in %s, which is xt's own: it is made anew", env.Dir)
	}
	if err := b.build(ctx, held, env, base, sum, locked); err != nil {
		return nil, fmt.Errorf("build the environment of %s: %w", r.File, err)
	}
	return env, nil
}

// EnvName returns the name, in [Builder.Dir], of the environment with the given
// identity.
func EnvName(sum hash.Sum) string { return sum.String()[:20] }

// build makes env where it will stay, since a virtual environment holds its own
// path. What an earlier attempt left there goes.
func (b *Builder) build(ctx context.Context, held *os.File, env *Env, base string, sum hash.Sum, locked []byte) error {
	if err := os.RemoveAll(env.Dir); err != nil {
		return err
	}
	tool, err := b.findUV(ctx, base)
	if err != nil {
		return err
	}
	b.say("building the environment: %s, %d packages", env.Environment.Python, countPins(locked))
	if err := tool.run(ctx, held, "venv", "--quiet", "--no-project", "--python", base, env.Dir); err != nil {
		return err
	}
	pins := filepath.Join(env.Dir, "requirements.lock")
	if err := os.WriteFile(pins, locked, 0o666); err != nil {
		return err
	}
	if err := tool.run(ctx, held, "pip", "sync", "--python", env.Python, "--allow-empty-requirements", pins); err != nil {
		return err
	}
	return markComplete(env, sum)
}

// completed is the content of the completion file.
type completed struct {
	Sum      hash.Sum `json:"environment"`
	Python   string   `json:"python"`
	Packages []string `json:"packages"` // those that were there when it was complete
}

func markComplete(env *Env, sum hash.Sum) error {
	text, err := json.Marshal(completed{sum, env.Environment.Python, env.packages()})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(env.Dir, completion), append(text, '\n'), 0o666)
}

// isComplete reports whether env was built to its end, and its interpreter, a
// link to the one it was built on, is still there.
func isComplete(env *Env, sum hash.Sum) bool {
	is, err := env.completed()
	if err != nil || is.Sum != sum {
		return false
	}
	_, err = os.Stat(env.Python)
	return err == nil
}

func (e *Env) completed() (completed, error) {
	var is completed
	text, err := os.ReadFile(filepath.Join(e.Dir, completion))
	if err == nil {
		err = json.Unmarshal(text, &is)
	}
	return is, err
}

// Intact reports whether the packages are those that were there when the
// environment was complete: nobody has installed or removed one since.
func (e *Env) Intact() bool {
	is, err := e.completed()
	return err == nil && slices.Equal(e.packages(), is.Packages)
}

// packages lists what is installed in the environment.
func (e *Env) packages() []string {
	pattern := filepath.Join(e.Dir, "lib*", "*", "site-packages")
	if runtime.GOOS == "windows" {
		pattern = filepath.Join(e.Dir, "Lib", "site-packages")
	}
	dirs, _ := filepath.Glob(pattern) // the only error is about the pattern
	return packages(dirs)
}

// Vars returns the variables that put the environment first, as its activate
// script does, before what base says. An empty PYTHONHOME counts as none.
func (e *Env) Vars(base []string) map[string]string {
	vars := map[string]string{
		"VIRTUAL_ENV": e.Dir,
		"PATH":        filepath.Dir(e.Python) + string(os.PathListSeparator) + get(base, "PATH"),
	}
	if get(base, "PYTHONHOME") != "" {
		vars["PYTHONHOME"] = ""
	}
	return vars
}

// venvPython returns the interpreter of the virtual environment in dir.
func venvPython(dir string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(dir, "Scripts", "python.exe")
	}
	return filepath.Join(dir, "bin", "python")
}

// countPins counts the packages in a locked file.
func countPins(locked []byte) int {
	n := 0
	for line := range strings.Lines(string(locked)) {
		if line[0] != ' ' && line[0] != '#' && strings.TrimSpace(line) != "" {
			n++
		}
	}
	return n
}

// say writes a line to the log.
func (b *Builder) say(format string, args ...any) {
	if b.Log != nil {
		fmt.Fprintf(b.Log, format+"\n", args...)
	}
}
