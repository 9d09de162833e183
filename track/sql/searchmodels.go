package sql

import (
	"context"
	"fmt"
	"strings"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/filter"
)

var loggedModelColumns = map[string]string{
	"name": "m.name", "model_id": "m.model_id", "model_type": "m.type", "status": "m.status", "source_run_id": "m.source_run",
	"creation_timestamp": "m.created", "last_updated_timestamp": "m.updated",
}

// SearchLoggedModels implements [track.LoggedModels].
func (s *Store) SearchLoggedModels(ctx context.Context, search track.LoggedModelSearch) (page track.Page[track.LoggedModel], err error) {
	q, offset, err := s.loggedModelQuery(&search)
	if err != nil {
		return page, err
	}
	err = s.view(ctx, func(c *conn) error {
		var found []modelRow
		err := c.eachOnce(q.String(), q.args, func(scan func(...any) error) error {
			m, err := scanLoggedModel(scan)
			found = append(found, m)
			return err
		})
		if err != nil {
			return err
		}
		list := cutPage(found, search.Max, offset)
		page.Next = list.Next
		page.Items, err = c.fillLoggedModels(list.Items)
		return err
	})
	return page, err
}

func (s *Store) loggedModelQuery(search *track.LoggedModelSearch) (q *text, offset int, err error) {
	if err := track.CheckMax(search.Max, maxPage); err != nil {
		return nil, 0, err
	}
	clauses, err := filter.LoggedModels().Parse(search.Filter)
	if err != nil {
		return nil, 0, err
	}
	if offset, err = track.ParseOffset(search.PageToken); err != nil {
		return nil, 0, err
	}
	q, order := &text{}, &text{}
	q.add(selectLoggedModels)
	if err := orderLoggedModels(q, order, search.Order); err != nil {
		return nil, 0, err
	}
	q.add(" WHERE m.deleted = 0 AND "+s.inInts("m.experiment"), s.ints(search.Experiments))
	aboutMetrics := false
	for i := range clauses {
		q.add(" AND ")
		s.loggedModelClause(q, &clauses[i], search.Datasets)
		aboutMetrics = aboutMetrics || clauses[i].Kind == filter.Metric
	}
	if len(search.Datasets) > 0 && !aboutMetrics {
		q.add(" AND EXISTS (SELECT 1 FROM logged_model_metrics v WHERE v.model = m.id")
		q.aboutDatasets(search.Datasets)
		q.add(")")
	}
	q.add(order.String(), order.args...)
	q.limit(search.Max, offset)
	return q, offset, nil
}

func (s *Store) loggedModelClause(q *text, c *filter.Clause, datasets []track.DatasetName) {
	switch c.Kind {
	case filter.Metric:
		q.add("EXISTS (SELECT 1 FROM logged_model_metrics v WHERE v.model = m.id AND v.key = ? AND ", c.Key)
		q.compareValue("v", c)
		q.aboutDatasets(datasets)
		q.add(")")
	case filter.Param:
		q.tag(s.dialect, "logged_model_params", "model", "m.id", c)
	case filter.Tag:
		q.tag(s.dialect, "logged_model_tags", "model", "m.id", c)
	default:
		column := loggedModelColumns[c.Key]
		if c.Numeric {
			q.compareNumber(column, c)
			return
		}
		if c.Key == "status" && c.Text != "" && !strings.HasPrefix(c.Text, "LOGGED_MODEL_") {
			c.Text = "LOGGED_MODEL_" + c.Text
		}
		q.compare(s.dialect, column, c)
	}
}

// aboutDatasets adds the condition that a metric v is about one of the
// datasets.
func (q *text) aboutDatasets(datasets []track.DatasetName) {
	for i, d := range datasets {
		q.add(map[bool]string{true: " AND (", false: " OR "}[i == 0])
		if d.Digest == "" {
			q.add("v.dataset_name = ?", d.Name)
		} else {
			q.add("(v.dataset_name = ? AND v.dataset_digest = ?)", d.Name, d.Digest)
		}
	}
	if len(datasets) > 0 {
		q.add(")")
	}
}

// orderLoggedModels adds to q what is joined for an order, and to order the
// order.
func orderLoggedModels(q, order *text, keys []track.ModelOrder) error {
	byTime, byID := false, false
	order.add(" ORDER BY ")
	for i, o := range keys {
		entity, key, ok := strings.Cut(o.Field, ".")
		if !ok {
			parsed, err := filter.LoggedModels().ParseOrder([]string{o.Field})
			if err != nil {
				return track.Errorf(track.InvalidParameter, "Invalid order by field name: %s", o.Field)
			}
			byTime, byID = byTime || parsed[0].Key == "creation_timestamp", byID || parsed[0].Key == "model_id"
			order.add(loggedModelColumns[parsed[0].Key] + direction(o.Descending) + ", ")
			continue
		}
		if entity != "metrics" {
			return track.Errorf(track.InvalidParameter, "Invalid order by field name: %s. Only metrics are supported.", o.Field)
		}
		joinLatest(q, i, strings.Trim(key, "`"), o)
		order.add(fmt.Sprintf("CASE WHEN k%d.model IS NULL THEN 2 ELSE k%d.is_nan END, k%d.value", i, i, i) + direction(o.Descending) + ", ")
	}
	if !byTime {
		order.add("m.created DESC, ")
	}
	order.add("m.model_id")
	return nil
}

// joinLatest joins the latest value of a metric of logged models as the table k
// with a number.
func joinLatest(q *text, i int, key string, o track.ModelOrder) {
	q.add(` LEFT JOIN (SELECT v.model, v.value, v.is_nan, row_number() OVER (PARTITION BY v.model ORDER BY v.time DESC, v.step DESC, v.run_id) AS n
		FROM logged_model_metrics v WHERE v.key = ?`, key)
	if o.DatasetName != "" {
		q.add(" AND v.dataset_name = ?", o.DatasetName)
	}
	if o.DatasetDigest != "" {
		q.add(" AND v.dataset_digest = ?", o.DatasetDigest)
	}
	q.add(fmt.Sprintf(") k%d ON k%d.model = m.id AND k%d.n = 1", i, i, i))
}
