package origin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
)

// graft returns the directory dir, the zero Node for an empty one, with n at the
// path sub, "" for itself, below it. Listings are read from c and written to it.
func graft(c *cache.Cache, dir hash.Node, sub string, n hash.Node) (hash.Node, error) {
	if sub == "" {
		return n, nil
	}
	var t hash.Tree
	if !dir.IsZero() {
		if dir.Kind != hash.Directory {
			return hash.Node{}, fmt.Errorf("%s: something that is no directory is in the way", sub)
		}
		var err error
		if t, err = c.Tree(dir.Sum); err != nil {
			return hash.Node{}, err
		}
	}
	name, rest, _ := strings.Cut(sub, "/")
	if err := hash.CheckName(name); err != nil {
		return hash.Node{}, err
	}
	i, there := slices.BinarySearchFunc(t, name, func(e hash.Entry, name string) int { return strings.Compare(e.Name, name) })
	if !there {
		t = slices.Insert(t, i, hash.Entry{Name: name})
	}
	var err error
	if t[i].Node, err = graft(c, t[i].Node, rest, n); err != nil {
		return hash.Node{}, err
	}
	dir = t.Node()
	return dir, c.PutTree(dir.Sum, t.Encode())
}
