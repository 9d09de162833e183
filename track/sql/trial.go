package sql

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/track"
)

// CreateTrial implements [track.Studies].
func (s *Store) CreateTrial(ctx context.Context, study int64, template *track.Trial) (trial track.Trial, err error) {
	made := track.Trial{State: track.TrialRunning}
	if template != nil {
		made = *template
	}
	if err := checkTrial(&made); err != nil {
		return trial, err
	}
	request := track.RequestOf(ctx)
	err = s.repeat(ctx, func(t *tx) error {
		trial = made
		trial.Study = study
		if template == nil {
			trial.Start = t.micro()
		}
		done, err := t.madeTrial(&trial, request)
		if err != nil || done {
			return err
		}
		return t.createTrial(&trial, request)
	})
	return trial, err
}

func checkTrial(trial *track.Trial) error {
	if !isTrialState(trial.State) {
		return noTrialState(trial.State)
	}
	for _, p := range trial.Params {
		d, err := track.ParseDistribution(p.Distribution)
		if err == nil {
			err = d.Holds(p.Value)
		}
		if err != nil {
			return err
		}
	}
	for _, a := range slices.Concat(trial.User, trial.System) {
		if err := track.CheckAttr(a); err != nil {
			return err
		}
	}
	return nil
}

func isTrialState(s track.TrialState) bool {
	return s.Final() || s == track.TrialWaiting || s == track.TrialRunning
}

func noTrialState(s track.TrialState) error {
	return track.Errorf(track.InvalidParameter, "%q is no state of a trial", string(s))
}

// micro is the time in microseconds.
func (t *tx) micro() int64 { return t.store.now().UnixMicro() }

