package sql

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/xtrepro/xt/track"
)

const (
	floatJSON = `{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}`
	logJSON   = `{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}`
	wideJSON  = `{"name": "FloatDistribution", "attributes": {"step": null, "low": -Infinity, "high": 9.0, "log": false}}`
	intJSON   = `{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 10}}`
)

func choices(list string) string {
	return `{"name": "CategoricalDistribution", "attributes": {"choices": ` + list + `}}`
}

func newStudy(t *testing.T, s track.Store, name string) track.Study {
	t.Helper()
	return must[track.Study](t)(s.CreateStudy(t.Context(), name, []track.Direction{track.Minimize}))
}

func newTrial(t *testing.T, s track.Store, study int64, template *track.Trial) track.Trial {
	t.Helper()
	return must[track.Trial](t)(s.CreateTrial(t.Context(), study, template))
}

func testStudies(t *testing.T, s track.Store) {
	ctx := t.Context()
	a := must[track.Study](t)(s.CreateStudy(ctx, "", []track.Direction{track.Maximize, track.Minimize}))
	b := newStudy(t, s, "b")
	_, err := s.CreateStudy(ctx, "b", []track.Direction{track.Minimize})
	wantError(t, err, track.AlreadyExists, `there is a study with the name "b"`)
	_, err = s.CreateStudy(ctx, "c", nil)
	wantError(t, err, track.InvalidParameter, "a study needs a direction")
	_, err = s.CreateStudy(ctx, "c", []track.Direction{"up"})
	wantError(t, err, track.InvalidParameter, `"up" is no direction`)

	check(t, s.SetStudyAttr(ctx, a.ID, track.UserAttr, track.Attr{Key: "k", Value: "NaN"}))
	check(t, s.SetStudyAttr(ctx, a.ID, track.UserAttr, track.Attr{Key: "k", Value: `"é"`}))
	check(t, s.SetStudyAttr(ctx, a.ID, track.SystemAttr, track.Attr{Key: "k", Value: "[Infinity]"}))
	wantError(t, s.SetStudyAttr(ctx, a.ID, track.UserAttr, track.Attr{Key: "k", Value: "nan"}), track.InvalidParameter, `the attribute "k" is not JSON`)
	check(t, s.SetStudyRun(ctx, a.ID, "run"))
	a.User, a.System, a.RunID = []track.Attr{{Key: "k", Value: `"é"`}}, []track.Attr{{Key: "k", Value: "[Infinity]"}}, "run"
	if d := cmp.Diff(a, must[track.Study](t)(s.Study(ctx, a.ID))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(a, must[track.Study](t)(s.StudyByName(ctx, ""))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]track.Study{a, b}, must[[]track.Study](t)(s.Studies(ctx))); d != "" {
		t.Error(d)
	}

	trial := newTrial(t, s, b.ID, &track.Trial{State: track.TrialWaiting, User: []track.Attr{{Key: "u", Value: "1"}}})
	check(t, s.DeleteStudy(ctx, b.ID))
	none := fmt.Sprintf("there is no study with the number %d", b.ID)
	wantError(t, s.DeleteStudy(ctx, b.ID), track.NotFound, none)
	wantError(t, s.SetStudyAttr(ctx, b.ID, track.UserAttr, track.Attr{Key: "k", Value: "1"}), track.NotFound, none)
	_, err = s.CreateTrial(ctx, b.ID, nil)
	wantError(t, err, track.NotFound, none)
	_, err = s.Trials(ctx, b.ID, track.TrialQuery{After: -1})
	wantError(t, err, track.NotFound, none)
	_, err = s.Trial(ctx, trial.ID)
	wantError(t, err, track.NotFound, "there is no trial")
	_, err = s.StudyByName(ctx, "b")
	wantError(t, err, track.NotFound, `there is no study with the name "b"`)
	if again := newStudy(t, s, "b"); again.ID <= b.ID || newTrial(t, s, again.ID, nil).ID <= trial.ID {
		t.Error("numbers came again")
	}
}

