package track

import "context"

// Status is how a run is doing.
type Status string

// The states of a run.
const (
	Running   Status = "RUNNING"
	Scheduled Status = "SCHEDULED"
	Finished  Status = "FINISHED"
	Failed    Status = "FAILED"
	Killed    Status = "KILLED"
)

// Tags with a meaning.
const (
	RunNameTag   = "mlflow.runName"           // follows the name of the run, and the other way round
	ParentRunTag = "mlflow.parentRunId"       // the run that this one is nested in
	ModelsTag    = "mlflow.log-model.history" // a JSON array, see Runs.RecordModel
	UserTag      = "mlflow.user"
)

// RunInfo is what a run is, without what was logged in it.
type RunInfo struct {
	ID          string // 32 hexadecimal digits
	Experiment  int64
	Name        string
	User        string
	Status      Status
	Start, End  int64
	Lifecycle   Lifecycle
	ArtifactURI string // see [ArtifactPathOf]
}

// Run is one execution of something, and what was logged in it.
type Run struct {
	RunInfo
	Params       []Param
	Tags         []Tag
	Metrics      []Metric // the latest point of each key
	Inputs       []DatasetInput
	ModelInputs  []ModelInput
	ModelOutputs []ModelOutput
	Origin       *Origin // nil if xt did not execute it
}

// Dataset names data that a run used, and describes it.
type Dataset struct {
	Name, Digest    string
	SourceType      string
	Source          string
	Schema, Profile string // JSON, or ""
}

// DatasetInput is a dataset and what it was used for, as tags.
type DatasetInput struct {
	Dataset Dataset
	Tags    []Tag
}

// ModelInput is a logged model that a run used.
type ModelInput struct{ ModelID string }

// ModelOutput is a logged model that a run made at a step.
type ModelOutput struct {
	ModelID string
	Step    int64
}

// Kind is what led to a run.
type Kind string

// The kinds of origin.
const (
	StageRun  Kind = "stage"  // a stage of xt repro
	PlainRun  Kind = "run"    // xt run
	VerifyRun Kind = "verify" // a stage of xt verify
	SweepRun  Kind = "sweep"  // xt sweep, in which its trials are nested
	TrialRun  Kind = "trial"  // of a sweep
	ClientRun Kind = "client" // a client that logs, and nothing else is known
)

// Origin is what xt knows of the execution behind a run.
type Origin struct {
	Kind        Kind
	Stage       string // its name in xt.toml
	Command     string
	Fingerprint string // hexadecimal
	Lock        string // the entry of xt.lock
	Commit      string // of git
	Dirty       bool   // whether the work tree differed from the commit
	Diff        string // the digest of the difference, in the cache
	Log         string // the digest of the log in the cache, or a path
	ExitCode    int
	Duration    int64
}

// NewRun is what a run is made of. Without an ID and a name it gets random
// ones, without a status it is Running.
type NewRun struct {
	ID         string
	Experiment int64
	Name       string
	User       string
	Status     Status
	Start      int64
	Params     []Param
	Tags       []Tag
	Origin     *Origin
}

// RunUpdate is what changes in a run; a zero field does not.
type RunUpdate struct {
	Status Status
	End    int64
	Name   string
}

// RunEnd is what is said of a run when it ends.
type RunEnd struct {
	RunUpdate
	Origin *Origin // nil: as it is
	Batch  Batch
}

// Batch is what is logged at once.
type Batch struct {
	Metrics []Metric
	Params  []Param
	Tags    []Tag
}

// RunSearch is a search for runs. Without an order the newest come first.
type RunSearch struct {
	Search
	Experiments []int64 // in which to look; none finds nothing
	View        View
	// Bare leaves out datasets, models and Origin of the runs.
	Bare bool
}

// Runs keeps runs. What writes into a run that was deleted is InvalidParameter.
type Runs interface {
	// CreateRun is InvalidParameter if the experiment was deleted, or if the
	// name differs from the tag for it, and AlreadyExists if the ID is taken.
	CreateRun(ctx context.Context, r NewRun) (Run, error)
	// Run returns a run, deleted or not.
	Run(ctx context.Context, id string) (Run, error)
	UpdateRun(ctx context.Context, id string, u RunUpdate) (RunInfo, error)
	// EndRun does all that the end says, or nothing.
	EndRun(ctx context.Context, id string, e RunEnd) error
	// DeleteRun does nothing to a run that is deleted.
	DeleteRun(ctx context.Context, id string) error
	// RestoreRun does nothing to a run that is active.
	RestoreRun(ctx context.Context, id string) error
	// PurgeRun removes a deleted run and its artifacts for good. It is
	// InvalidState if the run is active.
	PurgeRun(ctx context.Context, id string) error
	SearchRuns(ctx context.Context, s RunSearch) (Page[Run], error)

	// LogParam is InvalidParameter if the key has another value already.
	LogParam(ctx context.Context, id string, p Param) error
	SetTag(ctx context.Context, id string, t Tag) error
	// DeleteTag is NotFound if there is no such tag.
	DeleteTag(ctx context.Context, id, key string) error
	// LogBatch logs all of the batch or nothing.
	LogBatch(ctx context.Context, id string, b Batch) error
	LogInputs(ctx context.Context, id string, data []DatasetInput, models []ModelInput) error
	LogOutputs(ctx context.Context, id string, models []ModelOutput) error
	// RecordModel appends a JSON object to the array in the tag [ModelsTag].
	RecordModel(ctx context.Context, id, model string) error
	// SetOrigin replaces what is known of the execution.
	SetOrigin(ctx context.Context, id string, o Origin) error
}
