package cache

import (
	"fmt"
	"strings"

	"github.com/xtrepro/xt/hash"
)

// Missing is one file or directory that the cache should hold and does not.
type Missing struct {
	Path string // where in the workspace it belongs
	Sum  hash.Sum
	Kind hash.Kind
}

// MissingError says what could not be checked out because the cache lacks it.
// Nothing was changed in the workspace, unless an object turned out to be
// damaged while it was copied.
type MissingError struct {
	Items []Missing // sorted by path
	// Remote is the remote that was asked and does not have them either; "" for none.
	Remote string
}

func (e *MissingError) Error() string {
	first := e.Items[0]
	if e.Remote != "" {
		return fmt.Sprintf("%s (%s) is neither in the cache nor on remote %s%s", first.Path, first.Sum.Short(), e.Remote, andMore(len(e.Items)))
	}
	return fmt.Sprintf("%s (%s) is not in the cache%s", first.Path, first.Sum.Short(), andMore(len(e.Items)))
}

// UncachedError says which files a checkout would destroy although their bytes
// are in no cache and no commit. Nothing was changed in the workspace.
type UncachedError struct {
	Paths []string // sorted
}

func (e *UncachedError) Error() string {
	return fmt.Sprintf("%s would be lost: its content is in no cache and no commit%s", e.Paths[0], andMore(len(e.Paths)))
}

func andMore(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" (and %d more)", n-1)
}

// MissError says why the run cache has no answer.
type MissError struct {
	Fingerprint hash.Fingerprint
	Reason      string
}

func (e *MissError) Error() string {
	return fmt.Sprintf("run cache: %s: %s", e.Fingerprint.Short(), e.Reason)
}

// DamagedError says that stored bytes are not what their name says. They were
// moved to the quarantine folder.
type DamagedError struct {
	Sum   hash.Sum
	Moved string // the path of the bytes now; "" if they could not be moved
}

func (e *DamagedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "object %s in the cache is damaged", e.Sum.Short())
	if e.Moved != "" {
		fmt.Fprintf(&b, "; its bytes are kept in %s", e.Moved)
	}
	return b.String()
}
