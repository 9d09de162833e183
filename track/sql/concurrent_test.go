package sql

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/xtrepro/xt/track"
)

// TestTwoStores writes to one database through two stores at once, as two
// processes would: nothing is lost, and each sees what the other did.
func TestTwoStores(t *testing.T) {
	onEach(t, func(t *testing.T, stores newStores) {
		url := stores(t)
		both := []*Store{open(t, url), open(t, url)}
		id := newRun(t, both[0], track.NewRun{}).ID
		const writers, each = 8, 25
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				s := both[w%2]
				for i := range int64(each) {
					check := func(err error) {
						if err != nil {
							t.Error(err)
						}
					}
					check(s.LogMetric(t.Context(), id, track.Metric{Key: "shared", Step: i, Value: float64(w)}))
					check(s.LogBatch(t.Context(), id, track.Batch{
						Metrics: []track.Metric{{Key: fmt.Sprintf("own%d", w), Step: i}},
						Params:  []track.Param{{Key: fmt.Sprintf("p%d", i), Value: "same"}},
						Tags:    []track.Tag{{Key: "t", Value: fmt.Sprint(w)}},
					}))
				}
			})
		}
		wg.Wait()
		for _, s := range both {
			r := must[track.Run](t)(s.Run(t.Context(), id))
			h := must[track.Page[track.Metric]](t)(s.MetricHistory(t.Context(), track.HistoryQuery{RunID: id, Key: "shared"}))
			if len(h.Items) != writers*each || len(r.Params) != each || len(r.Metrics) != writers+1 {
				t.Errorf("%d points, %d params, %d metrics", len(h.Items), len(r.Params), len(r.Metrics))
			}
			if last := r.Metrics[len(r.Metrics)-1]; last.Key != "shared" || last.Step != each-1 || last.Value != writers-1 {
				t.Errorf("latest %+v", last)
			}
		}
		// What one wrote is what the other knows of.
		check(t, both[0].LogParam(t.Context(), id, track.Param{Key: "p", Value: "1"}))
		wantError(t, both[1].LogParam(t.Context(), id, track.Param{Key: "p", Value: "2"}), track.InvalidParameter, "already logged with value='1'")
		check(t, both[1].DeleteRun(t.Context(), id))
		wantError(t, both[0].LogMetric(t.Context(), id, track.Metric{Key: "m"}), track.InvalidParameter, "Current state is deleted")
	})
}

// TestNetwork writes to one file through two stores as two machines would have to.
func TestNetwork(t *testing.T) {
	url := sqliteStores(t)
	var both []*Store
	for range 2 {
		s, err := Open(t.Context(), url, Options{Network: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { check(t, s.Close()) })
		both = append(both, s)
	}
	id := newRun(t, both[0], track.NewRun{}).ID
	const writers, each = 4, 10
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range int64(each) {
				if err := both[w%2].LogMetric(t.Context(), id, track.Metric{Key: fmt.Sprint("m", w), Step: i}); err != nil {
					t.Error(err)
				}
				if _, err := both[(w+1)%2].Run(t.Context(), id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for w := range writers {
		h := must[track.Page[track.Metric]](t)(both[0].MetricHistory(t.Context(), track.HistoryQuery{RunID: id, Key: fmt.Sprint("m", w)}))
		if len(h.Items) != each {
			t.Errorf("%d points of %d", len(h.Items), each)
		}
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(url + suffix); err == nil {
			t.Errorf("there is a %s", suffix)
		}
	}
}

// TestGroup has requests that fail share transactions with others.
func TestGroup(t *testing.T) {
	onEach(t, func(t *testing.T, stores newStores) {
		s := open(t, stores(t))
		id := newRun(t, s, track.NewRun{}).ID
		check(t, s.LogParam(t.Context(), id, track.Param{Key: "p", Value: "1"}))
		var wg sync.WaitGroup
		const n = 60
		// The writer is kept busy until all wait.
		hold, held := make(chan struct{}), make(chan struct{})
		wg.Go(func() {
			first := true
			_ = s.change(t.Context(), func(*tx) error {
				if first {
					first = false
					close(held)
					<-hold
				}
				return nil
			})
		})
		<-held
		for i := range int64(n) {
			wg.Go(func() {
				b := track.Batch{Metrics: []track.Metric{{Key: fmt.Sprintf("m%d", i%7), Step: i}}}
				if i%3 == 0 {
					b.Params = []track.Param{{Key: "new", Value: "1"}, {Key: "p", Value: "2"}} // new is as it should be, p is not
				}
				if err := s.LogBatch(t.Context(), id, b); (err != nil) != (i%3 == 0) {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		time.Sleep(20 * time.Millisecond) // they may be fewer in the group; the result is the same
		close(hold)
		wg.Wait()
		points := 0
		for k := range 7 {
			points += len(must[track.Page[track.Metric]](t)(s.MetricHistory(t.Context(), track.HistoryQuery{RunID: id, Key: fmt.Sprintf("m%d", k)})).Items)
		}
		if r := must[track.Run](t)(s.Run(t.Context(), id)); points != n*2/3 || len(r.Params) != 1 {
			t.Errorf("%d points, params %v", points, r.Params)
		}
	})
}

// TestGiveUp does not write what nobody waits for any more.
func TestGiveUp(t *testing.T) {
	s := open(t, sqliteStores(t))
	id := newRun(t, s, track.NewRun{}).ID
	hold, held := make(chan struct{}), make(chan struct{})
	go func() {
		_ = s.change(context.Background(), func(*tx) error { close(held); <-hold; return nil })
	}()
	<-held
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error)
	go func() { answer <- s.LogMetric(ctx, id, track.Metric{Key: "m"}) }()
	for len(s.writer.queue) == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(hold)
	check(t, s.SetTag(t.Context(), id, track.Tag{Key: "after"}))
	if r := must[track.Run](t)(s.Run(t.Context(), id)); r.Metrics != nil {
		t.Error("it was written")
	}
	canceled, cancelNow := context.WithCancel(t.Context())
	cancelNow()
	if _, err := s.Run(canceled, id); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := s.Run(t.Context(), id); err != nil {
		t.Errorf("after a reader gave up: %v", err)
	}
}

// TestClose answers what comes too late.
func TestClose(t *testing.T) {
	s := open(t, sqliteStores(t))
	id := newRun(t, s, track.NewRun{}).ID
	for range 2 {
		check(t, s.Close())
	}
	wantError(t, s.LogMetric(t.Context(), id, track.Metric{Key: "m"}), track.Unavailable, "closed")
	_, err := s.Run(t.Context(), id)
	wantError(t, err, track.Unavailable, "closed")
}

// TestGiveWay has one store write without pause, and another now and then: it
// gets its turn.
func TestGiveWay(t *testing.T) {
	url := sqliteStores(t)
	busy, other := open(t, url), open(t, url)
	id := newRun(t, busy, track.NewRun{}).ID
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := int64(0); ctx.Err() == nil; i++ {
				if err := busy.LogMetric(ctx, id, track.Metric{Key: fmt.Sprint(w), Step: i}); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	var worst time.Duration
	for i := range int64(20) {
		start := time.Now()
		check(t, other.LogMetric(t.Context(), id, track.Metric{Key: "other", Step: i}))
		worst = max(worst, time.Since(start))
	}
	stop()
	wg.Wait()
	t.Log("the longest wait was", worst)
}
