package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/search"
	"github.com/xtrepro/xt/track"
)

// The tags of a trial's run.
const (
	sweepTag = "xt.sweep"
	trialTag = "xt.trial"
)

// localTrials executes trials in this process, each in clean directories. It
// implements search.Executor.
type localTrials struct {
	w      *pipeline.Workspace
	t      *tracker
	parent string // the run of the sweep
	main   string // the stage whose run a trial is: the one that makes the first objective
	opts   pipeline.RunOptions
}

var _ search.Executor = (*localTrials)(nil)

// Execute implements search.Executor.
func (l *localTrials) Execute(ctx context.Context, at *search.Attempt, run func(string)) (*search.Result, error) {
	v, err := l.w.Vary(at.Overrides)
	if err != nil {
		return nil, err
	}
	stages, err := v.Graph.Select(at.Sweep.Stages, pipeline.SelectOptions{})
	if err != nil {
		return nil, err
	}
	x := &trialExecution{l: l, at: at, run: run}
	v.Tracker = x
	results, err := v.Make(ctx, stages, pipeline.MakeOptions{RunOptions: l.opts}, quietReporter{})
	if err != nil {
		return nil, err
	}
	res := &search.Result{Files: v.Made(results), Known: true}
	for _, r := range results {
		res.Known = res.Known && r.Step.Action != pipeline.Execute
		if r.Step.Stage.Name == l.main && !x.isRun() {
			if err := x.known(ctx, v, r); err != nil {
				return nil, err
			}
		}
	}
	return res, nil
}

// quietReporter says nothing: what commands write is kept with their runs.
type quietReporter struct{}

func (quietReporter) Begin(*pipeline.Step) {}
func (quietReporter) Output(*pipeline.Stage) (stdout, stderr io.Writer, end func()) {
	return io.Discard, io.Discard, func() {}
}
func (quietReporter) End(*pipeline.Result) {}

// trialExecution is a trial that is executed. As pipeline.Tracker it makes the
// execution of the main stage the trial's run.
type trialExecution struct {
	l   *localTrials
	at  *search.Attempt
	run func(string)

	mu  sync.Mutex
	ran bool
}

func (x *trialExecution) isRun() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ran
}

// newRun says what the run of a stage of the trial is to be.
func (x *trialExecution) newRun(entry *lock.Stage, log string) *newRun {
	trial := strconv.Itoa(x.at.Number)
	r := &newRun{
		kind: track.StageRun, name: entry.Name, entry: entry, log: log, parent: x.l.parent,
		tags: []track.Tag{{Key: sweepTag, Value: x.at.Sweep.Name}, {Key: trialTag, Value: trial}},
	}
	if entry.Name == x.l.main {
		r.kind, r.name = track.TrialRun, x.at.Sweep.Name+" "+trial
		for _, o := range x.at.Overrides {
			r.params = append(r.params, track.Param{Key: track.CleanKey(o.Key), Value: wholeText(o.Value)})
		}
	}
	return r
}

// Track implements pipeline.Tracker.
func (x *trialExecution) Track(ctx context.Context, e pipeline.Execution) (pipeline.Tracked, error) {
	r := x.newRun(e.Step.Entry, e.Log)
	logged, file := x.at.Sweep.Watched()
	if logged != "" {
		if err := x.l.t.begin(ctx); err != nil {
			return nil, err
		}
		r.store = &watchedStore{Store: x.l.t.store, key: logged, report: x.at.Report}
	}
	open, err := x.l.t.open(ctx, r)
	if err != nil {
		return nil, err
	}
	tr := &trackedTrial{openRun: open, ctx: ctx, x: x, trial: r.kind == track.TrialRun}
	if file.File != "" && e.Dir != "" {
		tr.watch = watchFile(filepath.Join(e.Dir, filepath.FromSlash(file.File)), file, x.at.Report)
	}
	if tr.trial {
		x.is(open.session.Root)
	}
	return tr, nil
}

func (x *trialExecution) is(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ran = true
	x.run(id)
}

