package sql

import (
	"fmt"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/filter"
)

var runColumns = map[string]string{
	"run_id": "r.run_id", "run_name": "r.name", "user_id": "r.user_id", "status": "r.status",
	"artifact_uri": "r.artifact_uri", "start_time": "r.start_time", "end_time": "r.end_time",
}

var originColumns = map[string]string{
	"kind": "o.kind", "stage": "o.stage", "command": "o.command", "fingerprint": "o.fingerprint", "commit": "o.commit_id",
}

// contextTag is the tag of an input that says what it was used for.
const contextTag = "mlflow.data.context"

// clause adds the condition of a clause about the run r.
func (q *runSearch) clause(t *text, i int) {
	c := &q.clauses[i]
	switch c.Kind {
	case filter.Attribute:
		if c.Numeric {
			t.compareTime(runColumns[c.Key], c)
		} else {
			t.compare(q.dialect, runColumns[c.Key], c)
		}
	case filter.Metric:
		t.add("EXISTS (SELECT 1 FROM latest_metrics v WHERE v.run = r.id AND v.name = ? AND ", q.names[i])
		t.compareValue("v", c)
		t.add(")")
	case filter.Param, filter.Tag:
		q.valueClause(t, i)
	case filter.Dataset:
		q.datasetClause(t, c)
	case filter.Origin:
		t.add("EXISTS (SELECT 1 FROM origins o WHERE o.run = r.id AND ")
		t.compare(q.dialect, originColumns[c.Key], c)
		t.add(")")
	default:
		t.add("1 = 0")
	}
}

func (q *runSearch) valueClause(t *text, i int) {
	c := &q.clauses[i]
	if c.Op == filter.IsNull {
		t.add("NOT ")
	}
	t.add("EXISTS (SELECT 1 FROM "+valueTables[c.Kind]+" v WHERE v.run = r.id AND v.name = ?", q.names[i])
	if c.Op != filter.IsNull && c.Op != filter.IsNotNull {
		t.add(" AND ")
		t.compare(q.dialect, "v.value", c)
	}
	t.add(")")
}

func (q *runSearch) datasetClause(t *text, c *filter.Clause) {
	if c.Key == "context" {
		t.add("EXISTS (SELECT 1 FROM input_tags g WHERE g.run = r.id AND g.key = ? AND ", contextTag)
		t.compare(q.dialect, "g.value", c)
	} else {
		t.add("EXISTS (SELECT 1 FROM inputs i JOIN datasets d ON d.id = i.dataset WHERE i.run = r.id AND ")
		t.compare(q.dialect, "d."+map[string]string{"name": "name", "digest": "digest"}[c.Key], c)
	}
	t.add(")")
}

// joinOrder joins the values that runs are ordered by, from the i-th key on.
func (q *runSearch) joinOrder(t *text, i int) {
	for ; i < len(q.order); i++ {
		if table := valueTables[q.order[i].Kind]; table != "" {
			t.add(fmt.Sprintf(" LEFT JOIN %s k%d ON k%d.run = r.id AND k%d.name = ?", table, i, i, i), q.byNames[i])
		}
	}
}

// orderBy adds the order, from the i-th key on, after one that is given or "".
// What is missing comes last, NaN before it, whatever the direction.
func (q *runSearch) orderBy(t *text, i int, first string) {
	t.add(" ORDER BY ")
	if first != "" {
		t.add(first + ", ")
	}
	byStart := false
	for ; i < len(q.order); i++ {
		o := &q.order[i]
		column := fmt.Sprintf("k%d", i)
		switch {
		case o.Kind == filter.Metric:
			t.add("CASE WHEN " + column + ".run IS NULL THEN 2 ELSE " + column + ".is_nan END, " + column + ".value")
		case o.Kind != filter.Attribute:
			t.add("CASE WHEN " + column + ".run IS NULL THEN 1 ELSE 0 END, " + column + ".value")
		case o.Key == "end_time":
			t.add("CASE WHEN r.end_time = 0 THEN 1 ELSE 0 END, r.end_time")
		default:
			byStart = byStart || o.Key == "start_time"
			t.add(runColumns[o.Key])
		}
		t.add(direction(o.Desc) + ", ")
	}
	if !byStart {
		t.add("r.start_time DESC, ")
	}
	t.add("r.run_id")
}

// byValue finds the page where the first key of the order is a value with an
// index: first come the runs that have it, in the order of the index; then
// those where it is NaN; then those that lack it. Each part is asked for only
// if the ones before it do not fill the page.
func (q *runSearch) byValue() ([]int64, error) {
	parts := []func(*text){func(t *text) { q.withValue(t, 0) }, func(t *text) { q.withValue(t, 1) }, q.withoutValue}
	if q.order[0].Kind != filter.Metric {
		parts = []func(*text){parts[0], q.withoutValue}
	}
	var found []int64
	offset := q.offset
	for i, part := range parts {
		t := &text{}
		t.add("SELECT r.id")
		part(t)
		t.add(" LIMIT ? OFFSET ?", int64(q.search.Max+1-len(found)), int64(offset))
		rows, err := q.rows(t)
		if err != nil {
			return nil, err
		}
		if found = append(found, rows...); len(found) > q.search.Max || i == len(parts)-1 {
			break
		}
		if offset, err = q.left(part, offset, len(rows)); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// left returns how much of an offset is left after a part of which some rows
// were found.
func (q *runSearch) left(part func(*text), offset, found int) (int, error) {
	if offset == 0 || found > 0 {
		return 0, nil
	}
	t := &text{}
	t.add("SELECT count(*) FROM (SELECT r.id")
	part(t)
	t.add(") AS part")
	n, err := q.count(t)
	return max(0, offset-int(n)), err
}

// withValue adds the rest of the query for the runs that have the value.
func (q *runSearch) withValue(t *text, isNaN int64) {
	o := &q.order[0]
	t.add(" FROM " + valueTables[o.Kind] + " k0" + q.by(valueIndexes[o.Kind]) + " CROSS JOIN runs r")
	q.joinOrder(t, 1)
	t.add(" WHERE k0.name = ? AND r.id = k0.run", q.byNames[0])
	if o.Kind == filter.Metric {
		t.add(" AND k0.is_nan = ?", isNaN)
	}
	t.add(" AND ")
	q.where(t, -1)
	first := "k0.value" + direction(o.Desc)
	if o.Kind != filter.Metric {
		first = "substr(k0.value, 1, 64)" + direction(o.Desc) + ", " + first // as the index has it
	}
	q.orderBy(t, 1, first)
}

// withoutValue adds the rest of the query for the runs that lack the value.
func (q *runSearch) withoutValue(t *text) {
	t.add(" FROM runs r")
	q.joinOrder(t, 1)
	t.add(" WHERE NOT EXISTS (SELECT 1 FROM "+valueTables[q.order[0].Kind]+" v WHERE v.run = r.id AND v.name = ?) AND ", q.byNames[0])
	q.where(t, -1)
	q.orderBy(t, 1, "")
}

var _ track.Runs = (*Store)(nil)
