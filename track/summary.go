package track

import "context"

// Summaries is what a store may be able to say of many runs at once, for people
// who look at them: an ability besides [Store], found by assertion.
type Summaries interface {
	// CountRuns returns how many runs a search finds; Max and PageToken do not
	// count.
	CountRuns(ctx context.Context, s RunSearch) (int64, error)
	// GroupRuns returns how many of the runs that a search finds have which value
	// of something, the most frequent first, at most s.Max of them.
	GroupRuns(ctx context.Context, s RunSearch, by GroupKey) ([]Group, error)
	// RunKeys returns the keys that runs have, each sorted, at most so many of each
	// kind.
	RunKeys(ctx context.Context, most int) (RunKeys, error)
}

// GroupKey is what runs are grouped by: a tag, a parameter, or their experiments.
type GroupKey struct {
	Kind GroupKind
	Key  string // of a tag or a parameter
}

// GroupKind says what is at a [GroupKey].
type GroupKind uint8

// The kinds.
const (
	ByExperiment GroupKind = iota // whose values are numbers of experiments
	ByTag
	ByParam
)

// Group is the runs that have a value. Those that have none are in no group.
type Group struct {
	Value string
	Runs  int64
}

// RunKeys are the keys that runs have.
type RunKeys struct{ Params, Metrics, Tags []string }
