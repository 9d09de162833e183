package optuna

import (
	"context"
	"sync"

	"github.com/xtrepro/xt/track"
)

// recorder makes runs of trials that have ended, one after the other and behind
// the back of clients, who do not wait for it. What it did not get to before the
// process died is found when the study is next looked at.
type recorder struct {
	store  track.Store
	report func(error)

	mu      sync.Mutex
	queue   []int64 // trials
	closing bool
	wake    chan struct{} // has room for one
	ended   chan struct{}

	studies map[int64]*studyRuns // of the goroutine's own
}

// maxStudies bounds the memory: the others are looked up again.
const maxStudies = 1000

func newRecorder(store track.Store, report func(error)) *recorder {
	return &recorder{store: store, report: report, studies: map[int64]*studyRuns{}}
}

// add has a trial recorded.
func (r *recorder) add(trial int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(r.queue, trial)
	if r.wake == nil && !r.closing {
		r.wake, r.ended = make(chan struct{}, 1), make(chan struct{})
		go r.loop()
	}
	r.signal()
}

func (r *recorder) signal() {
	select {
	case r.wake <- struct{}{}:
	default: // it will look again anyway
	}
}

// close records what is queued.
func (r *recorder) close() {
	r.mu.Lock()
	r.closing = true
	started := r.wake != nil
	if started {
		r.signal()
	}
	r.mu.Unlock()
	if started {
		<-r.ended
	}
}

func (r *recorder) take() (trials []int64, last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	trials, r.queue = r.queue, nil
	return trials, r.closing
}

func (r *recorder) loop() {
	defer close(r.ended)
	ctx := context.Background()
	for range r.wake {
		for {
			trials, last := r.take()
			if len(trials) == 0 {
				r.finish(ctx)
				if last {
					return
				}
				break
			}
			for _, id := range trials {
				r.try(ctx, id)
			}
		}
	}
}

// try records a trial. The store itself waits for a database that is away.
func (r *recorder) try(ctx context.Context, id int64) {
	trial, err := r.store.Trial(ctx, id)
	if err == nil {
		err = r.record(ctx, &trial)
	}
	if err != nil && track.CodeOf(err) != track.NotFound { // else it was deleted meanwhile
		r.report(err)
	}
}

func (r *recorder) record(ctx context.Context, trial *track.Trial) error {
	study, err := r.study(ctx, trial.Study)
	if err != nil {
		return err
	}
	if study.done[trial.ID] {
		return nil
	}
	err = study.record(ctx, trial)
	if err == nil {
		study.done[trial.ID] = true
	}
	return err
}

// study returns where the trials of a study go.
func (r *recorder) study(ctx context.Context, id int64) (*studyRuns, error) {
	if s := r.studies[id]; s != nil {
		return s, nil
	}
	if len(r.studies) >= maxStudies {
		clear(r.studies)
	}
	study, err := r.store.Study(ctx, id)
	if err != nil {
		return nil, err
	}
	s := &studyRuns{store: r.store, Study: study, done: map[int64]bool{}}
	s.session, _ = r.store.(*track.Session)
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	if err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	r.studies[id] = s
	return s, nil
}

// finish says of the studies in hand how they stand.
func (r *recorder) finish(ctx context.Context) {
	for id, s := range r.studies {
		clear(s.done)
		if err := s.finish(ctx); err != nil {
			delete(r.studies, id)
			if track.CodeOf(err) != track.NotFound {
				r.report(err)
			}
		}
	}
}
