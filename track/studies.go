package track

import "context"

// onceKey is the key of a request in a context.
type onceKey struct{}

// Once returns a context for a request that is known by a text of its own, in
// which it may be repeated.
func Once(ctx context.Context, request string) context.Context {
	return context.WithValue(ctx, onceKey{}, request)
}

// RequestOf returns the text of [Once]; a new one if the context has none.
func RequestOf(ctx context.Context) string {
	if request, ok := ctx.Value(onceKey{}).(string); ok && request != "" {
		return request
	}
	return NewRunID()
}

// Direction is which values of an objective are better.
type Direction string

// The directions.
const (
	Minimize Direction = "minimize"
	Maximize Direction = "maximize"
)

// TrialState is how far a trial is.
type TrialState string

// The states of a trial. The last three are final.
const (
	TrialWaiting  TrialState = "WAITING"
	TrialRunning  TrialState = "RUNNING"
	TrialComplete TrialState = "COMPLETE"
	TrialPruned   TrialState = "PRUNED"
	TrialFailed   TrialState = "FAIL"
)

// Final reports whether a trial in this state has ended, and so does not change.
func (s TrialState) Final() bool {
	return s == TrialComplete || s == TrialPruned || s == TrialFailed
}

// Study is a search for parameters that are good by one or more objectives.
type Study struct {
	ID         int64
	Name       string // unique; "" is a name
	Directions []Direction
	Created    int64
	User       []Attr // of those who search; by key, as all attributes
	System     []Attr // of samplers and pruners
	RunID      string // the run that those of its trials are nested in, or ""
}

// Attr is a key with JSON as Python writes it: NaN and Infinity are values.
type Attr struct{ Key, Value string }

// AttrOwner is whose an attribute is.
type AttrOwner uint8

// The owners.
const (
	UserAttr AttrOwner = iota
	SystemAttr
)

// Trial is one try of a study: parameters, and what came of them.
type Trial struct {
	ID           int64 // greater than that of each trial made before
	Study        int64
	Number       int64 // from 0 in its study, without gaps
	State        TrialState
	Values       []float64           // one for each direction; nil while there are none
	Params       []TrialParam        // in the order in which they were set first
	Intermediate []IntermediateValue // by step
	User, System []Attr
	Start, End   int64  // microseconds since 1970; 0 for none
	RunID        string // the run that it is, or ""
}

// TrialParam is a parameter of a trial.
type TrialParam struct {
	Name         string
	Value        float64 // of a choice its index
	Distribution string  // JSON, as Optuna writes it
}

// IntermediateValue is what an objective was at a step, for pruners.
type IntermediateValue struct {
	Step  int64
	Value float64 // may be NaN or infinite
}

// TrialQuery says which trials of a study are wanted: those named and those with
// a greater ID than After.
type TrialQuery struct {
	IDs   []int64
	After int64 // -1 for all
}

// Studies keeps studies and their trials, as Optuna's storages do. What changes
// a trial that has ended is InvalidState.
//
// Who does not know whether a request was answered may repeat CreateTrial and
// SetTrialState with the context of [Once]: what was done is not done again.
type Studies interface {
	// CreateStudy is AlreadyExists if the name is taken.
	CreateStudy(ctx context.Context, name string, directions []Direction) (Study, error)
	// DeleteStudy deletes it and its trials for good.
	DeleteStudy(ctx context.Context, id int64) error
	Study(ctx context.Context, id int64) (Study, error)
	StudyByName(ctx context.Context, name string) (Study, error)
	// Studies returns all studies by ID.
	Studies(ctx context.Context) ([]Study, error)
	SetStudyAttr(ctx context.Context, id int64, owner AttrOwner, a Attr) error
	// SetStudyRun says in which run those of the trials are nested.
	SetStudyRun(ctx context.Context, id int64, runID string) error

	// CreateTrial adds a trial to a study. A template says what it is to be, but
	// for ID, Study and Number; nil stands for one that is running from now on.
	CreateTrial(ctx context.Context, study int64, template *Trial) (Trial, error)
	// SetTrialParam sets a parameter, or sets it anew. It is InvalidParameter if
	// trials of the study have a distribution for the name that this one is not
	// compatible with.
	SetTrialParam(ctx context.Context, trial int64, p TrialParam) error
	// SetTrialState sets the state and, unless they are nil, the values. A trial
	// that is to run must be waiting, or else nothing changes and it returns false:
	// another worker was quicker.
	SetTrialState(ctx context.Context, trial int64, state TrialState, values []float64) (bool, error)
	SetTrialIntermediate(ctx context.Context, trial int64, v IntermediateValue) error
	SetTrialAttr(ctx context.Context, trial int64, owner AttrOwner, a Attr) error
	// SetTrialRun says which run a trial is. It may be said of one that has ended.
	SetTrialRun(ctx context.Context, trial int64, runID string) error
	Trial(ctx context.Context, id int64) (Trial, error)
	TrialByNumber(ctx context.Context, study, number int64) (Trial, error)
	// Trials returns trials of a study by ID.
	Trials(ctx context.Context, study int64, q TrialQuery) ([]Trial, error)
}
