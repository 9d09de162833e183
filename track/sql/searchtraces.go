package sql

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/filter"
)

var traceColumns = map[string]string{
	"request_id": "t.trace_id", "timestamp_ms": "t.request_time", "execution_time_ms": "t.duration", "status": "t.state",
	"client_request_id": "t.client_request_id", "experiment_id": "t.experiment",
	"end_time_ms": "(t.request_time + CASE WHEN t.duration < 0 THEN 0 ELSE t.duration END)",
}

// sourceRun is the metadata of a trace that names the run it belongs to.
const sourceRun = "mlflow.sourceRun"

// SearchTraces implements [track.Traces].
func (s *Store) SearchTraces(ctx context.Context, search track.TraceSearch) (page track.Page[track.TraceInfo], err error) {
	q, offset, err := s.traceQuery(&search)
	if err != nil {
		return page, err
	}
	err = s.view(ctx, func(c *conn) error {
		var found []traceRow
		err := c.eachOnce(q.String(), q.args, func(scan func(...any) error) error {
			t, err := scanTrace(scan)
			found = append(found, t)
			return err
		})
		if err != nil {
			return err
		}
		list := cutPage(found, search.Max, offset)
		page.Next = list.Next
		page.Items, err = c.fillTraces(list.Items)
		return err
	})
	return page, err
}

// CountTraces implements [track.Traces].
func (s *Store) CountTraces(ctx context.Context, search track.TraceSearch) (n int64, err error) {
	q := &text{}
	q.add("SELECT count(*) FROM (" + selectTraces)
	if err := s.traceWhere(q, &search); err != nil {
		return 0, err
	}
	q.add(") found")
	err = s.view(ctx, func(c *conn) error {
		return c.eachOnce(q.String(), q.args, func(scan func(...any) error) error { return scan(&n) })
	})
	return n, err
}

func (s *Store) traceQuery(search *track.TraceSearch) (q *text, offset int, err error) {
	if err := track.CheckMax(search.Max, maxPage); err != nil {
		return nil, 0, err
	}
	order, err := filter.Traces().ParseOrder(search.OrderBy)
	if err != nil {
		return nil, 0, err
	}
	if offset, err = track.ParseOffset(search.PageToken); err != nil {
		return nil, 0, err
	}
	q = &text{}
	q.add(selectTraces)
	for i, o := range order {
		if o.Kind != filter.Attribute {
			q.add(fmt.Sprintf(" LEFT JOIN trace_tags k%d ON k%d.trace = t.id AND k%d.metadata = ? AND k%d.key = ?", i, i, i, i), bit(o.Kind == filter.Metadata), o.Key)
		}
	}
	if err := s.traceWhere(q, search); err != nil {
		return nil, 0, err
	}
	q.orderTraces(order)
	q.limit(search.Max, offset)
	return q, offset, nil
}

// traceWhere adds the conditions of a search.
func (s *Store) traceWhere(q *text, search *track.TraceSearch) error {
	clauses, err := filter.Traces().Parse(search.Filter)
	if err != nil {
		return err
	}
	if len(search.Experiments) == 1 {
		q.add(" WHERE t.experiment = ?", search.Experiments[0])
	} else {
		q.add(" WHERE "+s.inInts("t.experiment"), s.ints(search.Experiments))
	}
	for i := range clauses {
		if err := checkPattern(&clauses[i]); err != nil {
			return err
		}
		q.add(" AND ")
		s.traceClause(q, &clauses[i], search.Experiments)
	}
	return nil
}

// checkPattern reports whether a regular expression is one.
func checkPattern(c *filter.Clause) error {
	if c.Op != filter.RLike {
		return nil
	}
	if _, err := regexp.Compile(c.Text); err != nil {
		return track.Errorf(track.InvalidParameter, "Invalid regular expression '%s': %v", c.Text, err)
	}
	return nil
}

func (q *text) orderTraces(order []filter.Order) {
	q.add(" ORDER BY ")
	byTime, byID := false, false
	for i, o := range order {
		byTime = byTime || o.Kind == filter.Attribute && o.Key == "timestamp_ms"
		byID = byID || o.Kind == filter.Attribute && o.Key == "request_id"
		switch {
		case o.Kind != filter.Attribute:
			q.add(fmt.Sprintf("CASE WHEN k%d.trace IS NULL THEN 1 ELSE 0 END, k%d.value", i, i))
		case o.Key == "execution_time_ms":
			q.add("CASE WHEN t.duration < 0 THEN 1 ELSE 0 END, t.duration")
		default:
			q.add(traceColumns[o.Key])
		}
		q.add(direction(o.Desc) + ", ")
	}
	if !byTime {
		q.add("t.request_time DESC, ")
	}
	if !byID {
		q.add("t.trace_id, ")
	}
	q.add("t.id")
}

