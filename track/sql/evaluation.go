package sql

import (
	"context"
	"database/sql"
	"errors"
	"strconv"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/filter"
)

// evalRow is a collection of examples as the table has it.
type evalRow struct {
	row int64
	track.EvalDataset
}

const selectEvalDatasets = `SELECT d.id, d.dataset_id, d.name, d.digest, d.fields, d.created, d.updated, d.created_by, d.updated_by,
	(SELECT count(*) FROM examples x WHERE x.dataset = d.id) FROM eval_datasets d`

func scanEvalDataset(scan func(...any) error) (d evalRow, err error) {
	err = scan(&d.row, &d.ID, &d.Name, &d.Digest, &d.Schema, &d.Created, &d.Updated, &d.CreatedBy, &d.UpdatedBy, &d.Count)
	return d, err
}

// evalDataset reads one without its tags and experiments.
func (c *conn) evalDataset(id string) (d evalRow, err error) {
	d, err = scanEvalDataset(func(dest ...any) error {
		return c.row(selectEvalDatasets+" WHERE d.dataset_id = ?", []any{id}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = track.Errorf(track.NotFound, "Evaluation dataset with id '%s' not found", id)
	}
	return d, err
}

// fillEvalDatasets reads the tags and the experiments.
func (c *conn) fillEvalDatasets(rows []evalRow) ([]track.EvalDataset, error) {
	list, ids, at := make([]track.EvalDataset, len(rows)), make([]int64, len(rows)), map[int64]*track.EvalDataset{}
	for i := range rows {
		list[i], ids[i] = rows[i].EvalDataset, rows[i].row
		at[ids[i]] = &list[i]
	}
	if len(rows) == 0 {
		return list, nil
	}
	err := c.pairs("eval_dataset_tags", "dataset", ids, func(row int64, t track.Tag) { at[row].Tags = append(at[row].Tags, t) })
	if err != nil {
		return nil, err
	}
	err = c.each("SELECT dataset, experiment FROM eval_dataset_experiments WHERE "+c.inInts("dataset")+" ORDER BY dataset, experiment", []any{c.ints(ids)},
		func(scan func(...any) error) error {
			var row, experiment int64
			err := scan(&row, &experiment)
			if err == nil {
				at[row].Experiments = append(at[row].Experiments, experiment)
			}
			return err
		})
	return list, err
}

// evalDigest is what a collection is called that was changed last at a time.
func evalDigest(name string, now int64) string {
	return hash.Bytes([]byte(name + "\n" + strconv.FormatInt(now, 10))).String()[:8]
}

func checkEvalTags(tags []track.Tag) error {
	for _, t := range tags {
		if err := track.CheckLimitedTag(t, track.MaxExperimentTagValue); err != nil {
			return err
		}
	}
	return nil
}

// userOf returns who the tags say that it was.
func userOf(tags []track.Tag) string {
	for _, t := range tags {
		if t.Key == track.UserTag {
			return t.Value
		}
	}
	return ""
}

// CreateEvalDataset implements [track.EvalDatasets].
func (s *Store) CreateEvalDataset(ctx context.Context, n track.NewEvalDataset) (track.EvalDataset, error) {
	if n.Name == "" || len(n.Name) > track.MaxKey {
		return track.EvalDataset{}, track.Errorf(track.InvalidParameter, "the name of an evaluation dataset has 1 to %d bytes, not %d", track.MaxKey, len(n.Name))
	}
	if err := checkEvalTags(n.Tags); err != nil {
		return track.EvalDataset{}, err
	}
	id, user := "d-"+track.NewRunID(), userOf(n.Tags)
	err := s.change(ctx, func(t *tx) error {
		var row int64
		err := t.row("INSERT INTO eval_datasets (dataset_id, name, digest, created, updated, created_by, updated_by) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
			[]any{id, clean(n.Name), evalDigest(n.Name, t.now), t.now, t.now, user, user}, &row)
		if err == nil {
			err = t.setPairs("eval_dataset_tags", "dataset", row, n.Tags)
		}
		if err == nil {
			err = t.addToExperiments(row, n.Experiments)
		}
		return err
	})
	if err != nil {
		return track.EvalDataset{}, err
	}
	return s.EvalDataset(ctx, id)
}

func (t *tx) addToExperiments(row int64, experiments []int64) error {
	args := make([]any, 0, 2*len(experiments))
	for _, id := range experiments {
		if _, err := t.experiment(id); err != nil {
			return err
		}
		args = append(args, row, id)
	}
	return t.insert("INSERT INTO eval_dataset_experiments (dataset, experiment)", "ON CONFLICT (dataset, experiment) DO NOTHING", 2, args)
}

// EvalDataset implements [track.EvalDatasets].
func (s *Store) EvalDataset(ctx context.Context, id string) (d track.EvalDataset, err error) {
	err = s.view(ctx, func(c *conn) error {
		r, err := c.evalDataset(id)
		if err != nil {
			return err
		}
		list, err := c.fillEvalDatasets([]evalRow{r})
		if err == nil {
			d = list[0]
		}
		return err
	})
	return d, err
}

// DeleteEvalDataset implements [track.EvalDatasets].
func (s *Store) DeleteEvalDataset(ctx context.Context, id string) error {
	return s.repeat(ctx, func(t *tx) error {
		_, err := t.exec("DELETE FROM eval_datasets WHERE dataset_id = ?", id)
		return err
	})
}

// changeEvalDataset changes one that must be there.
func (s *Store) changeEvalDataset(ctx context.Context, id string, f func(t *tx, d *evalRow) error) error {
	return s.change(ctx, func(t *tx) error {
		d, err := t.evalDataset(id)
		if err != nil {
			return err
		}
		return f(t, &d)
	})
}

// SetEvalDatasetTags implements [track.EvalDatasets].
func (s *Store) SetEvalDatasetTags(ctx context.Context, id string, tags []track.Tag) error {
	if err := checkEvalTags(tags); err != nil {
		return err
	}
	return s.changeEvalDataset(ctx, id, func(t *tx, d *evalRow) error { return t.setPairs("eval_dataset_tags", "dataset", d.row, tags) })
}

// DeleteEvalDatasetTag implements [track.EvalDatasets].
func (s *Store) DeleteEvalDatasetTag(ctx context.Context, id, key string) error {
	return s.repeat(ctx, func(t *tx) error {
		_, err := t.exec("DELETE FROM eval_dataset_tags WHERE key = ? AND dataset IN (SELECT id FROM eval_datasets WHERE dataset_id = ?)", key, id)
		return err
	})
}

// ShareEvalDataset implements [track.EvalDatasets].
func (s *Store) ShareEvalDataset(ctx context.Context, id string, add, remove []int64) (track.EvalDataset, error) {
	err := s.changeEvalDataset(ctx, id, func(t *tx, d *evalRow) error {
		_, err := t.exec("DELETE FROM eval_dataset_experiments WHERE dataset = ? AND "+t.inInts("experiment"), d.row, t.ints(remove))
		if err == nil {
			err = t.addToExperiments(d.row, add)
		}
		if err == nil {
			_, err = t.exec("UPDATE eval_datasets SET updated = ? WHERE id = ?", t.now, d.row)
		}
		return err
	})
	if err != nil {
		return track.EvalDataset{}, err
	}
	return s.EvalDataset(ctx, id)
}

var evalColumns = map[string]string{
	"name": "d.name", "created_time": "d.created", "last_update_time": "d.updated", "created_by": "d.created_by", "last_updated_by": "d.updated_by",
}

// SearchEvalDatasets implements [track.EvalDatasets].
func (s *Store) SearchEvalDatasets(ctx context.Context, search track.EvalDatasetSearch) (page track.Page[track.EvalDataset], err error) {
	q, offset, err := s.evalQuery(&search)
	if err != nil {
		return page, err
	}
	err = s.view(ctx, func(c *conn) error {
		var found []evalRow
		err := c.eachOnce(q.String(), q.args, func(scan func(...any) error) error {
			d, err := scanEvalDataset(scan)
			found = append(found, d)
			return err
		})
		if err != nil {
			return err
		}
		list := cutPage(found, search.Max, offset)
		page.Next = list.Next
		page.Items, err = c.fillEvalDatasets(list.Items)
		return err
	})
	return page, err
}

func (s *Store) evalQuery(search *track.EvalDatasetSearch) (q *text, offset int, err error) {
	if err := track.CheckMax(search.Max, maxPage); err != nil {
		return nil, 0, err
	}
	clauses, err := filter.EvalDatasets().Parse(search.Filter)
	if err != nil {
		return nil, 0, err
	}
	order, err := filter.EvalDatasets().ParseOrder(search.OrderBy)
	if err != nil {
		return nil, 0, err
	}
	if offset, err = track.ParseOffset(search.PageToken); err != nil {
		return nil, 0, err
	}
	q = &text{}
	q.add(selectEvalDatasets + " WHERE 1 = 1")
	if search.Experiments != nil {
		q.add(" AND d.id IN (SELECT dataset FROM eval_dataset_experiments WHERE "+s.inInts("experiment")+")", s.ints(search.Experiments))
	}
	for i := range clauses {
		c := &clauses[i]
		q.add(" AND ")
		switch {
		case c.Kind == filter.Tag:
			q.tag(s.dialect, "eval_dataset_tags", "dataset", "d.id", c)
		case c.Numeric:
			q.compareNumber(evalColumns[c.Key], c)
		default:
			q.compare(s.dialect, evalColumns[c.Key], c)
		}
	}
	if order == nil {
		order = []filter.Order{{Key: "created_time", Desc: true}}
	}
	q.add(" ORDER BY ")
	for _, o := range order {
		q.add(evalColumns[o.Key] + direction(o.Desc) + ", ")
	}
	q.add("d.id DESC")
	q.limit(search.Max, offset)
	return q, offset, nil
}
