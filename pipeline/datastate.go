package pipeline

import (
	"context"
	"maps"
	"path"
	"slices"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// DataState is how a path that was added to xt stands in the workspace.
type DataState struct {
	lock.Item
	Now    hash.Node // what stands there; zero if nothing does
	Part   bool      // Now is what xt has brought of a directory, and not all of it
	Stored bool      // whether the cache has what xt.lock says
}

// State says how it stands, in one word or two.
func (d *DataState) State() string {
	switch {
	case d.Part:
		return "here in part"
	case d.Now.Same(d.Node) && d.Stored:
		return "up to date"
	case d.Now.Same(d.Node):
		return "not in the cache"
	case !d.Now.IsZero():
		return "changed"
	case d.Stored:
		return "missing"
	}
	return "missing, also from the cache"
}

// DataStates returns how the added data stands, sorted by path. What facts tell
// of it is not looked at again: for a million files that is most of the work.
func (w *Workspace) DataStates(ctx context.Context, facts *Facts) ([]*DataState, error) {
	var rest []string
	for p := range facts.Lock.Data {
		if facts.Nodes[p].IsZero() {
			rest = append(rest, p)
		}
	}
	nodes, err := w.nodes(ctx, rest)
	if err != nil {
		return nil, err
	}
	parts, err := w.portions()
	if err != nil {
		return nil, err
	}
	var states []*DataState
	for _, p := range slices.Sorted(maps.Keys(facts.Lock.Data)) {
		now, ok := facts.Nodes[p]
		if !ok {
			now = nodes[p]
		}
		d := facts.Lock.Data[p]
		states = append(states, &DataState{Item: d.Item, Now: now, Part: inPart(parts, p, d.Node, now), Stored: w.stored(d.Node)})
	}
	return states, nil
}

// dataRead returns the paths of added data that the stages read: as a whole, in
// part, or in a directory. They are sorted.
func dataRead(stages []*Stage, file *lock.File) []string {
	read := map[string]bool{}   // what the stages read as a whole
	partly := map[string]bool{} // directories that they read something in
	for _, s := range stages {
		for _, d := range s.Deps {
			read[d] = true
			for up := path.Dir(d); up != "." && !partly[up]; up = path.Dir(up) {
				partly[up] = true
			}
		}
	}
	var paths []string
	for p := range file.Data {
		if partly[p] || inOneOf(p, read) {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}

// inOneOf reports whether the path or a directory above it is among the paths.
func inOneOf(p string, paths map[string]bool) bool {
	for ; p != "."; p = path.Dir(p) {
		if paths[p] {
			return true
		}
	}
	return paths["."]
}
