package hash

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// Store is where [Scanner.Put] puts what it reads. Its methods are called from
// several goroutines.
type Store interface {
	// HasTree reports whether the directory listing sum is stored, and all
	// that it names, at any depth.
	HasTree(sum Sum) bool
	// HasFile reports whether the bytes of the file n are stored.
	HasFile(n Node) bool
	// PutFile stores the file at the absolute path and returns its digest and
	// size. It may put a link to the stored file in its place. The error wraps
	// [ErrChanged] if the file changed meanwhile.
	PutFile(ctx context.Context, path string) (Sum, int64, error)
	// PutTree stores the listing of a directory. It is called when everything
	// that the listing names is stored.
	PutTree(sum Sum, encoded []byte) error
}

// Scanner finds out what stands at paths of a workspace, reading only what may
// have changed since the Index saw it.
//
// In a directory, what an ignore file names and what git and xt keep for
// themselves is left out; links are taken as they are. The path that is asked
// for itself is never ignored, and followed if it is a link.
type Scanner struct {
	// Root is the absolute path of the workspace. The paths that are scanned
	// have slashes and are relative to it.
	Root string
	// Index remembers between scans; nil for no memory. It is not saved.
	Index *Index
	// Objects is the absolute path of a folder of stored files, named by their
	// digest as ab/cdef…; a link to one of them counts as the file itself. It
	// may be empty.
	Objects string
	// Jobs is how many files are read at a time; 0 for as many as there are
	// processors.
	Jobs int
	// OnFile, if not nil, is told the size of each file that was read. It is
	// called from several goroutines.
	OnFile func(bytes int64)
}

// Result is what a scan found at one path.
type Result struct {
	Node Node
	Err  error
}

// Scan returns what stands at path. The error wraps [io/fs.ErrNotExist] if
// nothing does, is an [*UnsupportedError] if something there cannot be
// versioned, and wraps [ErrChanged] if a file kept changing.
func (s *Scanner) Scan(ctx context.Context, path string) (Node, error) {
	return s.Put(ctx, path, nil)
}

// ScanAll scans the paths side by side, and returns a result for each. It is
// much faster than one Scan after the other where the paths are small.
func (s *Scanner) ScanAll(ctx context.Context, paths []string) []Result {
	return s.PutAll(ctx, paths, nil)
}

// Put does what Scan does, and stores in st what is not in it yet.
func (s *Scanner) Put(ctx context.Context, path string, st Store) (Node, error) {
	r := s.PutAll(ctx, []string{path}, st)[0]
	return r.Node, r.Err
}

// PutAll does what ScanAll does, and stores in st what is not in it yet. With
// a nil st it is ScanAll.
func (s *Scanner) PutAll(ctx context.Context, paths []string, st Store) []Result {
	sc := &scan{Scanner: s, store: st, rules: (*ignoreRules)(nil).add(ignoredByDefault, 0)}
	tops := make([]top, len(paths))
	jobs := make([]job, len(paths))
	for i, p := range paths {
		tops[i] = top{scan: sc, rel: p}
		jobs[i] = &tops[i]
	}
	readers := s.Jobs
	if readers <= 0 {
		readers = runtime.GOMAXPROCS(0)
	}
	runJobs(ctx, readers, jobs)
	sc.settle()
	results := make([]Result, len(paths))
	for i := range tops {
		results[i] = tops[i].result(ctx)
	}
	return results
}

// scan is one call of the Scanner.
type scan struct {
	*Scanner
	store   Store        // nil to store nothing
	rules   *ignoreRules // that hold everywhere
	settled atomic.Int64 // when the last of the links that were made will have settled
}

// trust decides whether a link that the store has just made in place of a file
// may be believed the next time. Its content was read before it was linked,
// but whoever writes to it once the scan is over can be told apart, if only the
// scan does not end within the same tick. That does not hold for a symbolic
// link, which stays as it is.
func (s *scan) trust(rec *Record) {
	at := rec.Stat.Settled()
	if rec.Racy = rec.Stat.kind() == Symlink || time.Until(at) > 2*Tick; rec.Racy {
		return
	}
	for {
		last := s.settled.Load()
		if at.UnixNano() <= last || s.settled.CompareAndSwap(last, at.UnixNano()) {
			return
		}
	}
}

// settle waits until a change to any link that was trusted must show.
func (s *scan) settle() {
	if at := s.settled.Load(); at != 0 {
		time.Sleep(time.Until(time.Unix(0, at)))
	}
}
