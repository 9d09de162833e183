package pipeline

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/atomicfile"
)

// keepOutOfGit adds the paths to the project's .gitignore, unless git ignores
// them already. Lines that are there stay as they are.
func (w *Workspace) keepOutOfGit(paths []string) error {
	if w.Repo == nil || len(paths) == 0 {
		return nil
	}
	name := w.path(".gitignore")
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	have := map[string]bool{}
	for line := range strings.Lines(string(old)) {
		have[strings.TrimRight(line, "\r\n")] = true
	}
	paths = slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return have[ignoreLine(p)] })
	ignored := w.Repo.Ignored(w.inTop(paths))
	var add bytes.Buffer
	for _, p := range paths {
		if !ignored[w.prefix+p] {
			add.WriteString(ignoreLine(p) + "\n")
		}
	}
	if add.Len() == 0 {
		return nil
	}
	if len(old) > 0 && old[len(old)-1] != '\n' {
		old = append(old, '\n')
	}
	return atomicfile.Write(name, append(old, add.Bytes()...), 0o666)
}

// stopIgnoring takes the paths out of the project's .gitignore again.
func (w *Workspace) stopIgnoring(paths []string) error {
	name := w.path(".gitignore")
	old, err := os.ReadFile(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	drop := map[string]bool{}
	for _, p := range paths {
		drop[ignoreLine(p)] = true
	}
	var b strings.Builder
	for line := range strings.Lines(string(old)) {
		if !drop[strings.TrimRight(line, "\r\n")] {
			b.WriteString(line)
		}
	}
	if b.Len() == len(old) {
		return nil
	}
	return atomicfile.Write(name, []byte(b.String()), 0o666)
}

// ignoreLine spells a path as a gitignore pattern that matches only it. A line
// break cannot be spelled: "?" stands for it.
func ignoreLine(path string) string {
	var b strings.Builder
	b.WriteByte('/')
	for i := range len(path) {
		switch c := path[i]; {
		case c == '\n':
			b.WriteByte('?')
			continue
		case strings.IndexByte(`*?[\`, c) >= 0, c == ' ' && i == len(path)-1:
			b.WriteByte('\\')
		}
		b.WriteByte(path[i])
	}
	return b.String()
}
