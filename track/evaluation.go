package track

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// EvaluationDataset is a collection of records that applications are evaluated
// with. Names need not be unique.
type EvaluationDataset struct {
	ID                   string // "d-" and 32 hexadecimal digits
	Name                 string
	Tags                 []Tag
	Schema               EvaluationSchema
	Records              int64 // how many it has
	Digest               string
	Created, Updated     int64
	CreatedBy, UpdatedBy string
}

// NewEvaluationDataset is what a dataset is made of.
type NewEvaluationDataset struct {
	Name        string
	Tags        []Tag
	Experiments []int64
}

// Field is a member of a JSON object: its name, and its value as JSON.
type Field struct{ Name, Value string }

// Fields are the members of a JSON object in the order in which they were
// written; nil if there is no object.
type Fields []Field

// Merge returns the fields with others added, or put in the place of what is
// there.
func (f Fields) Merge(more Fields) Fields {
	at := make(map[string]int, len(f)+len(more))
	merged := make(Fields, 0, len(f)+len(more))
	for _, list := range []Fields{f, more} {
		for _, field := range list {
			i, ok := at[field.Name]
			if !ok {
				at[field.Name] = len(merged)
				merged = append(merged, field)
				continue
			}
			merged[i].Value = field.Value
		}
	}
	return merged
}

// EvaluationRecord is what an application is given, and what is expected of it.
type EvaluationRecord struct {
	ID                   string // "dr-" and 32 hexadecimal digits
	Dataset              string
	Inputs               Fields
	Outputs              string // JSON; "" for none
	Expectations         Fields
	Tags                 Fields
	Source               EvaluationSource
	Created, Updated     int64
	CreatedBy, UpdatedBy string
}

// EvaluationSource is where a record comes from.
type EvaluationSource struct {
	Type string // one of the [SourceTypes]; "" if it is not known
	ID   string // such as that of a trace
	Data Fields
}

// SourceTypes are the types of sources that there are.
var SourceTypes = []string{"UNSPECIFIED", "TRACE", "HUMAN", "DOCUMENT", "CODE"}

// NewEvaluationRecord is a record that a dataset is to have. If it has one with
// the same inputs, that one takes over what is set here, but for the source.
type NewEvaluationRecord struct {
	Inputs       Fields
	InputsDigest string  // the same for the same inputs, however they are written
	Outputs      *string // nil if nothing is said, "" for none
	OutputFields Fields  // of outputs that are an object
	Expectations Fields
	Tags         Fields
	Source       EvaluationSource
	User         string // who says so, if that is known
}

// EvaluationSearch is a search for datasets. Without experiments all are looked
// at; without an order the newest come first.
type EvaluationSearch struct {
	Search
	Experiments []int64
}

// RecordQuery asks for records of a dataset, in the order in which they came.
type RecordQuery struct {
	Dataset   string
	Max       int // in a page, at least 1
	PageToken string
}

// Evaluations keeps datasets for evaluations.
type Evaluations interface {
	CreateEvaluationDataset(ctx context.Context, d NewEvaluationDataset) (EvaluationDataset, error)
	EvaluationDataset(ctx context.Context, id string) (EvaluationDataset, error)
	// DeleteEvaluationDataset deletes a dataset with its records. It does nothing
	// if there is none.
	DeleteEvaluationDataset(ctx context.Context, id string) error
	SearchEvaluationDatasets(ctx context.Context, s EvaluationSearch) (Page[EvaluationDataset], error)
	// SetEvaluationTags sets tags of a dataset and deletes others.
	SetEvaluationTags(ctx context.Context, id string, set []Tag, del []string) error
	// DeleteEvaluationTag does nothing if there is no such tag, or no dataset.
	DeleteEvaluationTag(ctx context.Context, id, key string) error

	AddEvaluationExperiments(ctx context.Context, id string, experiments []int64) (EvaluationDataset, error)
	// RemoveEvaluationExperiments passes over those that the dataset is not of.
	RemoveEvaluationExperiments(ctx context.Context, id string, experiments []int64) (EvaluationDataset, error)
	// EvaluationExperiments returns none for a dataset that is not there.
	EvaluationExperiments(ctx context.Context, id string) ([]int64, error)

	// PutEvaluationRecords returns how many of the records are new, and how many
	// were merged into what was there.
	PutEvaluationRecords(ctx context.Context, id string, records []NewEvaluationRecord) (inserted, updated int, err error)
	// EvaluationRecords returns none for a dataset that is not there.
	EvaluationRecords(ctx context.Context, q RecordQuery) (Page[EvaluationRecord], error)
	// DeleteEvaluationRecords returns how many of the records there were.
	DeleteEvaluationRecords(ctx context.Context, id string, records []string) (int, error)
}