func testTrials(t *testing.T, s track.Store) {
	ctx := t.Context()
	study := newStudy(t, s, "s").ID
	nan, inf := math.NaN(), math.Inf(1)
	want := track.Trial{
		Study: study, State: track.TrialComplete, Values: []float64{0.1, inf, -inf, nan, 5e-324}, Start: 1_000_001, End: 2_000_002, RunID: "r",
		Params:       []track.TrialParam{{Name: "z", Value: 0.1, Distribution: floatJSON}, {Name: "a", Value: 1, Distribution: choices("[NaN, null]")}},
		Intermediate: []track.IntermediateValue{{Step: -3, Value: nan}, {Step: 0, Value: inf}, {Step: math.MaxInt64, Value: -0.5}},
		User:         []track.Attr{{Key: "a", Value: "NaN"}, {Key: "b", Value: `{"c": [1]}`}}, System: []track.Attr{{Key: "a", Value: "2"}},
	}
	made := newTrial(t, s, study, &want)
	want.ID, want.Number = made.ID, 0
	same := func(got track.Trial) {
		t.Helper()
		if d := cmp.Diff(want, got, cmpopts.EquateNaNs()); d != "" {
			t.Error(d)
		}
	}
	same(made)
	same(must[track.Trial](t)(s.Trial(ctx, made.ID)))
	same(must[track.Trial](t)(s.TrialByNumber(ctx, study, 0)))

	// One that goes on is written to bit by bit, and holds the same in the end.
	next := newTrial(t, s, study, nil)
	if next.Number != 1 || next.ID <= made.ID || next.State != track.TrialRunning || next.Start == 0 || next.Values != nil {
		t.Errorf("%+v", next)
	}
	for _, p := range []track.TrialParam{{Name: "z", Value: nan, Distribution: wideJSON}, want.Params[1], want.Params[0]} {
		check(t, s.SetTrialParam(ctx, next.ID, p))
	}
	for _, v := range append([]track.IntermediateValue{{Step: 0, Value: 7}}, want.Intermediate...) {
		check(t, s.SetTrialIntermediate(ctx, next.ID, v))
	}
	for _, a := range want.User {
		check(t, s.SetTrialAttr(ctx, next.ID, track.UserAttr, a))
	}
	check(t, s.SetTrialAttr(ctx, next.ID, track.SystemAttr, want.System[0]))
	if !must[bool](t)(s.SetTrialState(ctx, next.ID, track.TrialComplete, want.Values)) {
		t.Error("it did not end")
	}
	check(t, s.SetTrialRun(ctx, next.ID, "r"))
	got := must[track.Trial](t)(s.Trial(ctx, next.ID))
	if got.End < got.Start || got.Start < next.Start {
		t.Errorf("it ended at %d, and began at %d", got.End, got.Start)
	}
	want.ID, want.Number, want.Start, want.End = next.ID, 1, got.Start, got.End
	same(got)
	queryTrials(t, s, study, next.ID)
}

func queryTrials(t *testing.T, s track.Store, study, last int64) {
	other := newTrial(t, s, newStudy(t, s, "other").ID, nil)
	for range 3 {
		last = newTrial(t, s, study, nil).ID
	}
	for _, c := range []struct {
		query track.TrialQuery
		want  []int64
	}{
		{track.TrialQuery{After: -1}, []int64{0, 1, 2, 3, 4}},
		{track.TrialQuery{After: last - 2}, []int64{3, 4}},
		{track.TrialQuery{After: last}, nil},
		{track.TrialQuery{After: last - 1, IDs: []int64{last, last - 2, other.ID, 12345}}, []int64{2, 4}},
		{track.TrialQuery{After: math.MaxInt64, IDs: []int64{last, last}}, []int64{4}},
	} {
		var numbers []int64
		for _, trial := range must[[]track.Trial](t)(s.Trials(t.Context(), study, c.query)) {
			numbers = append(numbers, trial.Number)
		}
		if !slices.Equal(numbers, c.want) {
			t.Errorf("%+v: %v", c.query, numbers)
		}
	}
	_, err := s.TrialByNumber(t.Context(), study, 5)
	wantError(t, err, track.NotFound, "there is no trial 5 of the study")
}

func testTrialStates(t *testing.T, s track.Store) {
	ctx := t.Context()
	study := newStudy(t, s, "s").ID
	set := func(id int64, state track.TrialState, want bool) {
		t.Helper()
		if got, err := s.SetTrialState(ctx, id, state, nil); err != nil || got != want {
			t.Errorf("%s: %v, %v", state, got, err)
		}
	}
	trial := newTrial(t, s, study, nil).ID
	set(trial, track.TrialRunning, false)
	set(trial, track.TrialWaiting, true)
	set(trial, track.TrialRunning, true)
	set(trial, track.TrialRunning, false)
	_, err := s.SetTrialState(ctx, trial, "DONE", nil)
	wantError(t, err, track.InvalidParameter, `"DONE" is no state of a trial`)
	_, err = s.CreateTrial(ctx, study, &track.Trial{})
	wantError(t, err, track.InvalidParameter, `"" is no state of a trial`)
	for i, final := range []track.TrialState{track.TrialComplete, track.TrialPruned, track.TrialFailed} {
		id := newTrial(t, s, study, &track.Trial{State: track.TrialWaiting}).ID
		if i > 0 {
			set(id, track.TrialRunning, true)
		}
		set(id, final, true)
		ended := fmt.Sprintf("the trial %d has ended (%s)", id, final)
		_, err := s.SetTrialState(ctx, id, track.TrialRunning, []float64{1})
		wantError(t, err, track.InvalidState, ended)
		_, err = s.SetTrialState(ctx, id, final, nil)
		wantError(t, err, track.InvalidState, ended)
		wantError(t, s.SetTrialParam(ctx, id, track.TrialParam{Name: "p", Distribution: floatJSON}), track.InvalidState, ended)
		wantError(t, s.SetTrialIntermediate(ctx, id, track.IntermediateValue{}), track.InvalidState, ended)
		wantError(t, s.SetTrialAttr(ctx, id, track.UserAttr, track.Attr{Key: "k", Value: "1"}), track.InvalidState, ended)
	}
	none := "there is no trial with the number 4444"
	_, err = s.SetTrialState(ctx, 4444, track.TrialRunning, nil)
	wantError(t, err, track.NotFound, none)
	wantError(t, s.SetTrialParam(ctx, 4444, track.TrialParam{Name: "p", Distribution: floatJSON}), track.NotFound, none)
	wantError(t, s.SetTrialIntermediate(ctx, 4444, track.IntermediateValue{}), track.NotFound, none)
	wantError(t, s.SetTrialAttr(ctx, 4444, track.UserAttr, track.Attr{Key: "k", Value: "1"}), track.NotFound, none)
	wantError(t, s.SetTrialRun(ctx, 4444, "r"), track.NotFound, none)
	repeatTrial(t, s, study)
}

