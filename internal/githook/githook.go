// Package githook installs the hooks that a program wants git to run, beside
// those that are there already.
package githook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/atomicfile"
)

// The hooks that can be installed.
const (
	PreCommit    = "pre-commit"
	PrePush      = "pre-push"
	PostCheckout = "post-checkout"
)

// Names returns the hooks that can be installed.
func Names() []string { return []string{PreCommit, PrePush, PostCheckout} }

// beforeSuffix is what the name of a hook gets that was there first. The hook that
// takes its place runs it first.
const beforeSuffix = ".before-xt"

// Dir is a directory of hooks.
type Dir struct {
	Path    string
	Program string // the absolute path of xt, for a git that does not have it on PATH
}

// State says what a hook is.
type State string

// The states.
const (
	Absent    State = "absent"
	Installed State = "installed"
	Edited    State = "edited" // installed, and changed by hand since
	Foreign   State = "foreign"
)

// Hook is what stands in the place of a hook.
type Hook struct {
	Name     string
	State    State
	Projects []string // for which it was installed, as paths below the top of the repository; "." for that
	Before   bool     // whether it runs another one first, which was there before
	Idle     bool     // whether it is not executable, so that git leaves it alone
}

// RefusedError says that a hook cannot be replaced without losing something.
type RefusedError struct {
	Msg  string
	Hint string
}

// Error says why.
func (e *RefusedError) Error() string { return e.Msg }

// Hints says what to do about it.
func (e *RefusedError) Hints() []string { return []string{e.Hint} }

func (d *Dir) file(name string) string { return filepath.Join(d.Path, name) }

// Look returns what stands in the place of a hook.
func (d *Dir) Look(name string) (Hook, error) {
	h := Hook{Name: name, State: Absent}
	if info, err := os.Lstat(d.file(name) + beforeSuffix); err == nil {
		h.Before = info.Mode().IsRegular() || info.Mode()&fs.ModeSymlink != 0
	}
	b, err := os.ReadFile(d.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(d.file(name)); err == nil {
			h.State = Foreign // a link that leads nowhere
		}
		return h, nil
	}
	if err != nil {
		return h, err
	}
	if info, err := os.Stat(d.file(name)); err == nil {
		h.Idle = info.Mode()&0o111 == 0 && os.PathSeparator == '/'
	}
	h.State, h.Projects = read(string(b))
	return h, nil
}

const (
	firstLines  = "#!/bin/sh\n# Written by \"xt hooks install\", taken away by \"xt hooks uninstall\".\n"
	projectLine = "# project: "
	sumLine     = "# sum: "
)

// read tells a hook of this package from others, and whether it was edited.
func read(text string) (State, []string) {
	if !strings.HasPrefix(text, firstLines) {
		return Foreign, nil
	}
	var projects []string
	for line := range strings.Lines(text) {
		if p, ok := strings.CutPrefix(line, projectLine); ok {
			projects = append(projects, strings.TrimSpace(p))
		}
	}
	body, sum, ok := strings.Cut(text, sumLine)
	if !ok || strings.TrimSpace(sum) != digest(body) {
		return Edited, projects
	}
	return Installed, projects
}

func digest(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:8])
}

// Install makes git run a hook for a project, in addition to what it runs now: a
// hook of somebody else is kept under another name, and run first. With force it
// replaces a hook of its own that was changed by hand. It reports whether
// something had to be done.
func (d *Dir) Install(name, project string, force bool) (bool, error) {
	if strings.ContainsAny(project, "\r\n") {
		return false, &RefusedError{Msg: fmt.Sprintf("the directory of the project has a line end in its name: %q", project), Hint: "rename it"}
	}
	h, err := d.Look(name)
	if err != nil {
		return false, err
	}
	switch {
	case h.State == Edited && !force:
		return false, &RefusedError{Msg: fmt.Sprintf("%s was changed by hand", d.file(name)), Hint: "--force writes it anew; what you added is better kept in " + name + beforeSuffix + ", which runs first"}
	case h.State == Foreign && h.Before:
		return false, &RefusedError{Msg: fmt.Sprintf("%s is not a hook of xt, and %s is there too", d.file(name), name+beforeSuffix), Hint: "make one of the two, and remove the other"}
	}
	projects := h.Projects
	if !slices.Contains(projects, project) {
		projects = append(slices.Clone(projects), project)
		slices.Sort(projects)
	}
	text := d.script(name, projects)
	if h.State == Installed && !h.Idle {
		if b, err := os.ReadFile(d.file(name)); err == nil && string(b) == text {
			return false, nil
		}
	}
	if err := os.MkdirAll(d.Path, 0o777); err != nil {
		return false, err
	}
	if h.State == Foreign {
		if err := os.Rename(d.file(name), d.file(name)+beforeSuffix); err != nil {
			return false, err
		}
	}
	return true, d.write(name, text)
}

func (d *Dir) write(name, text string) error {
	if err := atomicfile.Write(d.file(name), []byte(text), 0o777); err != nil {
		return err
	}
	// A file that was there keeps its mode.
	info, err := os.Stat(d.file(name))
	if err != nil {
		return err
	}
	return os.Chmod(d.file(name), info.Mode().Perm()|info.Mode().Perm()&0o444>>2)
}

// Uninstall takes a project out of a hook, and the hook away with the last one;
// what was there before it is put back. It reports whether something had to be
// done.
func (d *Dir) Uninstall(name, project string, force bool) (bool, error) {
	h, err := d.Look(name)
	if err != nil || h.State == Absent || h.State == Foreign || !slices.Contains(h.Projects, project) {
		return false, err
	}
	if h.State == Edited && !force {
		return false, &RefusedError{Msg: fmt.Sprintf("%s was changed by hand", d.file(name)), Hint: "--force removes it all the same"}
	}
	left := slices.DeleteFunc(h.Projects, func(p string) bool { return p == project })
	if len(left) > 0 {
		return true, d.write(name, d.script(name, left))
	}
	if h.Before {
		return true, os.Rename(d.file(name)+beforeSuffix, d.file(name))
	}
	return true, os.Remove(d.file(name))
}
