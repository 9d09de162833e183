package pipeline

import (
	"path"
	"slices"
	"strings"
)

// owners is every output of the project, sorted so that what lies below a path
// follows it.
type owners []Made

func newOwners(stages []*Stage) owners {
	var all owners
	for _, s := range stages {
		for _, o := range s.Outs {
			all = append(all, Made{s, o})
		}
	}
	slices.SortStableFunc(all, func(a, b Made) int { return comparePaths(a.Out.Path, b.Out.Path) })
	return all
}

// comparePaths orders paths so that a directory is followed by what is in it:
// a slash comes before any other byte.
func comparePaths(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			return rank(a[i]) - rank(b[i])
		}
	}
	return len(a) - len(b)
}

func rank(c byte) int {
	if c == '/' {
		return -1
	}
	return int(c)
}

// below reports whether p is dir or lies below it.
func below(p, dir string) bool {
	return dir == "." || p == dir || strings.HasPrefix(p, dir) && p[len(dir)] == '/'
}

func (all owners) find(p string) int {
	i, _ := slices.BinarySearchFunc(all, p, func(m Made, p string) int { return comparePaths(m.Out.Path, p) })
	return i
}

// touching returns the outputs that are p, contain it, or lie below it.
func (all owners) touching(p string) []Made {
	var found []Made
	for dir := path.Dir(p); dir != "." && dir != "/"; dir = path.Dir(dir) {
		for i := all.find(dir); i < len(all) && all[i].Out.Path == dir; i++ {
			found = append(found, all[i])
		}
	}
	i := all.find(p)
	if p == "." {
		i = 0
	}
	for ; i < len(all) && below(all[i].Out.Path, p); i++ {
		found = append(found, all[i])
	}
	return found
}
