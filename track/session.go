package track

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// Session is a store as the processes of one execution see it. What they log is
// theirs; the runs that they open at the top belong to the run of the execution.
type Session struct {
	Store
	Root   string  // the run of the execution
	Params []Param // what was logged in it when it was opened

	mu   sync.Mutex
	tops []Opened
}

// Opened is a run that a process of an execution opened at the top.
type Opened struct {
	ID      string
	Unnamed bool // so that it has a random name
}

// Opened returns the runs that were opened at the top so far.
func (s *Session) Opened() []Opened {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tops)
}

// Resume makes runs those of the session that another process began.
func (s *Session) Resume(runs []Opened) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tops = append(s.tops, runs...)
}

// CreateRun opens a run below the run of the execution, unless it names another
// parent.
func (s *Session) CreateRun(ctx context.Context, r NewRun) (Run, error) {
	has := func(key string) bool {
		return slices.ContainsFunc(r.Tags, func(t Tag) bool { return t.Key == key })
	}
	isTop, unnamed := !has(ParentRunTag), r.Name == "" && !has(RunNameTag)
	if isTop {
		r.Tags = append(slices.Clip(r.Tags), Tag{ParentRunTag, s.Root})
	}
	run, err := s.Store.CreateRun(ctx, r)
	if err == nil && isTop {
		s.mu.Lock()
		s.tops = append(s.tops, Opened{run.ID, unnamed})
		s.mu.Unlock()
	}
	return run, err
}

// End closes what the processes left open, and gives all of their runs the origin
// of the execution. Where exactly one of them is at the top, and nothing was logged in
// the run of the execution itself, that run takes its place: people think of a
// script that opens a run as of one run. End returns the run that stands for the
// execution.
func (s *Session) End(ctx context.Context, e RunEnd) (string, error) {
	opened := s.Opened()
	if len(opened) == 0 {
		return s.Root, s.end(ctx, s.Root, e)
	}
	root, err := s.Store.Run(ctx, s.Root)
	if err != nil {
		return s.Root, err
	}
	runs, err := s.still(ctx, opened)
	if err != nil {
		return s.Root, err
	}
	if top := s.onlyTop(runs); top != nil && s.untouched(&root) {
		rest := slices.DeleteFunc(slices.Clone(runs), func(r Run) bool { return r.ID == top.ID })
		return top.ID, errors.Join(s.endBelow(ctx, rest, e), s.replace(ctx, &root, top, e))
	}
	return s.Root, errors.Join(s.end(ctx, s.Root, e), s.endBelow(ctx, runs, e))
}

// onlyTop returns the one run that is right below that of the execution; nil if
// there are several. Others may have been nested in it after they were opened.
func (s *Session) onlyTop(runs []Run) *Run {
	var top *Run
	for i := range runs {
		if !isBelow(&runs[i], s.Root) {
			continue
		}
		if top != nil {
			return nil
		}
		top = &runs[i]
	}
	return top
}

// endBelow gives runs the origin of the execution, and ends those that are open.
func (s *Session) endBelow(ctx context.Context, runs []Run, e RunEnd) error {
	var errs []error
	for i := range runs {
		o := *e.Origin
		if o.Kind = ClientRun; runs[i].Origin != nil && runs[i].Origin.Kind == TrialRun {
			o.Kind = TrialRun
		}
		below := RunEnd{Origin: &o}
		if isOpen(runs[i].Status) {
			below.RunUpdate = RunUpdate{Status: e.Status, End: e.RunUpdate.End}
		}
		errs = append(errs, s.Store.EndRun(ctx, runs[i].ID, below))
	}
	return errors.Join(errs...)
}

func isOpen(s Status) bool { return s == Running || s == Scheduled }

// still returns the runs that are still there; those that nobody named have no
// name.
func (s *Session) still(ctx context.Context, opened []Opened) ([]Run, error) {
	var runs []Run
	for _, t := range opened {
		run, err := s.Store.Run(ctx, t.ID)
		if CodeOf(err) == NotFound || run.Lifecycle == Deleted {
			continue // they took it back
		}
		if err != nil {
			return nil, err
		}
		if t.Unnamed {
			run.Name = ""
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// end ends a run. More than a batch may hold is logged before.
func (s *Session) end(ctx context.Context, id string, e RunEnd) error {
	b := &e.Batch
	if len(b.Tags) > MaxBatchTags || len(b.Params) > MaxBatchParams || len(b.Tags)+len(b.Params)+len(b.Metrics) > MaxBatch {
		if err := LogAll(ctx, s.Store, id, *b); err != nil {
			return err
		}
		e.Batch = Batch{}
	}
	return s.Store.EndRun(ctx, id, e)
}

// replace puts a run in the place of the run of the execution.
func (s *Session) replace(ctx context.Context, root, run *Run, e RunEnd) error {
	if e.Status == Finished && !isOpen(run.Status) {
		e.Status, e.RunUpdate.End = "", 0 // the script knows better
	}
	if run.Name == "" {
		e.Name = root.Name
	}
	e.Batch.Tags = append(lacking(root.Tags, run.Tags, func(t Tag) string { return t.Key }), e.Batch.Tags...)
	e.Batch.Params = append(lacking(root.Params, run.Params, func(p Param) string { return p.Key }), e.Batch.Params...)
	return errors.Join(
		s.end(ctx, run.ID, e),
		s.parent(ctx, root, run),
		s.Store.DeleteRun(ctx, root.ID),
		s.Store.PurgeRun(ctx, root.ID),
	)
}

// LogAll logs more than one batch may hold, in several.
func LogAll(ctx context.Context, s Runs, id string, b Batch) error {
	var errs []error
	for tags := range slices.Chunk(b.Tags, MaxBatchTags) {
		errs = append(errs, s.LogBatch(ctx, id, Batch{Tags: tags}))
	}
	for params := range slices.Chunk(b.Params, MaxBatchParams) {
		errs = append(errs, s.LogBatch(ctx, id, Batch{Params: params}))
	}
	for metrics := range slices.Chunk(b.Metrics, MaxBatchMetrics) {
		errs = append(errs, s.LogBatch(ctx, id, Batch{Metrics: metrics}))
	}
	return errors.Join(errs...)
}

// lacking returns what of from has a key that nothing of has.
func lacking[T any](from, has []T, key func(T) string) []T {
	return slices.DeleteFunc(slices.Clone(from), func(x T) bool {
		return slices.ContainsFunc(has, func(y T) bool { return key(x) == key(y) })
	})
}

// parent gives run the parent that root has, which may be none.
func (s *Session) parent(ctx context.Context, root, run *Run) error {
	for _, t := range root.Tags {
		if t.Key == ParentRunTag {
			return s.Store.SetTag(ctx, run.ID, t)
		}
	}
	return s.Store.DeleteTag(ctx, run.ID, ParentRunTag)
}

// untouched reports whether nothing was logged in the run of the execution after
// it was opened.
func (s *Session) untouched(root *Run) bool {
	return len(root.Params) == len(s.Params) && len(root.Metrics)+len(root.Inputs)+len(root.ModelInputs)+len(root.ModelOutputs) == 0
}

func isBelow(r *Run, parent string) bool {
	return slices.Contains(r.Tags, Tag{ParentRunTag, parent})
}
