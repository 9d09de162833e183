package sql

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/xtrepro/xt/track"
)

// traceRow is a trace as the table has it.
type traceRow struct {
	row int64 // its number
	track.TraceInfo
}

const selectTraces = "SELECT t.id, t.trace_id, t.experiment, t.client_request_id, t.request_time, t.duration, t.state, t.request_preview, t.response_preview FROM traces t"

func scanTrace(scan func(...any) error) (t traceRow, err error) {
	err = scan(&t.row, &t.ID, &t.Experiment, &t.ClientRequestID, &t.RequestTime, &t.Duration, &t.State, &t.RequestPreview, &t.ResponsePreview)
	return t, err
}

// trace reads a trace without what belongs to it.
func (c *conn) trace(id string) (t traceRow, err error) {
	t, err = scanTrace(func(dest ...any) error {
		return c.row(selectTraces+" WHERE t.trace_id = ?", []any{id}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = track.Errorf(track.NotFound, "Trace with ID '%s' not found.", id)
	}
	return t, err
}

// PutTrace implements [track.Traces].
func (s *Store) PutTrace(ctx context.Context, n track.TraceInfo) (track.TraceInfo, error) {
	for i := range n.Assessments {
		nameAssessment(&n.Assessments[i], n.ID)
	}
	err := s.repeat(ctx, func(t *tx) error {
		if _, err := t.activeExperiment(n.Experiment); err != nil {
			return err
		}
		old, err := t.trace(n.ID)
		switch track.CodeOf(err) {
		case track.NotFound:
			old.row, err = t.createTrace(&n)
		default:
			if err == nil {
				err = t.updateTrace(&old, &n)
			}
		}
		if err == nil {
			err = t.setTraceTags(old.row, 0, n.Tags)
		}
		if err == nil {
			err = t.setTraceTags(old.row, 1, n.Metadata)
		}
		for i := range n.Assessments {
			if err == nil {
				err = t.putAssessment(old.row, &n.Assessments[i])
			}
		}
		return err
	})
	if err != nil {
		return track.TraceInfo{}, err
	}
	return s.TraceInfo(ctx, n.ID)
}

func (t *tx) createTrace(n *track.TraceInfo) (row int64, err error) {
	err = t.row(`INSERT INTO traces (trace_id, experiment, client_request_id, request_time, duration, state, request_preview, response_preview)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		[]any{n.ID, n.Experiment, n.ClientRequestID, n.RequestTime, n.Duration, n.State, n.RequestPreview, n.ResponsePreview}, &row)
	if err != nil {
		return 0, err
	}
	links, err := t.exec("INSERT INTO trace_runs (trace, run_id) SELECT ?, run_id FROM early_links WHERE trace_id = ?", row, n.ID)
	if err == nil && links > 0 {
		_, err = t.exec("DELETE FROM early_links WHERE trace_id = ?", n.ID)
	}
	return row, err
}

// updateTrace puts what is set in n in the place of what was.
func (t *tx) updateTrace(old *traceRow, n *track.TraceInfo) error {
	set := func(old *string, new string) {
		if new != "" {
			*old = new
		}
	}
	m := old.TraceInfo
	set(&m.ClientRequestID, n.ClientRequestID)
	set(&m.State, n.State)
	set(&m.RequestPreview, n.RequestPreview)
	set(&m.ResponsePreview, n.ResponsePreview)
	if n.RequestTime != 0 {
		m.RequestTime = n.RequestTime
	}
	if n.Duration >= 0 {
		m.Duration = n.Duration
	}
	_, err := t.exec("UPDATE traces SET experiment = ?, client_request_id = ?, request_time = ?, duration = ?, state = ?, request_preview = ?, response_preview = ? WHERE id = ?",
		n.Experiment, m.ClientRequestID, m.RequestTime, m.Duration, m.State, m.RequestPreview, m.ResponsePreview, old.row)
	return err
}

// setTraceTags sets tags of a trace (metadata 0) or metadata (1).
func (t *tx) setTraceTags(row, metadata int64, tags []track.Tag) error {
	last := map[string]string{}
	var keys []string
	for _, tag := range tags {
		if _, ok := last[tag.Key]; !ok {
			keys = append(keys, tag.Key)
		}
		last[tag.Key] = tag.Value
	}
	var args []any
	for _, key := range keys {
		args = append(args, row, metadata, key, last[key])
	}
	return t.insert("INSERT INTO trace_tags (trace, metadata, key, value)", "ON CONFLICT (trace, metadata, key) DO UPDATE SET value = excluded.value", 4, args)
}

// TraceInfo implements [track.Traces].
func (s *Store) TraceInfo(ctx context.Context, id string) (info track.TraceInfo, err error) {
	err = s.view(ctx, func(c *conn) error {
		t, err := c.trace(id)
		if err != nil {
			return err
		}
		list, err := c.fillTraces([]traceRow{t})
		if err == nil {
			info = list[0]
		}
		return err
	})
	return info, err
}

// fillTraces reads what belongs to traces, without their spans.
func (c *conn) fillTraces(rows []traceRow) ([]track.TraceInfo, error) {
	list, ids, at := make([]track.TraceInfo, len(rows)), make([]int64, len(rows)), map[int64]*track.TraceInfo{}
	for i, r := range rows {
		list[i], ids[i], at[r.row] = r.TraceInfo, r.row, &list[i]
	}
	err := c.each("SELECT trace, metadata, key, value FROM trace_tags WHERE "+c.inInts("trace")+" ORDER BY trace, metadata, key", []any{c.ints(ids)}, func(scan func(...any) error) error {
		var row, metadata int64
		var tag track.Tag
		err := scan(&row, &metadata, &tag.Key, &tag.Value)
		if t := at[row]; metadata != 0 {
			t.Metadata = append(t.Metadata, tag)
		} else {
			t.Tags = append(t.Tags, tag)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	query := selectAssessments + " WHERE " + c.inInts("a.trace") + " ORDER BY a.trace, a.created, a.id"
	err = c.each(query, []any{c.ints(ids)}, func(scan func(...any) error) error {
		a, err := scanAssessment(scan)
		at[a.trace].Assessments = append(at[a.trace].Assessments, a.Assessment)
		return err
	})
	return list, err
}

// Traces implements [track.Traces].
func (s *Store) Traces(ctx context.Context, ids []string) (list []track.Trace, err error) {
	err = s.view(ctx, func(c *conn) error {
		list = nil
		var rows []traceRow
		at := map[int64]int{}
		for _, id := range ids {
			t, err := c.trace(id)
			if track.CodeOf(err) == track.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			at[t.row] = len(rows)
			rows = append(rows, t)
		}
		infos, err := c.fillTraces(rows)
		if err != nil {
			return err
		}
		list = make([]track.Trace, len(infos))
		for i := range infos {
			list[i].TraceInfo = infos[i]
		}
		return c.fillSpans(rows, list, at)
	})
	return list, err
}

func (c *conn) fillSpans(rows []traceRow, list []track.Trace, at map[int64]int) error {
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.row
	}
	query := "SELECT trace, span_id, parent, name, type, status, start_nano, end_nano, content FROM spans WHERE " + c.inInts("trace") + " ORDER BY trace, start_nano, span_id"
	return c.each(query, []any{c.ints(ids)}, func(scan func(...any) error) error {
		var row int64
		var s track.Span
		err := scan(&row, &s.ID, &s.Parent, &s.Name, &s.Type, &s.Status, &s.StartNano, &s.EndNano, &s.Content)
		t := &list[at[row]]
		s.TraceID = t.ID
		t.Spans = append(t.Spans, s)
		return err
	})
}

// PutSpans implements [track.Traces].
func (s *Store) PutSpans(ctx context.Context, experiment int64, spans []track.Span) error {
	return s.repeat(ctx, func(t *tx) error {
		if _, err := t.activeExperiment(experiment); err != nil {
			return err
		}
		byTrace, ids := map[string][]track.Span{}, []string(nil)
		for _, span := range spans {
			if byTrace[span.TraceID] == nil {
				ids = append(ids, span.TraceID)
			}
			byTrace[span.TraceID] = append(byTrace[span.TraceID], span)
		}
		for _, id := range ids {
			if err := t.putSpans(experiment, id, byTrace[id]); err != nil {
				return err
			}
		}
		return nil
	})
}

// inProgress is the state of a trace whose end is not known.
const inProgress = "IN_PROGRESS"

// putSpans stores spans of one trace.
func (t *tx) putSpans(experiment int64, id string, spans []track.Span) error {
	r, err := t.trace(id)
	if track.CodeOf(err) == track.NotFound {
		r.TraceInfo = track.TraceInfo{ID: id, Experiment: experiment, RequestTime: spans[0].StartNano / 1e6, Duration: -1, State: inProgress}
		r.row, err = t.createTrace(&r.TraceInfo)
	}
	if err != nil {
		return err
	}
	for _, s := range spans {
		_, err := t.exec(`INSERT INTO spans (trace, span_id, parent, name, type, status, start_nano, end_nano, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (trace, span_id) DO UPDATE SET parent = excluded.parent, name = excluded.name, type = excluded.type, status = excluded.status,
			start_nano = excluded.start_nano, end_nano = excluded.end_nano, content = excluded.content`,
			r.row, s.ID, s.Parent, s.Name, s.Type, s.Status, s.StartNano, s.EndNano, s.Content)
		if err != nil {
			return err
		}
	}
	if err := t.tellOfSpans(r.row, spans); err != nil {
		return err
	}
	if r.State != inProgress {
		return nil // somebody has told how it ended
	}
	return t.concludeTrace(&r, spans)
}

// concludeTrace sets what spans tell of a trace that is in progress: it starts
// with the first, and lasts as long as the one that has no parent.
func (t *tx) concludeTrace(r *traceRow, spans []track.Span) error {
	for _, s := range spans {
		r.RequestTime = min(r.RequestTime, s.StartNano/1e6)
		if s.Parent != "" || s.EndNano == 0 {
			continue
		}
		r.Duration, r.State = (s.EndNano-s.StartNano)/1e6, "OK"
		if strings.Contains(s.Status, "ERROR") {
			r.State = "ERROR"
		}
	}
	_, err := t.exec("UPDATE traces SET request_time = ?, duration = ?, state = ? WHERE id = ?", r.RequestTime, r.Duration, r.State, r.row)
	return err
}

// DeleteTraces implements [track.Traces].
func (s *Store) DeleteTraces(ctx context.Context, d track.TraceDeletion) (n int, err error) {
	q := &text{}
	q.add("DELETE FROM traces WHERE id IN (SELECT t.id FROM traces t WHERE t.experiment = ?", d.Experiment)
	if d.Before != 0 {
		q.add(" AND t.request_time <= ?", d.Before)
	}
	if d.IDs != nil {
		q.add(" AND "+s.inTexts("t.trace_id"), s.texts(d.IDs))
	}
	q.add(" ORDER BY t.request_time, t.trace_id")
	if d.Max > 0 {
		q.add(" LIMIT ?", int64(d.Max))
	}
	q.add(")")
	err = s.change(ctx, func(t *tx) error {
		deleted, err := t.exec(q.String(), q.args...)
		n = int(deleted)
		return err
	})
	return n, err
}

// SetTraceTag implements [track.Traces].
func (s *Store) SetTraceTag(ctx context.Context, id string, tag track.Tag) error {
	tag, err := track.CheckTag(tag)
	if err != nil {
		return err
	}
	return s.repeat(ctx, func(t *tx) error {
		r, err := t.trace(id)
		if err != nil {
			return err
		}
		return t.setTraceTags(r.row, 0, []track.Tag{tag})
	})
}

// DeleteTraceTag implements [track.Traces].
func (s *Store) DeleteTraceTag(ctx context.Context, id, key string) error {
	return s.change(ctx, func(t *tx) error {
		r, err := t.trace(id)
		if err != nil {
			return err
		}
		n, err := t.exec("DELETE FROM trace_tags WHERE trace = ? AND metadata = 0 AND key = ?", r.row, key)
		if err == nil && n == 0 {
			err = track.Errorf(track.NotFound, "No trace tag with key '%s' for trace with ID '%s'", key, id)
		}
		return err
	})
}

// maxLinks is how many traces can be linked at once.
const maxLinks = 100

// LinkTraces implements [track.Traces]. Links to traces that are not there wait for
// them, since clients send traces in the background.
func (s *Store) LinkTraces(ctx context.Context, ids []string, runID string) error {
	if len(ids) > maxLinks {
		return track.Errorf(track.InvalidParameter, "Cannot link more than %d traces to a run in a single request. Provided %d traces.", maxLinks, len(ids))
	}
	return s.repeat(ctx, func(t *tx) error {
		if _, err := t.run(runID); err != nil {
			return err
		}
		for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
			there, err := t.exists("SELECT 1 FROM traces WHERE trace_id = ?", id)
			if err != nil {
				return err
			}
			query := "INSERT INTO early_links (run_id, trace_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
			if there {
				query = "INSERT INTO trace_runs (trace, run_id) SELECT id, ? FROM traces WHERE trace_id = ? ON CONFLICT DO NOTHING"
			}
			if _, err := t.exec(query, runID, id); err != nil {
				return err
			}
		}
		return nil
	})
}
