package sql

import (
	"strings"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/filter"
)

// text is a piece of SQL and its parameters. Values go into the parameters
// only; what is written into the SQL is chosen here.
type text struct {
	strings.Builder
	args []any
}

func (q *text) add(sql string, args ...any) {
	q.WriteString(sql)
	q.args = append(q.args, args...)
}

// compare adds the comparison of a column of texts with the value of a clause.
func (q *text) compare(d *dialect, column string, c *filter.Clause) {
	switch c.Op {
	case filter.Equal:
		q.add(column+" = ?", c.Text)
	case filter.NotEqual:
		q.add(column+" <> ?", c.Text)
	case filter.Like:
		q.add(d.like(column), c.Text)
	case filter.ILike:
		q.add(d.ilike(column), strings.ToLower(c.Text))
	case filter.RLike:
		q.add(d.rlike(column), c.Text)
	case filter.In:
		q.add(d.inTexts(column), d.texts(c.List))
	case filter.NotIn:
		q.add("NOT ("+d.inTexts(column)+")", d.texts(c.List))
	case filter.Less, filter.LessEqual, filter.Greater, filter.GreaterEqual:
		q.add(column+" "+numericOps[c.Op]+" ?", c.Text)
	default: // the grammars let nothing else through
		q.add("1 = 0")
	}
}

var numericOps = map[filter.Op]string{
	filter.Equal: "=", filter.NotEqual: "<>", filter.Less: "<", filter.LessEqual: "<=", filter.Greater: ">", filter.GreaterEqual: ">=",
}

// compareNumber adds the comparison of a column of numbers.
func (q *text) compareNumber(column string, c *filter.Clause) {
	q.add(column+" "+numericOps[c.Op]+" CAST(? AS DOUBLE PRECISION)", c.Number)
}

// compareTime adds the comparison of a column in which 0 stands for none.
func (q *text) compareTime(column string, c *filter.Clause) {
	q.add("(" + column + " <> 0 AND ")
	q.compareNumber(column, c)
	q.add(")")
}

// compareValue adds the comparison of the value of a metric, of the table t.
// NaN differs from all numbers, and is otherwise in no relation to them.
func (q *text) compareValue(t string, c *filter.Clause) {
	if c.Op == filter.NotEqual {
		q.add("(" + t + ".is_nan = 1 OR ")
	} else {
		q.add("(" + t + ".is_nan = 0 AND ")
	}
	q.compareNumber(t+".value", c)
	q.add(")")
}

// limit adds the part of the results that a page is, and one more.
func (q *text) limit(max, offset int) {
	q.add(" LIMIT ? OFFSET ?", int64(max)+1, int64(offset))
}

// direction is the word for an order.
func direction(desc bool) string {
	if desc {
		return " DESC"
	}
	return " ASC"
}

// cutPage makes a page of results of which there is one too many if more
// follow.
func cutPage[T any](items []T, max, offset int) track.Page[T] {
	p := track.Page[T]{Items: items}
	if len(items) > max {
		p.Items, p.Next = items[:max], track.OffsetToken(offset+max)
	}
	return p
}
