package track

import "context"

// RegisteredModel is a name under which versions of a model are kept. A prompt
// is one with the tag [PromptTag].
type RegisteredModel struct {
	Name             string
	Description      string
	Created, Updated int64
	Tags             []Tag
	Aliases          []Alias
	Latest           []ModelVersion // the latest version in each stage that has one
}

// Alias is a name for a version.
type Alias struct {
	Name    string
	Version int64
}

// PromptTag marks registered models and versions that are prompts. Searches do
// not find them unless their filter mentions the tag.
const PromptTag = "mlflow.prompt.is_prompt"

// LinkedPromptsTag is the tag of a trace that lists the prompts it used, as JSON.
const LinkedPromptsTag = "mlflow.linkedPrompts"

// ModelVersion is a version of a registered model. Versions count from 1, and
// no number is used twice.
type ModelVersion struct {
	Name             string
	Version          int64
	Stage            string // None, Staging, Production or Archived
	Description      string
	User             string
	Source           string // where its files are, as it was registered
	StorageLocation  string // where its files are, "" if that is Source
	RunID            string
	RunLink          string
	ModelID          string // the logged model that it was made of
	Status           string // PENDING_REGISTRATION, FAILED_REGISTRATION, READY
	StatusMessage    string
	Created, Updated int64
	Tags             []Tag
	Aliases          []string
}

// NewModelVersion is what a version is made of. Without a number it gets the next.
type NewModelVersion struct {
	Name            string
	Version         int64
	Description     string
	Source          string
	StorageLocation string
	RunID           string
	RunLink         string
	ModelID         string
	User            string
	Created         int64 // 0 for now
	Tags            []Tag
}

// Registry keeps registered models. There is one in the tables of track/sql,
// and one in git.
type Registry interface {
	CreateRegisteredModel(ctx context.Context, name, description string, tags []Tag) (RegisteredModel, error)
	RegisteredModel(ctx context.Context, name string) (RegisteredModel, error)
	RenameRegisteredModel(ctx context.Context, name, to string) (RegisteredModel, error)
	// DescribeRegisteredModel replaces the description.
	DescribeRegisteredModel(ctx context.Context, name, description string) (RegisteredModel, error)
	// DeleteRegisteredModel deletes it and its versions for good.
	DeleteRegisteredModel(ctx context.Context, name string) error
	SetRegisteredModelTag(ctx context.Context, name string, t Tag) error
	// DeleteRegisteredModelTag does nothing if there is no such tag.
	DeleteRegisteredModelTag(ctx context.Context, name, key string) error
	SearchRegisteredModels(ctx context.Context, s Search) (Page[RegisteredModel], error)

	// CreateModelVersion adds a version to a registered model, which becomes as
	// old as the version if that is older. It is AlreadyExists if the number is
	// taken.
	CreateModelVersion(ctx context.Context, v NewModelVersion) (ModelVersion, error)
	ModelVersion(ctx context.Context, name string, version int64) (ModelVersion, error)
	// ModelVersionFiles returns the URL below which clients find the files of a
	// version. What is in the store is there when it returns.
	ModelVersionFiles(ctx context.Context, name string, version int64) (string, error)
	DescribeModelVersion(ctx context.Context, name string, version int64, description string) (ModelVersion, error)
	// StageModelVersion moves a version to a stage; archive moves those that are
	// in that stage to Archived.
	StageModelVersion(ctx context.Context, name string, version int64, stage string, archive bool) (ModelVersion, error)
	DeleteModelVersion(ctx context.Context, name string, version int64) error
	SetModelVersionTag(ctx context.Context, name string, version int64, t Tag) error
	DeleteModelVersionTag(ctx context.Context, name string, version int64, key string) error
	SearchModelVersions(ctx context.Context, s Search) (Page[ModelVersion], error)
	// LatestVersions returns the latest version in each of the stages; nil
	// stands for all.
	LatestVersions(ctx context.Context, name string, stages []string) ([]ModelVersion, error)

	SetAlias(ctx context.Context, name, alias string, version int64) error
	// DeleteAlias does nothing if there is no such alias.
	DeleteAlias(ctx context.Context, name, alias string) error
	ModelVersionByAlias(ctx context.Context, name, alias string) (ModelVersion, error)
}
