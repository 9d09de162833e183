package track

import "context"

// ModelStatus is how far a logged model is.
type ModelStatus string

// The states of a logged model, and of a version of a registered one.
const (
	ModelPending ModelStatus = "LOGGED_MODEL_PENDING"
	ModelReady   ModelStatus = "LOGGED_MODEL_READY"
	ModelFailed  ModelStatus = "LOGGED_MODEL_UPLOAD_FAILED"
)

// LoggedModel is a model as a run or a person logged it.
type LoggedModel struct {
	ID               string // "m-" and 32 hexadecimal digits
	Experiment       int64
	Name             string
	Type             string
	SourceRun        string // the run that made it, or ""
	Status           ModelStatus
	StatusMessage    string
	ArtifactURI      string
	Created, Updated int64
	Lifecycle        Lifecycle
	Params           []Param
	Tags             []Tag
	Metrics          []Metric // with RunID, ordered by key
}

// NewLoggedModel is what a logged model is made of. Without an ID and a name it
// gets random ones.
type NewLoggedModel struct {
	ID         string
	Experiment int64
	Name       string
	Type       string
	SourceRun  string
	Created    int64 // 0 for now
	Params     []Param
	Tags       []Tag
}

// ModelOrder is a key that logged models are ordered by.
type ModelOrder struct {
	Field         string // an attribute such as creation_time, or metrics.KEY
	Descending    bool
	DatasetName   string // of which the metric is; "" for any
	DatasetDigest string
}

// DatasetName names a dataset; an empty digest stands for all versions.
type DatasetName struct{ Name, Digest string }

// LoggedModelSearch is a search for logged models; Search.OrderBy is not used.
// Without an order the newest come first.
type LoggedModelSearch struct {
	Search
	Experiments []int64
	Datasets    []DatasetName // that the metrics in the filter are about; nil for any
	Order       []ModelOrder
}

// LoggedModels keeps logged models. Deleted ones are NotFound.
type LoggedModels interface {
	// CreateLoggedModel is AlreadyExists if the ID is taken, be it by one that
	// was deleted.
	CreateLoggedModel(ctx context.Context, m NewLoggedModel) (LoggedModel, error)
	LoggedModel(ctx context.Context, id string) (LoggedModel, error)
	// FinalizeLoggedModel sets the status.
	FinalizeLoggedModel(ctx context.Context, id string, status ModelStatus) (LoggedModel, error)
	// LogModelParams adds parameters; one that is there is replaced.
	LogModelParams(ctx context.Context, id string, params []Param) error
	SetModelTags(ctx context.Context, id string, tags []Tag) error
	// DeleteModelTag is NotFound if there is no such tag.
	DeleteModelTag(ctx context.Context, id, key string) error
	DeleteLoggedModel(ctx context.Context, id string) error
	SearchLoggedModels(ctx context.Context, s LoggedModelSearch) (Page[LoggedModel], error)
}
