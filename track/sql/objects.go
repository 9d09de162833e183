package sql

import (
	"context"
	"errors"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/track"
)

// WalkObjects implements [track.Artifacts].
func (s *Store) WalkObjects(ctx context.Context, f func(hash.Node) error) error {
	err := s.WalkArtifacts(ctx, track.Path{}, func(a track.Artifact) error { return f(a.Node) })
	return errors.Join(err, s.walkOrigins(ctx, f))
}

// walkOrigins calls f for the logs and the differences of executions.
func (s *Store) walkOrigins(ctx context.Context, f func(hash.Node) error) error {
	var sums []string
	err := s.view(ctx, func(c *conn) error {
		sums = nil
		return c.each("SELECT log, diff FROM origins WHERE log != '' OR diff != ''", nil, func(scan func(...any) error) error {
			var log, diff string
			err := scan(&log, &diff)
			sums = append(sums, log, diff)
			return err
		})
	})
	if err != nil {
		return err
	}
	for _, text := range sums {
		sum, err := hash.ParseSum(text)
		if err != nil {
			continue // none, or a path
		}
		if err := f(hash.Node{Kind: hash.File, Sum: sum}); err != nil {
			return err
		}
	}
	return nil
}
