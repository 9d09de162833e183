package sql

import (
	"context"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/filter"
)

var evaluationColumns = map[string]string{
	"name": "v.name", "created_time": "v.created", "last_update_time": "v.updated", "created_by": "NULLIF(v.created_by, '')", "last_updated_by": "NULLIF(v.updated_by, '')",
}

// SearchEvaluationDatasets implements [track.Evaluations].
func (s *Store) SearchEvaluationDatasets(ctx context.Context, search track.EvaluationSearch) (page track.Page[track.EvaluationDataset], err error) {
	q, offset, err := s.evaluationQuery(&search)
	if err != nil {
		return page, err
	}
	err = s.view(ctx, func(c *conn) error {
		var found []evaluationRow
		err := c.eachOnce(q.String(), q.args, func(scan func(...any) error) error {
			d, err := scanEvaluation(scan)
			found = append(found, d)
			return err
		})
		if err != nil {
			return err
		}
		list := cutPage(found, search.Max, offset)
		page.Next = list.Next
		page.Items, err = c.fillEvaluations(list.Items)
		return err
	})
	return page, err
}

func (s *Store) evaluationQuery(search *track.EvaluationSearch) (q *text, offset int, err error) {
	if err := track.CheckMax(search.Max, maxPage); err != nil {
		return nil, 0, err
	}
	clauses, err := filter.EvaluationDatasets().Parse(search.Filter)
	if err != nil {
		return nil, 0, err
	}
	order, err := filter.EvaluationDatasets().ParseOrder(search.OrderBy)
	if err != nil {
		return nil, 0, err
	}
	if offset, err = track.ParseOffset(search.PageToken); err != nil {
		return nil, 0, err
	}
	q = &text{}
	q.add(selectEvaluations + " WHERE 1 = 1")
	if search.Experiments != nil {
		q.add(" AND v.id IN (SELECT x.evaluation FROM evaluation_experiments x WHERE "+s.inInts("x.experiment")+")", s.ints(search.Experiments))
	}
	for i := range clauses {
		q.add(" AND ")
		s.evaluationClause(q, &clauses[i])
	}
	q.add(" ORDER BY ")
	if order == nil {
		order = []filter.Order{{Key: "created_time", Desc: true}}
	}
	for _, o := range order {
		q.add(evaluationColumns[o.Key] + direction(o.Desc) + ", ")
	}
	q.add("v.dataset_id DESC")
	q.limit(search.Max, offset)
	return q, offset, nil
}

func (s *Store) evaluationClause(q *text, c *filter.Clause) {
	switch {
	case c.Kind == filter.Tag:
		q.tag(s.dialect, "evaluation_tags", "evaluation", "v.id", c)
	case c.Numeric:
		q.compareNumber(evaluationColumns[c.Key], c)
	default:
		q.compare(s.dialect, evaluationColumns[c.Key], c)
	}
}
