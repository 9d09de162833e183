package hash

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Listing is a set of files that is known by name, such as those of a commit.
type Listing struct {
	// Node returns what stands at one of the names.
	Node func(name string) (Node, error)
	// Read returns the content of a file; the error wraps [fs.ErrNotExist] if
	// there is none. It is asked for ignore files.
	Read func(name string) ([]byte, error)
}

// Tree returns the directory that the names make up: what a [Scanner] finds at
// dir where exactly these files are in the workspace. The names are slash paths
// relative to the root, and lie below dir.
func (l *Listing) Tree(dir string, names []string) (Node, error) {
	var parts []string
	rules := (*ignoreRules)(nil).add(ignoredByDefault, 0)
	if dir != "." {
		parts = strings.Split(dir, "/")
	}
	for i := range parts {
		var err error
		if rules, err = l.rules(rules, parts[:i]); err != nil {
			return Node{}, err
		}
	}
	below := make([][]string, len(names))
	for i, name := range names {
		below[i] = strings.Split(name, "/")[len(parts):]
	}
	slices.SortFunc(below, func(a, b []string) int { return slices.Compare(a, b) })
	return l.dir(rules, parts, below)
}

// rules adds the rules of the ignore file in the directory.
func (l *Listing) rules(r *ignoreRules, dir []string) (*ignoreRules, error) {
	text, err := l.Read(path.Join(path.Join(dir...), IgnoreFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	return r.add(string(text), len(dir)), nil
}

// dir returns the directory whose path has the given parts. files are the paths
// below it, sorted part by part, so that those of one child follow one another.
func (l *Listing) dir(rules *ignoreRules, parts []string, files [][]string) (Node, error) {
	rules, err := l.rules(rules, parts)
	if err != nil {
		return Node{}, err
	}
	var tree Tree
	for len(files) > 0 {
		name := files[0][0]
		n := 1
		for n < len(files) && files[n][0] == name {
			n++
		}
		isDir := len(files[0]) > 1
		if !reserved(name) && !rules.ignores(parts, name, isDir) {
			node, err := l.child(rules, append(parts[:len(parts):len(parts)], name), files[:n], isDir)
			if err != nil {
				return Node{}, err
			}
			if !node.IsZero() {
				tree = append(tree, Entry{name, node})
			}
		}
		files = files[n:]
	}
	return tree.Node(), nil
}

func (l *Listing) child(rules *ignoreRules, parts []string, files [][]string, isDir bool) (Node, error) {
	if !isDir {
		return l.Node(path.Join(parts...))
	}
	below := make([][]string, len(files))
	for i, f := range files {
		below[i] = f[1:]
	}
	return l.dir(rules, parts, below)
}
