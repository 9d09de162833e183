package main

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/remote"
	"github.com/xtrepro/xt/track/web"
)

// addVersions tells which commits changed the data, the newest first.
func addVersions(w *pipeline.Workspace, list []web.Data) {
	type past struct {
		web.Commit
		nodes map[string]hash.Node
	}
	var history []past
	for _, c := range lockCommits(w) {
		b, err := w.Repo.ReadFileAt(c.ID, w.Prefix()+pipeline.LockFile)
		if err != nil {
			continue // it was removed there
		}
		if f, err := lock.Parse(pipeline.LockFile, b); err == nil {
			history = append(history, past{c, nodesIn(f)})
		}
	}
	for i := range list {
		for j, h := range history {
			n, ok := h.nodes[list[i].Path]
			before := hash.Node{}
			if j+1 < len(history) {
				before = history[j+1].nodes[list[i].Path]
			}
			if !ok || n.Same(before) {
				continue
			}
			v := web.DataVersion{Commit: h.Commit, Digest: digestText(n.Sum), Size: n.Size, Files: []web.FileChange{}}
			if before != (hash.Node{}) {
				for _, f := range w.FileChanges(before, n, maxChangedFiles) {
					v.Files = append(v.Files, web.FileChange{Op: f.Op, Path: f.Path})
				}
			}
			list[i].Versions = append(list[i].Versions, v)
		}
	}
}

// nodesIn returns what a lock file has at the paths of data and of outputs.
func nodesIn(f *lock.File) map[string]hash.Node {
	nodes := map[string]hash.Node{}
	for _, d := range f.Data {
		nodes[d.Path] = d.Node
	}
	for _, s := range f.Stages {
		for _, o := range s.Outs {
			nodes[o.Path] = o.Node
		}
	}
	return nodes
}

// Holdings implements [web.Project].
func (p *pageProject) Holdings(ctx context.Context) ([]web.Holding, error) {
	w, err := p.open()
	if err != nil {
		return nil, err
	}
	data, err := p.Data(ctx)
	if err != nil {
		return nil, err
	}
	nodes := nodesIn(w.Lock.File())
	var list []web.Holding
	for _, name := range slices.Sorted(maps.Keys(w.Graph.Config.Remotes)) {
		h := web.Holding{Remote: name, URL: redactURL(w.Graph.Config.Remotes[name].URL), Has: []string{}, Total: len(data)}
		if err := p.ask(ctx, w, &h, data, nodes); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			text, hints := message(err)
			if h.Error = text; len(hints) > 0 {
				h.Hint = hints[0]
			}
		}
		list = append(list, h)
	}
	return list, nil
}

// ask finds out what a remote has of the data.
func (p *pageProject) ask(ctx context.Context, w *pipeline.Workspace, h *web.Holding, data []web.Data, nodes map[string]hash.Node) (err error) {
	r, err := w.OpenRemote(ctx, h.Remote, false, pipeline.Transfer{})
	if errors.Is(err, remote.ErrEmpty) {
		h.Hint = "nothing was pushed to it yet: xt push"
		for _, d := range data {
			h.Bytes += d.Size
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	holdings, err := r.Holdings(ctx)
	if err != nil {
		return err
	}
	for _, d := range data {
		has, err := holdings.Has(ctx, nodes[d.Path])
		switch {
		case err != nil:
			return err
		case has:
			h.Has = append(h.Has, d.Path)
		default:
			h.Bytes += d.Size
		}
	}
	return nil
}

var _ web.Project = (*pageProject)(nil)
