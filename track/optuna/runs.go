package optuna

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/track"
)

// Tags of the runs of studies and trials.
const (
	StudyTag = "xt.study"       // the name of the study
	TrialTag = "xt.trial"       // the number of a trial
	StateTag = "xt.trial.state" // how it ended, in Optuna's words
	BestTag  = "xt.study.best"  // the number of the best trial, of the run of a study
)

// madeUp is what the names of studies that nobody has named begin with.
const madeUp = "no-name-"

// givenName returns the name that somebody gave to a study, or "".
func givenName(name string) string {
	if strings.HasPrefix(name, madeUp) {
		return ""
	}
	return track.Clip(name, track.MaxKey)
}

func formatNumber(n int64) string { return strconv.FormatInt(n, 10) }

func bestName(metric string) string { return track.CleanKey("best_" + metric) }

// runID returns the ID of the run of a trial, always the same one, so that none
// has two.
func (s *studyRuns) runID(t *track.Trial) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "trial %d of study %d, %q, of %d", t.ID, s.ID, s.Name, s.Created))
	return hex.EncodeToString(sum[:16])
}

// newRun returns what the run of a trial is made of.
func (s *studyRuns) newRun(t *track.Trial) track.NewRun {
	n := track.NewRun{
		ID: s.runID(t), Experiment: s.experiment, Name: "trial " + formatNumber(t.Number), Start: t.Start / 1000, Tags: s.tags(t),
		Origin: &track.Origin{Kind: track.TrialRun},
	}
	for _, p := range t.Params {
		n.Params = append(n.Params, track.Param{Key: track.CleanKey(p.Name), Value: paramText(&p)})
	}
	slices.SortStableFunc(n.Params, func(a, b track.Param) int { return strings.Compare(a.Key, b.Key) })
	n.Params = slices.CompactFunc(n.Params, func(a, b track.Param) bool { return a.Key == b.Key })
	if t.End > 0 {
		n.Origin.Duration = max(0, t.End-t.Start) / 1000
	}
	return n
}

func (s *studyRuns) tags(t *track.Trial) []track.Tag {
	return []track.Tag{
		{Key: track.ParentRunTag, Value: s.RunID}, {Key: StudyTag, Value: s.Name},
		{Key: TrialTag, Value: formatNumber(t.Number)}, {Key: StateTag, Value: string(t.State)},
	}
}

// statusOf returns the status of the run of a trial. One that was pruned was
// stopped before its end.
func statusOf(s track.TrialState) track.Status {
	switch s {
	case track.TrialPruned:
		return track.Killed
	case track.TrialFailed:
		return track.Failed
	}
	return track.Finished
}

// names returns the names of the objectives.
func (s *studyRuns) names() []string {
	for _, a := range s.System {
		var names []string
		if a.Key == "study:metric_names" && json.Unmarshal([]byte(a.Value), &names) == nil && len(names) == len(s.Directions) {
			return names
		}
	}
	if len(s.Directions) == 1 {
		return []string{"value"}
	}
	names := make([]string, len(s.Directions))
	for i := range names {
		names[i] = "value_" + strconv.Itoa(i)
	}
	return names
}

// metrics returns the values of a trial as metrics.
func (s *studyRuns) metrics(t *track.Trial) []track.Metric {
	var metrics []track.Metric
	time := max(0, t.End/1000)
	if names := s.names(); len(t.Values) == len(names) {
		for i, v := range t.Values {
			metrics = append(metrics, track.Metric{Key: track.CleanKey(names[i]), Value: v, Time: time})
		}
	}
	for _, v := range t.Intermediate {
		metrics = append(metrics, track.Metric{Key: "intermediate_value", Value: v.Value, Step: v.Step, Time: time})
	}
	return metrics
}

// paramText returns a parameter as Python prints it.
func paramText(p *track.TrialParam) string {
	d, err := track.ParseDistribution(p.Distribution)
	if err == nil && d.Choices != nil && d.Holds(p.Value) == nil {
		return choiceText(d.Choices[int(p.Value)])
	}
	if err == nil && strings.HasPrefix(d.Name, "Int") {
		return strconv.FormatFloat(p.Value, 'f', 0, 64)
	}
	return strconv.FormatFloat(p.Value, 'g', -1, 64)
}

var constants = map[string]string{"true": "True", "false": "False", "null": "None"}

func choiceText(choice json.RawMessage) string {
	if text, ok := constants[string(choice)]; ok {
		return text
	}
	var text string
	if json.Unmarshal(choice, &text) == nil {
		return strings.TrimPrefix(text, track.Special)
	}
	return string(choice)
}
