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
	tops []top // runs that were opened at the top
}

type top struct {
	id      string
	unnamed bool // so that it has a random name
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
		s.tops = append(s.tops, top{run.ID, unnamed})
		s.mu.Unlock()
	}
	return run, err
}

// End closes what the processes left open, with a status, and gives all of their
// runs the origin of the execution. Where they opened exactly one at the top, and
// logged nothing in the run of the execution itself, that run takes its place:
// people think of a script that opens a run as of one run. End returns the run
// that stands for the execution.
func (s *Session) End(ctx context.Context, status Status, end int64, o Origin) (string, error) {
	s.mu.Lock()
	tops := slices.Clone(s.tops)
	s.mu.Unlock()
	root, err := s.Store.Run(ctx, s.Root)
	if err != nil {
		return s.Root, err
	}
	runs := make([]Run, 0, len(tops))
	for _, t := range tops {
		run, err := s.Store.Run(ctx, t.id)
		if CodeOf(err) == NotFound || run.Lifecycle == Deleted {
			continue // they took it back
		}
		if err != nil {
			return s.Root, err
		}
		if t.unnamed {
			run.Name = ""
		}
		runs = append(runs, run)
	}
	if len(runs) == 1 && s.untouched(&root) && isBelow(&runs[0], s.Root) {
		return runs[0].ID, s.replace(ctx, &root, &runs[0], status, end, o)
	}
	errs := []error{s.finish(ctx, s.Root, root.Status, status, end), s.Store.SetOrigin(ctx, s.Root, o)}
	o.Kind = ClientRun
	for i := range runs {
		errs = append(errs, s.finish(ctx, runs[i].ID, runs[i].Status, status, end), s.Store.SetOrigin(ctx, runs[i].ID, o))
	}
	return s.Root, errors.Join(errs...)
}

// replace puts a run in the place of the run of the execution.
func (s *Session) replace(ctx context.Context, root, run *Run, status Status, end int64, o Origin) error {
	if status == Finished && run.Status != Running && run.Status != Scheduled {
		status = run.Status // the script knows better
	}
	b := Batch{
		Tags:   lacking(root.Tags, run.Tags, func(t Tag) string { return t.Key }),
		Params: lacking(root.Params, run.Params, func(p Param) string { return p.Key }),
	}
	var named error
	if run.Name == "" {
		_, named = s.Store.UpdateRun(ctx, run.ID, RunUpdate{Name: root.Name})
	}
	return errors.Join(
		named,
		s.Store.LogBatch(ctx, run.ID, b),
		s.Store.SetOrigin(ctx, run.ID, o),
		s.finish(ctx, run.ID, run.Status, status, end),
		s.parent(ctx, root, run),
		s.Store.DeleteRun(ctx, root.ID),
		s.Store.PurgeRun(ctx, root.ID),
	)
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

// finish sets how a run ended, unless it says so already and the execution went
// well.
func (s *Session) finish(ctx context.Context, id string, was, status Status, end int64) error {
	if was != Running && was != Scheduled && (status == Finished || id != s.Root) {
		return nil
	}
	_, err := s.Store.UpdateRun(ctx, id, RunUpdate{Status: status, End: end})
	return err
}

// untouched reports whether nothing was logged in the run of the execution after
// it was opened.
func (s *Session) untouched(root *Run) bool {
	return len(root.Params) == len(s.Params) && len(root.Metrics)+len(root.Inputs)+len(root.ModelInputs)+len(root.ModelOutputs) == 0
}

func isBelow(r *Run, parent string) bool {
	return slices.Contains(r.Tags, Tag{ParentRunTag, parent})
}
