package track

import "context"

// TraceInfo describes a trace: what an application did for one request.
type TraceInfo struct {
	ID              string // as the client chose it, such as "tr-" and 32 hexadecimal digits
	Experiment      int64
	ClientRequestID string
	RequestTime     int64
	Duration        int64 // -1 while it is not known
	State           string
	RequestPreview  string
	ResponsePreview string
	Tags            []Tag
	Metadata        []Tag
	Assessments     []Assessment // the oldest first
}

// Trace is a trace with its spans, by start.
type Trace struct {
	TraceInfo
	Spans []Span
}

// Span is a step in a trace. What is searched for has fields of its own; the
// whole is in Content.
type Span struct {
	TraceID, ID, Parent string
	Name, Type, Status  string
	StartNano, EndNano  int64  // 0 as End while it lasts
	Content             string // JSON
}

// Assessment is a judgement on a trace or a span in it.
type Assessment struct {
	ID, TraceID, SpanID  string
	Name                 string
	SourceType, SourceID string
	Created, Updated     int64
	Expectation          bool   // or else it is feedback
	Value                string // JSON
	Error                string // JSON, or ""
	Rationale            string
	Metadata             []Tag
	Overrides            string // the assessment that this one takes the place of
	Valid                bool   // false once another has taken its place
}

// AssessmentUpdate is what changes in an assessment; nil fields do not.
type AssessmentUpdate struct {
	Name        *string
	Expectation *bool
	Value       *string
	Error       *string
	Rationale   *string
	Metadata    []Tag // added to, or put in the place of, what is there
}

// TraceDeletion says which traces of an experiment are to be deleted: those
// named, or those not after a time, the oldest first.
type TraceDeletion struct {
	Experiment int64
	IDs        []string
	Before     int64 // request time, included
	Max        int   // 0 for no limit
}

// TraceSearch is a search for traces. Without an order the newest come first.
type TraceSearch struct {
	Search
	Experiments []int64
}

// Traces keeps traces.
type Traces interface {
	// PutTrace stores what is known of a trace: all of it if it is new, else
	// what is set takes the place of what was, and tags, metadata and
	// assessments are added.
	PutTrace(ctx context.Context, t TraceInfo) (TraceInfo, error)
	// TraceInfo returns a trace without its spans.
	TraceInfo(ctx context.Context, id string) (TraceInfo, error)
	// Traces returns those of the traces that exist, with their spans.
	Traces(ctx context.Context, ids []string) ([]Trace, error)
	// PutSpans stores spans, each in place of what was known of it. A trace that
	// is not there yet is made, with what the spans tell of it.
	PutSpans(ctx context.Context, experiment int64, spans []Span) error
	DeleteTraces(ctx context.Context, d TraceDeletion) (int, error)
	SetTraceTag(ctx context.Context, id string, t Tag) error
	// DeleteTraceTag is NotFound if there is no such tag.
	DeleteTraceTag(ctx context.Context, id, key string) error
	// LinkTraces records that the traces, which may come later, belong to a run.
	LinkTraces(ctx context.Context, ids []string, runID string) error
	// CountTraces returns how many a search finds, on all of its pages.
	CountTraces(ctx context.Context, s TraceSearch) (int64, error)
	SearchTraces(ctx context.Context, s TraceSearch) (Page[TraceInfo], error)
	// TraceMetrics returns groups by their dimensions, in order.
	TraceMetrics(ctx context.Context, q TraceMetricQuery) (Page[TraceMetricPoint], error)

	CreateAssessment(ctx context.Context, a Assessment) (Assessment, error)
	Assessment(ctx context.Context, traceID, id string) (Assessment, error)
	UpdateAssessment(ctx context.Context, traceID, id string, u AssessmentUpdate) (Assessment, error)
	// DeleteAssessment does nothing if there is no such assessment. One that it
	// had taken the place of is valid again.
	DeleteAssessment(ctx context.Context, traceID, id string) error
}
