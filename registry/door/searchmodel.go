package door

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/filter"
)

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
