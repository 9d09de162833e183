package sql

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/xtrepro/xt/track"
)

// assessmentRow is an assessment as the table has it.
type assessmentRow struct {
	trace int64
	track.Assessment
}

const selectAssessments = `SELECT a.trace, t.trace_id, a.assessment_id, a.span_id, a.name, a.source_type, a.source_id, a.created, a.updated,
	a.expectation, a.value, a.error, a.rationale, a.metadata, a.overrides, a.valid FROM assessments a JOIN traces t ON t.id = a.trace`

func scanAssessment(scan func(...any) error) (a assessmentRow, err error) {
	var expectation, valid int64
	var metadata string
	err = scan(&a.trace, &a.TraceID, &a.ID, &a.SpanID, &a.Name, &a.SourceType, &a.SourceID, &a.Created, &a.Updated,
		&expectation, &a.Value, &a.Error, &a.Rationale, &metadata, &a.Overrides, &valid)
	a.Expectation, a.Valid = expectation != 0, valid != 0
	if err == nil && metadata != "" {
		err = json.Unmarshal([]byte(metadata), &a.Metadata)
	}
	return a, err
}

func nameAssessment(a *track.Assessment, traceID string) {
	a.TraceID = traceID
	if a.ID == "" {
		a.ID = "a-" + track.NewRunID()
	}
}

// CreateAssessment implements [track.Traces].
func (s *Store) CreateAssessment(ctx context.Context, a track.Assessment) (track.Assessment, error) {
	nameAssessment(&a, a.TraceID)
	a.Valid = true
	err := s.repeat(ctx, func(t *tx) error {
		r, err := t.trace(a.TraceID)
		if err != nil {
			return err
		}
		if a.Created == 0 {
			a.Created = t.now
		}
		if a.Updated == 0 {
			a.Updated = a.Created
		}
		if a.Overrides != "" {
			n, err := t.exec("UPDATE assessments SET valid = 0 WHERE trace = ? AND assessment_id = ?", r.row, a.Overrides)
			if err == nil && n == 0 {
				err = noAssessment(a.TraceID, a.Overrides)
			}
			if err != nil {
				return err
			}
		}
		return t.putAssessment(r.row, &a)
	})
	return a, err
}

func noAssessment(traceID, id string) error {
	return track.Errorf(track.NotFound, "Assessment with ID '%s' not found for trace '%s'", id, traceID)
}

// putAssessment stores an assessment, in place of one with the ID.
func (t *tx) putAssessment(row int64, a *track.Assessment) error {
	metadata := ""
	if a.Metadata != nil {
		b, err := json.Marshal(a.Metadata)
		if err != nil {
			return err
		}
		metadata = string(b)
	}
	if _, err := t.exec("DELETE FROM assessments WHERE trace = ? AND assessment_id = ?", row, a.ID); err != nil {
		return err
	}
	_, err := t.exec(`INSERT INTO assessments (assessment_id, trace, span_id, name, source_type, source_id, created, updated, expectation, value, number, error, rationale, metadata, overrides, valid)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		a.ID, row, a.SpanID, a.Name, a.SourceType, a.SourceID, a.Created, a.Updated, bit(a.Expectation), a.Value, numberIn(a.Value), a.Error, a.Rationale, metadata, a.Overrides, bit(a.Valid))
	return err
}

// numberIn returns the number that a value in JSON is, or nil.
func numberIn(value string) any {
	if n, err := strconv.ParseFloat(value, 64); err == nil && n == n {
		return n
	}
	return nil
}

// Assessment implements [track.Traces].
func (s *Store) Assessment(ctx context.Context, traceID, id string) (a track.Assessment, err error) {
	err = s.view(ctx, func(c *conn) error {
		r, err := c.assessment(traceID, id)
		a = r.Assessment
		return err
	})
	return a, err
}

func (c *conn) assessment(traceID, id string) (a assessmentRow, err error) {
	if _, err := c.trace(traceID); err != nil {
		return a, err
	}
	a, err = scanAssessment(func(dest ...any) error {
		return c.row(selectAssessments+" WHERE t.trace_id = ? AND a.assessment_id = ?", []any{traceID, id}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = noAssessment(traceID, id)
	}
	return a, err
}

// UpdateAssessment implements [track.Traces].
func (s *Store) UpdateAssessment(ctx context.Context, traceID, id string, u track.AssessmentUpdate) (a track.Assessment, err error) {
	err = s.repeat(ctx, func(t *tx) error {
		r, err := t.assessment(traceID, id)
		if err != nil {
			return err
		}
		if u.Expectation != nil && *u.Expectation != r.Expectation {
			return track.Errorf(track.InvalidParameter, "Cannot update %s value on %s assessment.", kindOf(*u.Expectation, "expectation", "feedback"), kindOf(r.Expectation, "an Expectation", "a Feedback"))
		}
		for _, c := range []struct{ to, from *string }{{&r.Name, u.Name}, {&r.Value, u.Value}, {&r.Error, u.Error}, {&r.Rationale, u.Rationale}} {
			if c.from != nil {
				*c.to = *c.from
			}
		}
		r.Metadata, r.Updated = merge(r.Metadata, u.Metadata), t.now
		a = r.Assessment
		return t.putAssessment(r.trace, &a)
	})
	return a, err
}

func kindOf(expectation bool, yes, no string) string {
	if expectation {
		return yes
	}
	return no
}

// merge adds tags to others, or puts them in their place.
func merge(old, new []track.Tag) []track.Tag {
	for _, tag := range new {
		found := false
		for i := range old {
			if old[i].Key == tag.Key {
				old[i], found = tag, true
			}
		}
		if !found {
			old = append(old, tag)
		}
	}
	return old
}

// DeleteAssessment implements [track.Traces].
func (s *Store) DeleteAssessment(ctx context.Context, traceID, id string) error {
	return s.repeat(ctx, func(t *tx) error {
		r, err := t.trace(traceID)
		if err != nil {
			return err
		}
		if _, err := t.exec("UPDATE assessments SET valid = 1 WHERE trace = ? AND assessment_id = (SELECT d.overrides FROM assessments d WHERE d.trace = ? AND d.assessment_id = ?)",
			r.row, r.row, id); err != nil {
			return err
		}
		_, err = t.exec("DELETE FROM assessments WHERE trace = ? AND assessment_id = ?", r.row, id)
		return err
	})
}
