package wandb

import (
	"context"
	"encoding/json"
	"time"

	"github.com/xtrepro/xt/track"
)

// sweepEvery is how often a server looks for runs that nobody hears of any more.
const sweepEvery = time.Minute

// sweep tells the store of runs that have crashed: their clients have been silent for
// too long. What goes wrong is tried again the next time.
func (s *Server) sweep(ctx context.Context) {
	s.sweepMu.Lock()
	due := time.Since(s.swept) > sweepEvery
	if due {
		s.swept = time.Now()
	}
	s.sweepMu.Unlock()
	if !due {
		return
	}
	records, err := s.store.Records(ctx, runKind, "")
	if err != nil {
		return
	}
	for _, rec := range records {
		var r run
		if json.Unmarshal([]byte(rec.Value), &r) == nil && r.State == running && r.silent() {
			s.crash(ctx, r.runName)
		}
	}
}

// silent reports whether nothing was heard of a run for long.
func (r *run) silent() bool { return now()-r.Heartbeat > silence.Milliseconds() }

// crash ends a run as of when it was heard of last.
func (s *Server) crash(ctx context.Context, n runName) {
	defer s.locks.Lock(n.key())()
	r, err := s.loadRun(ctx, n)
	if err != nil || r.State != crashed {
		return
	}
	if err := s.saveRun(ctx, r); err != nil {
		return // somebody has heard of it
	}
	there, err := s.store.Run(ctx, r.ID)
	if err == nil && there.Status == track.Running && there.Lifecycle == track.Active {
		_, _ = s.store.UpdateRun(ctx, r.ID, track.RunUpdate{Status: track.Failed, End: r.Heartbeat}) // or the next time
	}
}
