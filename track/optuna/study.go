package optuna

import (
	"context"
	"slices"
	"time"

	"github.com/xtrepro/xt/track"
)

// studyRuns is a study, the run that stands for it, and those of its trials.
type studyRuns struct {
	track.Study
	store      track.Store
	session    *track.Session // nil where nobody's command is behind it
	experiment int64
	parent     string         // the run that the study's own is nested in
	done       map[int64]bool // since the queue was empty
	best       *track.Trial
	better     bool // the best is not told yet
	touched    bool
}

// open finds the run of the study, or makes one. A command has one of its own for
// each study, which is nested in the command's.
func (s *studyRuns) open(ctx context.Context) error {
	// Trials may have begun before there is something to show of the study.
	start := s.Created
	own := s.session == nil || slices.ContainsFunc(s.session.Opened(), func(o track.Opened) bool { return o.ID == s.RunID })
	if s.session != nil {
		root, err := s.store.Run(ctx, s.session.Root)
		if err != nil {
			return err
		}
		s.experiment, s.parent = root.Experiment, root.ID
		start = max(start, root.Start)
	}
	if own && s.RunID != "" {
		run, err := s.store.Run(ctx, s.RunID)
		if err == nil && run.Lifecycle == track.Active {
			s.experiment, s.parent = run.Experiment, parentOf(&run)
			return nil
		}
		if err != nil && track.CodeOf(err) != track.NotFound {
			return err
		}
	}
	run, err := s.store.CreateRun(ctx, track.NewRun{
		Experiment: s.experiment, Name: givenName(s.Name), Start: start, Tags: []track.Tag{{Key: StudyTag, Value: s.Name}},
		Origin: &track.Origin{Kind: track.ClientRun},
	})
	if err != nil {
		return err
	}
	s.RunID = run.ID
	return s.store.SetStudyRun(ctx, s.ID, run.ID)
}

func parentOf(r *track.Run) string {
	for _, t := range r.Tags {
		if t.Key == track.ParentRunTag {
			return t.Value
		}
	}
	return ""
}

// catchUp looks at the trials that are there: which is the best, and which have no
// run although they have ended. Those of a command are its own affair.
func (s *studyRuns) catchUp(ctx context.Context) error {
	trials, err := s.store.Trials(ctx, s.ID, track.TrialQuery{After: -1})
	if err != nil {
		return err
	}
	for i := range trials {
		t := &trials[i]
		s.consider(t)
		if t.RunID != "" || !t.State.Final() || s.session != nil {
			continue
		}
		if err := s.record(ctx, t); err != nil {
			return err
		}
		s.done[t.ID] = true
	}
	return nil
}

// consider makes a trial the best if it is.
func (s *studyRuns) consider(t *track.Trial) {
	if len(s.Directions) != 1 || t.State != track.TrialComplete || len(t.Values) != 1 {
		return
	}
	if s.best == nil || s.Directions[0] == track.Minimize && t.Values[0] < s.best.Values[0] || s.Directions[0] == track.Maximize && t.Values[0] > s.best.Values[0] {
		s.best, s.better = &track.Trial{Number: t.Number, Values: t.Values}, true // not all that t came with
	}
}

// finish says which trial is the best so far, and that the study ends with its
// latest trial; the run of a command's study ends with the command.
func (s *studyRuns) finish(ctx context.Context) error {
	if !s.touched {
		return nil
	}
	s.touched = false
	var e track.RunEnd
	now := time.Now().UnixMilli()
	if s.better {
		s.better = false
		name := bestName(s.names()[0])
		e.Batch.Metrics = []track.Metric{{Key: name, Value: s.best.Values[0], Step: s.best.Number, Time: now}}
		e.Batch.Tags = []track.Tag{{Key: BestTag, Value: formatNumber(s.best.Number)}}
	}
	if s.session == nil {
		e.RunUpdate = track.RunUpdate{Status: track.Finished, End: now}
	} else if e.Batch.Metrics == nil {
		return nil
	}
	return s.store.EndRun(ctx, s.RunID, e)
}

// record makes a trial a run, or makes the run that its code has opened the run of
// the trial.
func (s *studyRuns) record(ctx context.Context, t *track.Trial) error {
	s.touched = true
	s.consider(t)
	if t.RunID != "" {
		run, err := s.store.Run(ctx, t.RunID)
		if err == nil && run.Lifecycle == track.Active {
			return s.adopt(ctx, t, &run)
		}
		if err != nil && track.CodeOf(err) != track.NotFound {
			return err
		}
	}
	n := s.newRun(t)
	if _, err := s.store.CreateRun(ctx, n); err != nil && track.CodeOf(err) != track.AlreadyExists {
		return err
	}
	end := track.RunEnd{RunUpdate: track.RunUpdate{Status: statusOf(t.State), End: t.End / 1000}}
	if err := s.log(ctx, n.ID, t, end); err != nil {
		return err
	}
	return s.store.SetTrialRun(ctx, t.ID, n.ID)
}

// adopt says of a run which trial it is, and nests it in the study's unless its
// owner has nested it in another.
func (s *studyRuns) adopt(ctx context.Context, t *track.Trial, run *track.Run) error {
	end := track.RunEnd{Batch: track.Batch{Tags: s.tags(t)}}
	if at := parentOf(run); at != s.parent && at != s.RunID {
		end.Batch.Tags = slices.DeleteFunc(end.Batch.Tags, func(tag track.Tag) bool { return tag.Key == track.ParentRunTag })
	}
	o := track.Origin{}
	if run.Origin != nil {
		o = *run.Origin
	}
	o.Kind = track.TrialRun
	end.Origin = &o
	return s.log(ctx, run.ID, t, end)
}

// log ends a run with the metrics of a trial.
func (s *studyRuns) log(ctx context.Context, id string, t *track.Trial, end track.RunEnd) error {
	metrics := s.metrics(t)
	if len(metrics) > track.MaxBatch-track.MaxBatchTags {
		if err := track.LogAll(ctx, s.store, id, track.Batch{Metrics: metrics}); err != nil {
			return err
		}
	} else {
		end.Batch.Metrics = metrics
	}
	return s.store.EndRun(ctx, id, end)
}
