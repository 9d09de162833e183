package sql

import (
	"context"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/filter"
)

// runSearch is a search for runs. There are four ways to do it, and which is
// quick depends on how many runs there are to look at:
//
//   - if there are few in the experiments, all of them are looked at;
//   - if few runs match one of the clauses, as an index tells, these are;
//   - if the order is that of an index on values, the index is followed until
//     the page is full, see [runSearch.byValue];
//   - otherwise the index on start times, or names, is followed likewise.
//
// PostgreSQL keeps statistics and finds its way by itself; SQLite is told.
type runSearch struct {
	*Store
	c       *conn
	search  *track.RunSearch
	clauses []filter.Clause
	names   []int64 // of the clauses' keys
	order   []filter.Order
	byNames []int64 // of the order's keys
	offset  int
}

// SearchRuns implements [track.Runs].
func (s *Store) SearchRuns(ctx context.Context, search track.RunSearch) (page track.Page[track.Run], err error) {
	q := runSearch{Store: s, search: &search}
	if err := q.parse(); err != nil {
		return page, err
	}
	if len(search.Experiments) == 0 {
		return page, nil
	}
	err = s.view(ctx, func(c *conn) error {
		q.c = c
		rows, err := q.find()
		if err != nil {
			return err
		}
		list := cutPage(rows, search.Max, q.offset)
		page = track.Page[track.Run]{Next: list.Next}
		page.Items, err = s.loadRuns(c, list.Items, search.Bare)
		return err
	})
	return page, err
}

func (q *runSearch) parse() (err error) {
	if err := track.CheckMax(q.search.Max, maxPage); err != nil {
		return err
	}
	if q.clauses, err = filter.Runs().Parse(q.search.Filter); err != nil {
		return err
	}
	if q.order, err = filter.Runs().ParseOrder(q.search.OrderBy); err != nil {
		return err
	}
	q.offset, err = track.ParseOffset(q.search.PageToken)
	return err
}

// loadRuns reads runs in the order of their rows.
func (s *Store) loadRuns(c *conn, rows []int64, bare bool) ([]track.Run, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	at := make(map[int64]int, len(rows))
	for i, row := range rows {
		at[row] = i
	}
	runs := make([]track.Run, len(rows))
	err := c.each(selectRuns+" WHERE "+c.inInts("r.id"), []any{c.ints(rows)}, func(scan func(...any) error) error {
		r, err := scanRun(scan)
		runs[at[r.row]].RunInfo = r.RunInfo
		return err
	})
	if err == nil {
		err = s.fill(c, rows, runs, bare)
	}
	return runs, err
}

// find returns the rows of the runs in the page, and one more.
func (q *runSearch) find() ([]int64, error) {
	if err := q.resolve(); err != nil {
		return nil, err
	}
	if q.postgres {
		if len(q.order) > 0 && q.order[0].Kind != filter.Attribute {
			return q.byValue()
		}
		return q.rows(q.all(""))
	}
	isFew, err := q.fewRuns()
	if err != nil {
		return nil, err
	}
	if isFew {
		return q.rows(q.all(q.by("runs_by_start")))
	}
	best, err := q.bestClause()
	switch {
	case err != nil:
		return nil, err
	case best >= 0:
		return q.rows(q.fromClause(best))
	case len(q.order) > 0 && q.order[0].Kind != filter.Attribute:
		return q.byValue()
	case q.namesRuns():
		return q.rows(q.all(""))
	}
	return q.rows(q.all(q.by(q.runIndex())))
}

// runIndex returns the index that has runs in the order that is asked for, or
// nearly.
func (q *runSearch) runIndex() string {
	switch {
	case len(q.search.Experiments) > 1:
		return "runs_of_all"
	case len(q.order) > 0 && q.order[0].Kind == filter.Attribute && q.order[0].Key == "run_name":
		return "runs_by_name"
	}
	return "runs_by_start"
}

// resolve looks up the numbers of names.
func (q *runSearch) resolve() (err error) {
	q.names, q.byNames = make([]int64, len(q.clauses)), make([]int64, len(q.order))
	for i, c := range q.clauses {
		if c.Kind == filter.Metric || c.Kind == filter.Param || c.Kind == filter.Tag {
			if q.names[i], err = q.nameID(q.c, c.Key); err != nil {
				return err
			}
		}
	}
	for i, o := range q.order {
		if o.Kind != filter.Attribute {
			if q.byNames[i], err = q.nameID(q.c, o.Key); err != nil {
				return err
			}
		}
	}
	return nil
}

