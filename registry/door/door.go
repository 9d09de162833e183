// Package door is the registry of models in git as the doors of the run store see
// it: the versions that a client of MLflow registers, promotes and looks up are
// the same tags that xt model shows.
//
// What MLflow has and git cannot have is in the tables of the store: names without
// a version, with their descriptions and tags, prompts, and models that were
// imported from elsewhere, whose versions belong to no commit.
package door

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/registry"
	"github.com/xtrepro/xt/track"
)

// Registry is a [track.Registry] whose versions are tags of a git repository.
type Registry struct {
	track.Registry // of the store: for what is not in git

	Tags   *registry.Registry
	Repo   *git.Repo
	Runs   track.Runs
	Prefix string                                         // of the project below the top of the repository: "" or "dir/"
	Object func(ctx context.Context, sum hash.Sum) []byte // from the cache; nil if it is not there

	Artifacts track.Artifacts // of the store
	Files     Files
}

var _ track.Registry = (*Registry)(nil)

// model returns the name that git has for a registered model; false if it is one
// of the store alone: a prompt, one whose name no tag can have, or one that has its
// versions there and none in git.
func (r *Registry) model(ctx context.Context, name string) (string, bool) {
	full := name
	if r.Prefix != "" {
		full = strings.TrimSuffix(r.Prefix, "/") + ":" + name
	}
	if registry.CheckModel(full) != nil {
		return "", false
	}
	row, err := r.Registry.RegisteredModel(ctx, name)
	switch {
	case err != nil:
		return full, true
	case isPrompt(row.Tags):
		return full, false
	case len(row.Latest) == 0:
		return full, true
	}
	m, err := r.state(full)
	return full, err != nil || m != nil && hasVersions(m)
}

func isPrompt(tags []track.Tag) bool {
	for _, t := range tags {
		if t.Key == track.PromptTag && strings.EqualFold(t.Value, "true") {
			return true
		}
	}
	return false
}

// state returns what git has of a model; nil if it has no tag.
func (r *Registry) state(full string) (*registry.Model, error) {
	s, err := r.Tags.Load()
	if err != nil {
		return nil, err
	}
	return s.Models[full], nil
}

// version returns a version that git has.
func (r *Registry) version(ctx context.Context, name string, number int64) (full string, v *registry.Version, err error) {
	full, ok := r.model(ctx, name)
	if !ok {
		return "", nil, nil
	}
	m, err := r.state(full)
	if err != nil {
		return full, nil, err
	}
	if m != nil {
		if v, err := m.Find(strconv.FormatInt(number, 10)); err == nil && v.Active() {
			return full, v, nil
		}
	}
	return full, nil, track.Errorf(track.NotFound, "Model Version (name=%s, version=%d) not found", name, number)
}

// explain gives an error of the registry the code that doors know.
func explain(err error) error {
	var unknown *registry.UnknownError
	var exists *registry.ExistsError
	var gone *registry.GoneError
	var name *registry.NameError
	var note *registry.NoteError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown), errors.As(err, &gone):
		return &track.Error{Code: track.NotFound, Message: err.Error()}
	case errors.As(err, &exists):
		return &track.Error{Code: track.AlreadyExists, Message: err.Error()}
	case errors.As(err, &name), errors.As(err, &note):
		return &track.Error{Code: track.InvalidParameter, Message: err.Error()}
	}
	return err
}

// ModelVersion implements [track.Registry].
func (r *Registry) ModelVersion(ctx context.Context, name string, number int64) (track.ModelVersion, error) {
	full, v, err := r.version(ctx, name, number)
	if full == "" {
		return r.Registry.ModelVersion(ctx, name, number)
	}
	if err != nil {
		return track.ModelVersion{}, err
	}
	return versionOf(name, v), nil
}

// CreateModelVersion implements [track.Registry]. The tag is put on the commit that
// the run was made from, with its changes if there were any.
func (r *Registry) CreateModelVersion(ctx context.Context, n track.NewModelVersion) (track.ModelVersion, error) {
	full, ok := r.model(ctx, n.Name)
	if !ok || isPrompt(n.Tags) {
		return r.Registry.CreateModelVersion(ctx, n)
	}
	if _, err := r.RegisteredModel(ctx, n.Name); err != nil {
		return track.ModelVersion{}, err
	}
	m, err := r.state(full)
	if err != nil {
		return track.ModelVersion{}, err
	}
	next := 1
	if m != nil {
		for _, v := range m.Versions {
			next = max(next, v.Number+1)
		}
	}
	if n.Version != 0 && n.Version != int64(next) {
		return track.ModelVersion{}, track.Errorf(track.InvalidParameter, "Registered Model '%s' has its versions in git, where the next is %d, not %d", n.Name, next, n.Version)
	}
	note, run := r.note(ctx, &n)
	commit, err := r.commit(ctx, m, run, fmt.Sprintf("%s, version %d\n", full, next))
	if err != nil {
		return track.ModelVersion{}, err
	}
	ch, err := r.Tags.Register(ctx, registry.Registration{Model: full, Commit: commit, Note: note})
	if err != nil {
		return track.ModelVersion{}, explain(err)
	}
	return r.ModelVersion(ctx, n.Name, int64(ch.Number))
}

// The keys of a note that only clients of MLflow have a use for.
const (
	noteSource  = "source"
	noteStorage = "storage_location"
	noteLink    = "run_link"
	noteModel   = "logged_model"
	noteUser    = "user"
)

