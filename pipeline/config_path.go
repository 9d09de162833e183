package pipeline

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

var urlPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// hasDrive reports whether a path begins with a drive of Windows.
func hasDrive(p string) bool {
	return len(p) >= 2 && p[1] == ':' && (p[0]|0x20) >= 'a' && (p[0]|0x20) <= 'z'
}

// cleanPath makes of a path relative to dir one relative to the root. The two
// texts say what is wrong with it and what to do; both are "" if nothing is.
func cleanPath(dir, p string) (clean, msg, hint string) {
	switch {
	case p == "":
		return "", "the path is empty", ""
	case strings.ContainsRune(p, 0):
		return "", "the path holds a NUL byte", ""
	case strings.Contains(p, "://") && urlPattern.MatchString(p):
		return "", fmt.Sprintf("%q is an address, not a path in the project", p), "download it in a stage, or add the file to xt"
	case strings.Contains(p, `\`):
		return "", fmt.Sprintf("%q has a backslash", p), fmt.Sprintf("write %q, on Windows too", strings.ReplaceAll(p, `\`, "/"))
	case strings.HasPrefix(p, "/") || hasDrive(p):
		return "", fmt.Sprintf("%q is an absolute path", p), "write it relative to the project; what lies outside cannot be reproduced"
	case strings.HasPrefix(p, "~"):
		return "", fmt.Sprintf("%q is in a home directory", p), "write a path in the project; what lies outside cannot be reproduced"
	}
	clean = path.Join(dir, p)
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", fmt.Sprintf("%q is outside of the project", p), "what lies outside cannot be reproduced: move or copy it into the project"
	}
	for _, name := range strings.Split(clean, "/") {
		// Some file systems do not tell .GIT from .git.
		if strings.EqualFold(name, ".git") || strings.EqualFold(name, ".xt") {
			return "", fmt.Sprintf("%q is inside of %s", p, name), "what is in there belongs to the tool"
		}
	}
	return clean, "", ""
}

// path cleans a path that stands at an offset of xt.toml, and tells what is
// wrong with it.
func (l *loader) path(at int, p place, key, dir, text string) (string, bool) {
	clean, msg, hint := cleanPath(dir, text)
	if msg != "" {
		l.tell(at, p, hint, "%s: %s", key, msg)
	}
	return clean, msg == ""
}
