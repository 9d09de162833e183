package search

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/track"
)

// Sweep returns the sweep that a study is of, as it was when it was begun, whatever
// xt.toml says now.
func (d *Definition) Sweep(name string) (*pipeline.Sweep, error) {
	s := &pipeline.Sweep{Name: name, Stages: d.Stages, Sampler: d.Sampler, Seed: d.Seed}
	for _, o := range d.Objectives {
		m, err := pipeline.ParseMetricKey(o.Metric)
		if err != nil {
			return nil, err
		}
		s.Objectives = append(s.Objectives, pipeline.Objective{MetricKey: m, Maximize: o.Direction == track.Maximize})
	}
	for i := range d.Params {
		p, err := d.Params[i].param()
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", d.Params[i].Name, err)
		}
		s.Params = append(s.Params, p)
	}
	if len(s.Objectives) == 0 {
		return nil, errors.New("it has no objective")
	}
	return s, s.MakeSpace()
}

// param reads a parameter back.
func (v *Varying) param() (p pipeline.SweepParam, err error) {
	p = pipeline.SweepParam{Name: v.Name, Param: pipeline.Param{File: v.File, Key: v.Key}}
	if v.When != "" {
		p.When = &pipeline.SweepCondition{Name: v.When}
		for _, value := range v.Is {
			p.When.Values = append(p.When.Values, plain(value))
		}
	}
	var d struct {
		Name       string `json:"name"`
		Attributes struct {
			Choices   []json.RawMessage
			Low, High float64 // of either case
			Step      float64
			Log       bool
		} `json:"attributes"`
	}
	if err := json.Unmarshal(v.Distribution, &d); err != nil {
		return p, err
	}
	a := d.Attributes
	for _, c := range a.Choices {
		p.Choices = append(p.Choices, plain(c))
	}
	p.Low, p.High, p.Step, p.Log, p.Integer = a.Low, a.High, a.Step, a.Log, d.Name == "IntDistribution"
	return p, nil
}

// plain returns a value of JSON as TOML has it: a number without a point is an
// integer.
func plain(b json.RawMessage) any {
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		return n
	}
	var v any
	if json.Unmarshal(b, &v) != nil {
		return string(b)
	}
	return v
}
