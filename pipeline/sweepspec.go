package pipeline

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xtrepro/xt/pipeline/sweep"
)

// Sweep is a search over parameters.
type Sweep struct {
	Name        string
	Stages      []string // that are run, with what they need: the one that is named first, then others
	Objectives  []Objective
	Constraints []Constraint
	Params      []SweepParam // in the order of the file
	Sampler     string       // "grid", "random", "tpe", "cmaes", "sobol"
	Pruner      *SweepPruner // nil for none
	Trials      int          // in all; 0: no end
	Timeout     time.Duration
	Jobs        int
	MaxFailures int
	Seed        uint64
	Pos         Position

	space *sweep.Space
}

// MetricKey is a number in a metrics file.
type MetricKey struct{ File, Key string }

// String returns the metric as it stands in xt.toml.
func (m MetricKey) String() string { return m.File + ":" + m.Key }

// ParseMetricKey reads a metric as it stands in xt.toml.
func ParseMetricKey(text string) (MetricKey, error) {
	file, key, ok := strings.Cut(text, ":")
	if !ok || file == "" || key == "" {
		return MetricKey{}, fmt.Errorf("%q is no metrics file, a colon and a key", text)
	}
	return MetricKey{file, key}, nil
}

// Objective is what a sweep seeks.
type Objective struct {
	MetricKey
	Maximize bool
}

// Constraint is what a result must be like.
type Constraint struct {
	MetricKey
	AtLeast bool // rather than at most
	Bound   float64
}

// String returns the constraint as it stands in xt.toml.
func (c Constraint) String() string {
	op := "<="
	if c.AtLeast {
		op = ">="
	}
	return fmt.Sprintf("%s %s %s", c.MetricKey, op, strconv.FormatFloat(c.Bound, 'g', -1, 64))
}

// Excess returns by how much a value misses the constraint; at most 0 if it does
// not.
func (c Constraint) Excess(v float64) float64 {
	if c.AtLeast {
		return c.Bound - v
	}
	return v - c.Bound
}

// SweepPruner says how trials that do badly are ended early.
type SweepPruner struct {
	sweep.PrunerOptions
	Metric string // a name of a logged metric, or "file:key"; "": the first objective
}

// Watched returns what a pruner looks at: a logged metric, or a key of a file, or
// both of the first objective.
func (s *Sweep) Watched() (logged string, file MetricKey) {
	if s.Pruner == nil {
		return "", MetricKey{}
	}
	if name, key, ok := strings.Cut(s.Pruner.Metric, ":"); ok {
		return "", MetricKey{name, key}
	}
	if s.Pruner.Metric != "" {
		return s.Pruner.Metric, MetricKey{}
	}
	return s.Objectives[0].Key, s.Objectives[0].MetricKey
}

// SweepParam is one parameter of a sweep: a choice, or a range.
type SweepParam struct {
	Name    string // as it stands in xt.toml
	Param   Param  // the parameter, with the value that it has now
	Choices []any  // nil: a range
	Low     float64
	High    float64
	Step    float64 // 0: continuous
	Log     bool    // sampled on a logarithmic scale
	Integer bool
	When    *SweepCondition // nil: always
}

// SweepCondition says with which values of another parameter one varies.
type SweepCondition struct {
	Name   string
	Values []any
}

// Space returns the space that the sweep searches.
func (s *Sweep) Space() *sweep.Space { return s.space }

// Problem returns what the sweep seeks.
func (s *Sweep) Problem() *sweep.Problem {
	p := &sweep.Problem{Space: s.space, Seed: s.Seed}
	for _, o := range s.Objectives {
		p.Maximize = append(p.Maximize, o.Maximize)
	}
	return p
}

// Value returns the value of the parameter that a sampler's number stands for.
func (p *SweepParam) Value(v float64) any {
	switch {
	case p.Choices != nil:
		return p.Choices[min(max(int(v), 0), len(p.Choices)-1)]
	case p.Integer:
		return int64(v)
	}
	return v
}

// Overrides returns the values of parameters at a point of the space. A parameter
// that is not active keeps its value.
func (s *Sweep) Overrides(point sweep.Point) []Override {
	var os []Override
	for i := range s.Params {
		if p := &s.Params[i]; point[i] == point[i] {
			os = append(os, Override{File: p.Param.File, Key: p.Param.Key, Value: p.Value(point[i]), quoted: true})
		}
	}
	return os
}

