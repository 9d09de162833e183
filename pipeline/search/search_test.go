package search

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/sweep"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/sql"
)

const config = `
[params]
x = 0.5
n = 1
kind = "a"
[stage.train]
cmd = "train ${x} ${n} ${kind}"
metrics = ["m.json"]
[sweep.s]
stage = "train"
objective = "m.json:loss"
pruner = { kind = "median", startup = 2 }
[sweep.s.params]
x = { low = 0.0, high = 1.0 }
kind = { choices = ["a", "b", 1.0, true] }
n = { low = 1, high = 64, log = true, when = { kind = ["b", 1.0] } }
[sweep.many]
stage = "train"
objective = ["m.json:loss", "m.json:acc"]
direction = ["minimize", "maximize"]
constraints = ["m.json:size <= 3"]
params = { x = { low = 0.0, high = 1.0, step = 0.25 } }
`

// files are the files of a project, or of a result.
type files map[string]string

func (f files) ReadFile(name string) ([]byte, error) { return []byte(f[name]), nil }

func sweepNamed(t testing.TB, name string) *pipeline.Sweep {
	t.Helper()
	g, err := pipeline.Load(files{"xt.toml": config})
	if err != nil {
		t.Fatal(err)
	}
	s := g.Config.Sweeps[name]
	return &s
}

