package jobs

import (
	"context"
	"slices"
	"time"
)

// How the cluster and the shared file system are dealt with.
const (
	// patience is how long a job that was cancelled is waited for.
	patience = 30 * time.Second
	// soonest and latest are how often the cluster is asked: at first, and when
	// nothing has changed for a while. Its controller has many to answer.
	soonest = time.Second
	latest  = 15 * time.Second
	// settling is how long a file that a node wrote may take to be seen here, after a
	// job that failed; a job that succeeded must have written it.
	settling = 3 * time.Second
	arrival  = time.Minute
	// vain is how often a job is looked for before it counts as forgotten.
	vain = 3
)

// look asks the cluster for jobs.
func (x *Executor) look(ctx context.Context, jobs []*Job) error {
	var ids []string
	x.mu.Lock()
	for _, j := range jobs {
		last := j.Last()
		if last != nil && last.ID != "" && !last.Over && !slices.Contains(ids, last.ID) { // trials may share a task
			ids = append(ids, last.ID)
		}
	}
	x.mu.Unlock()
	found, err := x.Client.Jobs(ctx, ids)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	news := false
	for _, id := range ids {
		s := x.seen[id]
		s.misses++
		x.seen[id] = s
	}
	for _, j := range found {
		was := x.seen[j.Name()]
		news = news || was.State != j.State || was.Reason != j.Reason
		x.seen[j.Name()] = sight{Job: j}
	}
	if news || len(found) < len(ids) {
		close(x.wake)
		x.wake = make(chan struct{})
	}
	return nil
}

// sight returns what was last seen of the last attempt of a job, and a channel that is
// closed at the next news.
func (x *Executor) sight(j *Job) (sight, <-chan struct{}) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.seen[j.Last().ID], x.wake
}

// observe keeps asking the cluster until Close.
func (x *Executor) observe() {
	x.watch.Do(func() {
		ctx, stop := context.WithCancel(context.Background())
		x.mu.Lock()
		x.stop = stop
		x.mu.Unlock()
		go x.keepLooking(ctx)
	})
}

func (x *Executor) keepLooking(ctx context.Context) {
	pause, told := soonest, ""
	for ctx.Err() == nil {
		wake := x.news()
		err := x.look(ctx, x.Jobs())
		if err != nil && ctx.Err() == nil && err.Error() != told {
			told = err.Error()
			x.Say("the jobs cannot be looked for: %v", err)
		}
		select {
		case <-wake:
			pause = soonest
		default:
			pause = min(pause*5/4, latest)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// news returns a channel that is closed at the next news.
func (x *Executor) news() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.wake
}

// cancel ends a job and waits until it has ended, so that it publishes nothing more.
func (x *Executor) cancel(ctx context.Context, j *Job) error {
	last := j.Last()
	if last == nil || last.Over {
		return nil
	}
	if err := Cancel(ctx, x.Client, j); err != nil {
		return err
	}
	for ended := time.Now().Add(patience); time.Now().Before(ended); {
		if err := x.look(ctx, []*Job{j}); err != nil {
			return err
		}
		if s, _ := x.sight(j); s.State.Over() || s.misses > 0 {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-x.Hurry:
			return nil
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}

// Close ends what is left: jobs that nobody waited for are cancelled, unless they
// are left to themselves.
func (x *Executor) Close() error {
	x.mu.Lock()
	stop := x.stop
	x.mu.Unlock()
	if stop != nil {
		stop()
	}
	if x.Leave || x.Detach && x.submitted {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var first error
	for _, j := range x.Jobs() {
		if j.State.Taken || j.Last() == nil {
			continue
		}
		if err := x.giveUp(ctx, j); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// giveUp cancels a job whose result is not wanted any more.
func (x *Executor) giveUp(ctx context.Context, j *Job) error {
	if last := j.Last(); last == nil || last.Over {
		return nil
	}
	x.Say("%s: job %s is cancelled", j.Spec.Name(), j.Last().ID)
	err := x.cancel(ctx, j)
	s, _ := x.sight(j)
	x.conclude(j, s, "cancelled")
	j.State.Taken = true
	if saved := j.save(); err == nil {
		err = saved
	}
	return err
}