// repeatTrial asks for the same twice, as who has lost the answer does.
func repeatTrial(t *testing.T, s track.Store, study int64) {
	ctx := track.Once(t.Context(), "first")
	a, b := must[track.Trial](t)(s.CreateTrial(ctx, study, nil)), must[track.Trial](t)(s.CreateTrial(ctx, study, nil))
	if d := cmp.Diff(a, b); d != "" {
		t.Error(d)
	}
	end := track.Once(t.Context(), "second")
	for range 2 {
		if !must[bool](t)(s.SetTrialState(end, a.ID, track.TrialComplete, []float64{1})) {
			t.Error("it did not end")
		}
	}
	_, err := s.SetTrialState(t.Context(), a.ID, track.TrialComplete, []float64{1})
	wantError(t, err, track.InvalidState, "has ended")
	if next := newTrial(t, s, study, nil); next.Number != a.Number+1 {
		t.Errorf("%d comes after %d", next.Number, a.Number)
	}
}

func testDistributions(t *testing.T, s track.Store) {
	ctx := t.Context()
	study := newStudy(t, s, "s").ID
	set := func(name, distribution string, value float64) error {
		return s.SetTrialParam(ctx, newTrial(t, s, study, nil).ID, track.TrialParam{Name: name, Value: value, Distribution: distribution})
	}
	check(t, set("f", floatJSON, 0.5))
	check(t, set("f", wideJSON, 7))
	wantError(t, set("f", logJSON, 0.05), track.InvalidParameter, "Cannot set different log configuration to the same parameter name.")
	wantError(t, set("f", intJSON, 1), track.InvalidParameter, "Cannot set different distribution kind to the same parameter name.")
	check(t, set("c", choices(`["a", 1, NaN, null, -Infinity, 0.5]`), 2))
	check(t, set("c", choices(`["\u0061", true, NaN, null, -Infinity, 5e-1]`), 5))
	wantError(t, set("c", choices(`["a", 1]`), 1), track.InvalidParameter, "CategoricalDistribution does not support dynamic value space.")
	wantError(t, set("c", choices(`["a", 1, "NaN", null, -Infinity, 0.5]`), 1), track.InvalidParameter, "does not support dynamic value space.")
	wantError(t, set("d", choices(`["a", "b"]`), 2), track.InvalidParameter, "2 is no index of one of 2 choices")
	wantError(t, set("d", choices(`[]`), 0), track.InvalidParameter, "without choices")
	wantError(t, set("d", `{"name":`, 0), track.InvalidParameter, "a distribution that cannot be read")
	check(t, s.SetTrialParam(ctx, newTrial(t, s, newStudy(t, s, "other").ID, nil).ID, track.TrialParam{Name: "f", Distribution: intJSON}))
}

// testWorkers has 16 workers make trials, and take those that wait, at once.
func testWorkers(t *testing.T, s track.Store) {
	study := newStudy(t, s, "s").ID
	const workers, each = 16, 8
	var queued []int64
	for range each {
		queued = append(queued, newTrial(t, s, study, &track.Trial{State: track.TrialWaiting}).ID)
	}
	taken := make([]int, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for _, id := range queued {
				if ok, err := s.SetTrialState(t.Context(), id, track.TrialRunning, nil); err != nil {
					t.Error(err)
				} else if ok {
					taken[w]++
				}
			}
			for range each {
				trial, err := s.CreateTrial(t.Context(), study, nil)
				if err == nil {
					err = s.SetTrialParam(t.Context(), trial.ID, track.TrialParam{Name: "x", Value: float64(w), Distribution: wideJSON})
				}
				if err == nil {
					_, err = s.SetTrialState(t.Context(), trial.ID, track.TrialComplete, []float64{float64(trial.Number)})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range taken {
		total += n
	}
	trials := must[[]track.Trial](t)(s.Trials(t.Context(), study, track.TrialQuery{After: -1}))
	if total != each || len(trials) != each+workers*each {
		t.Fatalf("%d taken, %d trials", total, len(trials))
	}
	for i, trial := range trials {
		if trial.Number != int64(i) || i > 0 && trial.ID <= trials[i-1].ID || trial.State == track.TrialComplete && trial.Values[0] != float64(i) {
			t.Errorf("at %d: %+v", i, trial)
		}
	}
}
