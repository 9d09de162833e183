package door

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/xtrepro/xt/registry"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/filter"
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

// all returns the registered models of git and of the store, by name, with their
// versions.
func (r *Registry) all(ctx context.Context) (models map[string]track.RegisteredModel, versions []track.ModelVersion, err error) {
	models = map[string]track.RegisteredModel{}
	for search := (track.Search{Max: 1000}); ; {
		page, err := r.Registry.SearchRegisteredModels(ctx, search)
		if err != nil {
			return nil, nil, err
		}
		for _, m := range page.Items {
			models[m.Name] = m
		}
		if search.PageToken = page.Next; page.Next == "" {
			break
		}
	}
	s, err := r.Tags.Load()
	if err != nil {
		return nil, nil, err
	}
	for full, m := range s.Models {
		name, ours := r.shown(full)
		if !ours || !hasVersions(m) {
			continue
		}
		row, ok := models[name]
		if !ok {
			row = track.RegisteredModel{Name: name}
		}
		models[name] = fill(row, m)
		for _, v := range m.Versions {
			if v.Active() {
				versions = append(versions, versionOf(name, v))
			}
		}
	}
	stored, err := r.stored(ctx)
	return models, append(versions, stored...), err
}

// stored returns the versions that are in the store alone.
func (r *Registry) stored(ctx context.Context) (versions []track.ModelVersion, err error) {
	ours := map[string]bool{} // whether a model is one of git
	for search := (track.Search{Max: 1000}); ; {
		page, err := r.Registry.SearchModelVersions(ctx, search)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			v := &page.Items[i]
			if _, known := ours[v.Name]; !known {
				_, ours[v.Name] = r.model(ctx, v.Name)
			}
			if !ours[v.Name] {
				versions = append(versions, *v)
			}
		}
		if search.PageToken = page.Next; page.Next == "" {
			return versions, nil
		}
	}
}

// shown returns the name of a model in the project; false for those of others.
func (r *Registry) shown(full string) (string, bool) {
	dir, name, has := strings.Cut(full, ":")
	if r.Prefix == "" {
		return full, !has
	}
	return name, has && dir+"/" == r.Prefix
}

// SearchRegisteredModels implements [track.Registry].
func (r *Registry) SearchRegisteredModels(ctx context.Context, search track.Search) (page track.Page[track.RegisteredModel], err error) {
	clauses, err := filter.RegisteredModels().Parse(search.Filter)
	if err != nil {
		return page, err
	}
	if filter.WantsPrompts(clauses) {
		return r.Registry.SearchRegisteredModels(ctx, search)
	}
	order, err := filter.RegisteredModels().ParseOrder(search.OrderBy)
	if err != nil {
		return page, err
	}
	models, _, err := r.all(ctx)
	if err != nil {
		return page, err
	}
	var found []track.RegisteredModel
	for _, m := range models {
		if filter.Match(noPrompts(clauses), func(c *filter.Clause) (filter.Value, bool) {
			if c.Kind == filter.Tag {
				return tagValue(m.Tags, c.Key)
			}
			return filter.Value{Text: m.Name}, true
		}) {
			found = append(found, m)
		}
	}
	slices.SortFunc(found, func(a, b track.RegisteredModel) int {
		for _, o := range order {
			n := strings.Compare(a.Name, b.Name)
			if o.Key != "name" {
				n = cmp.Compare(a.Updated, b.Updated)
			}
			if n != 0 {
				return directed(n, o.Desc)
			}
		}
		return strings.Compare(a.Name, b.Name)
	})
	return cut(found, &search, 1000)
}

// SearchModelVersions implements [track.Registry].
func (r *Registry) SearchModelVersions(ctx context.Context, search track.Search) (page track.Page[track.ModelVersion], err error) {
	clauses, err := filter.ModelVersions().Parse(search.Filter)
	if err != nil {
		return page, err
	}
	prompt := slices.ContainsFunc(clauses, func(c filter.Clause) bool {
		if c.Kind != filter.Attribute || c.Key != "name" || c.Op != filter.Equal {
			return false
		}
		_, ours := r.model(ctx, c.Text)
		return !ours
	})
	if prompt || filter.WantsPrompts(clauses) {
		return r.Registry.SearchModelVersions(ctx, search)
	}
	order, err := filter.ModelVersions().ParseOrder(search.OrderBy)
	if err != nil {
		return page, err
	}
	if len(order) == 0 {
		order = []filter.Order{{Kind: filter.Attribute, Key: "last_updated_timestamp", Desc: true}}
	}
	_, versions, err := r.all(ctx)
	if err != nil {
		return page, err
	}
	found := slices.DeleteFunc(versions, func(v track.ModelVersion) bool {
		return !filter.Match(noPrompts(clauses), func(c *filter.Clause) (filter.Value, bool) { return versionValue(&v, c) })
	})
	slices.SortFunc(found, func(a, b track.ModelVersion) int { return compareVersions(&a, &b, order) })
	return cut(found, &search, 200_000)
}

// noPrompts leaves out clauses that say that prompts are not wanted.
func noPrompts(clauses []filter.Clause) []filter.Clause {
	return slices.DeleteFunc(slices.Clone(clauses), func(c filter.Clause) bool { return c.AboutPrompts() })
}

func tagValue(tags []track.Tag, key string) (filter.Value, bool) {
	for _, t := range tags {
		if t.Key == key {
			return filter.Value{Text: t.Value}, true
		}
	}
	return filter.Value{}, false
}

func versionValue(v *track.ModelVersion, c *filter.Clause) (filter.Value, bool) {
	if c.Kind == filter.Tag {
		return tagValue(v.Tags, c.Key)
	}
	switch c.Key {
	case "name":
		return filter.Value{Text: v.Name}, true
	case "version_number":
		return filter.Value{Number: float64(v.Version)}, true
	case "run_id":
		return filter.Value{Text: v.RunID}, true
	}
	return filter.Value{Text: v.Source}, true
}

func compareVersions(a, b *track.ModelVersion, order []filter.Order) int {
	for _, o := range order {
		n := 0
		switch o.Key {
		case "name":
			n = strings.Compare(a.Name, b.Name)
		case "version_number":
			n = cmp.Compare(a.Version, b.Version)
		case "creation_timestamp":
			n = cmp.Compare(a.Created, b.Created)
		default:
			n = cmp.Compare(a.Updated, b.Updated)
		}
		if n != 0 {
			return directed(n, o.Desc)
		}
	}
	return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(b.Version, a.Version))
}

func directed(n int, desc bool) int {
	if desc {
		return -n
	}
	return n
}

// cut returns the page of a search from all that was found.
func cut[T any](found []T, search *track.Search, most int) (page track.Page[T], err error) {
	if err := track.CheckMax(search.Max, most); err != nil {
		return page, err
	}
	from, err := track.ParseOffset(search.PageToken)
	if err != nil {
		return page, err
	}
	found = found[min(from, len(found)):]
	if len(found) > search.Max {
		page.Next, found = track.OffsetToken(from+search.Max), found[:search.Max]
	}
	page.Items = found
	return page, nil
}
