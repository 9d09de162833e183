package track

import (
	"context"
	"encoding/json"
)

// EvalDataset is a named collection of examples that models are evaluated on.
type EvalDataset struct {
	ID                   string // "d-" and 32 hexadecimal digits
	Name                 string
	Digest               string // another one after each change of the examples
	Schema               string // the fields of the examples and their types, in JSON; "" without examples
	Count                int64  // of examples
	Created, Updated     int64
	CreatedBy, UpdatedBy string
	Tags                 []Tag
	Experiments          []int64 // that it belongs to
}

// NewEvalDataset is what a dataset is made of. The tag [UserTag] says by whom.
type NewEvalDataset struct {
	Name        string
	Tags        []Tag
	Experiments []int64
}

// Example is what a model is asked, and what it should answer. What is nil was not
// said.
type Example struct {
	ID                   string                     // "dr-" and 32 hexadecimal digits
	Inputs               map[string]json.RawMessage // no two of a dataset have the same
	Outputs              json.RawMessage
	Expectations         map[string]json.RawMessage
	Tags                 map[string]json.RawMessage
	Source               json.RawMessage
	Created, Updated     int64
	CreatedBy, UpdatedBy string
}

// EvalDatasetSearch is a search for datasets.
type EvalDatasetSearch struct {
	Search
	Experiments []int64 // nil for all
}

// EvalDatasets keeps collections of examples.
type EvalDatasets interface {
	// CreateEvalDataset makes one without examples. Names need not be unique.
	CreateEvalDataset(ctx context.Context, n NewEvalDataset) (EvalDataset, error)
	EvalDataset(ctx context.Context, id string) (EvalDataset, error)
	// DeleteEvalDataset deletes it with its examples; it does nothing if it is gone.
	DeleteEvalDataset(ctx context.Context, id string) error
	SearchEvalDatasets(ctx context.Context, s EvalDatasetSearch) (Page[EvalDataset], error)
	SetEvalDatasetTags(ctx context.Context, id string, tags []Tag) error
	// DeleteEvalDatasetTag does nothing if there is no such tag.
	DeleteEvalDatasetTag(ctx context.Context, id, key string) error
	// ShareEvalDataset adds a dataset to experiments, and takes it out of others.
	ShareEvalDataset(ctx context.Context, id string, add, remove []int64) (EvalDataset, error)

	// PutExamples adds examples to a dataset. One whose inputs are there already
	// is merged into that: its outputs, if there are some, replace the old, its
	// expectations and tags are added.
	PutExamples(ctx context.Context, id string, examples []Example) (added, merged int, err error)
	// Examples returns a page of them, in the order in which they were added.
	Examples(ctx context.Context, id string, max int, pageToken string) (Page[Example], error)
	// DeleteExamples returns how many there were.
	DeleteExamples(ctx context.Context, id string, examples []string) (int, error)
}
