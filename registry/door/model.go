package door

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/xtrepro/xt/registry"
	"github.com/xtrepro/xt/track"
)

// versionOf returns a version as MLflow has it.
func versionOf(name string, v *registry.Version) track.ModelVersion {
	n := v.Note()
	extra := func(key string) string { s, _ := n.Extra[key].(string); return s }
	mv := track.ModelVersion{
		Name: name, Version: int64(v.Number), Stage: stageOf(v), Description: v.Description, Status: "READY",
		Source: cmp.Or(extra(noteSource), placeOf(name, v)), StorageLocation: extra(noteStorage), RunID: n.Run, RunLink: extra(noteLink), ModelID: extra(noteModel),
		User: extra(noteUser), Aliases: slices.Clone(v.Aliases),
	}
	if v.Registered != nil {
		mv.Created = v.Registered.By.Time.UnixMilli()
		mv.Updated = mv.Created
		mv.User = cmp.Or(mv.User, v.Registered.By.Name)
	}
	for _, e := range v.Events {
		mv.Updated = max(mv.Updated, e.By.Time.UnixMilli())
	}
	for _, key := range slices.Sorted(maps.Keys(v.Tags)) {
		mv.Tags = append(mv.Tags, track.Tag{Key: key, Value: v.Tags[key]})
	}
	return mv
}

// stageOf returns the stage of a version in MLflow's words; others stay as they
// are.
func stageOf(v *registry.Version) string {
	stage := cmp.Or(v.Stage(), registry.None)
	if known, err := track.CheckStage(stage); err == nil {
		return known
	}
	return stage
}

// RegisteredModel implements [track.Registry].
func (r *Registry) RegisteredModel(ctx context.Context, name string) (track.RegisteredModel, error) {
	row, err := r.Registry.RegisteredModel(ctx, name)
	full, ok := r.model(ctx, name)
	if !ok {
		return row, err
	}
	m, gitErr := r.state(full)
	if gitErr != nil {
		return row, gitErr
	}
	if m == nil || !hasVersions(m) {
		return row, err
	}
	if err != nil {
		row = track.RegisteredModel{Name: name}
	}
	return fill(row, m), nil
}

func hasVersions(m *registry.Model) bool {
	return slices.ContainsFunc(m.Versions, (*registry.Version).Active)
}

// fill adds what git has to what the store has of a model.
func fill(row track.RegisteredModel, m *registry.Model) track.RegisteredModel {
	row.Aliases, row.Latest = nil, nil
	latest := map[string]track.ModelVersion{}
	for _, v := range m.Versions {
		if !v.Active() {
			continue
		}
		mv := versionOf(row.Name, v)
		for _, a := range v.Aliases {
			row.Aliases = append(row.Aliases, track.Alias{Name: a, Version: mv.Version})
		}
		if row.Created == 0 || mv.Created < row.Created {
			row.Created = mv.Created
		}
		row.Updated = max(row.Updated, mv.Updated)
		if mv.Version > latest[mv.Stage].Version {
			latest[mv.Stage] = mv
		}
	}
	slices.SortFunc(row.Aliases, func(a, b track.Alias) int { return strings.Compare(a.Name, b.Name) })
	row.Latest = slices.SortedFunc(maps.Values(latest), func(a, b track.ModelVersion) int { return cmp.Compare(a.Version, b.Version) })
	return row
}

// CreateRegisteredModel implements [track.Registry].
func (r *Registry) CreateRegisteredModel(ctx context.Context, name, description string, tags []track.Tag) (track.RegisteredModel, error) {
	if full, ok := r.model(ctx, name); ok {
		m, err := r.state(full)
		if err != nil {
			return track.RegisteredModel{}, err
		}
		if m != nil && hasVersions(m) {
			return track.RegisteredModel{}, track.Errorf(track.AlreadyExists, "Registered Model (name=%s) already exists.", name)
		}
	}
	return r.Registry.CreateRegisteredModel(ctx, name, description, tags)
}

// row makes sure that the store has a name that git has.
func (r *Registry) row(ctx context.Context, name string) error {
	_, err := r.Registry.RegisteredModel(ctx, name)
	if track.CodeOf(err) != track.NotFound {
		return err
	}
	if _, err := r.RegisteredModel(ctx, name); err != nil {
		return err
	}
	_, err = r.Registry.CreateRegisteredModel(ctx, name, "", nil)
	return err
}

// RenameRegisteredModel implements [track.Registry]. The tags of versions bear the
// name, so that a model with versions keeps its own.
func (r *Registry) RenameRegisteredModel(ctx context.Context, name, to string) (track.RegisteredModel, error) {
	if full, ok := r.model(ctx, name); ok {
		m, err := r.state(full)
		if err != nil {
			return track.RegisteredModel{}, err
		}
		if m != nil && hasVersions(m) {
			return track.RegisteredModel{}, track.Errorf(track.InvalidParameter, "Registered Model '%s' has versions, which are git tags with its name, so that it cannot be renamed", name)
		}
	}
	return r.Registry.RenameRegisteredModel(ctx, name, to)
}