// NewEvaluationID returns a new ID of a dataset for evaluations.
func NewEvaluationID() string { return "d-" + NewRunID() }

// NewEvaluationRecordID returns a new ID of a record of such a dataset.
func NewEvaluationRecordID() string { return "dr-" + NewRunID() }

// EvaluationDigest returns the digest of a dataset that was last changed at a
// time, as MLflow's server computes it.
func EvaluationDigest(name string, updated int64) string {
	sum := sha256.Sum256([]byte(name + ":" + strconv.FormatInt(updated, 10)))
	return hex.EncodeToString(sum[:4])
}

// Limits of datasets for evaluations, in characters.
const (
	maxEvaluationName     = 255
	maxEvaluationTagKey   = 255
	maxEvaluationTagValue = 5000
)

// CheckEvaluationDataset reports what is wrong with a dataset that is to be made.
func CheckEvaluationDataset(d *NewEvaluationDataset) error {
	if strings.TrimSpace(d.Name) == "" {
		return Errorf(InvalidParameter, "Missing value for required parameter 'name'.")
	}
	if err := checkLength("name", d.Name, maxEvaluationName); err != nil {
		return err
	}
	return CheckEvaluationTags(d.Tags)
}

// CheckEvaluationTags reports what is wrong with tags of a dataset.
func CheckEvaluationTags(tags []Tag) error {
	for _, t := range tags {
		if t.Key == "" {
			return Errorf(InvalidParameter, "The key of a tag cannot be empty.")
		}
		if err := checkLength("key", t.Key, maxEvaluationTagKey); err != nil {
			return err
		}
		if err := checkLength("value", t.Value, maxEvaluationTagValue); err != nil {
			return err
		}
	}
	return nil
}

// CheckSourceType returns the type of a source that is written in any case.
func CheckSourceType(name string) (string, error) {
	name = strings.ToUpper(name)
	quoted := make([]string, len(SourceTypes))
	for i, t := range SourceTypes {
		if t == name {
			return t, nil
		}
		quoted[i] = quote(t)
	}
	return "", Errorf(InvalidParameter, "Invalid dataset record source type: %s. Valid source types: [%s]", name, strings.Join(quoted, ", "))
}

// EvaluationSchema says which fields records have, and of which types: the first
// that was seen of each.
type EvaluationSchema struct {
	Inputs, Outputs, Expectations []Tag  // a name with a type
	Output                        string // the type of outputs that are no objects
}

// Grow adds what records have.
func (s *EvaluationSchema) Grow(records []NewEvaluationRecord) {
	s.Inputs = growTypes(s.Inputs, records, func(r *NewEvaluationRecord) Fields { return r.Inputs })
	s.Expectations = growTypes(s.Expectations, records, func(r *NewEvaluationRecord) Fields { return r.Expectations })
	for i := range records {
		r := &records[i]
		if s.Output == "" && s.Outputs == nil && r.Outputs != nil && *r.Outputs != "" && r.OutputFields == nil {
			s.Output = jsonType(*r.Outputs)
		}
		if s.Output == "" {
			s.Outputs = growTypes(s.Outputs, records[i:i+1], func(r *NewEvaluationRecord) Fields { return r.OutputFields })
		}
	}
}

func growTypes(types []Tag, records []NewEvaluationRecord, fields func(*NewEvaluationRecord) Fields) []Tag {
	seen := map[string]bool{}
	for _, t := range types {
		seen[t.Key] = true
	}
	for i := range records {
		for _, f := range fields(&records[i]) {
			if !seen[f.Name] {
				seen[f.Name] = true
				types = append(types, Tag{f.Name, jsonType(f.Value)})
			}
		}
	}
	return types
}

// jsonType returns the word for the type of a JSON value that schemas have.
func jsonType(value string) string {
	switch value[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	if strings.ContainsAny(value, ".eENI") {
		return "float"
	}
	return "integer"
}

// String returns the schema as JSON, as clients read it; "" before there are
// records.
func (s *EvaluationSchema) String() string {
	if s.Inputs == nil && s.Outputs == nil && s.Expectations == nil && s.Output == "" {
		return ""
	}
	outputs := typesText(s.Outputs)
	if s.Output != "" {
		outputs = jsonText(s.Output)
	}
	return fmt.Sprintf(`{"inputs": %s, "outputs": %s, "expectations": %s, "version": "1.0"}`, typesText(s.Inputs), outputs, typesText(s.Expectations))
}

func typesText(types []Tag) string {
	items := make([]string, len(types))
	for i, t := range types {
		items[i] = jsonText(t.Key) + ": " + jsonText(t.Value)
	}
	return "{" + strings.Join(items, ", ") + "}"
}

func jsonText(text string) string {
	b, _ := json.Marshal(text) // of a text it can't fail
	return string(b)
}
