package pipeline

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// explain adds to the error of a command that failed in the room which files of
// the workspace it seems to have looked for: they are there, and not here.
func (r *room) explain(e *execution, err error) error {
	var failed *StageError
	if !errors.As(err, &failed) {
		return err
	}
	// Python looks for modules in listings of directories, and so not by name.
	failed.Undeclared = r.lookedFor(e.step.Stage, failed.Tail)
	if e.res.Seen != nil {
		failed.Undeclared = append(failed.Undeclared, e.res.Seen.Undeclared...)
		slices.Sort(failed.Undeclared)
		failed.Undeclared = slices.Compact(failed.Undeclared)
	}
	return err
}

// undeclared returns an error where the command was traced, did with files of the
// project what its stage does not declare, and the project does not put up with
// that.
func (e *execution) undeclared() error {
	seen := e.res.Seen
	if seen == nil || e.w.Graph.Config.Check.Undeclared != Error {
		return nil
	}
	s := e.step.Stage
	switch {
	case len(seen.Undeclared) > 0:
		return &OutputError{Stage: s, Msg: "its command reads what it does not declare, so that its result is not recorded: " + strings.Join(seen.Undeclared, ", "),
			Hint: fmt.Sprintf("add to [stage.%s] in xt.toml, under code if git keeps it, else under deps: %s", s.Base, quotedList(seen.Undeclared))}
	case len(seen.Stray) > 0:
		return &OutputError{Stage: s, Msg: "its command writes what is none of its outputs, so that its result is not recorded: " + strings.Join(seen.Stray, ", "),
			Hint: fmt.Sprintf("add to [stage.%s] in xt.toml, under outs: %s", s.Base, quotedList(seen.Stray))}
	}
	return nil
}

// word is something in a message that may be a path: a path in quotes may have
// spaces, and one without is followed by a space or punctuation. It takes 1 ms and
// 0.7 MB to compile, which few commands need.
var word = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`"[^"\n]{1,400}"|'[^'\n]{1,400}'|[^\s"'()\[\]{}<>,;=]{1,400}`)
})

// module is how Python names what it cannot import.
var module = regexp.MustCompile(`No module named ['"]?([A-Za-z0-9_.]+)`)

// lookedFor returns the paths in the text that are in the workspace, and not in the
// room, as xt.toml would name them; sorted.
func (r *room) lookedFor(s *Stage, text string) []string {
	var found []string
	look := func(name string) {
		if rel, ok := r.undeclared(s, name); ok && !slices.Contains(found, rel) {
			found = append(found, rel)
		}
	}
	for _, m := range word().FindAllString(text, 10_000) {
		look(strings.TrimRight(strings.Trim(m, `"'`), ".:!?"))
	}
	for _, m := range module.FindAllStringSubmatch(text, 100) {
		first, _, _ := strings.Cut(m[1], ".")
		for _, dir := range append([]string{"."}, dirsOf(s.Code)...) {
			look(path.Join(dir, first+".py"))
			look(path.Join(dir, first))
		}
	}
	slices.Sort(found)
	return found
}

// dirsOf returns the directories that the paths lie in.
func dirsOf(paths []string) []string {
	var dirs []string
	for _, p := range paths {
		dirs = append(dirs, path.Dir(p))
	}
	return dirs
}

// undeclared returns the path, relative to the project, of a file that stands in
// the workspace and not in the room. A name is relative to where the command ran,
// or below the room.
func (r *room) undeclared(s *Stage, name string) (rel string, ok bool) {
	rel = path.Join(s.Wdir, name)
	if filepath.IsAbs(name) {
		rel = ".."
		for _, root := range []string{r.root, r.w.Root} {
			if below, err := filepath.Rel(root, name); err == nil && filepath.IsLocal(below) {
				rel = filepath.ToSlash(below)
			}
		}
	}
	if rel == "." || !isInside(rel) || s.makes(rel) {
		return "", false
	}
	if _, err := os.Lstat(r.path(rel)); err == nil {
		return "", false
	}
	_, err := os.Lstat(r.w.path(rel))
	return rel, err == nil
}

// makes reports whether a path is an output of the stage, or part of one.
func (s *Stage) makes(rel string) bool {
	return slices.ContainsFunc(s.Outs, func(o Out) bool { return below(rel, o.Path) || below(o.Path, rel) })
}

// isInside reports whether a clean path stays in the project, and out of what git
// and xt keep for themselves.
func isInside(rel string) bool {
	first, _, _ := strings.Cut(rel, "/")
	return first != ".." && first != StateDir && first != ".git" && !path.IsAbs(rel)
}