func openStore(t testing.TB) *sql.Store {
	t.Helper()
	s, err := sql.Open(t.Context(), filepath.Join(t.TempDir(), "runs.db"), sql.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// function executes trials by calling it.
type function func(ctx context.Context, a *Attempt) (*Result, error)

func (f function) Execute(ctx context.Context, a *Attempt, run func(string)) (*Result, error) {
	run(fmt.Sprint("run", a.Number))
	return f(ctx, a)
}

// valueOf returns a number that a trial gave to a parameter.
func valueOf(a *Attempt, key string) float64 {
	for _, o := range a.Overrides {
		if f, ok := o.Value.(float64); ok && o.Key == key {
			return f
		}
	}
	return math.NaN()
}

func loss(v float64) *Result {
	return &Result{Files: files{"m.json": fmt.Sprintf(`{"loss": %.17g}`, v)}}
}

// parabola has its least value at 0.3.
func parabola(_ context.Context, a *Attempt) (*Result, error) {
	x := valueOf(a, "x")
	return loss((x - 0.3) * (x - 0.3)), nil
}

// noted is a Watcher that keeps what it is told.
type noted struct {
	began    []int
	reported int
	ended    []*Ending
}

func (n *noted) Began(t *sweep.Trial)  { n.began = append(n.began, t.Number) }
func (n *noted) Reported(*sweep.Trial) { n.reported++ }
func (n *noted) Ended(e *Ending)       { n.ended = append(n.ended, e) }

// run carries a sweep out, and returns its trials.
func run(ctx context.Context, t testing.TB, store track.Studies, s *pipeline.Sweep, f function, o Options) ([]sweep.Trial, *noted, error) {
	t.Helper()
	study, err := Study(t.Context(), store, s, false)
	if err != nil {
		t.Fatal(err)
	}
	n := &noted{}
	e := &Search{Sweep: s, Studies: store, Executor: f, Watcher: n, Options: o}
	runErr := e.Run(ctx, study.ID)
	trials, _, err := Trials(t.Context(), store, study.ID, s)
	if err != nil {
		t.Fatal(err)
	}
	return trials, n, runErr
}

func points(trials []sweep.Trial) string {
	text := ""
	for _, t := range trials {
		text += fmt.Sprintln(t.Number, t.Point)
	}
	return text
}

// TestSameProposals checks that several trials at a time, which end in any order,
// and interrupts make no difference for what is tried.
func TestSameProposals(t *testing.T) {
	o := Options{Trials: 40, Jobs: 4}
	want, _, err := run(t.Context(), t, openStore(t), sweepNamed(t, "s"), parabola, o)
	if err != nil {
		t.Fatal(err)
	}
	slow := func(ctx context.Context, a *Attempt) (*Result, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(a.Number*7%5) * time.Millisecond):
		}
		return parabola(ctx, a)
	}
	store, s := openStore(t), sweepNamed(t, "s")
	for i := 1; ; i++ {
		ctx, stop := context.WithTimeout(t.Context(), time.Duration(i)*20*time.Millisecond)
		got, n, err := run(ctx, t, store, s, slow, o)
		stop()
		if len(n.ended) > 0 && n.ended[0].RunID == "" {
			t.Error("a trial has no run")
		}
		if errors.Is(err, context.DeadlineExceeded) && i < 100 {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(points(want), points(got)); diff != "" {
			t.Errorf("after %d calls:\n%s", i, diff)
		}
		return
	}
}

// TestLost checks that trials that a killed process had begun are run again, with
// the same values, and no others.
func TestLost(t *testing.T) {
	store, s := openStore(t), sweepNamed(t, "s")
	first, _, err := run(t.Context(), t, store, s, parabola, Options{Trials: 3, Jobs: 1})
	if err != nil {
		t.Fatal(err)
	}
	study, err := store.StudyByName(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	lost := sweep.Point{0.5, 1, 8}
	if _, err := store.CreateTrial(t.Context(), study.ID, template(s, lost, 2)); err != nil {
		t.Fatal(err)
	}
	trials, n, err := run(t.Context(), t, store, s, parabola, Options{Trials: 5, Jobs: 1})
	if err != nil || len(trials) != 5 || !slices.Equal(n.began, []int{3, 4}) {
		t.Fatalf("%d trials, began %v, %v", len(trials), n.began, err)
	}
	if got := trials[3]; !slices.Equal(got.Point, lost) || got.State != sweep.Complete || got.Lag != 2 {
		t.Errorf("the lost trial is %+v", got)
	}
	if !cmp.Equal(points(trials[:3]), points(first)) {
		t.Error("earlier trials changed")
	}
}

func TestFailures(t *testing.T) {
	fails := func(_ context.Context, a *Attempt) (*Result, error) {
		if a.Number%2 == 1 {
			return nil, &pipeline.StageError{Stage: &pipeline.Stage{Name: "train"}, What: "exit status 3"}
		}
		return loss(1), nil
	}
	store := openStore(t)
	trials, n, err := run(t.Context(), t, store, sweepNamed(t, "s"), fails, Options{Trials: 20, Jobs: 1, MaxFailures: 3})
	var many *FailuresError
	if !errors.As(err, &many) || many.Count != 3 || len(trials) != 6 || len(n.ended) != 6 {
		t.Fatalf("%v after %d trials", err, len(trials))
	}
	if trials[1].State != sweep.Failed || trials[5].State != sweep.Failed || trials[4].State != sweep.Complete {
		t.Errorf("states %v", trials)
	}
	// What is not its fault is no failure of the trial, which is run again.
	broken := errors.New("the disk is full")
	trials, _, err = run(t.Context(), t, store, sweepNamed(t, "s"), func(context.Context, *Attempt) (*Result, error) { return nil, broken }, Options{Trials: 20, Jobs: 2})
	if !errors.Is(err, broken) || trials[6].State != sweep.Running {
		t.Fatalf("%v, %v", err, trials)
	}
	trials, n, err = run(t.Context(), t, store, sweepNamed(t, "s"), parabola, Options{Trials: 8, Jobs: 2})
	if err != nil || len(trials) != 8 || n.began[0] != 6 {
		t.Errorf("%v, began %v", err, n.began)
	}
}

func TestObjectives(t *testing.T) {
	for text, want := range map[string]string{
		`{"loss": 1, "acc": 2, "size": 5}`:        "",
		`{"loss": NaN, "acc": 2, "size": 5}`:      "its objective m.json:loss is NaN",
		`{"loss": 1, "acc": "nan", "size": 5}`:    "its objective m.json:acc is NaN",
		`{"loss": 1, "size": 5}`:                  `m.json has no key "acc"`,
		`{"loss": 1, "acc": 2, "size": NaN}`:      "m.json:size is NaN, and must be m.json:size <= 3",
		`{"loss": [1], "acc": 2, "size": 5}`:      `m.json has no key "loss"`,
		`{"loss"`:                                 "m.json:1:",
		`{"loss": Infinity, "acc": 2, "size": 0}`: "",
	} {
		store := openStore(t)
		trials, n, err := run(t.Context(), t, store, sweepNamed(t, "many"), func(context.Context, *Attempt) (*Result, error) {
			return &Result{Files: files{"m.json": text}}, nil
		}, Options{Trials: 1})
		if err != nil || len(n.ended) != 1 {
			t.Fatal(err)
		}
		got := n.ended[0].Err
		if want == "" {
			if got != nil || trials[0].State != sweep.Complete || !n.ended[0].Best {
				t.Errorf("%s: %v", text, got)
			}
			if wanted := max(0, n.ended[0].Trial.Violation); trials[0].Violation != wanted {
				t.Errorf("%s: violation %v, want %v", text, trials[0].Violation, wanted)
			}
			continue
		}
		if got == nil || !strings.Contains(got.Error(), want) || trials[0].State != sweep.Failed {
			t.Errorf("%s: %v, want %s", text, got, want)
		}
	}
}

// TestPruned checks that a trial that does badly is ended, and keeps its points.
func TestPruned(t *testing.T) {
	curve := func(ctx context.Context, a *Attempt) (*Result, error) {
		for step := range int64(3) {
			a.Report(step, float64(a.Number)) // each is worse than those before
		}
		if a.Number >= 2 {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return loss(float64(a.Number)), nil
	}
	trials, n, err := run(t.Context(), t, openStore(t), sweepNamed(t, "s"), curve, Options{Trials: 4, Jobs: 1})
	if err != nil || len(trials) != 4 {
		t.Fatal(err, trials)
	}
	if trials[3].State != sweep.Pruned || len(trials[3].Steps) == 0 || trials[3].Values != nil || n.reported == 0 {
		t.Errorf("the last trial is %+v", trials[3])
	}
}

func TestTimeout(t *testing.T) {
	trials, _, err := run(t.Context(), t, openStore(t), sweepNamed(t, "s"), func(ctx context.Context, a *Attempt) (*Result, error) {
		time.Sleep(20 * time.Millisecond)
		return parabola(ctx, a)
	}, Options{Timeout: time.Millisecond, Jobs: 2})
	if err != nil || len(trials) == 0 || len(trials) > 2 {
		t.Errorf("%d trials, %v", len(trials), err)
	}
}

// TestDefinition checks that a study tells what its sweep was.
func TestDefinition(t *testing.T) {
	for _, name := range []string{"s", "many"} {
		s := sweepNamed(t, name)
		s.Seed = 7
		d := Define(s)
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		read, ok := DefinitionOf(&track.Study{System: []track.Attr{{Key: definitionKey, Value: string(b)}}})
		if !ok {
			t.Fatal("there is no definition")
		}
		back, err := read.Sweep(name)
		if err != nil {
			t.Fatal(err)
		}
		again := Define(back)
		again.Constraints = d.Constraints // which only the trials know
		if diff := cmp.Diff(d, again); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for i := range s.Params {
			if diff := cmp.Diff(s.Params[i].Choices, back.Params[i].Choices); diff != "" {
				t.Error(diff)
			}
			if _, err := track.ParseDistribution(s.Params[i].Distribution()); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestStudyOfOthers(t *testing.T) {
	store := openStore(t)
	study, err := store.CreateStudy(t.Context(), "s", []track.Direction{track.Minimize})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.CreateTrial(t.Context(), study.ID, nil); err != nil {
		t.Fatal(err)
	}
	var foreign *ForeignError
	if _, err := Study(t.Context(), store, sweepNamed(t, "s"), false); !errors.As(err, &foreign) {
		t.Errorf("a client's study is taken: %v", err)
	}
}

// TestConcurrent lets many trials report at once, for the race detector.
func TestConcurrent(t *testing.T) {
	f := func(ctx context.Context, a *Attempt) (*Result, error) {
		var local sync.WaitGroup
		for i := range int64(4) {
			local.Go(func() { a.Report(i, 1) })
		}
		local.Wait()
		return parabola(ctx, a)
	}
	trials, n, err := run(t.Context(), t, openStore(t), sweepNamed(t, "s"), f, Options{Trials: 30, Jobs: 8})
	if err != nil || len(trials) != 30 || len(n.ended) != 30 {
		t.Fatal(err, len(trials))
	}
	slices.SortFunc(n.ended, func(a, b *Ending) int { return a.Trial.Number - b.Trial.Number })
	for i, e := range n.ended {
		if e.Trial.Number != i {
			t.Fatalf("trial %d is missing, or there twice", i)
		}
	}
}

// FuzzDefinition checks that whatever stands in a store makes a sweep or an error.
func FuzzDefinition(f *testing.F) {
	g, err := pipeline.Load(files{"xt.toml": config})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range g.Config.Sweeps {
		b, err := json.Marshal(Define(&s))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := DefinitionOf(&track.Study{System: []track.Attr{{Key: definitionKey, Value: text}}})
		if !ok {
			return
		}
		s, err := d.Sweep("s")
		if err != nil {
			return
		}
		sampler, err := s.Problem().Sampler("random")
		if err != nil {
			t.Fatal(err)
		}
		if p, _ := sampler.Propose(0, nil); s.Space().Check(p) != nil {
			t.Fatalf("%v is no point of %s", p, text)
		}
	})
}

// BenchmarkTrial is what a hundred trials cost besides their execution.
func BenchmarkTrial(b *testing.B) {
	for b.Loop() {
		if _, _, err := run(b.Context(), b, openStore(b), sweepNamed(b, "s"), parabola, Options{Trials: 100, Jobs: 1}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/100, "us/trial")
}
