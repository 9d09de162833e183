package cache

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"github.com/xtrepro/xt/hash"
)

// Absent returns what the cache lacks of n, which belongs at path, sorted by
// path. A directory whose listing is not there counts as one.
func (c *Cache) Absent(ctx context.Context, at string, n hash.Node) ([]Missing, error) {
	if err := ctx.Err(); err != nil || n.Kind == 0 || n.Kind == hash.Symlink {
		return nil, err
	}
	lacks := []Missing{{Path: at, Sum: n.Sum, Kind: n.Kind}}
	damaged := (*DamagedError)(nil)
	if n.Kind != hash.Directory {
		_, err := c.present(ctx, n.Sum, n.Size)
		if errors.Is(err, fs.ErrNotExist) || errors.As(err, &damaged) {
			return lacks, nil
		}
		return nil, err
	}
	t, err := c.Tree(n.Sum)
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &damaged) {
		return lacks, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Missing
	for i := range t {
		below, err := c.Absent(ctx, path.Join(at, t[i].Name), t[i].Node)
		if err != nil {
			return nil, err
		}
		all = append(all, below...)
	}
	return all, nil
}
