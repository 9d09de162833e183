package seedenv

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/xtrepro/xt/lock"
)

// Interpreter is a Python interpreter as it described itself.
type Interpreter struct {
	Executable string   `json:"executable"` // its own path, behind any shim
	Python     string   `json:"python"`     // implementation and version: "cpython 3.11.7"
	Sites      []string `json:"sites"`      // the directories that packages are installed in, in the order of sys.path
}

// Version returns the version number alone: "3.11.7".
func (p *Interpreter) Version() string {
	_, version, _ := strings.Cut(p.Python, " ")
	version, _, _ = strings.Cut(version, " ")
	return version
}

// Environment returns what identifies the interpreter and the packages that a
// script run with it in dir can import. The packages are listed anew with each
// call.
func (p *Interpreter) Environment(dir string, environ []string) lock.Environment {
	return lock.Environment{
		OS:       runtime.GOOS,
		Arch:     runtime.GOARCH,
		Python:   p.Python,
		Packages: packages(p.searchPath(dir, environ)),
	}
}

// searchPath returns the directories that hold packages, in the order of
// sys.path: what PYTHONPATH names comes first.
func (p *Interpreter) searchPath(dir string, environ []string) []string {
	var path []string
	for _, entry := range filepath.SplitList(get(environ, "PYTHONPATH")) {
		if entry != "" {
			path = append(path, absolute(dir, entry))
		}
	}
	return append(path, p.Sites...)
}

//go:embed query.py
var queryScript string

// queryTimeout is how long an interpreter may take to describe itself: long
// enough for a cold start from a network drive.
const queryTimeout = 30 * time.Second

// query starts the interpreter at path, in dir, and has it describe itself. It
// runs with the user's start-up files, as a stage does, because these can add
// to sys.path; but without PYTHONPATH, which is looked at from outside.
func query(ctx context.Context, path, dir string, environ []string) (*Interpreter, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-c", queryScript)
	cmd.Dir = dir
	cmd.Env = without(environ, "PYTHONPATH", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONWARNINGS", "XT_SEED", "XT_DETERMINISTIC")
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, queryError(ctx, path, stderr.String(), err)
	}
	return parseInterpreter(path, out)
}

func queryError(ctx context.Context, path, stderr string, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %v", queryTimeout)
	} else if text := strings.TrimSpace(stderr); text != "" {
		err = fmt.Errorf("%w: %s", err, lastLines(text, 3))
	}
	return &MissingError{
		What: "ask " + path + " for its version",
		Hint: "run it by hand: it has to be a Python 3 interpreter that works",
		Err:  err,
	}
}

// parseInterpreter finds the answer among what start-up files may have printed.
func parseInterpreter(path string, out []byte) (*Interpreter, error) {
	for line := range bytes.Lines(out) {
		text, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte(`xt{`))
		if !ok {
			continue
		}
		var found Interpreter
		err := json.Unmarshal(append([]byte("{"), text...), &found)
		if err == nil && found.Python != "" && filepath.IsAbs(found.Executable) {
			return &found, nil
		}
	}
	return nil, &MissingError{What: path + " did not say which Python it is", Hint: "it has to be Python 3"}
}

// lastLines returns the last n lines of text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
