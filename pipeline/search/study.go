package search

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/sweep"
	"github.com/xtrepro/xt/track"
)

// The attributes of studies and trials that are a sweep's. The constraints are
// those of Optuna.
const (
	definitionKey  = "xt:sweep"
	lagKey         = "xt:lag"
	inputsKey      = "xt:inputs"
	constraintsKey = "constraints"
)

// Definition is what a sweep was when it was begun, as its study has it.
type Definition struct {
	Version     int       `json:"version"`
	Stages      []string  `json:"stages"`
	Objectives  []Sought  `json:"objectives"`
	Constraints []string  `json:"constraints,omitempty"`
	Params      []Varying `json:"params"`
	Sampler     string    `json:"sampler"`
	Seed        uint64    `json:"seed"`
}

// Sought is an objective.
type Sought struct {
	Metric    string          `json:"metric"`
	Direction track.Direction `json:"direction"`
}

// Varying is a parameter that varies.
type Varying struct {
	Name         string            `json:"name"`
	File         string            `json:"file,omitempty"` // of the parameter; "" for xt.toml
	Key          string            `json:"key"`
	Distribution json.RawMessage   `json:"distribution"` // in Optuna's notation
	When         string            `json:"when,omitempty"`
	Is           []json.RawMessage `json:"is,omitempty"` // the values of When with which it varies
	Values       string            `json:"values"`       // in words
}

const definitionVersion = 1

// Define returns the definition of a sweep.
func Define(s *pipeline.Sweep) *Definition {
	d := &Definition{Version: definitionVersion, Stages: s.Stages, Sampler: s.Sampler, Seed: s.Seed}
	for _, o := range s.Objectives {
		d.Objectives = append(d.Objectives, Sought{o.String(), directionOf(&o)})
	}
	for _, c := range s.Constraints {
		d.Constraints = append(d.Constraints, c.String())
	}
	for i := range s.Params {
		p := &s.Params[i]
		v := Varying{Name: p.Name, File: p.Param.File, Key: p.Param.Key, Distribution: json.RawMessage(p.Distribution()), Values: p.String()}
		if p.When != nil {
			v.When, v.Is = p.When.Name, pipeline.JSONValues(p.When.Values)
		}
		d.Params = append(d.Params, v)
	}
	return d
}

func directionOf(o *pipeline.Objective) track.Direction {
	if o.Maximize {
		return track.Maximize
	}
	return track.Minimize
}

// DefinitionOf returns the definition that a study has, and false if it is none of a
// sweep.
func DefinitionOf(s *track.Study) (*Definition, bool) {
	for _, a := range s.System {
		if a.Key == definitionKey {
			d := new(Definition)
			err := json.Unmarshal([]byte(a.Value), d)
			return d, err == nil && d.Version >= 1
		}
	}
	return nil, false
}

// ChangedError says that a sweep is no longer what it was when it was begun.
type ChangedError struct {
	Sweep   string
	Changes []string // never empty
	Pos     pipeline.Position
}

// Error lists what changed.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s: sweep %s was begun as another search:\n  - %s", e.Pos, e.Sweep, strings.Join(e.Changes, "\n  - "))
}

// Hints says how to begin anew.
func (e *ChangedError) Hints() []string {
	return []string{fmt.Sprintf("\"xt sweep rm %s\" forgets its trials, whose results stay in the cache, so that it begins anew; give it another name in xt.toml to keep both", e.Sweep)}
}

// ForeignError says that a study with the name of a sweep was made by somebody else.
type ForeignError struct{ Name string }

// Error names the study.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("there is a study %q that is none of a sweep: a client of Optuna made it", e.Name)
}

// Hints says what to do.
func (e *ForeignError) Hints() []string {
	return []string{"give the sweep another name in xt.toml"}
}

// changes says how a sweep differs from what it was. Another sampler, pruner or
// number of trials makes it no other search.
func (d *Definition) changes(now *Definition) []string {
	var list []string
	differ := func(what string, old, new []string) {
		if !slices.Equal(old, new) {
			list = append(list, fmt.Sprintf("%s: %s, and now %s", what, listed(old), listed(new)))
		}
	}
	if d.Version > definitionVersion {
		return []string{"a newer xt began it"}
	}
	differ("stages", d.Stages, now.Stages)
	differ("objective", d.sought(), now.sought())
	differ("constraints", d.Constraints, now.Constraints)
	was := map[string]Varying{}
	for _, p := range d.Params {
		was[p.Name] = p
	}
	for _, p := range now.Params {
		old, ok := was[p.Name]
		delete(was, p.Name)
		switch {
		case !ok:
			list = append(list, fmt.Sprintf("%s did not vary", p.Name))
		case !bytes.Equal(old.Distribution, p.Distribution) || old.Values != p.Values:
			list = append(list, fmt.Sprintf("%s was %s, and is now %s", p.Name, old.Values, p.Values))
		}
	}
	for _, p := range d.Params {
		if _, ok := was[p.Name]; ok {
			list = append(list, fmt.Sprintf("%s varied, and does not any more", p.Name))
		}
	}
	return list
}

func (d *Definition) sought() []string {
	var words []string
	for _, o := range d.Objectives {
		words = append(words, string(o.Direction)+" "+o.Metric)
	}
	return words
}