// madeTrial reports whether a request has made a trial before, and reads what it
// has got.
func (t *tx) madeTrial(trial *track.Trial, request string) (bool, error) {
	err := t.row("SELECT id, number, start_time FROM trials WHERE study = ? AND request = ?", []any{trial.Study, request}, &trial.ID, &trial.Number, &trial.Start)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (t *tx) createTrial(trial *track.Trial, request string) error {
	var count int64
	err := t.row("UPDATE studies SET trials = trials + 1 WHERE id = ? RETURNING trials", []any{trial.Study}, &count)
	if errors.Is(err, sql.ErrNoRows) {
		return noStudy(trial.Study)
	}
	if err != nil {
		return err
	}
	trial.Number = count - 1
	err = t.row("INSERT INTO trials (study, number, state, objectives, start_time, end_time, run_id, request) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
		[]any{trial.Study, trial.Number, string(trial.State), numbersText(trial.Values), trial.Start, trial.End, trial.RunID, request}, &trial.ID)
	if err != nil {
		return err
	}
	for _, p := range trial.Params {
		if err := t.setTrialParam(trial.Study, trial.ID, &p); err != nil {
			return err
		}
	}
	for _, v := range trial.Intermediate {
		if err := t.setIntermediate(trial.ID, v); err != nil {
			return err
		}
	}
	return errors.Join(t.setTrialAttrs(trial.ID, track.UserAttr, trial.User), t.setTrialAttrs(trial.ID, track.SystemAttr, trial.System))
}

// numbersText returns numbers as the tables have them.
func numbersText(list []float64) string {
	words := make([]string, len(list))
	for i, f := range list {
		words[i] = strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strings.Join(words, " ")
}

func numbersOf(text string) ([]float64, error) {
	var list []float64
	for _, word := range strings.Fields(text) {
		f, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

// onTrial has f, which may be repeated, write to a trial that goes on.
func (s *Store) onTrial(ctx context.Context, id int64, f func(t *tx, study int64) error) error {
	return s.repeat(ctx, func(t *tx) error {
		study, state, _, err := t.trialState(id)
		if err != nil {
			return err
		}
		if state.Final() {
			return trialEnded(id, state)
		}
		return f(t, study)
	})
}

func trialEnded(id int64, state track.TrialState) error {
	return track.Errorf(track.InvalidState, "the trial %d has ended (%s), and does not change", id, state)
}

func noTrial(id int64) error {
	return track.Errorf(track.NotFound, "there is no trial with the number %d", id)
}

func (c *conn) trialState(id int64) (study int64, state track.TrialState, request string, err error) {
	err = c.row("SELECT study, state, request FROM trials WHERE id = ?", []any{id}, &study, &state, &request)
	if errors.Is(err, sql.ErrNoRows) {
		err = noTrial(id)
	}
	return study, state, request, err
}

// SetTrialParam implements [track.Studies].
func (s *Store) SetTrialParam(ctx context.Context, trial int64, p track.TrialParam) error {
	d, err := track.ParseDistribution(p.Distribution)
	if err == nil {
		err = d.Holds(p.Value)
	}
	if err != nil {
		return err
	}
	return s.onTrial(ctx, trial, func(t *tx, study int64) error {
		if err := t.compatible(study, p.Name, p.Distribution, &d); err != nil {
			return err
		}
		return t.setTrialParam(study, trial, &p)
	})
}

// compatible compares a distribution with the one that a parameter had first.
func (t *tx) compatible(study int64, name, text string, d *track.Distribution) error {
	var first string
	err := t.row("SELECT distribution FROM study_params WHERE study = ? AND name = ?", []any{study, name}, &first)
	if errors.Is(err, sql.ErrNoRows) || first == text {
		return nil
	}
	if err != nil {
		return err
	}
	old, err := track.ParseDistribution(first)
	if err != nil {
		return err
	}
	return old.Compatible(d)
}

func (t *tx) setTrialParam(study, trial int64, p *track.TrialParam) error {
	_, err := t.exec("INSERT INTO study_params (study, name, distribution) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", study, p.Name, p.Distribution)
	if err != nil {
		return err
	}
	value, isNaN := numberOf(p.Value)
	_, err = t.exec(`INSERT INTO trial_params (trial, name, place, value, is_nan, distribution)
		VALUES (?, ?, (SELECT count(*) FROM trial_params WHERE trial = ?), ?, ?, ?)
		ON CONFLICT (trial, name) DO UPDATE SET value = excluded.value, is_nan = excluded.is_nan, distribution = excluded.distribution`,
		trial, p.Name, trial, value, isNaN, p.Distribution)
	return err
}

// numberOf returns a number as the tables have it: SQLite has no NaN.
func numberOf(f float64) (value float64, isNaN int64) {
	if math.IsNaN(f) {
		return 0, 1
	}
	return f, 0
}

// SetTrialState implements [track.Studies].
func (s *Store) SetTrialState(ctx context.Context, trial int64, state track.TrialState, values []float64) (changed bool, err error) {
	if !isTrialState(state) {
		return false, noTrialState(state)
	}
	request := track.RequestOf(ctx)
	err = s.repeat(ctx, func(t *tx) error {
		_, old, last, err := t.trialState(trial)
		if err != nil {
			return err
		}
		if changed = last == request && old == state; changed {
			return nil // it was done before
		}
		if old.Final() {
			return trialEnded(trial, old)
		}
		if state == track.TrialRunning && old != track.TrialWaiting {
			return nil
		}
		changed = true
		return t.setTrialState(trial, state, values, request)
	})
	return changed && err == nil, err
}

func (t *tx) setTrialState(trial int64, state track.TrialState, values []float64, request string) error {
	set, args := "state = ?, request = ?", []any{string(state), request}
	if values != nil {
		set, args = set+", objectives = ?", append(args, numbersText(values))
	}
	if state == track.TrialRunning {
		set, args = set+", start_time = ?", append(args, t.micro())
	}
	if state.Final() {
		set, args = set+", end_time = ?", append(args, t.micro())
	}
	_, err := t.exec("UPDATE trials SET "+set+" WHERE id = ?", append(args, trial)...)
	return err
}

// SetTrialIntermediate implements [track.Studies].
func (s *Store) SetTrialIntermediate(ctx context.Context, trial int64, v track.IntermediateValue) error {
	return s.onTrial(ctx, trial, func(t *tx, _ int64) error { return t.setIntermediate(trial, v) })
}

func (t *tx) setIntermediate(trial int64, v track.IntermediateValue) error {
	value, isNaN := numberOf(v.Value)
	_, err := t.exec("INSERT INTO trial_values (trial, step, value, is_nan) VALUES (?, ?, ?, ?) ON CONFLICT (trial, step) DO UPDATE SET value = excluded.value, is_nan = excluded.is_nan",
		trial, v.Step, value, isNaN)
	return err
}

// SetTrialAttr implements [track.Studies].
func (s *Store) SetTrialAttr(ctx context.Context, trial int64, owner track.AttrOwner, a track.Attr) error {
	if err := track.CheckAttr(a); err != nil {
		return err
	}
	return s.onTrial(ctx, trial, func(t *tx, _ int64) error { return t.setTrialAttrs(trial, owner, []track.Attr{a}) })
}

func (t *tx) setTrialAttrs(trial int64, owner track.AttrOwner, attrs []track.Attr) error {
	for _, a := range attrs {
		_, err := t.exec("INSERT INTO trial_attrs (trial, system, key, value) VALUES (?, ?, ?, ?) ON CONFLICT (trial, system, key) DO UPDATE SET value = excluded.value",
			trial, int64(owner), a.Key, a.Value)
		if err != nil {
			return err
		}
	}
	return nil
}

// SetTrialRun implements [track.Studies].
func (s *Store) SetTrialRun(ctx context.Context, trial int64, runID string) error {
	return s.repeat(ctx, func(t *tx) error {
		n, err := t.exec("UPDATE trials SET run_id = ? WHERE id = ?", runID, trial)
		if err == nil && n == 0 {
			err = noTrial(trial)
		}
		return err
	})
}
