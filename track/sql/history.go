package sql

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"github.com/xtrepro/xt/track"
)

// point is where a page of a history ended.
type point struct {
	Time  int64  `json:"time"`
	Step  int64  `json:"step"`
	Value string `json:"value"` // JSON has no infinity
	NaN   bool   `json:"nan,omitempty"`
}

func pointToken(m *track.Metric) string {
	value, isNaN := m.Number()
	b, _ := json.Marshal(point{m.Time, m.Step, strconv.FormatFloat(value, 'g', -1, 64), isNaN}) // of these it can't fail
	return base64.StdEncoding.EncodeToString(b)
}

func parsePoint(token string) (p point, value float64, err error) {
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return p, 0, track.Errorf(track.InvalidParameter, "Invalid page token, could not base64-decode")
	}
	if err = json.Unmarshal(b, &p); err == nil {
		value, err = strconv.ParseFloat(p.Value, 64)
	}
	if err != nil {
		return p, 0, track.Errorf(track.InvalidParameter, "Invalid page token, decoded value=%q", b)
	}
	return p, value, nil
}

// MetricHistory implements [track.Metrics].
func (s *Store) MetricHistory(ctx context.Context, q track.HistoryQuery) (page track.Page[track.Metric], err error) {
	query := "SELECT time, step, value, is_nan FROM metrics WHERE run = ? AND name = ?"
	args := []any{int64(0), int64(0)}
	if q.PageToken != "" {
		p, value, err := parsePoint(q.PageToken)
		if err != nil {
			return page, err
		}
		query += " AND (time, step, value, is_nan) > (?, ?, ?, ?)"
		args = append(args, p.Time, p.Step, value, bit(p.NaN))
	}
	query += " ORDER BY time, step, value, is_nan"
	if q.Max > 0 {
		query += " LIMIT ?"
		args = append(args, int64(q.Max)+1)
	}
	err = s.view(ctx, func(c *conn) error {
		page = track.Page[track.Metric]{}
		r, err := c.run(q.RunID)
		if err != nil {
			return err
		}
		name, err := s.nameID(c, q.Key)
		if err != nil {
			return err
		}
		args[0], args[1] = r.row, name
		page.Items, err = c.points(query, args, q.Key)
		return err
	})
	if q.Max > 0 && len(page.Items) > q.Max {
		page.Items = page.Items[:q.Max]
		page.Next = pointToken(&page.Items[q.Max-1])
	}
	return page, err
}

func (c *conn) points(query string, args []any, key string) (points []track.Metric, err error) {
	err = c.eachPoint(query, args, func(p track.Point) {
		points = append(points, track.Metric{Key: key, Value: p.Value, Step: p.Step, Time: p.Time})
	})
	return points, err
}

// eachPoint calls f for the points that a query finds: time, step, value, is_nan.
func (c *conn) eachPoint(query string, args []any, f func(track.Point)) error {
	var p track.Point
	var isNaN int64
	return c.each(query, args, func(scan func(...any) error) error {
		if err := scan(&p.Time, &p.Step, &p.Value, &isNaN); err != nil {
			return err
		}
		if isNaN != 0 {
			p.Value = math.NaN()
		}
		f(p)
		return nil
	})
}

// eachCurve calls f for the curves of a key, in one state of the store. It calls
// begin first, again if the store was lost meanwhile.
func (s *Store) eachCurve(ctx context.Context, ids []string, key string, begin func(), f func(c *conn, id string, k curveKey) error) error {
	return s.view(ctx, func(c *conn) error {
		begin()
		name, err := s.nameID(c, key)
		if err != nil {
			return err
		}
		for _, id := range ids {
			r, err := c.run(id)
			if err == nil {
				err = f(c, id, curveKey{r.row, name})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// SampleHistory implements [track.Metrics].
func (s *Store) SampleHistory(ctx context.Context, q track.SampleQuery) (points []track.Metric, err error) {
	begin := func() { points = nil }
	err = s.eachCurve(ctx, q.RunIDs, q.Key, begin, func(c *conn, id string, k curveKey) error {
		some, err := c.sample(k, &q)
		for i := range some {
			some[i].RunID = id
		}
		points = append(points, some...)
		return err
	})
	return points, err
}

// sample returns some points of the curve of a run.
func (c *conn) sample(k curveKey, q *track.SampleQuery) ([]track.Metric, error) {
	where, args := " FROM metrics WHERE run = ? AND name = ?", []any{k.run, k.name}
	if q.From != nil {
		where, args = where+" AND step >= ?", append(args, *q.From)
	}
	if q.To != nil {
		where, args = where+" AND step <= ?", append(args, *q.To)
	}
	var n int64
	if err := c.row("SELECT count(*)"+where, args, &n); err != nil {
		return nil, err
	}
	columns, order := "SELECT time, step, value, is_nan", " ORDER BY step, time, value, is_nan"
	if n <= int64(q.Max) {
		return c.points(columns+where+order, args, q.Key)
	}
	if n > longCurve {
		return c.sampleLong(columns+where, args, q.Key, spread(n, int64(max(q.Max, 1))))
	}
	query := columns + " FROM (" + columns + ", row_number() OVER (" + order + ") AS n" + where + ") AS numbered WHERE " + c.inInts("n") + order
	return c.points(query, append(args, c.ints(spread(n, int64(max(q.Max, 1))))), q.Key)
}

// longCurve is how many points are put in the order of their steps before some
// are chosen. Of more, which takes long, they are chosen in the order in which
// the table has them, that of time.
const longCurve = 10_000

// sampleLong returns the points at some places, counted from 1. The database
// skips what is between two of them without reading more than the key.
func (c *conn) sampleLong(query string, args []any, key string, places []int64) ([]track.Metric, error) {
	const order = " ORDER BY time, step, value, is_nan LIMIT 1 OFFSET ?"
	var points []track.Metric
	last := int64(0)
	for _, place := range places {
		q, a := query, args[:len(args):len(args)]
		if last > 0 {
			p := &points[len(points)-1]
			value, isNaN := p.Number()
			q += " AND (time, step, value, is_nan) > (?, ?, ?, ?)"
			a = append(a, p.Time, p.Step, value, bit(isNaN))
		}
		some, err := c.points(q+order, append(a, place-last-1), key)
		if err != nil {
			return nil, err
		}
		points, last = append(points, some...), place
	}
	slices.SortStableFunc(points, func(a, b track.Metric) int { return cmp.Compare(a.Step, b.Step) })
	return points, nil
}

// spread returns k of the numbers from 1 to n: the first of each of k parts of
// the same size, but n instead of the last of them.
func spread(n, k int64) []int64 {
	list := make([]int64, k)
	for i := range k {
		list[i] = i*(n/k) + min(i, n%k) + 1
	}
	list[k-1] = n
	return list
}
