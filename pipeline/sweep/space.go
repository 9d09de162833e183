package sweep

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Param is a parameter that varies: a choice, or a range of numbers.
type Param struct {
	Name      string
	Choices   int // how many there are; 0: a range
	Low, High float64
	Step      float64 // 0: continuous; an integer has one of at least 1
	Log       bool    // sampled on a logarithmic scale
	Integer   bool
	When      *Condition // nil: always active
}

// Condition says when a parameter is active: while another one is, and has one of
// some values.
type Condition struct {
	Param string
	In    []float64 // of a choice the indices
}

// Space is a space of parameters to search.
type Space struct {
	Params []Param

	parent []int   // of each parameter the one that its condition is about, or -1
	order  []int   // parents before children
	groups [][]int // those that are active together, in order
}

// NewSpace returns the space of some parameters.
func NewSpace(params []Param) (*Space, error) {
	params = slices.Clone(params) // whose ends are about to be moved to their last step
	s := &Space{Params: params, parent: make([]int, len(params))}
	if len(params) == 0 {
		return nil, errors.New("no parameter varies")
	}
	index := map[string]int{}
	for i := range params {
		p := &params[i]
		if _, ok := index[p.Name]; ok {
			return nil, fmt.Errorf("parameter %q is there twice", p.Name)
		}
		index[p.Name] = i
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("parameter %q: %w", p.Name, err)
		}
	}
	for i, p := range params {
		s.parent[i] = -1
		if p.When == nil {
			continue
		}
		parent, ok := index[p.When.Param]
		if !ok {
			return nil, fmt.Errorf("parameter %q: its condition names %q, which does not vary", p.Name, p.When.Param)
		}
		s.parent[i] = parent
	}
	if err := s.sort(); err != nil {
		return nil, err
	}
	s.group()
	return s, nil
}

// maxSteps is how many steps a value may be from zero, so that it is told apart
// from its neighbours.
const maxSteps = 1e12

func (p *Param) check() error {
	finite := func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
	switch {
	case p.Choices > 0:
		return nil
	case p.Choices < 0 || !finite(p.Low) || !finite(p.High) || !finite(p.High-p.Low) || !finite(p.Step):
		return errors.New("a range needs two finite ends")
	case p.Low > p.High:
		return errors.New("low must not be above high")
	case p.Step < 0 || p.Step > p.High-p.Low && p.High > p.Low && !p.Integer:
		return errors.New("step must be positive, and no more than the range")
	case p.Log && p.Low <= 0:
		return errors.New("low must be positive on a logarithmic scale")
	case p.Log && !p.Integer && p.Step > 0, p.Log && p.Integer && p.Step != 1:
		return errors.New("log and step exclude each other")
	case p.Integer && (p.Step < 1 || p.Step != math.Trunc(p.Step) || p.Low != math.Trunc(p.Low)):
		return errors.New("an integer has integer ends and steps")
	case p.Step > 0 && max(math.Abs(p.Low), math.Abs(p.High)) > p.Step*maxSteps:
		return errors.New("the steps are too small for numbers of this size")
	}
	if p.Step > 0 {
		// The last value that the steps reach is the end of the range.
		p.High = p.clean(p.Low + math.Floor((p.High-p.Low)/p.Step*(1+1e-12))*p.Step)
	}
	return nil
}

// sort finds an order in which parents come first.
func (s *Space) sort() error {
	done := make([]bool, len(s.Params))
	for len(s.order) < len(s.Params) {
		before := len(s.order)
		for i := range s.Params {
			if !done[i] && (s.parent[i] < 0 || done[s.parent[i]]) {
				done[i] = true
				s.order = append(s.order, i)
			}
		}
		if len(s.order) == before {
			return fmt.Errorf("the condition of parameter %q depends on the parameter itself", s.Params[slices.Index(done, false)].Name)
		}
	}
	return nil
}

// group finds the parameters that are active together.
func (s *Space) group() {
	index := map[string]int{}
	for _, i := range s.order {
		key := ""
		if w := s.Params[i].When; w != nil {
			in := slices.Clone(w.In)
			slices.Sort(in)
			key = strconv.Itoa(s.parent[i]) + fmt.Sprint(in)
		}
		at, ok := index[key]
		if !ok {
			at = len(s.groups)
			index[key] = at
			s.groups = append(s.groups, nil)
		}
		s.groups[at] = append(s.groups[at], i)
	}
}