// Settings returns the same as settings of the parameters' files.
func (s *Sweep) Settings(point sweep.Point) []ParamSetting {
	var all []ParamSetting
	for _, o := range s.Overrides(point) {
		all = append(all, o.setting())
	}
	return all
}

// Distribution returns the values of a parameter in Optuna's notation, which stores
// of studies keep.
func (p *SweepParam) Distribution() string {
	var name string
	var attrs object
	switch {
	case p.Choices != nil:
		name, attrs = "CategoricalDistribution", object{{"choices", JSONValues(p.Choices)}}
	case p.Integer:
		name, attrs = "IntDistribution", object{{"log", p.Log}, {"step", int64(p.Step)}, {"low", int64(p.Low)}, {"high", int64(p.High)}}
	default:
		step := any(nil)
		if p.Step > 0 {
			step = p.Step
		}
		name, attrs = "FloatDistribution", object{{"step", step}, {"low", p.Low}, {"high", p.High}, {"log", p.Log}}
	}
	b, err := json.Marshal(object{{"name", name}, {"attributes", attrs}})
	if err != nil {
		return "" // of choices that no TOML has
	}
	return string(b)
}

// JSONValues returns values as JSON in which a float differs from an integer.
func JSONValues(values []any) []json.RawMessage {
	var list []json.RawMessage
	for _, v := range values {
		b, err := json.Marshal(v)
		if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1e15 {
			b = strconv.AppendFloat(nil, f, 'f', 1, 64)
		}
		if err == nil {
			list = append(list, b)
		}
	}
	return list
}

// String says which values a parameter has, and when.
func (p *SweepParam) String() string {
	var text string
	if p.Choices != nil {
		var words []string
		for _, c := range p.Choices {
			words = append(words, literal(c))
		}
		text = "one of " + strings.Join(words, ", ")
	} else {
		number := func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
		text = number(p.Low) + " to " + number(p.High)
		switch {
		case p.Step > 0 && !(p.Integer && p.Step == 1):
			text += " in steps of " + number(p.Step)
		case p.Integer:
			text += ", integers"
		}
		if p.Log {
			text += ", on a logarithmic scale"
		}
	}
	if p.When != nil {
		var words []string
		for _, v := range p.When.Values {
			words = append(words, literal(v))
		}
		text += ", when " + p.When.Name + " is " + strings.Join(words, " or ")
	}
	return text
}

// MakeSpace makes the space that samplers search.
func (s *Sweep) MakeSpace() (err error) {
	s.space, err = s.newSpace()
	return err
}

func (s *Sweep) newSpace() (*sweep.Space, error) {
	var params []sweep.Param
	for i := range s.Params {
		p := &s.Params[i]
		q := sweep.Param{Name: p.Name, Choices: len(p.Choices), Low: p.Low, High: p.High, Step: p.Step, Log: p.Log, Integer: p.Integer}
		if p.When != nil {
			q.When = &sweep.Condition{Param: p.When.Name}
			at := slices.IndexFunc(s.Params, func(o SweepParam) bool { return o.Name == p.When.Name })
			if at < 0 {
				return nil, fmt.Errorf("parameter %q varies only when %q has some value, which does not vary", p.Name, p.When.Name)
			}
			for _, v := range p.When.Values {
				n, ok := s.Params[at].number(v)
				if !ok {
					return nil, fmt.Errorf("parameter %q varies when %s is %s, which it never is", p.Name, p.When.Name, literal(v))
				}
				q.When.In = append(q.When.In, n)
			}
		}
		params = append(params, q)
	}
	return sweep.NewSpace(params)
}

// number returns the number that stands for a value.
func (p *SweepParam) number(v any) (float64, bool) {
	if p.Choices != nil {
		i := slices.IndexFunc(p.Choices, func(c any) bool { return literal(c) == literal(v) })
		return float64(i), i >= 0
	}
	var f float64
	switch v := v.(type) {
	case int64:
		f = float64(v)
	case float64:
		f = v
	default:
		return 0, false
	}
	q := sweep.Param{Low: p.Low, High: p.High, Step: p.Step, Log: p.Log, Integer: p.Integer}
	return f, q.Contains(f)
}
