package track

import "context"

// Record is something that a protocol has to remember of what it was told, and that
// a store has no words for: a text under a key.
type Record struct{ Key, Value string }

// Line is a line of a stream of a run, such as its output.
type Line struct {
	Number int64 // from 0
	Text   string
}

// LineQuery asks for lines of a stream, by number.
type LineQuery struct {
	RunID  string
	Stream string
	From   int64 // the first number
	To     int64 // the number after the last; 0 for no limit
	Max    int   // lines at most; 0 for all
}

// Records keeps what protocols have to remember. Kinds of records are theirs to
// choose, and so are names of streams; each puts its own name in front.
type Records interface {
	// PutRecords stores records, each in place of one with its key.
	PutRecords(ctx context.Context, kind string, records ...Record) error
	// SwapRecord stores a record in place of one whose value is old; "" stands for none.
	// It is InvalidState if another process was quicker.
	SwapRecord(ctx context.Context, kind, key, old, value string) error
	// Record is NotFound if there is none with the key.
	Record(ctx context.Context, kind, key string) (string, error)
	// Records returns those whose keys begin with a prefix, by key.
	Records(ctx context.Context, kind, prefix string) ([]Record, error)
	// DeleteRecord does nothing if there is none with the key.
	DeleteRecord(ctx context.Context, kind, key string) error

	// PutLines stores lines from a number on, each in place of one with its number.
	// They go with the run when it is purged.
	PutLines(ctx context.Context, runID, stream string, from int64, lines []string) error
	Lines(ctx context.Context, q LineQuery) ([]Line, error)
	// CountLines returns the number after that of the last line, 0 without any.
	CountLines(ctx context.Context, runID, stream string) (int64, error)

	// ReplaceParams logs parameters, also over other values of theirs.
	ReplaceParams(ctx context.Context, runID string, params []Param) error
}
