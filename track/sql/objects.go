package sql

import (
	"context"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/track"
)

// Objects calls f for each object of the cache that the store counts on, until
// f has an error: artifacts, and the logs and differences of runs. They are to
// be kept from garbage collection. Some come more than once.
func (s *Store) Objects(ctx context.Context, f func(hash.Node) error) error {
	if err := s.WalkArtifacts(ctx, track.Path{}, func(a track.Artifact) error { return f(a.Node) }); err != nil {
		return err
	}
	return s.view(ctx, func(c *conn) error {
		return c.each("SELECT diff, log FROM origins", nil, func(scan func(...any) error) error {
			var texts [2]string
			if err := scan(&texts[0], &texts[1]); err != nil {
				return err
			}
			for _, t := range texts {
				sum, err := hash.ParseSum(t)
				if err != nil {
					continue // it is a path, or there is none
				}
				if err := f(hash.Node{Kind: hash.File, Sum: sum}); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
