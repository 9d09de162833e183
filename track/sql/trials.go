package sql

import (
	"context"

	"github.com/xtrepro/xt/track"
)

const selectTrials = "SELECT t.id, t.study, t.number, t.state, t.objectives, t.start_time, t.end_time, t.run_id FROM trials t WHERE "

func scanTrial(scan func(...any) error) (t track.Trial, err error) {
	var values string
	if err = scan(&t.ID, &t.Study, &t.Number, &t.State, &values, &t.Start, &t.End, &t.RunID); err == nil {
		t.Values, err = numbersOf(values)
	}
	return t, err
}

// Trial implements [track.Studies].
func (s *Store) Trial(ctx context.Context, id int64) (track.Trial, error) {
	return s.oneTrial(ctx, noTrial(id), "t.id = ?", id)
}

// TrialByNumber implements [track.Studies].
func (s *Store) TrialByNumber(ctx context.Context, study, number int64) (track.Trial, error) {
	return s.oneTrial(ctx, track.Errorf(track.NotFound, "there is no trial %d of the study with the number %d", number, study), "t.study = ? AND t.number = ?", study, number)
}

func (s *Store) oneTrial(ctx context.Context, missing error, where string, args ...any) (trial track.Trial, err error) {
	err = s.view(ctx, func(c *conn) error {
		trials, err := c.trials(where, args)
		if err != nil {
			return err
		}
		if len(trials) == 0 {
			return missing
		}
		trial = trials[0]
		return nil
	})
	return trial, err
}

// Trials implements [track.Studies].
func (s *Store) Trials(ctx context.Context, study int64, q track.TrialQuery) (trials []track.Trial, err error) {
	err = s.view(ctx, func(c *conn) error {
		if err := c.hasStudy(study); err != nil {
			return err
		}
		var named []track.Trial
		if len(q.IDs) > 0 {
			if named, err = c.trials("t.study = ? AND t.id <= ? AND "+c.inInts("t.id"), []any{study, q.After, c.ints(q.IDs)}); err != nil {
				return err
			}
		}
		trials, err = c.trials("t.study = ? AND t.id > ?", []any{study, q.After})
		trials = append(named, trials...)
		return err
	})
	return trials, err
}

// trials reads trials by ID.
func (c *conn) trials(where string, args []any) (trials []track.Trial, err error) {
	err = c.each(selectTrials+where+" ORDER BY t.id", args, func(scan func(...any) error) error {
		t, err := scanTrial(scan)
		trials = append(trials, t)
		return err
	})
	if err != nil || len(trials) == 0 {
		return nil, err
	}
	ids, at := make([]int64, len(trials)), make(map[int64]*track.Trial, len(trials))
	for i := range trials {
		ids[i], at[trials[i].ID] = trials[i].ID, &trials[i]
	}
	return trials, c.fillTrials(ids, at)
}

// fillTrials reads what belongs to trials.
func (c *conn) fillTrials(ids []int64, at map[int64]*track.Trial) error {
	list := []any{c.ints(ids)}
	query := "SELECT trial, name, value, is_nan, distribution FROM trial_params WHERE " + c.inInts("trial") + " ORDER BY trial, place"
	err := c.each(query, list, func(scan func(...any) error) error {
		var id int64
		var v value
		var p track.TrialParam
		err := scan(&id, &p.Name, &v.value, &v.isNaN, &p.Distribution)
		p.Value = v.number()
		at[id].Params = append(at[id].Params, p)
		return err
	})
	if err != nil {
		return err
	}
	query = "SELECT trial, step, value, is_nan FROM trial_values WHERE " + c.inInts("trial") + " ORDER BY trial, step"
	err = c.each(query, list, func(scan func(...any) error) error {
		var id int64
		var v value
		err := scan(&id, &v.step, &v.value, &v.isNaN)
		at[id].Intermediate = append(at[id].Intermediate, track.IntermediateValue{Step: v.step, Value: v.number()})
		return err
	})
	if err != nil {
		return err
	}
	return c.attrs("trial_attrs", "trial", ids, func(id int64, owner track.AttrOwner, a track.Attr) {
		if t := at[id]; owner == track.SystemAttr {
			t.System = append(t.System, a)
		} else {
			t.User = append(t.User, a)
		}
	})
}
