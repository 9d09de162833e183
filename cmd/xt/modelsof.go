package main

import (
	"context"
	"io"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/registry"
	"github.com/xtrepro/xt/registry/door"
	"github.com/xtrepro/xt/track"
)

// modelsOf returns the registry of models that clients see: the one in git, where
// there is a repository, or else that of the store.
func modelsOf(w *pipeline.Workspace, s track.Store) track.Registry {
	if w == nil || w.Repo == nil {
		return s
	}
	return &door.Registry{
		Registry: s, Tags: registry.Open(w.Repo), Repo: w.Repo, Runs: s, Prefix: w.Prefix(),
		Object: func(_ context.Context, sum hash.Sum) []byte {
			f, err := w.Cache.OpenFile(sum)
			if err != nil {
				return nil
			}
			defer f.Close()
			b, err := io.ReadAll(io.LimitReader(f, maxDiff))
			if err != nil {
				return nil
			}
			return b
		},
	}
}