// DescribeRegisteredModel implements [track.Registry].
func (r *Registry) DescribeRegisteredModel(ctx context.Context, name, description string) (track.RegisteredModel, error) {
	if err := r.row(ctx, name); err != nil {
		return track.RegisteredModel{}, err
	}
	if _, err := r.Registry.DescribeRegisteredModel(ctx, name, description); err != nil {
		return track.RegisteredModel{}, err
	}
	return r.RegisteredModel(ctx, name)
}

// SetRegisteredModelTag implements [track.Registry].
func (r *Registry) SetRegisteredModelTag(ctx context.Context, name string, t track.Tag) error {
	if err := r.row(ctx, name); err != nil {
		return err
	}
	return r.Registry.SetRegisteredModelTag(ctx, name, t)
}

// DeleteRegisteredModelTag implements [track.Registry].
func (r *Registry) DeleteRegisteredModelTag(ctx context.Context, name, key string) error {
	if err := r.row(ctx, name); err != nil {
		return err
	}
	return r.Registry.DeleteRegisteredModelTag(ctx, name, key)
}

// DeleteRegisteredModel implements [track.Registry].
func (r *Registry) DeleteRegisteredModel(ctx context.Context, name string) error {
	if err := r.row(ctx, name); err != nil {
		return err
	}
	if full, ok := r.model(ctx, name); ok {
		m, err := r.state(full)
		if err != nil {
			return err
		}
		for i := 0; m != nil && i < len(m.Versions); i++ {
			if v := m.Versions[i]; v.Active() {
				if _, err := r.Tags.Deregister(ctx, full, v.Name, registry.AsConfigured); err != nil {
					return explain(err)
				}
			}
		}
	}
	return r.Registry.DeleteRegisteredModel(ctx, name)
}

// LatestVersions implements [track.Registry].
func (r *Registry) LatestVersions(ctx context.Context, name string, stages []string) ([]track.ModelVersion, error) {
	if _, ok := r.model(ctx, name); !ok {
		return r.Registry.LatestVersions(ctx, name, stages)
	}
	m, err := r.RegisteredModel(ctx, name)
	if err != nil || stages == nil {
		return m.Latest, err
	}
	var list []track.ModelVersion
	for _, stage := range stages {
		known, err := track.CheckStage(stage)
		if err != nil {
			return nil, err
		}
		for _, v := range m.Latest {
			if v.Stage == known {
				list = append(list, v)
			}
		}
	}
	return list, nil
}

// SetAlias implements [track.Registry].
func (r *Registry) SetAlias(ctx context.Context, name, alias string, number int64) error {
	full, v, err := r.version(ctx, name, number)
	if full == "" {
		return r.Registry.SetAlias(ctx, name, alias, number)
	}
	if err == nil {
		err = track.CheckAlias(alias)
	}
	if err == nil && !slices.Contains(v.Aliases, alias) {
		err = r.annotate(ctx, full, v.Name, registry.Note{Aliases: []string{alias}})
	}
	return explain(err)
}

// DeleteAlias implements [track.Registry].
func (r *Registry) DeleteAlias(ctx context.Context, name, alias string) error {
	v, err := r.ModelVersionByAlias(ctx, name, alias)
	full, ok := r.model(ctx, name)
	switch {
	case !ok:
		return r.Registry.DeleteAlias(ctx, name, alias)
	case err != nil:
		if track.CodeOf(err) == track.InvalidParameter {
			return nil // there is none
		}
		return err
	}
	m, err := r.state(full)
	if err != nil {
		return err
	}
	for _, x := range m.Versions {
		if int64(x.Number) == v.Version {
			return explain(r.annotate(ctx, full, x.Name, registry.Note{Unalias: []string{alias}}))
		}
	}
	return nil
}

// ModelVersionByAlias implements [track.Registry].
func (r *Registry) ModelVersionByAlias(ctx context.Context, name, alias string) (track.ModelVersion, error) {
	full, ok := r.model(ctx, name)
	if !ok {
		return r.Registry.ModelVersionByAlias(ctx, name, alias)
	}
	if _, err := r.RegisteredModel(ctx, name); err != nil {
		return track.ModelVersion{}, err
	}
	m, err := r.state(full)
	if err != nil {
		return track.ModelVersion{}, err
	}
	for i := 0; m != nil && i < len(m.Versions); i++ {
		if v := m.Versions[i]; v.Active() && slices.Contains(v.Aliases, alias) {
			return versionOf(name, v), nil
		}
	}
	return track.ModelVersion{}, track.Errorf(track.InvalidParameter, "Registered model alias %s not found.", alias)
}
