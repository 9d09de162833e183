package git

import "path/filepath"

// AddSubmodules adds the files of the submodules, at the commits that the
// snapshot names. A submodule that is not checked out in the working tree, or
// lacks that commit, stays without files.
func (s *Snapshot) AddSubmodules() {
	if s.r.Top == "" {
		return
	}
	var links []File
	for _, f := range s.files {
		if f.Mode == Submodule && f.in == nil {
			links = append(links, f)
		}
	}
	for _, f := range links {
		top := filepath.Join(s.r.Top, filepath.FromSlash(f.Path))
		sub, err := Open(top)
		if err != nil || sub.Top != top { // else it is the repository around it
			continue
		}
		at, err := sub.At(f.Blob)
		if err != nil {
			continue
		}
		at.AddSubmodules()
		for _, g := range at.files {
			g.Path = f.Path + "/" + g.Path
			if g.in == nil {
				g.in = sub
			}
			s.files[g.Path] = g
		}
	}
}
