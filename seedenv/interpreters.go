package seedenv

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/lock"
)

// Interpreters remembers what interpreters said about themselves, in a file, so
// that an interpreter is started only when it is new or has changed. It is safe
// for concurrent use; of several processes the last one's additions stay, and
// what is lost is asked for again.
type Interpreters struct {
	path string

	mu      sync.Mutex
	known   map[string]memory       // by question.sum
	asked   map[string]*Interpreter // in this process: true until it ends
	listed  map[string]listing      // likewise, by what was listed
	queries int                     // interpreters started, for tests
}

// memory is what is remembered about a path, and what it held true for.
type memory struct {
	Interpreter
	Stamp string `json:"stamp"` // of the executable that was found
}

// memoryFile is the form of the file. Another version is not read.
type memoryFile struct {
	Version int               `json:"version"`
	Known   map[string]memory `json:"interpreters"`
}

const memoryVersion = 1

// OpenInterpreters returns the memory kept in the file at path. A file that is
// missing, or not as it should be, is an empty memory.
func OpenInterpreters(path string) *Interpreters {
	x := &Interpreters{
		path:   path,
		known:  make(map[string]memory),
		asked:  make(map[string]*Interpreter),
		listed: make(map[string]listing),
	}
	var file memoryFile
	text, err := os.ReadFile(path)
	if err == nil && json.Unmarshal(text, &file) == nil && file.Version == memoryVersion && file.Known != nil {
		x.known = file.Known
	}
	return x
}

// Look returns what the interpreter at path is. dir is the directory that it is
// started in, and with environ decides what a shim such as pyenv's stands for.
// A path that is no working interpreter is a [*MissingError].
func (x *Interpreters) Look(ctx context.Context, path, dir string, environ []string) (*Interpreter, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	at := newQuestion(path, dir, environ)
	if found, ok := x.asked[at.sum]; ok {
		return found, nil
	}
	if m, ok := x.known[at.sum]; ok && at.cacheable && m.Stamp == stamp(m.Executable) {
		x.asked[at.sum] = &m.Interpreter
		return &m.Interpreter, nil
	}
	x.queries++
	found, err := query(ctx, path, dir, environ)
	if err != nil {
		return nil, err
	}
	x.asked[at.sum] = found
	if at.cacheable {
		x.known[at.sum] = memory{*found, stamp(found.Executable)}
		x.save()
	}
	return found, nil
}

// listing is an environment, and the directories that its packages were found
// in as they were before.
type listing struct {
	lock.Environment
	stamp string
}

// Environment is [Interpreters.Look] followed by [Interpreter.Environment]. The
// packages are listed again only where something was installed or removed since
// this process last asked.
func (x *Interpreters) Environment(ctx context.Context, path, dir string, environ []string) (lock.Environment, error) {
	found, err := x.Look(ctx, path, dir, environ)
	if err != nil {
		return lock.Environment{}, err
	}
	dirs := found.searchPath(dir, environ)
	key := found.Python + "\x00" + strings.Join(dirs, "\x00")
	var now strings.Builder
	for _, d := range dirs {
		now.WriteString(stampFile(d) + "\x00")
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if e, ok := x.listed[key]; ok && e.stamp == now.String() {
		return e.Environment, nil
	}
	e := found.Environment(dir, environ)
	x.listed[key] = listing{e, now.String()}
	return e, nil
}

// save writes the memory. It is not worth an error: without it the interpreter
// is asked again.
func (x *Interpreters) save() {
	text, err := json.MarshalIndent(memoryFile{memoryVersion, x.known}, "", "\t")
	if err != nil || os.MkdirAll(filepath.Dir(x.path), 0o777) != nil {
		return
	}
	_ = atomicfile.WriteFast(x.path, append(text, '\n'), 0o666)
}

// question is what is asked of the memory.
type question struct {
	sum       string // digest of all that decides the answer
	cacheable bool   // whether the sum holds all of it
}

// siteVars are the variables that decide where an interpreter finds packages.
var siteVars = []string{"PYTHONHOME", "PYTHONNOUSERSITE", "PYTHONUSERBASE", "PYTHONPLATLIBDIR", "HOME", "APPDATA", "CONDA_PREFIX", "__PYVENV_LAUNCHER__"}

func newQuestion(path, dir string, environ []string) question {
	var t hash.Text
	t.Line("path", path)
	t.Line("file", stamp(path))
	for _, name := range siteVars {
		t.Line("env", name, get(environ, name))
	}
	at := question{cacheable: true}
	if isShim(path) {
		at.cacheable = pyenvInputs(&t, path, dir, environ)
		t.Line("dir", dir)
	}
	at.sum = hash.Sum(t.Fingerprint()).String()
	return at
}
