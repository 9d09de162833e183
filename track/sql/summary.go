package sql

import (
	"context"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/filter"
)

// CountRuns implements [track.Summaries].
func (s *Store) CountRuns(ctx context.Context, search track.RunSearch) (n int64, err error) {
	err = s.summarise(ctx, search, func(q *runSearch) error {
		best, err := q.clauseToCount()
		if err != nil {
			return err
		}
		t := &text{}
		if best >= 0 {
			t.add("SELECT count(*) FROM (SELECT v.run FROM ")
			q.indexed(t, best)
			t.add(") AS some CROSS JOIN runs r WHERE r.id = some.run AND ")
		} else {
			t.add("SELECT count(*) FROM runs r WHERE ")
		}
		q.where(t, best)
		n, err = q.count(t)
		return err
	})
	return n, err
}

// clauseToCount returns the clause whose index is followed to count runs, -1 for
// none: that of few runs, or any, since an index is quicker to follow than to ask for
// each run. PostgreSQL finds its way by itself.
func (q *runSearch) clauseToCount() (int, error) {
	if q.postgres {
		return -1, nil
	}
	best, err := q.bestClause()
	for i := range q.clauses {
		if best < 0 && q.hasIndex(i) {
			best = i
		}
	}
	return best, err
}

// GroupRuns implements [track.Summaries].
func (s *Store) GroupRuns(ctx context.Context, search track.RunSearch, by track.GroupKey) (groups []track.Group, err error) {
	err = s.summarise(ctx, search, func(q *runSearch) error {
		t := &text{}
		if by.Kind == track.ByExperiment {
			t.add("SELECT CAST(r.experiment AS TEXT) AS value, count(*) AS n FROM runs r WHERE ")
		} else {
			table := valueTables[map[track.GroupKind]filter.Kind{track.ByTag: filter.Tag, track.ByParam: filter.Param}[by.Kind]]
			name, err := s.nameID(q.c, by.Key)
			if err != nil {
				return err
			}
			join, err := q.joinValues(table, name)
			if err != nil {
				return err
			}
			t.add("SELECT v.value AS value, count(*) AS n FROM "+join+" WHERE v.name = ? AND r.id = v.run AND ", name)
		}
		q.where(t, -1)
		t.add(" GROUP BY 1 ORDER BY n DESC, value LIMIT ?", int64(search.Max))
		groups = nil
		return q.c.eachOnce(t.String(), t.args, func(scan func(...any) error) error {
			var g track.Group
			err := scan(&g.Value, &g.Runs)
			groups = append(groups, g)
			return err
		})
	})
	return groups, err
}

// joinValues returns runs and their values of a name, in the order in which SQLite is to
// look at them: the values first, if there are few. If there are many, to go from run to
// run and find the value of each is several times as quick as to go from value to value.
// PostgreSQL finds its way by itself.
func (q *runSearch) joinValues(table string, name int64) (string, error) {
	join := table + " v CROSS JOIN runs r"
	if q.postgres {
		return join, nil
	}
	few := &text{}
	few.add("SELECT count(*) FROM (SELECT 1 FROM "+table+" v WHERE v.name = ? LIMIT ?)", name, q.few)
	n, err := q.count(few)
	if err != nil || n < q.few {
		return join, err
	}
	return "runs r" + q.by(q.runIndex()) + " CROSS JOIN " + table + " v", nil
}

// summarise calls f with a search that is ready to be asked.
func (s *Store) summarise(ctx context.Context, search track.RunSearch, f func(q *runSearch) error) error {
	q := runSearch{Store: s, search: &search}
	search.OrderBy, search.PageToken, search.Max = nil, "", max(search.Max, 1)
	if err := q.parse(); err != nil {
		return err
	}
	if len(search.Experiments) == 0 {
		return nil
	}
	return s.view(ctx, func(c *conn) error {
		q.c = c
		if err := q.resolve(); err != nil {
			return err
		}
		return f(&q)
	})
}

// RunKeys implements [track.Summaries].
func (s *Store) RunKeys(ctx context.Context, most int) (keys track.RunKeys, err error) {
	err = s.view(ctx, func(c *conn) error {
		for table, to := range map[string]*[]string{"params": &keys.Params, "latest_metrics": &keys.Metrics, "tags": &keys.Tags} {
			*to = nil
			// There are few names, and an index finds the first row of each.
			err := c.each("SELECT n.name FROM names n WHERE EXISTS (SELECT 1 FROM "+table+" v WHERE v.name = n.id) ORDER BY n.name LIMIT ?", []any{int64(most)}, func(scan func(...any) error) error {
				var name string
				err := scan(&name)
				*to = append(*to, name)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return keys, err
}

var _ track.Summaries = (*Store)(nil)
