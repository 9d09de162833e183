package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/search"
	"github.com/xtrepro/xt/pipeline/sweep"
	"github.com/xtrepro/xt/track"
)

// sweepView shows how a sweep goes: on a terminal in a table that is updated in
// place, elsewhere in a line for each trial. It implements search.Watcher.
type sweepView struct {
	a      *app
	ctx    context.Context
	store  track.Store
	parent string // the run of the sweep
	s      *pipeline.Sweep
	p      *sweep.Problem
	opts   search.Options
	begun  time.Time

	trials []sweep.Trial // that ended, by their end
	tally  map[sweep.State]int
	known  int // of these were known

	mu    sync.Mutex // what the screen's goroutine looks at
	going map[int]*goingTrial
	stop  chan struct{} // nil where nothing is updated in place
	done  sync.WaitGroup
}

// goingTrial is a trial that goes on.
type goingTrial struct {
	trial sweep.Trial
	begun time.Time
}

func (a *app) newSweepView(ctx context.Context, s track.Store, parent string, sw *pipeline.Sweep, opts search.Options) *sweepView {
	v := &sweepView{
		a: a, ctx: context.WithoutCancel(ctx), store: s, parent: parent, s: sw, p: sw.Problem(), opts: opts, begun: time.Now(),
		tally: map[sweep.State]int{}, going: map[int]*goingTrial{},
	}
	if a.term.Live() {
		v.stop = make(chan struct{})
		v.done.Go(v.show)
	}
	return v
}

// load takes what came of earlier calls.
func (v *sweepView) load(ctx context.Context, study int64) error {
	trials, _, err := search.Trials(ctx, v.store, study, v.s)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	again := 0
	for _, t := range trials {
		if t.State == sweep.Running {
			again++
			continue
		}
		v.trials = append(v.trials, t)
		v.tally[t.State]++
	}
	if len(trials) > 0 {
		words := fmt.Sprintf("sweep %s: going on after %s", v.s.Name, plural(len(v.trials), "trial"))
		if again > 0 {
			words += fmt.Sprintf("; %d that did not end %s run again", again, map[bool]string{true: "is", false: "are"}[again == 1])
		}
		v.a.term.Sayf("%s", words)
	}
	return nil
}

// Began implements search.Watcher.
func (v *sweepView) Began(t *sweep.Trial) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.going[t.Number] = &goingTrial{*t, time.Now()}
}

// Reported implements search.Watcher.
func (v *sweepView) Reported(t *sweep.Trial) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if g := v.going[t.Number]; g != nil {
		g.trial.Steps = t.Steps
	}
}

// Ended implements search.Watcher.
func (v *sweepView) Ended(e *search.Ending) {
	v.mu.Lock()
	delete(v.going, e.Trial.Number)
	v.trials = append(v.trials, e.Trial)
	v.tally[e.Trial.State]++
	if e.Known {
		v.known++
	}
	v.mu.Unlock()
	if e.Best {
		v.logBest(e)
	}
	if v.stop == nil || e.Trial.State == sweep.Failed {
		v.a.term.Sayf("%s", v.line(e))
	}
}

// logBest makes the course of the best values the metrics of the sweep's run.
func (v *sweepView) logBest(e *search.Ending) {
	var b track.Batch
	for i, o := range v.s.Objectives {
		b.Metrics = append(b.Metrics, track.Metric{Key: track.CleanKey("best." + o.Key), Value: e.Trial.Values[i], Step: int64(e.Trial.Number), Time: time.Now().UnixMilli()})
	}
	if err := v.store.LogBatch(v.ctx, v.parent, b); err != nil {
		v.a.term.Warnf("the run of the sweep: %v", err)
	}
}

// line says what became of a trial.
func (v *sweepView) line(e *search.Ending) string {
	t := &e.Trial
	name := v.a.term.PaintErr(term.Bold, fmt.Sprintf("trial %d", t.Number))
	var words string
	switch t.State {
	case sweep.Complete:
		words = valueWords(v.s, t.Values)
		if t.Violation > 0 {
			words += ", which a constraint forbids"
		}
		if e.Best {
			words += " " + v.a.term.PaintErr(term.Green, "best")
		}
	case sweep.Pruned:
		words = v.a.term.PaintErr(term.Yellow, "pruned")
		if n := len(t.Steps); n > 0 {
			words += fmt.Sprintf(" at step %d with %s", t.Steps[n-1].Step, floatWords(t.Steps[n-1].Value))
		}
	default:
		words = v.a.term.PaintErr(term.Red, "failed") + ": " + failureWords(e.Err)
	}
	took := "in " + term.Duration(e.Duration)
	if e.Known {
		took = "from the run cache"
	}
	return fmt.Sprintf("%s: %s, %s (%s)", name, words, took, pointWords(v.s, t.Point))
}

