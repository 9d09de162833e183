// Package track says what a run is, and what a store of runs can do: experiments,
// runs with their parameters, metrics, tags and artifacts, models, and traces.
//
// It holds values and rules, no SQL and no HTTP. A store is in track/sql; the
// doors to it, which speak the protocols of other tools, import this package
// and map the [Code] of an [*Error] to their own codes.
//
// # Rules that hold everywhere
//
// Times are milliseconds since 1970, durations milliseconds; 0 stands for none.
// Slices in answers are sorted by key unless the order means something. What a
// method returns belongs to the caller. An error that the caller can do
// something about is an [*Error]; its message is the one that MLflow's server
// has for the case, so that clients that look into messages find what they
// expect.
//
// A method that writes returns when what it wrote is committed: it is there
// even if the process is killed in the next instant. A method that fails has
// written nothing.
package track

import "context"

// Store is everything that a store of runs can do. Its methods may be called
// concurrently, and other processes may use the same store at the same time.
type Store interface {
	Experiments
	Runs
	Metrics
	LoggedModels
	Registry
	Traces
	Evaluations
	Artifacts
	Studies
	Records

	// Ping reports whether the store can be reached.
	Ping(ctx context.Context) error
	// Close waits for writes in flight and releases the store.
	Close() error
}

// Tag is a key with a text that may be replaced.
type Tag struct{ Key, Value string }

// Param is a key with a text that is written once.
type Param struct{ Key, Value string }

// Lifecycle says whether an experiment or a run was deleted. Deleted ones stay
// until they are purged, and can be restored.
type Lifecycle string

// The lifecycles.
const (
	Active  Lifecycle = "active"
	Deleted Lifecycle = "deleted"
)

// View is which lifecycles a search finds.
type View uint8

// The views.
const (
	ActiveOnly View = iota
	DeletedOnly
	All
)

// Search says what to find, and how much of it at a time.
type Search struct {
	Filter    string   // in MLflow's grammar for what is searched; "" for all
	OrderBy   []string // "KEY [ASC|DESC]"; nil for the order that is usual
	Max       int      // results in a page, at least 1
	PageToken string   // Page.Next of the page before; "" for the first
}

// Page is some results and the token of the next page, "" after the last.
type Page[T any] struct {
	Items []T
	Next  string
}