func (s *Store) traceClause(q *text, c *filter.Clause, experiments []int64) {
	switch c.Kind {
	case filter.Attribute:
		s.traceAttribute(q, c)
	case filter.Tag, filter.Metadata:
		s.traceTag(q, c)
	case filter.Span:
		q.add("EXISTS (SELECT 1 FROM spans p WHERE p.trace = t.id AND ")
		s.spanClause(q, c)
		q.add(")")
	case filter.Feedback, filter.Expectation:
		s.assessmentClause(q, c, experiments)
	default:
		q.add("1 = 0") // xt keeps no issues
	}
}

func (s *Store) traceAttribute(q *text, c *filter.Clause) {
	if c.Key == "client_request_id" {
		q.add("t.client_request_id <> '' AND ") // without one, it is not another one either
	}
	if !c.Numeric {
		q.compare(s.dialect, traceColumns[c.Key], c)
		return
	}
	if c.Key == "execution_time_ms" {
		q.add("t.duration >= 0 AND ")
	}
	q.compareNumber(traceColumns[c.Key], c)
}

// traceTag adds the condition about a tag or metadata. A run can be named by
// that, or by a link.
func (s *Store) traceTag(q *text, c *filter.Clause) {
	byRun := c.Kind == filter.Metadata && c.Key == sourceRun && c.Op == filter.Equal
	if byRun {
		q.add("(EXISTS (SELECT 1 FROM trace_runs l WHERE l.trace = t.id AND l.run_id = ?) OR ", c.Text)
	}
	if c.Op == filter.IsNull {
		q.add("NOT ")
	}
	q.add("EXISTS (SELECT 1 FROM trace_tags g WHERE g.trace = t.id AND g.metadata = ? AND g.key = ?", bit(c.Kind == filter.Metadata), c.Key)
	switch {
	case c.LinksPrompt():
		q.linksPrompt(c.Text)
	case c.Op != filter.IsNull && c.Op != filter.IsNotNull:
		q.add(" AND ")
		q.compare(s.dialect, "g.value", c)
	}
	q.add(")")
	if byRun {
		q.add(")")
	}
}

// linksPrompt adds the condition that the tag g lists a version of a prompt, written
// as name/version. Some clients put spaces between what they write.
func (q *text) linksPrompt(prompt string) {
	const list = `replace(replace(g.value, '": "', '":"'), '", "', '","')`
	var item struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	item.Name, item.Version, _ = strings.Cut(prompt, "/")
	b, _ := json.Marshal(item) // of texts it can't fail
	q.add(" AND replace("+list+", ?, '') <> "+list, string(b))
}

// spanClause adds the condition about the span p.
func (s *Store) spanClause(q *text, c *filter.Clause) {
	if key, ok := strings.CutPrefix(c.Key, "attributes."); ok {
		// Values of attributes are JSON in a JSON text: quotes are left out.
		if s.postgres {
			s.attribute(q, "trim("+spanJSON+" -> 'attributes' ->> CAST(? AS text), '\"')", key, c)
		} else {
			s.attribute(q, "trim(json_extract(p.content, ?), '\"')", "$.attributes."+strconv.Quote(key), c)
		}
		return
	}
	columns := map[string]string{"name": "p.name", "type": "p.type", "status": "p.status", "content": "p.content"}
	q.compare(s.dialect, columns[c.Key], c)
}

// attribute adds the comparison of an expression that has one parameter itself.
func (s *Store) attribute(q *text, expression, argument string, c *filter.Clause) {
	part := &text{}
	part.compare(s.dialect, expression, c)
	q.add(part.String(), append([]any{argument}, part.args...)...)
}

// assessmentClause adds the condition about assessments with a name. One that is
// about a session counts for each trace of that.
func (s *Store) assessmentClause(q *text, c *filter.Clause, experiments []int64) {
	if c.Op == filter.IsNull {
		q.add("NOT ")
	}
	q.add("(EXISTS (SELECT 1 FROM assessments a WHERE a.trace = t.id AND ")
	s.aboutAssessment(q, c)
	q.add(`) OR t.id IN (SELECT o.trace FROM assessments a JOIN traces x ON x.id = a.trace
		JOIN trace_tags g ON g.trace = a.trace AND g.metadata = 1 AND g.key = ?
		JOIN trace_tags o ON o.metadata = 1 AND o.key = g.key AND substr(o.value, 1, 64) = substr(g.value, 1, 64) AND o.value = g.value
		WHERE a.metadata LIKE ? AND `+s.inInts("x.experiment")+" AND ", track.TraceSessionKey, `%"`+track.TraceSessionKey+`"%`, s.ints(experiments))
	s.aboutAssessment(q, c)
	q.add("))")
}

// aboutAssessment adds the condition about the assessment a. Values are JSON; those
// that are texts are compared without their quotes.
func (s *Store) aboutAssessment(q *text, c *filter.Clause) {
	q.add("a.valid = 1 AND a.expectation = ? AND a.name = ?", bit(c.Kind == filter.Expectation), c.Key)
	switch {
	case c.Op == filter.IsNull || c.Op == filter.IsNotNull:
	case c.Numeric:
		q.add(" AND a.number IS NOT NULL AND ")
		q.compareNumber("a.number", c)
	default:
		q.add(" AND ")
		q.compare(s.dialect, `trim(a.value, '"')`, c)
	}
}
