package seedenv

import (
	"bytes"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// CodeFile is a declared source file of a stage.
type CodeFile struct {
	Name string                 // slash path
	Head func() ([]byte, error) // the first bytes; 64 KiB are enough
}

// Detector says which stages use Python. The zero Detector is ready for use. It
// remembers what it found out about commands on PATH, and is safe for
// concurrent use.
type Detector struct {
	commands sync.Map // commandKey to usage
}

type commandKey struct{ name, dir, path string }

// usage is what is known about one command.
type usage int8

const (
	unused usage = iota // cannot start Python
	used                // is Python, or starts it
	asks                // starts what its script or file says
)

// UsesPython reports whether the interpreter and its packages can decide the
// result of a stage with this command, run in the absolute directory dir. In
// doubt it says yes, because a needless rerun costs less than a stale result.
// It says yes if
//
//   - "python", "pypy" or the name of a tool that runs Python code is in a word
//     of the command, or a word ends in .py, .ipynb or .pyz;
//   - one of the code files is named so, or is a shell script, a Makefile or
//     the like that mentions python;
//   - a command in it is a script that mentions python, or is not found;
//   - a command in it runs whatever a file says (make, sh FILE, docker, ssh, …)
//     and no such file is among the code files.
func (d *Detector) UsesPython(cmd, dir string, environ []string, code []CodeFile) bool {
	words := splitWords(cmd)
	for _, w := range words {
		if namesPython(w.text) {
			return true
		}
	}
	scripts, mention := scanCode(code)
	if mention {
		return true
	}
	for _, w := range words {
		if !w.first || isAssignment(w.text) || keywords[w.text] {
			continue
		}
		switch d.command(w.text, dir, environ) {
		case used:
			return true
		case asks:
			if scripts == 0 {
				return true
			}
		}
	}
	return false
}

// pythonTools matches names of commands that run Python code.
var pythonTools = regexp.MustCompile(`^(pip|ipython|jupyter|papermill|nbconvert|torchrun|accelerate|deepspeed|` +
	`pytest|tox|nox|uv|uvx|pipx|poetry|pdm|hatch|rye|pixi|conda|mamba|micromamba|pipenv|` +
	`dvc|mlflow|kedro|snakemake|streamlit|ray|dask|horovodrun|cython|numba|optuna|wandb)[0-9.]*$`)

// pythonFile matches names of files that Python runs.
var pythonFile = regexp.MustCompile(`(?i)\.(py|pyw|pyx|pyz|ipynb|whl)$`)

// namesPython reports whether a word of a command names something of Python's.
func namesPython(w string) bool {
	lower := strings.ToLower(w)
	return strings.Contains(lower, "python") || strings.Contains(lower, "pypy") ||
		pythonFile.MatchString(lower) ||
		pythonTools.MatchString(strings.TrimSuffix(path.Base(filepath.ToSlash(lower)), ".exe"))
}

// scriptFile matches names of files that say which commands to run.
var scriptFile = regexp.MustCompile(`(?i)(^|/)((GNU)?makefile|justfile|rakefile|dockerfile|containerfile|taskfile[^/]*|` +
	`CMakeLists\.txt|build\.ninja|package\.json)$|\.(mk|mak|sh|bash|zsh|fish|ksh|bat|cmd|ps1|sbatch|slurm|pl|rb|R)$|(^|/)[^./]+$`)

// scanCode counts the files that say which commands to run, and reports whether
// one of all the files is Python or mentions it.
func scanCode(code []CodeFile) (scripts int, mention bool) {
	for _, file := range code {
		if pythonFile.MatchString(file.Name) {
			return scripts, true
		}
		if !scriptFile.MatchString(file.Name) {
			continue
		}
		scripts++
		head, err := file.Head()
		if err != nil || mentionsPython(head) {
			return scripts, true
		}
	}
	return scripts, false
}

// mentions matches what a script has in it that runs Python.
var mentions = regexp.MustCompile(`(?i)python|pypy|\.py\b|\.ipynb\b|\b(uv|poetry|conda|mamba|pytest|jupyter|torchrun|accelerate)\b`)

func mentionsPython(head []byte) bool { return mentions.Match(head) }

// command says what is known about a command, and remembers it.
func (d *Detector) command(name, dir string, environ []string) usage {
	if shellBuiltins[name] {
		return unused
	}
	if launchers[strings.TrimSuffix(path.Base(filepath.ToSlash(name)), ".exe")] {
		return asks
	}
	key := commandKey{name, dir, get(environ, "PATH")}
	if known, ok := d.commands.Load(key); ok {
		return known.(usage)
	}
	found := inspect(name, dir, environ)
	d.commands.Store(key, found)
	return found
}

// inspect looks at the file that a command is. One that is not there may be
// made by another stage, or be a function: in doubt, Python.
func inspect(name, dir string, environ []string) usage {
	file, ok := FindCommand(name, dir, environ)
	if !ok {
		return used
	}
	head := readHead(file, 64<<10)
	switch {
	case len(head) == 0:
		return used
	case isBinary(head):
		return unused
	case mentionsPython(head):
		return used
	}
	return unused
}

// isBinary reports whether a file is machine code rather than a script.
func isBinary(head []byte) bool {
	return !bytes.HasPrefix(head, []byte("#!")) && bytes.IndexByte(head, 0) >= 0
}