// known makes a run of a trial whose result was known.
func (x *trialExecution) known(ctx context.Context, v *pipeline.Workspace, r *pipeline.Result) error {
	open, err := x.l.t.open(ctx, x.newRun(r.Step.Entry, ""))
	if err != nil {
		return err
	}
	x.l.t.endpoint.remove(open.token)
	e := &ended{entry: r.Step.Entry, environment: r.Step.Environment, metrics: v.StageMetrics(r.Step.Stage, v.Made([]*pipeline.Result{r}))}
	o := open.origin
	o.Lock = lockText(e)
	now := time.Now().UnixMilli()
	id, err := open.session.End(open.ctx, track.RunEnd{
		RunUpdate: track.RunUpdate{Status: track.Finished, End: now}, Origin: &o,
		Batch: track.Batch{Metrics: metricsOf(e.metrics, now)},
	})
	x.is(id)
	return err
}

// trackedTrial is the run of a stage of a trial.
type trackedTrial struct {
	*openRun
	ctx   context.Context // of the trial
	x     *trialExecution
	trial bool
	watch func() // ends looking at a file; nil for none
}

// End implements pipeline.Tracked.
func (t *trackedTrial) End(o pipeline.Outcome) (log string, err error) {
	if t.watch != nil {
		t.watch()
	}
	e := endedOf(&o)
	if e.err != nil && errors.Is(context.Cause(t.ctx), search.ErrPruned) {
		e.err = search.ErrPruned
	}
	id, err := t.openRun.end(e)
	if t.trial {
		t.x.is(id)
	}
	return e.log, err
}

// watchedStore is a store that tells of the points of a metric as they are logged.
type watchedStore struct {
	track.Store
	key    string
	report func(step int64, value float64)
}

// LogMetric implements track.Store.
func (s *watchedStore) LogMetric(ctx context.Context, id string, m track.Metric) error {
	err := s.Store.LogMetric(ctx, id, m)
	if err == nil {
		s.tell([]track.Metric{m})
	}
	return err
}

// LogBatch implements track.Store.
func (s *watchedStore) LogBatch(ctx context.Context, id string, b track.Batch) error {
	err := s.Store.LogBatch(ctx, id, b)
	if err == nil {
		s.tell(b.Metrics)
	}
	return err
}

func (s *watchedStore) tell(ms []track.Metric) {
	for _, m := range ms {
		if m.Key == s.key {
			s.report(m.Step, m.Value)
		}
	}
}

// watchEvery is how often a growing file is looked at.
const watchEvery = 100 * time.Millisecond

// maxWatched is up to which size a growing file is read, in bytes.
const maxWatched = 16 << 20

// watchFile tells of the points of a metric in a file as it grows, until stop.
func watchFile(name string, m pipeline.MetricKey, report func(step int64, value float64)) (stop func()) {
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		f := &grownFile{name: name, metric: m, report: report}
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				f.look() // so that others are compared with all of it
				return
			case <-tick.C:
				f.look()
			}
		}
	})
	return func() { close(ended); wg.Wait() }
}

// grownFile is a metrics file, or a table, that a command writes.
type grownFile struct {
	name   string
	metric pipeline.MetricKey
	report func(step int64, value float64)

	seen os.FileInfo
	told int // rows that were
	last pipeline.MetricPoint
}

// look tells of what is new.
func (f *grownFile) look() {
	info, err := os.Lstat(f.name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxWatched {
		return
	}
	if f.seen != nil && info.Size() == f.seen.Size() && info.ModTime().Equal(f.seen.ModTime()) {
		return
	}
	b, err := os.ReadFile(f.name)
	if err != nil {
		return
	}
	f.seen = info
	points := pipeline.MetricPoints(f.metric.File, b, f.metric.Key)
	if slices.Contains([]string{".csv", ".tsv"}, filepath.Ext(f.name)) {
		f.rows(points)
		return
	}
	for _, p := range points {
		if f.told > 0 && p == f.last {
			continue
		}
		f.last = p
		if f.told++; p.Step < 0 {
			p.Step = int64(f.told)
		}
		f.report(p.Step, p.Value)
	}
}

// rows tells of the rows that are new; a file that became shorter was begun anew.
func (f *grownFile) rows(points []pipeline.MetricPoint) {
	if len(points) < f.told {
		f.told = 0
	}
	for _, p := range points[f.told:] {
		f.report(p.Step, p.Value)
	}
	f.told = len(points)
}