// end takes what was updated in place away.
func (v *sweepView) end() {
	if v.stop != nil {
		close(v.stop)
		v.done.Wait()
		v.stop = nil
	}
}

func (v *sweepView) show() {
	defer v.a.term.SetStatus()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-v.stop:
			return
		case <-tick.C:
			v.a.term.SetStatus(v.lines()...)
		}
	}
}

// lines is the table that is updated in place: the best, what was last, and what
// goes on.
func (v *sweepView) lines() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	lines := []string{fmt.Sprintf("sweep %s: %s in %s  %s", v.s.Name, v.countsLocked(), term.Duration(time.Since(v.begun)), v.courseLocked())}
	row := func(mark string, t *sweep.Trial, words string) {
		lines = append(lines, fmt.Sprintf("  %-5s %5d  %-24s %s", mark, t.Number, words, pointWords(v.s, t.Point)))
	}
	front := v.p.Front(v.trials)
	for i := range front[:min(len(front), 5)] {
		row("best", &front[i], valueWords(v.s, front[i].Values))
	}
	for i := max(0, len(v.trials)-3); i < len(v.trials); i++ {
		t := &v.trials[i]
		row("", t, v.shortWords(t))
	}
	numbers := []int{}
	for n := range v.going {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers[:min(len(numbers), 12)] {
		g := v.going[n]
		words := term.Duration(time.Since(g.begun))
		if k := len(g.trial.Steps); k > 0 {
			words += fmt.Sprintf(", step %d: %s", g.trial.Steps[k-1].Step, floatWords(g.trial.Steps[k-1].Value))
		}
		row("runs", &g.trial, words)
	}
	return lines
}

func (v *sweepView) shortWords(t *sweep.Trial) string {
	switch t.State {
	case sweep.Complete:
		return valueWords(v.s, t.Values)
	case sweep.Pruned:
		return "pruned"
	}
	return "failed"
}

// counts says how many trials there are of each kind.
func (v *sweepView) counts() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.countsLocked()
}

func (v *sweepView) countsLocked() string {
	words := fmt.Sprint(len(v.trials))
	if v.opts.Trials > 0 {
		words += fmt.Sprintf(" of %d", v.opts.Trials)
	}
	words += " trials"
	if len(v.trials) == 1 && v.opts.Trials == 0 {
		words = "1 trial"
	}
	return words + tallyWords(v.tally, v.known)
}

func tallyWords(tally map[sweep.State]int, known int) string {
	words := fmt.Sprintf(": %d complete", tally[sweep.Complete])
	if n := tally[sweep.Pruned]; n > 0 {
		words += fmt.Sprintf(", %d pruned", n)
	}
	if n := tally[sweep.Failed]; n > 0 {
		words += fmt.Sprintf(", %d failed", n)
	}
	if known > 0 {
		words += fmt.Sprintf(", %d from the run cache", known)
	}
	return words
}

func (v *sweepView) courseLocked() string {
	if len(v.s.Objectives) > 1 {
		return ""
	}
	return term.Sparkline(bestSoFar(v.p, v.trials, 20))
}

func (v *sweepView) front() []sweep.Trial {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.p.Front(v.trials)
}

// bestSoFar returns the course of the best value, thinned to some points.
func bestSoFar(p *sweep.Problem, trials []sweep.Trial, most int) []float64 {
	trials = slices.Clone(trials)
	slices.SortFunc(trials, func(a, b sweep.Trial) int { return a.Number - b.Number })
	var course []float64
	best := math.NaN()
	for _, t := range trials {
		if t.State != sweep.Complete || t.Violation > 0 || len(t.Values) == 0 {
			continue
		}
		if v := t.Values[0]; math.IsNaN(best) || v < best != p.Maximize[0] && v != best {
			best = v
		}
		course = append(course, best)
	}
	if len(course) <= most {
		return course
	}
	thin := make([]float64, most)
	for i := range thin {
		thin[i] = course[i*(len(course)-1)/(most-1)]
	}
	return thin
}

// valueWords says what the objectives came to.
func valueWords(s *pipeline.Sweep, values []float64) string {
	var words []string
	for i, v := range values {
		words = append(words, s.Objectives[i].Key+" "+floatWords(v))
	}
	return strings.Join(words, ", ")
}

// pointWords says which values the parameters had.
func pointWords(s *pipeline.Sweep, point sweep.Point) string {
	var words []string
	for i := range s.Params {
		if v := point[i]; !math.IsNaN(v) {
			words = append(words, s.Params[i].Name+"="+valueText(s.Params[i].Value(v)))
		}
	}
	return strings.Join(words, " ")
}