func listed(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

// Study returns the study of a sweep, which it makes if there is none, and the seed
// with which it was begun. A sweep that was changed is a [*ChangedError]. asked says
// that the seed of the sweep was asked for, and not only a default.
func Study(ctx context.Context, studies track.Studies, s *pipeline.Sweep, asked bool) (study track.Study, err error) {
	study, err = studies.StudyByName(ctx, s.Name)
	now := Define(s)
	if track.CodeOf(err) == track.NotFound {
		return newStudy(ctx, studies, s, now)
	}
	if err != nil {
		return study, err
	}
	d, ok := DefinitionOf(&study)
	if !ok {
		if trials, err := studies.Trials(ctx, study.ID, track.TrialQuery{After: -1}); err == nil && len(trials) == 0 && len(study.System) == 0 && len(study.Directions) == len(s.Objectives) {
			return study, define(ctx, studies, study.ID, now) // a kill came between
		}
		return study, &ForeignError{s.Name}
	}
	changes := d.changes(now)
	if asked && d.Seed != s.Seed {
		changes = append(changes, fmt.Sprintf("the seed was %d, and is now %d", d.Seed, s.Seed))
	}
	if len(changes) > 0 {
		return study, &ChangedError{s.Name, changes, s.Pos}
	}
	s.Seed = d.Seed
	return study, nil
}

func newStudy(ctx context.Context, studies track.Studies, s *pipeline.Sweep, d *Definition) (track.Study, error) {
	var ways []track.Direction
	for _, o := range s.Objectives {
		ways = append(ways, directionOf(&o))
	}
	study, err := studies.CreateStudy(ctx, s.Name, ways)
	if err != nil {
		return study, err
	}
	return study, define(ctx, studies, study.ID, d)
}

func define(ctx context.Context, studies track.Studies, id int64, d *Definition) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return studies.SetStudyAttr(ctx, id, track.SystemAttr, track.Attr{Key: definitionKey, Value: string(b)})
}

// NoteInputs keeps a digest of what decides the results of a sweep besides its
// parameters, and reports whether it was another one before.
func NoteInputs(ctx context.Context, studies track.Studies, study *track.Study, digest string) (changed bool, err error) {
	value := strconv.Quote(digest)
	for _, a := range study.System {
		if a.Key == inputsKey {
			if a.Value == value {
				return false, nil
			}
			changed = true
		}
	}
	return changed, studies.SetStudyAttr(ctx, study.ID, track.SystemAttr, track.Attr{Key: inputsKey, Value: value})
}

// Trials returns the trials of a study of a sweep by number, and their IDs and
// runs in the same order.
func Trials(ctx context.Context, studies track.Studies, study int64, s *pipeline.Sweep) ([]sweep.Trial, []track.Trial, error) {
	kept, err := studies.Trials(ctx, study, track.TrialQuery{After: -1})
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(kept, func(a, b track.Trial) int { return int(a.Number - b.Number) })
	trials := make([]sweep.Trial, len(kept))
	for i := range kept {
		trials[i] = trialOf(&kept[i], s)
	}
	return trials, kept, nil
}

// trialOf returns a trial as samplers see it. One that is not of the space, which
// somebody else has added, is one that failed.
func trialOf(k *track.Trial, s *pipeline.Sweep) sweep.Trial {
	t := sweep.Trial{Number: int(k.Number), Lag: 1, Values: k.Values, State: stateOf(k.State), Point: make(sweep.Point, len(s.Params))}
	for i := range s.Params {
		t.Point[i] = math.NaN()
		at := slices.IndexFunc(k.Params, func(p track.TrialParam) bool { return p.Name == s.Params[i].Name })
		if at >= 0 {
			t.Point[i] = k.Params[at].Value
		}
	}
	for _, a := range k.System {
		switch a.Key {
		case lagKey:
			if n, err := strconv.Atoi(a.Value); err == nil {
				t.Lag = max(1, n)
			}
		case constraintsKey:
			t.Violation = violationOf(a.Value)
		}
	}
	for _, v := range k.Intermediate {
		t.Steps = append(t.Steps, sweep.Step{Step: v.Step, Value: v.Value})
	}
	if s.Space().Check(t.Point) != nil || t.State == sweep.Complete && len(t.Values) != len(s.Objectives) {
		t.State = sweep.Failed
	}
	return t
}

func violationOf(text string) float64 {
	var excess []float64
	if json.Unmarshal([]byte(text), &excess) != nil {
		return math.Inf(1) // Python's Infinity
	}
	sum := 0.0
	for _, e := range excess {
		sum += max(0, e)
	}
	return sum
}

func stateOf(s track.TrialState) sweep.State {
	switch s {
	case track.TrialComplete:
		return sweep.Complete
	case track.TrialPruned:
		return sweep.Pruned
	case track.TrialFailed:
		return sweep.Failed
	}
	return sweep.Running
}

// template returns what the store is to keep of a new trial.
func template(s *pipeline.Sweep, point sweep.Point, lag int) *track.Trial {
	t := &track.Trial{State: track.TrialRunning, Start: time.Now().UnixMicro(), System: []track.Attr{{Key: lagKey, Value: strconv.Itoa(lag)}}}
	for i := range s.Params {
		if v := point[i]; !math.IsNaN(v) {
			t.Params = append(t.Params, track.TrialParam{Name: s.Params[i].Name, Value: v, Distribution: s.Params[i].Distribution()})
		}
	}
	return t
}
