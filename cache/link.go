package cache

import "fmt"

// Link is a way to bring an object into a workspace.
type Link uint8

// The ways. A file that is copied or cloned belongs to the user and may be
// edited; one that is linked is the object itself, and therefore read-only.
const (
	Reflink  Link = iota + 1 // a clone that shares blocks until it is written to
	Copy                     // a copy
	Hardlink                 // a second name of the object
	Symlink                  // a symbolic link to the object
)

var linkWords = [...]string{Reflink: "reflink", Copy: "copy", Hardlink: "hardlink", Symlink: "symlink"}

// String returns the word that [ParseLink] reads.
func (l Link) String() string {
	if l == 0 || int(l) >= len(linkWords) {
		return fmt.Sprintf("Link(%d)", uint8(l))
	}
	return linkWords[l]
}

// ParseLink reads "reflink", "copy", "hardlink" or "symlink".
func ParseLink(s string) (Link, error) {
	for l := Reflink; l <= Symlink; l++ {
		if linkWords[l] == s {
			return l, nil
		}
	}
	return 0, fmt.Errorf("unknown kind of link %q: want reflink, copy, hardlink or symlink", s)
}

// shares reports whether a linked file is the object itself.
func (l Link) shares() bool { return l == Hardlink || l == Symlink }
