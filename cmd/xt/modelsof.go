package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/origin"
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
		Artifacts: s, Files: &versionFiles{w, s},
	}
}

// versionFiles are the files of versions as clients of MLflow get them. It implements
// door.Files.
type versionFiles struct {
	w *pipeline.Workspace
	s track.Artifacts
}

// Bring implements door.Files: out of the commit of the version, and the remote that
// it names, as "xt model get" does.
func (f *versionFiles) Bring(ctx context.Context, v *registry.Version) error {
	n, c := v.Note(), f.w.Cache
	if missing, err := c.Absent(ctx, n.Path, n.Node); err != nil || len(missing) == 0 {
		return err
	}
	prefix, _ := project(v.Model)
	src, err := origin.Parse(origin.Request{Address: cmp.Or(f.w.Repo.Top, f.w.Repo.Dir), Path: prefix + n.Path, Rev: v.Commit, Dir: f.w.Root, Git: true, Secrets: true})
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "xt-version-")
	if err != nil {
		return err
	}
	fetcher := origin.Fetcher{Cache: c, Group: f.w.Graph.Config.Cache.Shared, Temp: temp, Settings: readSettings}
	got, err := fetcher.Fetch(ctx, src, nil)
	if err == nil && !got.Node.Same(n.Node) {
		err = fmt.Errorf("%s has other content than its tag says: %s, not %s", n.Path, got.Node.Sum.Short(), n.Node.Sum.Short())
	}
	return errors.Join(err, os.RemoveAll(temp))
}

// Tree implements door.Files.
func (f *versionFiles) Tree(sum hash.Sum) (hash.Tree, error) { return f.w.Cache.Tree(sum) }

// Artifact implements door.Files. The store may have another cache than the project.
func (f *versionFiles) Artifact(ctx context.Context, p track.Path, n hash.Node) error {
	_, err := f.s.LinkArtifact(ctx, p, n)
	if track.CodeOf(err) != track.InvalidParameter {
		return err
	}
	file, err := f.w.Cache.OpenFile(n.Sum)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = f.s.PutArtifact(ctx, p, file)
	return err
}
