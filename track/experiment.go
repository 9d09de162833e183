package track

import (
	"context"
	"strconv"
)

// Experiment is a named group of runs. Experiment 0, "Default", always exists.
type Experiment struct {
	ID               int64
	Name             string // unique, counting deleted ones
	ArtifactLocation string // a URL, below which the artifacts of its runs go
	Lifecycle        Lifecycle
	Created, Updated int64
	Tags             []Tag
}

// NewExperiment is what an experiment is made of. Without a location it becomes
// "mlflow-artifacts:/ID".
type NewExperiment struct {
	Name             string
	ArtifactLocation string
	Created          int64 // 0 for now
	Tags             []Tag
}

// ExperimentSearch is a search for experiments. Without an order the newest
// come first.
type ExperimentSearch struct {
	Search
	View View
}

// Experiments keeps experiments.
type Experiments interface {
	// CreateExperiment is AlreadyExists if the name is taken, be it by one that
	// was deleted.
	CreateExperiment(ctx context.Context, e NewExperiment) (int64, error)
	// Experiment returns an experiment, deleted or not.
	Experiment(ctx context.Context, id int64) (Experiment, error)
	// ExperimentByName returns an experiment, deleted or not.
	ExperimentByName(ctx context.Context, name string) (Experiment, error)
	// RenameExperiment is InvalidState if the experiment is deleted.
	RenameExperiment(ctx context.Context, id int64, name string) error
	// DeleteExperiment deletes it and its runs. It is NotFound if it was deleted.
	DeleteExperiment(ctx context.Context, id int64) error
	// RestoreExperiment takes that back. It is NotFound if it is active.
	RestoreExperiment(ctx context.Context, id int64) error
	SetExperimentTag(ctx context.Context, id int64, tag Tag) error
	// DeleteExperimentTag is NotFound if there is no such tag.
	DeleteExperimentTag(ctx context.Context, id int64, key string) error
	SearchExperiments(ctx context.Context, s ExperimentSearch) (Page[Experiment], error)
}

// ParseExperimentID reads the decimal form in which doors show the number of an
// experiment.
func ParseExperimentID(s string) (int64, error) {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, Errorf(InvalidParameter, "Invalid experiment ID '%s'. Experiment ID must be a valid integer.", s)
	}
	return id, nil
}

// FormatExperimentID returns the form that [ParseExperimentID] reads.
func FormatExperimentID(id int64) string { return strconv.FormatInt(id, 10) }

// EnsureExperiment returns the number of the experiment of a name, which is made if
// there is none. Several may ask for the same at once.
func EnsureExperiment(ctx context.Context, s Experiments, name string) (int64, error) {
	e, err := s.ExperimentByName(ctx, name)
	if CodeOf(err) != NotFound {
		return e.ID, err
	}
	id, err := s.CreateExperiment(ctx, NewExperiment{Name: name})
	if CodeOf(err) == AlreadyExists { // somebody else was quicker
		e, err = s.ExperimentByName(ctx, name)
		id = e.ID
	}
	return id, err
}
