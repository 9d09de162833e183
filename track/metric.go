package track

import "context"

// Metric is a point of a curve. The value may be NaN or infinite, the step
// negative.
type Metric struct {
	Key   string
	Value float64
	Step  int64
	Time  int64

	// The logged model and the dataset that the value is about; "" for none.
	ModelID       string
	DatasetName   string
	DatasetDigest string
	// RunID is the run that logged it. It is set where points of several runs
	// are returned, and in those of a logged model.
	RunID string
}

// HistoryQuery asks for the points of a curve. Its pages cost the same, however
// far on they are.
type HistoryQuery struct {
	RunID     string
	Key       string
	Max       int    // points in a page; 0 for all
	PageToken string // Page.Next of the page before
}

// SampleQuery asks for the points of the curves of a key at some steps of each
// run, evenly spread, the first and the last among them.
type SampleQuery struct {
	RunIDs   []string
	Key      string
	From, To *int64 // steps, both included; nil for no limit
	Max      int    // steps of a run, about
}

// OutlineQuery asks for what the curves of a key look like at some steps.
type OutlineQuery struct {
	RunIDs   []string
	Key      string
	From, To *int64 // steps, both included; nil for no limit
	Max      int    // points of a curve, about
}

// Outline is what the curve of a run looks like. If it has more points than were
// asked for, it is cut into pieces of as many points each: of every piece there are
// the first, the least, the greatest and the last point, so that a picture has each
// peak, however narrow.
type Outline struct {
	RunID  string
	Points []Point // by step, then time
	// Means has the mean of the finite values of every piece, at its last point. It
	// is nil if Points are all there are.
	Means []Point
}

// Point is a point of a curve whose key is known.
type Point struct {
	Time, Step int64
	Value      float64
}

// Metrics keeps the curves of runs.
//
// Logging a point again that is there already, equal in all, changes nothing.
// The latest point of a key is the greatest by step, then time, then value.
type Metrics interface {
	LogMetric(ctx context.Context, runID string, m Metric) error
	// MetricHistory returns points ordered by time, step, value. A key that the
	// run does not have has none.
	MetricHistory(ctx context.Context, q HistoryQuery) (Page[Metric], error)
	// SampleHistory returns points ordered by run as asked for, step, time.
	SampleHistory(ctx context.Context, q SampleQuery) ([]Metric, error)
	// Outlines returns those of the runs in the order asked for. It takes about as
	// long for a million points as for a few thousand.
	Outlines(ctx context.Context, q OutlineQuery) ([]Outline, error)
}

// Later reports whether m comes after n in the order that makes the last one
// the latest: step, time, value. NaN counts as 0, and comes after it.
func (m *Metric) Later(n *Metric) bool {
	switch {
	case m.Step != n.Step:
		return m.Step > n.Step
	case m.Time != n.Time:
		return m.Time > n.Time
	}
	mValue, mNaN := m.Number()
	nValue, nNaN := n.Number()
	return mValue > nValue || mValue == nValue && mNaN && !nNaN
}

// Number returns the value, or 0 and true if that is NaN.
func (m *Metric) Number() (value float64, isNaN bool) {
	if m.Value != m.Value {
		return 0, true
	}
	return m.Value, false
}
