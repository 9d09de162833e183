package sql

import (
	"context"
	"slices"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/filter"
)

// maxPage is how many results a page may have.
const maxPage = 50_000

var experimentColumns = map[string]string{
	"name": "e.name", "experiment_id": "e.id", "creation_time": "e.created", "last_update_time": "e.updated",
}

// SearchExperiments implements [track.Experiments].
func (s *Store) SearchExperiments(ctx context.Context, search track.ExperimentSearch) (page track.Page[track.Experiment], err error) {
	q, offset, err := s.experimentQuery(&search)
	if err != nil {
		return page, err
	}
	err = s.view(ctx, func(c *conn) error {
		var found []track.Experiment
		err := c.eachOnce(q.String(), q.args, func(scan func(...any) error) error {
			e, err := scanExperiment(scan)
			found = append(found, e)
			return err
		})
		if err != nil {
			return err
		}
		page = cutPage(found, search.Max, offset)
		at := make([]*track.Experiment, len(page.Items))
		for i := range page.Items {
			at[i] = &page.Items[i]
		}
		return c.addExperimentTags(at)
	})
	return page, err
}

func (s *Store) experimentQuery(search *track.ExperimentSearch) (q *text, offset int, err error) {
	if err := track.CheckMax(search.Max, maxPage); err != nil {
		return nil, 0, err
	}
	clauses, err := filter.Experiments().Parse(search.Filter)
	if err != nil {
		return nil, 0, err
	}
	order, err := filter.Experiments().ParseOrder(search.OrderBy)
	if err != nil {
		return nil, 0, err
	}
	if offset, err = track.ParseOffset(search.PageToken); err != nil {
		return nil, 0, err
	}
	q = &text{}
	q.add(selectExperiments + " WHERE ")
	q.inView("e.deleted", search.View)
	for i := range clauses {
		q.add(" AND ")
		if err := s.experimentClause(q, &clauses[i]); err != nil {
			return nil, 0, err
		}
	}
	q.orderExperiments(order)
	q.limit(search.Max, offset)
	return q, offset, nil
}

func (q *text) orderExperiments(order []filter.Order) {
	last := ", e.id DESC"
	if order == nil {
		order, last = []filter.Order{{Key: "creation_time", Desc: true}}, ", e.id ASC"
	}
	for i, o := range order {
		word := ", "
		if i == 0 {
			word = " ORDER BY "
		}
		q.add(word + experimentColumns[o.Key] + direction(o.Desc))
	}
	if !slices.ContainsFunc(order, func(o filter.Order) bool { return o.Key == "experiment_id" }) {
		q.add(last)
	}
}

// inView adds the condition of a view.
func (q *text) inView(column string, v track.View) {
	switch v {
	case track.All:
		q.add(column + " IN (0, 1)")
	case track.DeletedOnly:
		q.add(column + " = 1")
	default:
		q.add(column + " = 0")
	}
}

func (s *Store) experimentClause(q *text, c *filter.Clause) error {
	switch {
	case c.Kind == filter.Tag:
		q.tag(s.dialect, "experiment_tags", "experiment", "e.id", c)
	case c.Key == "experiment_id":
		return s.experimentIDClause(q, c)
	case c.Numeric:
		q.compareNumber(experimentColumns[c.Key], c)
	default:
		q.compare(s.dialect, experimentColumns[c.Key], c)
	}
	return nil
}

func (s *Store) experimentIDClause(q *text, c *filter.Clause) error {
	texts, not := c.List, ""
	switch c.Op {
	case filter.Equal:
		texts = []string{c.Text}
	case filter.NotEqual:
		texts, not = []string{c.Text}, "NOT "
	case filter.NotIn:
		not = "NOT "
	case filter.In:
	default:
		return track.Errorf(track.InvalidParameter, "Invalid comparator for experiment_id: %s", c.Op)
	}
	ids := make([]int64, len(texts))
	for i, t := range texts {
		var err error
		if ids[i], err = track.ParseExperimentID(t); err != nil {
			return err
		}
	}
	q.add(not+"("+s.inInts("e.id")+")", s.ints(ids))
	return nil
}

// tag adds the condition about a tag in a table whose column owner is the
// number id.
func (q *text) tag(d *dialect, table, owner, id string, c *filter.Clause) {
	if c.Op == filter.IsNull {
		q.add("NOT ")
	}
	q.add("EXISTS (SELECT 1 FROM "+table+" x WHERE x."+owner+" = "+id+" AND x.key = ?", c.Key)
	if c.Op != filter.IsNull && c.Op != filter.IsNotNull {
		q.add(" AND ")
		q.compare(d, "x.value", c)
	}
	q.add(")")
}
