package lock

import (
	"errors"
	"path"
	"path/filepath"
	"strings"
)

// checkPath reports what keeps p from naming something inside a project on
// every system. What a lock names gets read, replaced and removed, and the lock
// comes with a clone.
func checkPath(p string) error {
	switch {
	case p == "":
		return errors.New("empty path")
	case strings.ContainsRune(p, 0):
		return errors.New("path contains a NUL")
	case strings.Contains(p, `\`):
		return errors.New("path contains a backslash, which separates directories on some systems")
	case path.IsAbs(p), !filepath.IsLocal(filepath.FromSlash(p)):
		return errors.New("path leads out of the project")
	case path.Clean(p) != p:
		return errors.New("path is not clean")
	}
	for name := range strings.SplitSeq(p, "/") {
		if isPrivate(name) {
			return errors.New("path leads into " + name)
		}
	}
	return nil
}

// isPrivate reports whether some file system takes name for .git or .xt:
// several ignore case, Windows ignores dots and spaces at the end and knows
// short names, and macOS ignores some characters.
func isPrivate(name string) bool {
	visible := func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}
	name = strings.Map(visible, name)
	name, _, _ = strings.Cut(name, ":") // an NTFS stream
	name = strings.ToLower(strings.TrimRight(name, ". "))
	return name == ".git" || name == ".xt" || name == "git~1"
}