// note returns what the tag of a new version says, and the run that it is of.
func (r *Registry) note(ctx context.Context, n *track.NewModelVersion) (registry.Note, *track.Run) {
	note := registry.Note{Run: n.RunID, Extra: map[string]any{}, Tags: map[string]string{}}
	for key, value := range map[string]string{noteSource: n.Source, noteStorage: n.StorageLocation, noteLink: n.RunLink, noteModel: n.ModelID, noteUser: n.User} {
		if value != "" {
			note.Extra[key] = value
		}
	}
	for _, t := range n.Tags {
		note.Tags[t.Key] = t.Value
	}
	if n.Description != "" {
		note.Description = &n.Description
	}
	run, err := r.Runs.Run(ctx, n.RunID)
	if n.RunID == "" || err != nil {
		return note, nil
	}
	note.Metrics = map[string]float64{}
	for _, m := range run.Metrics {
		note.Metrics[m.Key] = m.Value
	}
	if o := run.Origin; o != nil {
		note.Stage, note.Fingerprint = o.Stage, o.Fingerprint
	}
	return note, &run
}

// commit returns the commit that a version is to be on: the one that the run was
// made from, if it has no version yet and nothing was changed; else one made for
// it, so that the version is on the very files that it was made from.
func (r *Registry) commit(ctx context.Context, m *registry.Model, run *track.Run, message string) (string, error) {
	base, patch, err := r.basis(ctx, run)
	if err != nil {
		return "", err
	}
	taken := false
	if m != nil {
		for _, v := range m.Versions {
			taken = taken || v.Active() && v.Commit == base
		}
	}
	if len(patch) == 0 && !taken {
		return base, nil
	}
	return r.Repo.CommitOf(base, patch, message)
}

// basis returns the commit that a run was made from, and how the files differed. Of
// a run of which this is not known, it is what is checked out now.
func (r *Registry) basis(ctx context.Context, run *track.Run) (commit string, patch []byte, err error) {
	if run != nil && run.Origin != nil && run.Origin.Commit != "" {
		if commit, err := r.Repo.Resolve(run.Origin.Commit); err == nil {
			if sum, err := hash.ParseSum(run.Origin.Diff); err == nil {
				patch = r.Object(ctx, sum)
			}
			return commit, patch, nil
		}
	}
	if commit, err = r.Repo.Head(); err != nil || commit == "" {
		return "", nil, track.Errorf(track.InvalidState, "there is no commit in the git repository yet that a version could be on")
	}
	patch, err = r.Repo.Diff()
	return commit, patch, err
}

// StageModelVersion implements [track.Registry].
func (r *Registry) StageModelVersion(ctx context.Context, name string, number int64, stage string, archive bool) (track.ModelVersion, error) {
	stage, err := track.CheckStage(stage)
	if err != nil {
		return track.ModelVersion{}, err
	}
	return r.change(ctx, name, number,
		func(full, word string) error {
			_, err := r.Tags.Promote(ctx, registry.Promotion{Model: full, Version: word, Stage: strings.ToLower(stage), Archive: archive})
			return err
		},
		func() (track.ModelVersion, error) {
			return r.Registry.StageModelVersion(ctx, name, number, stage, archive)
		})
}

// change changes a version in git, or, if it is one of the store, there.
func (r *Registry) change(ctx context.Context, name string, number int64, in func(full, word string) error, stored func() (track.ModelVersion, error)) (track.ModelVersion, error) {
	full, v, err := r.version(ctx, name, number)
	if full == "" {
		return stored()
	}
	if err == nil {
		err = explain(in(full, v.Name))
	}
	if err != nil {
		return track.ModelVersion{}, err
	}
	return r.ModelVersion(ctx, name, number)
}

// annotate notes something with a version.
func (r *Registry) annotate(ctx context.Context, full, word string, note registry.Note) error {
	_, err := r.Tags.Annotate(ctx, registry.Annotation{Model: full, Version: word, Note: note})
	return err
}

// DescribeModelVersion implements [track.Registry].
func (r *Registry) DescribeModelVersion(ctx context.Context, name string, number int64, description string) (track.ModelVersion, error) {
	return r.change(ctx, name, number,
		func(full, word string) error {
			return r.annotate(ctx, full, word, registry.Note{Description: &description})
		},
		func() (track.ModelVersion, error) {
			return r.Registry.DescribeModelVersion(ctx, name, number, description)
		})
}

// DeleteModelVersion implements [track.Registry].
func (r *Registry) DeleteModelVersion(ctx context.Context, name string, number int64) error {
	full, v, err := r.version(ctx, name, number)
	if full == "" {
		return r.Registry.DeleteModelVersion(ctx, name, number)
	}
	if err == nil {
		_, err = r.Tags.Deregister(ctx, full, v.Name, registry.AsConfigured)
	}
	return explain(err)
}

// SetModelVersionTag implements [track.Registry].
func (r *Registry) SetModelVersionTag(ctx context.Context, name string, number int64, t track.Tag) error {
	full, v, err := r.version(ctx, name, number)
	if full == "" {
		return r.Registry.SetModelVersionTag(ctx, name, number, t)
	}
	if err == nil {
		err = r.annotate(ctx, full, v.Name, registry.Note{Tags: map[string]string{t.Key: t.Value}})
	}
	return explain(err)
}

// DeleteModelVersionTag implements [track.Registry].
func (r *Registry) DeleteModelVersionTag(ctx context.Context, name string, number int64, key string) error {
	full, v, err := r.version(ctx, name, number)
	if full == "" {
		return r.Registry.DeleteModelVersionTag(ctx, name, number, key)
	}
	if err == nil && v.Tags[key] != "" {
		err = r.annotate(ctx, full, v.Name, registry.Note{Untag: []string{key}})
	}
	return explain(err)
}
