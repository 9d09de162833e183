package optuna

import (
	"cmp"
	"slices"
	"time"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/optuna/api"
)

var (
	directionsOf = map[api.StudyDirection]track.Direction{api.StudyDirection_MINIMIZE: track.Minimize, api.StudyDirection_MAXIMIZE: track.Maximize}
	statesOf     = map[api.TrialState]track.TrialState{
		api.TrialState_RUNNING: track.TrialRunning, api.TrialState_COMPLETE: track.TrialComplete, api.TrialState_PRUNED: track.TrialPruned,
		api.TrialState_FAIL: track.TrialFailed, api.TrialState_WAITING: track.TrialWaiting,
	}
	toState = inverse(statesOf)
)

func inverse[K, V comparable](m map[K]V) map[V]K {
	out := make(map[V]K, len(m))
	for k, v := range m {
		out[v] = k
	}
	return out
}

func directions(s *track.Study) []api.StudyDirection {
	list := make([]api.StudyDirection, len(s.Directions))
	for i, d := range s.Directions {
		if d == track.Maximize {
			list[i] = api.StudyDirection_MAXIMIZE
		}
	}
	return list
}

func attributes(attrs []track.Attr) map[string]string {
	m := make(map[string]string, len(attrs))
	for _, a := range attrs {
		m[a.Key] = a.Value
	}
	return m
}

func attrsOf(m map[string]string) []track.Attr {
	var attrs []track.Attr
	for k, v := range m {
		attrs = append(attrs, track.Attr{Key: k, Value: v})
	}
	slices.SortFunc(attrs, func(a, b track.Attr) int { return cmp.Compare(a.Key, b.Key) })
	return attrs
}

func trialOf(t *track.Trial) *api.Trial {
	out := &api.Trial{
		TrialId: t.ID, Number: t.Number, State: toState[t.State], Values: t.Values,
		DatetimeStart: clock(t.Start), DatetimeComplete: clock(t.End),
		Params: make(map[string]float64, len(t.Params)), Distributions: make(map[string]string, len(t.Params)),
		UserAttributes: attributes(t.User), SystemAttributes: attributes(t.System),
	}
	for _, p := range t.Params {
		out.Params[p.Name], out.Distributions[p.Name] = p.Value, p.Distribution
	}
	if len(t.Intermediate) > 0 {
		out.IntermediateValues = make(map[int64]float64, len(t.Intermediate))
		for _, v := range t.Intermediate {
			out.IntermediateValues[v.Step] = v.Value
		}
	}
	return out
}

// templateOf returns what a trial is to be made of.
func templateOf(t *api.Trial) (*track.Trial, error) {
	if t == nil {
		return nil, track.Errorf(track.InvalidParameter, "there is no template of a trial")
	}
	state, ok := statesOf[t.State]
	if !ok {
		return nil, track.Errorf(track.InvalidParameter, "%d is no state of a trial", t.State)
	}
	out := &track.Trial{State: state, Values: t.Values, User: attrsOf(t.UserAttributes), System: attrsOf(t.SystemAttributes)}
	var err error
	if out.Start, err = microOf(t.DatetimeStart); err != nil {
		return nil, err
	}
	if out.End, err = microOf(t.DatetimeComplete); err != nil {
		return nil, err
	}
	for name, value := range t.Params {
		distribution, ok := t.Distributions[name]
		if !ok {
			return nil, track.Errorf(track.InvalidParameter, "the parameter %q has no distribution", name)
		}
		out.Params = append(out.Params, track.TrialParam{Name: name, Value: value, Distribution: distribution})
	}
	slices.SortFunc(out.Params, func(a, b track.TrialParam) int { return cmp.Compare(a.Name, b.Name) })
	for step, value := range t.IntermediateValues {
		out.Intermediate = append(out.Intermediate, track.IntermediateValue{Step: step, Value: value})
	}
	slices.SortFunc(out.Intermediate, func(a, b track.IntermediateValue) int { return cmp.Compare(a.Step, b.Step) })
	return out, nil
}

// clockLayout is how times are written.
const clockLayout = "2006-01-02 15:04:05.000000"

// clock returns the time of day here, as Optuna's clients take it.
func clock(micro int64) string {
	if micro == 0 {
		return ""
	}
	return time.UnixMicro(micro).Format(clockLayout)
}

func microOf(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.ParseInLocation(clockLayout, text, time.Local)
	if err != nil {
		return 0, track.Errorf(track.InvalidParameter, "%q is no time: it is written as %q", track.Clip(text, 50), clockLayout)
	}
	return t.UnixMicro(), nil
}
