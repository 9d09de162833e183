package sql

import (
	"context"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/filter"
)

// How many registered models and versions a page may have.
const (
	maxModels   = 1000
	maxVersions = 200_000
)

// registrySearch is a search for registered models or for versions of them.
type registrySearch struct {
	grammar  *filter.Grammar
	from     string            // the query up to WHERE
	columns  map[string]string // of attributes
	tagTable string
	tagOwner string // its column
	id       string // what it is compared with
	order    string // that is usual, and what ties are ordered by
	max      int
}

// SearchRegisteredModels implements [track.Registry].
func (s *Store) SearchRegisteredModels(ctx context.Context, search track.Search) (page track.Page[track.RegisteredModel], err error) {
	kind := registrySearch{
		grammar: filter.RegisteredModels(), from: selectRegistered, columns: map[string]string{"name": "g.name", "last_updated_timestamp": "g.updated"},
		tagTable: "registered_model_tags", tagOwner: "model", id: "g.id", order: "g.name", max: maxModels,
	}
	q, offset, err := kind.query(s, &search)
	if err != nil {
		return page, err
	}
	err = s.view(ctx, func(c *conn) error {
		var found []registered
		err := c.eachOnce(q.String(), q.args, func(scan func(...any) error) error {
			r, err := scanRegistered(scan)
			found = append(found, r)
			return err
		})
		if err != nil {
			return err
		}
		list := cutPage(found, search.Max, offset)
		page.Next = list.Next
		page.Items, err = c.fillRegistered(list.Items)
		return err
	})
	return page, err
}

// SearchModelVersions implements [track.Registry].
func (s *Store) SearchModelVersions(ctx context.Context, search track.Search) (page track.Page[track.ModelVersion], err error) {
	kind := registrySearch{
		grammar: filter.ModelVersions(), from: selectVersions,
		columns: map[string]string{"name": "g.name", "version_number": "v.version", "run_id": "v.run_id", "source_path": "v.source",
			"creation_timestamp": "v.created", "last_updated_timestamp": "v.updated"},
		tagTable: "model_version_tags", tagOwner: "version", id: "v.id", order: "g.name, v.version DESC", max: maxVersions,
	}
	if len(search.OrderBy) == 0 {
		search.OrderBy = []string{"last_updated_timestamp DESC"}
	}
	q, offset, err := kind.query(s, &search)
	if err != nil {
		return page, err
	}
	err = s.view(ctx, func(c *conn) error {
		found, err := c.versions(q.String(), q.args)
		if err != nil {
			return err
		}
		list := cutPage(found, search.Max, offset)
		page.Next = list.Next
		page.Items, err = c.fillVersions(list.Items)
		return err
	})
	return page, err
}

func (k *registrySearch) query(s *Store, search *track.Search) (q *text, offset int, err error) {
	if search.Max < 1 {
		return nil, 0, track.Errorf(track.InvalidParameter, "Invalid value for max_results. It must be a positive integer, but got %d", search.Max)
	}
	if search.Max > k.max {
		return nil, 0, track.Errorf(track.InvalidParameter, "Invalid value for request parameter max_results. It must be at most %d, but got value %d", k.max, search.Max)
	}
	clauses, err := k.grammar.Parse(search.Filter)
	if err != nil {
		return nil, 0, err
	}
	order, err := k.grammar.ParseOrder(search.OrderBy)
	if err != nil {
		return nil, 0, err
	}
	if offset, err = track.ParseOffset(search.PageToken); err != nil {
		return nil, 0, err
	}
	q = &text{}
	q.add(k.from + " WHERE ")
	k.prompts(q, clauses)
	for i := range clauses {
		k.clause(s, q, &clauses[i])
	}
	q.add(" ORDER BY ")
	for _, o := range order {
		q.add(k.columns[o.Key] + direction(o.Desc) + ", ")
	}
	q.add(k.order)
	q.limit(search.Max, offset)
	return q, offset, nil
}

// prompts adds the condition that prompts are left out, unless the filter asks
// for them.
func (k *registrySearch) prompts(q *text, clauses []filter.Clause) {
	if filter.WantsPrompts(clauses) {
		q.add("1 = 1")
		return
	}
	q.add("NOT EXISTS (SELECT 1 FROM registered_model_tags p WHERE p.model = g.id AND p.key = ? AND p.value = 'true')", track.PromptTag)
	if k.tagTable != "registered_model_tags" {
		q.add(" AND NOT EXISTS (SELECT 1 FROM "+k.tagTable+" p WHERE p."+k.tagOwner+" = "+k.id+" AND p.key = ? AND p.value = 'true')", track.PromptTag)
	}
}

// clause adds the condition of a clause. Those on prompts that mean "no
// prompts" were dealt with: what is not a prompt lacks the tag.
func (k *registrySearch) clause(s *Store, q *text, c *filter.Clause) {
	negative := c.Op == filter.NotEqual && c.Text == "true" || c.Op == filter.Equal && c.Text == "false"
	switch {
	case c.AboutPrompts() && negative:
		return
	case c.Kind == filter.Tag:
		q.add(" AND ")
		q.tag(s.dialect, k.tagTable, k.tagOwner, k.id, c)
	case c.Numeric:
		q.add(" AND ")
		q.compareNumber(k.columns[c.Key], c)
	default:
		q.add(" AND ")
		q.compare(s.dialect, k.columns[c.Key], c)
	}
}
