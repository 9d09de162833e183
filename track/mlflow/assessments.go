package mlflow

import (
	"strings"

	"github.com/xtrepro/xt/track"
)

var assessmentRoutes = []route{
	{"POST", "3.0/mlflow/traces/{trace_id}/assessments", "adds a judgement on a trace", "assessment!:object", (*call).createAssessment},
	{"GET", "3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}", "returns a judgement", "", (*call).getAssessment},
	{"PATCH", "3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}", "changes a judgement", "assessment!:object update_mask!", (*call).updateAssessment},
	{"DELETE", "3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}", "deletes a judgement", "", (*call).deleteAssessment},
}

// assessment reads an assessment of a trace.
func (a *args) assessment(trace string) track.Assessment {
	a.need("assessment_name")
	source := a.part("source")
	m := track.Assessment{
		ID: a.text("assessment_id"), TraceID: trace, SpanID: a.text("span_id"), Name: a.text("assessment_name"),
		SourceType: source.enum("source_type", "SOURCE_TYPE_UNSPECIFIED", "HUMAN", "LLM_JUDGE", "CODE"), SourceID: source.text("source_id"),
		Created: a.time("create_time"), Updated: a.time("last_update_time"),
		Rationale: a.text("rationale"), Overrides: a.text("overrides"), Metadata: a.dict("metadata"), Valid: true,
	}
	m.Expectation, m.Value, m.Error = a.judgement()
	a.note(source.err)
	return m
}

// judgement reads what an assessment says, as JSON.
func (a *args) judgement() (expectation bool, value, failure string) {
	if a.get("expectation") == nil {
		f := a.part("feedback")
		return false, string(f.get("value")), string(f.get("error"))
	}
	e := a.part("expectation")
	if serialized := e.part("serialized_value"); serialized.get("value") != nil {
		return true, serialized.text("value"), ""
	}
	return true, string(e.get("value")), ""
}

func (e *encoder) assessment(m *track.Assessment) {
	e.open()
	e.str("assessment_id", m.ID)
	e.str("assessment_name", m.Name)
	e.str("trace_id", m.TraceID)
	e.set("span_id", m.SpanID)
	e.name("source")
	e.open()
	e.str("source_type", m.SourceType)
	e.set("source_id", m.SourceID)
	e.close()
	e.str("create_time", formatTime(m.Created))
	e.str("last_update_time", formatTime(m.Updated))
	e.judgement(m)
	e.set("rationale", m.Rationale)
	e.dict("metadata", m.Metadata)
	e.set("overrides", m.Overrides)
	e.bool("valid", m.Valid)
	e.close()
}

func (e *encoder) judgement(m *track.Assessment) {
	if !m.Expectation {
		e.name("feedback")
		e.open()
		if m.Value != "" {
			e.raw("value", m.Value)
		}
		if m.Error != "" {
			e.raw("error", m.Error)
		}
		e.close()
		return
	}
	e.name("expectation")
	e.open()
	switch {
	case strings.HasPrefix(m.Value, "{"), strings.HasPrefix(m.Value, "["):
		e.name("serialized_value")
		e.open()
		e.str("serialization_format", "JSON_FORMAT")
		e.str("value", m.Value)
		e.close()
	case m.Value != "":
		e.raw("value", m.Value)
	}
	e.close()
}

func (c *call) createAssessment() error {
	a := c.part("assessment")
	m := a.assessment(c.text("trace_id"))
	c.note(a.err)
	if c.err != nil {
		return c.err
	}
	m.ID = ""
	return c.answerAssessment(c.store.CreateAssessment(c.ctx, m))
}

func (c *call) answerAssessment(m track.Assessment, err error) error {
	if err != nil {
		return err
	}
	c.out.open()
	c.out.name("assessment")
	c.out.assessment(&m)
	c.out.close()
	return nil
}

func (c *call) getAssessment() error {
	return c.answerAssessment(c.store.Assessment(c.ctx, c.text("trace_id"), c.text("assessment_id")))
}

func (c *call) updateAssessment() error {
	a := c.part("assessment")
	var u track.AssessmentUpdate
	for _, path := range strings.Split(c.text("update_mask"), ",") {
		switch path {
		case "assessmentName", "assessment_name":
			u.Name = a.optional("assessment_name")
		case "rationale":
			u.Rationale = a.optional("rationale")
		case "metadata":
			u.Metadata = a.dict("metadata")
		case "expectation", "feedback":
			expectation, value, failure := a.judgement()
			u.Expectation, u.Value, u.Error = &expectation, &value, &failure
		}
	}
	c.note(a.err)
	if c.err != nil {
		return c.err
	}
	return c.answerAssessment(c.store.UpdateAssessment(c.ctx, c.text("trace_id"), c.text("assessment_id"), u))
}

func (c *call) deleteAssessment() error {
	return c.store.DeleteAssessment(c.ctx, c.text("trace_id"), c.text("assessment_id"))
}
