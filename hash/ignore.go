package hash

import (
	"os"
	"strings"
)

// IgnoreFile is the name of the files whose lines say which names below their
// directory are not part of a tree, by the rules of gitignore.
const IgnoreFile = ".xtignore"

// ignoredByDefault are traces of running Python, different after each run. An
// ignore file may take them back with "!".
const ignoredByDefault = "__pycache__/\n*.pyc\n.ipynb_checkpoints/\n"

// TempPrefix begins the names of files that are not complete yet: what a killed
// xt leaves in a workspace.
const TempPrefix = ".xt-tmp-"

// reserved reports whether git or xt keeps the name for itself. Such names are
// in no tree, and no rule brings them back.
func reserved(name string) bool {
	return strings.EqualFold(name, ".git") || strings.EqualFold(name, ".xt") || strings.HasPrefix(name, TempPrefix)
}

// ignoreRules are the rules of one ignore file, on top of those of the
// directories above.
type ignoreRules struct {
	above *ignoreRules
	depth int // how many directories below the root the file stands
	rules []ignoreRule
}

// ignoreRule is one line of an ignore file.
type ignoreRule struct {
	include  bool // the line starts with "!": a match is not ignored
	dirOnly  bool // the line ends with "/"
	anchored bool // the line has a slash elsewhere: it is about the path, not the name
	literal  string
	suffix   bool   // literal is how the name ends, not all of it
	globs    []glob // when there is no literal; of an anchored rule with one, what follows it
}

// ignores reports whether the name in the directory dir, given by its path from
// the root, is left out. The last rule that matches decides, and the deepest
// file goes first. Who asks has asked for the directories above before.
func (r *ignoreRules) ignores(dir []string, name string, isDir bool) bool {
	for ; r != nil; r = r.above {
		for i := len(r.rules) - 1; i >= 0; i-- {
			rule := &r.rules[i]
			if (isDir || !rule.dirOnly) && rule.match(dir[r.depth:], name) {
				return !rule.include
			}
		}
	}
	return false
}

func (r *ignoreRule) match(dir []string, name string) bool {
	switch {
	case r.anchored && r.literal != "":
		rest, ok := strings.CutPrefix(strings.Join(append(dir[:len(dir):len(dir)], name), "/"), r.literal)
		parts := strings.Split(rest, "/")
		return ok && matchPath(r.globs, parts[:len(parts)-1], parts[len(parts)-1])
	case r.anchored:
		return matchPath(r.globs, dir, name)
	case r.suffix:
		return strings.HasSuffix(name, r.literal)
	case r.literal != "":
		return r.literal == name
	}
	return r.globs[0].match(name)
}

// matchPath matches the path that consists of dir and name against one pattern
// for each part, "**" standing for any number of parts, and at the end for one
// or more. As with stars in a name, going back to the last "**" is enough.
func matchPath(globs []glob, dir []string, name string) bool {
	stars, resume := -1, 0
	i, j := 0, 0
	for j <= len(dir) {
		part := name
		if j < len(dir) {
			part = dir[j]
		}
		switch {
		case i < len(globs) && globs[i].isStars():
			if i == len(globs)-1 {
				return true
			}
			stars, resume = i, j
			i++
		case i < len(globs) && globs[i].match(part):
			i++
			j++
		case stars >= 0:
			resume++
			i, j = stars+1, resume
		default:
			return false
		}
	}
	return i == len(globs)
}

// addFile returns the rules of the ignore file at path, if there is one, on
// top of r. The file stands depth directories below the root.
func (r *ignoreRules) addFile(path string, depth int) (*ignoreRules, error) {
	// A look before, because reading a named pipe would wait for ever.
	switch st, err := stat(path); {
	case missing(err) || err == nil && st.kind() != File && st.kind() != Executable:
		return r, nil
	case err != nil:
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return r.add(string(text), depth), nil
}

// add returns the rules in text on top of r.
func (r *ignoreRules) add(text string, depth int) *ignoreRules {
	top := &ignoreRules{above: r, depth: depth}
	text = strings.TrimPrefix(text, "\uFEFF") // some editors begin a file so
	for line := range strings.SplitSeq(text, "\n") {
		if rule, ok := parseIgnoreRule(strings.TrimSuffix(line, "\r")); ok {
			top.rules = append(top.rules, rule)
		}
	}
	return top
}

func parseIgnoreRule(line string) (r ignoreRule, ok bool) {
	if strings.HasPrefix(line, "#") {
		return r, false
	}
	line, r.include = strings.CutPrefix(trimSpaces(line), "!")
	line, r.dirOnly = strings.CutSuffix(line, "/")
	r.anchored = strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if line == "" {
		return r, false
	}
	if r.anchored {
		r.literal = starsAfter(line)
		r.globs = parseGlobs(line[len(r.literal):])
		return r, true
	}
	word, suffix := strings.CutPrefix(line, "*")
	if word != "" && !strings.ContainsAny(word, `*?[\`) {
		r.literal, r.suffix = word, suffix
		return r, true
	}
	r.globs = parseGlobs(line)
	return r, true
}

// starsAfter returns the text before "**/" in a pattern such as "a**/b". Git compares
// such text by itself, and what follows then looks to it like a pattern that begins
// with "**/", so that "a**/b" matches "ab" as well. Of other patterns it is "".
func starsAfter(line string) string {
	i := strings.IndexAny(line, `*?[\`)
	if i <= 0 || line[i-1] == '/' || !strings.HasPrefix(line[i:], "**") || !strings.HasPrefix(strings.TrimLeft(line[i:], "*"), "/") {
		return ""
	}
	return line[:i]
}

// trimSpaces removes the spaces at the end of a line, up to one that a
// backslash keeps.
func trimSpaces(line string) string {
	end := 0
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\':
			i++
			end = i + 1
		case line[i] != ' ':
			end = i + 1
		}
	}
	return line[:min(end, len(line))]
}