// active reports whether parameter i is, where the values of those before it in
// s.order are known.
func (s *Space) active(i int, p Point) bool {
	parent := s.parent[i]
	return parent < 0 || slices.Contains(s.Params[i].When.In, p[parent]) // NaN is in no list
}

// empty returns a point at which no parameter is active.
func (s *Space) empty() Point {
	p := make(Point, len(s.Params))
	for i := range p {
		p[i] = math.NaN()
	}
	return p
}

// fill gives the active parameters their values.
func (s *Space) fill(value func(i int) float64) Point {
	p := s.empty()
	for _, i := range s.order {
		// A value is drawn for those that are not active too, so that each has the
		// same one whatever the others are.
		if v := value(i); s.active(i, p) {
			p[i] = v
		}
	}
	return p
}

// Check reports what is wrong with a point of the space.
func (s *Space) Check(p Point) error {
	if len(p) != len(s.Params) {
		return fmt.Errorf("%d values for %d parameters", len(p), len(s.Params))
	}
	for _, i := range s.order {
		switch isActive := s.active(i, p); {
		case isActive && !s.Params[i].Contains(p[i]):
			return fmt.Errorf("%v is no value of parameter %q", p[i], s.Params[i].Name)
		case !isActive && !math.IsNaN(p[i]):
			return fmt.Errorf("parameter %q is not active", s.Params[i].Name)
		}
	}
	return nil
}

// Contains reports whether a parameter can have a value.
func (p *Param) Contains(v float64) bool {
	switch {
	case p.Choices > 0:
		return v >= 0 && v < float64(p.Choices) && v == math.Trunc(v)
	case !(v >= p.Low && v <= p.High):
		return false
	case p.Step == 0:
		return true
	}
	return math.Abs(v-p.snap(v)) <= 1e-3*p.Step
}

// single reports whether a parameter has only one value.
func (p *Param) single() bool {
	return p.Choices == 1 || p.Choices == 0 && (p.Low == p.High)
}

// bounds returns the ends of a range on the scale on which it is sampled, with
// half a step beyond each value.
func (p *Param) bounds() (low, high float64) {
	return p.scale(p.Low - p.Step/2), p.scale(p.High + p.Step/2)
}

func (p *Param) scale(v float64) float64 {
	if p.Log {
		return math.Log(v)
	}
	return v
}

// unscale returns the value that is nearest to one on the scale.
func (p *Param) unscale(t float64) float64 {
	if p.Log {
		t = math.Exp(t)
	}
	return p.snap(t)
}

// snap returns the nearest value of a range.
func (p *Param) snap(v float64) float64 {
	if p.Step > 0 {
		v = p.Low + math.Round((v-p.Low)/p.Step)*p.Step
	}
	return min(max(p.clean(v), p.Low), p.High)
}

// digits is how many digits of a value count. What a processor makes of exp and
// log differs in the last ones, and proposals are to be the same on all.
const digits = 10

// clean drops the last digits of a value, unless the range is too small for
// that.
func (p *Param) clean(v float64) float64 {
	grain := p.High - p.Low
	if p.Step > 0 {
		grain = p.Step
	}
	if p.Log {
		grain = p.Low * min(1, p.High/p.Low-1)
	}
	if p.Integer || grain < 1e-4*math.Abs(v) {
		return v
	}
	f, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', digits-1, 64), 64)
	if err != nil {
		return v
	}
	return f
}

// unit returns the value at a part of the range, from 0 to below 1.
func (p *Param) unit(u float64) float64 {
	if p.Choices > 0 {
		return min(math.Floor(u*float64(p.Choices)), float64(p.Choices-1))
	}
	low, high := p.bounds()
	return p.unscale(low + u*(high-low))
}

// toUnit returns at which part of the range a value is.
func (p *Param) toUnit(v float64) float64 {
	low, high := p.bounds()
	return (p.scale(v) - low) / (high - low)
}

// Count returns how many values a parameter has, or 0 if it is continuous.
func (p *Param) Count() int {
	switch {
	case p.Choices > 0:
		return p.Choices
	case p.Low == p.High:
		return 1
	case p.Step == 0:
		return 0
	}
	return int((p.High-p.Low)/p.Step+0.5) + 1
}

// at returns the value of a number from 0 to Count()-1.
func (p *Param) at(k int) float64 {
	if p.Choices > 0 {
		return float64(k)
	}
	return p.snap(p.Low + float64(k)*p.Step)
}
