package pipeline

import (
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/lock"
)

// recordedNodes returns what xt.lock says of each path that its stages name.
func (s *Snapshot) recordedNodes() map[string]hash.Node {
	if s.recorded == nil {
		s.recorded = make(map[string]hash.Node, 3*len(s.Lock.Stages))
		for _, st := range s.Lock.Stages {
			for _, items := range [...][]lock.Item{st.Code, st.Deps, st.Calls, st.Outs} {
				for _, it := range items {
					s.recorded[it.Path] = it.Node
				}
			}
		}
	}
	return s.recorded
}

// foresee reads the files that xt.lock names, in the quickest way that there is.
func (s *Snapshot) foresee() {
	var paths []string
	seen := map[string]bool{}
	for name := range s.recordedNodes() {
		for _, f := range s.filesBelow(name) {
			if !seen[f] {
				seen[f] = true
				paths = append(paths, f)
			}
		}
	}
	s.leaves = make(map[string]hash.Node, len(paths))
	var mu sync.Mutex
	s.files.ReadEach(paths, func(path string, content []byte) {
		f, _ := s.files.File(path)
		n := leafOf(f, content)
		mu.Lock()
		defer mu.Unlock()
		s.leaves[path] = n
	})
}

// node returns what git has at a path. xt.lock records what stands in the
// working tree, into which git may write other line ends, or what a filter makes.
// So where it is not what git stores, recorded may also be what git would write.
func (s *Snapshot) node(name string, recorded hash.Node) (hash.Node, bool, error) {
	if n, ok := s.nodes[name]; ok {
		return n, !n.IsZero(), nil
	}
	n, err := s.read(name, nil)
	if err != nil {
		return hash.Node{}, false, fmt.Errorf("read %s from git: %w", name, err)
	}
	if !n.IsZero() && !recorded.IsZero() && !n.Same(recorded) {
		if other, err := s.read(name, s.files.Converted(s.filesBelow(name))); err == nil && other.Same(recorded) {
			n = other
		}
	}
	s.nodes[name] = n
	return n, !n.IsZero(), nil
}

// filesBelow returns the files at or below a path, as git names them.
func (s *Snapshot) filesBelow(name string) []string {
	var full []string
	at := s.followed(name)
	if at != "." && !s.files.Has(at) {
		return nil // most outputs: to look at all files for each would take long
	}
	for _, f := range s.files.Below(at) {
		if f.Mode != git.Submodule {
			full = append(full, f.Path)
		}
	}
	return full
}

// followed returns the path, as git names it, of what a scanner finds at name: a
// symbolic link that is named itself is followed.
func (s *Snapshot) followed(name string) string {
	full := s.prefix + name
	for range 40 {
		f, ok := s.files.File(full)
		if !ok || f.Mode != git.Symlink {
			break
		}
		target, err := s.files.ReadFile(full)
		if err != nil || path.IsAbs(string(target)) {
			break
		}
		full = path.Join(path.Dir(full), string(target))
	}
	return full
}

// read returns what a scanner would find at a path if converted, full paths, were
// written as git writes them into the working tree, and the others as git stores
// them.
func (s *Snapshot) read(name string, converted map[string]bool) (hash.Node, error) {
	full := s.followed(name)
	if f, ok := s.files.File(full); ok && f.Mode != git.Submodule {
		return s.leaf(f, converted)
	}
	var names []string
	for _, f := range s.filesBelow(name) {
		names = append(names, name+strings.TrimPrefix(f, full))
	}
	if len(names) == 0 {
		return hash.Node{}, nil
	}
	at := func(below string) string { return full + strings.TrimPrefix(below, name) }
	list := &hash.Listing{
		Read: func(below string) ([]byte, error) {
			if strings.HasPrefix(below, name+"/") {
				return s.files.ReadFile(at(below))
			}
			return s.ReadFile(below)
		},
		Node: func(below string) (hash.Node, error) {
			f, _ := s.files.File(at(below))
			return s.leaf(f, converted)
		},
	}
	return list.Tree(name, names)
}

func (s *Snapshot) leaf(f git.File, converted map[string]bool) (hash.Node, error) {
	read := s.files.ReadFile
	if converted[f.Path] {
		read = s.files.ReadConverted
	} else if n, ok := s.leaves[f.Path]; ok {
		return n, nil
	}
	b, err := read(f.Path)
	if err != nil {
		return hash.Node{}, err
	}
	return leafOf(f, b), nil
}

// leafOf returns what a scanner would find where a file has a content.
func leafOf(f git.File, content []byte) hash.Node {
	n := hash.Node{Kind: hash.File, Sum: hash.Bytes(content), Size: int64(len(content))}
	switch f.Mode {
	case git.Executable:
		n.Kind = hash.Executable
	case git.Symlink:
		n.Kind, n.Target = hash.Symlink, string(content)
	}
	return n
}