// namesRuns reports whether a clause says which runs are meant.
func (q *runSearch) namesRuns() bool {
	for _, c := range q.clauses {
		if c.Kind == filter.Attribute && c.Key == "run_id" && (c.Op == filter.Equal || c.Op == filter.In) {
			return true
		}
	}
	return false
}

// fewRuns reports whether there are few runs to look at.
func (q *runSearch) fewRuns() (bool, error) {
	t := &text{}
	t.add("SELECT count(*) FROM (SELECT 1 FROM runs r" + q.by("runs_by_start") + " WHERE ")
	q.scope(t)
	t.add(" LIMIT ?)", q.few)
	n, err := q.count(t)
	return n < q.few, err
}

func (q *runSearch) count(t *text) (n int64, err error) {
	err = q.c.eachOnce(t.String(), t.args, func(scan func(...any) error) error { return scan(&n) })
	return n, err
}

func (q *runSearch) rows(t *text) (rows []int64, err error) {
	err = q.c.eachOnce(t.String(), t.args, func(scan func(...any) error) error {
		var row int64
		err := scan(&row)
		rows = append(rows, row)
		return err
	})
	return rows, err
}

// scope adds the condition that a run is in the experiments and the view.
func (q *runSearch) scope(t *text) {
	if len(q.search.Experiments) == 1 {
		t.add("r.experiment = ?", q.search.Experiments[0])
	} else {
		t.add(q.inInts("r.experiment"), q.ints(q.search.Experiments))
	}
	t.add(" AND ")
	t.inView("r.deleted", q.search.View)
}

// where adds all conditions but that of the clause except.
func (q *runSearch) where(t *text, except int) {
	q.scope(t)
	for i := range q.clauses {
		if i != except {
			t.add(" AND ")
			q.clause(t, i)
		}
	}
}

// all is the query that looks at the runs one by one.
func (q *runSearch) all(hint string) *text {
	t := &text{}
	t.add("SELECT r.id FROM runs r" + hint)
	q.joinOrder(t, 0)
	t.add(" WHERE ")
	q.where(t, -1)
	q.orderBy(t, 0, "")
	t.limit(q.search.Max, q.offset)
	return t
}

// valueTables are where values with names are.
var valueTables = map[filter.Kind]string{filter.Metric: "latest_metrics", filter.Param: "params", filter.Tag: "tags"}

// valueIndexes order them by name and value.
var valueIndexes = map[filter.Kind]string{filter.Metric: "latest_by_value", filter.Param: "params_by_value", filter.Tag: "tags_by_value"}

// bestClause returns the clause that fewest runs match, if these are few; else
// -1.
func (q *runSearch) bestClause() (int, error) {
	best, least := -1, q.few
	for i := range q.clauses {
		if !q.hasIndex(i) {
			continue
		}
		t := &text{}
		t.add("SELECT count(*) FROM (SELECT 1 FROM ")
		q.indexed(t, i)
		t.add(" LIMIT ?)", least)
		n, err := q.count(t)
		if err != nil {
			return -1, err
		}
		if n < least {
			best, least = i, n
		}
	}
	return best, nil
}

// hasIndex reports whether an index tells which runs match the clause.
func (q *runSearch) hasIndex(i int) bool {
	c := &q.clauses[i]
	return c.Kind == filter.Metric && c.Op != filter.NotEqual || (c.Kind == filter.Param || c.Kind == filter.Tag) && c.Op == filter.Equal
}

// indexed adds the table of a clause that has an index, as v, and its condition.
func (q *runSearch) indexed(t *text, i int) {
	c := &q.clauses[i]
	t.add(valueTables[c.Kind]+" v"+q.by(valueIndexes[c.Kind])+" WHERE v.name = ? AND ", q.names[i])
	if c.Kind == filter.Metric {
		t.add("v.is_nan = 0 AND ")
		t.compareNumber("v.value", c)
		return
	}
	t.add("substr(v.value, 1, 64) = substr(?, 1, 64) AND v.value = ?", c.Text, c.Text)
}

// fromClause is the query that looks at the runs that match one clause.
func (q *runSearch) fromClause(i int) *text {
	t := &text{}
	t.add("SELECT r.id FROM (SELECT v.run FROM ")
	q.indexed(t, i)
	t.add(") AS some CROSS JOIN runs r")
	q.joinOrder(t, 0)
	t.add(" WHERE r.id = some.run AND ")
	q.where(t, i)
	q.orderBy(t, 0, "")
	t.limit(q.search.Max, q.offset)
	return t
}
