package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// ParseDuration reads a span of time as xt.toml has it, such as "90s", "1h30m" or
// "2d".
func ParseDuration(s string) (time.Duration, bool) { return parseDuration(s) }

// SweepStage returns the name of the stage that makes the first objective.
func (w *Workspace) SweepStage(s *Sweep) string {
	if m := w.Graph.maker(s.Objectives[0].File); m != nil {
		return m.Name
	}
	return s.Stages[0]
}

// maker returns the stage that makes a file, or nil.
func (g *Graph) maker(file string) *Stage {
	for _, s := range g.Stages {
		if s.makes(file) {
			return s
		}
	}
	return nil
}

// CheckSweep finds what would make a search pointless: an objective that is not made,
// or a parameter that changes nothing.
func (w *Workspace) CheckSweep(s *Sweep) error {
	stages, err := w.Graph.Select(s.Stages, SelectOptions{})
	if err != nil {
		return err
	}
	metrics := []MetricKey{}
	for _, o := range s.Objectives {
		metrics = append(metrics, o.MetricKey)
	}
	for _, c := range s.Constraints {
		metrics = append(metrics, c.MetricKey)
	}
	for _, m := range metrics {
		if by := w.Graph.maker(m.File); by != nil && !slices.Contains(stages, by) {
			return &MisuseError{
				Msg:  fmt.Sprintf("%s: sweep %s looks at %s, which stage %s makes, and does not run that", s.Pos, s.Name, m.File, by.Name),
				Hint: fmt.Sprintf("add stages = [%q] to [sweep.%s]", by.Base, s.Name),
			}
		}
	}
	for i := range s.Params {
		if err := w.checkVaries(s, i); err != nil {
			return err
		}
	}
	return nil
}

// checkVaries refuses a parameter whose values make no difference for any stage of
// the sweep.
func (w *Workspace) checkVaries(s *Sweep, i int) error {
	p := &s.Params[i]
	ends := []float64{p.Low, p.High}
	if p.Choices != nil {
		ends = []float64{0, float64(len(p.Choices) - 1)}
	}
	if ends[0] == ends[1] {
		return nil
	}
	var texts []string
	for _, v := range ends {
		other, err := w.Vary([]Override{{File: p.Param.File, Key: p.Param.Key, Value: p.Value(v), quoted: true}})
		if err != nil {
			return err
		}
		stages, err := other.Graph.Select(s.Stages, SelectOptions{})
		if err != nil {
			return err
		}
		text := ""
		for _, st := range stages {
			text += st.decisive()
		}
		texts = append(texts, text)
	}
	if texts[0] == texts[1] {
		return &MisuseError{
			Msg:  fmt.Sprintf("%s: sweep %s varies %s, which no stage that it runs reads", s.Pos, s.Name, p.Name),
			Hint: fmt.Sprintf("list it under params of the stage, or use it in the command as ${%s}", p.Param.Key),
		}
	}
	return nil
}

// SweepInputs returns a digest of all that decides the results of a sweep besides
// the parameters that vary: code, data, other parameters, the environment. Trials
// with different ones cannot be compared.
func (w *Workspace) SweepInputs(ctx context.Context, s *Sweep) (hash.Sum, error) {
	var pinned []Override // whatever they are in the workspace now
	for i := range s.Params {
		p := &s.Params[i]
		v := p.Low
		if p.Choices != nil {
			v = 0
		}
		pinned = append(pinned, Override{File: p.Param.File, Key: p.Param.Key, Value: p.Value(v), quoted: true})
	}
	v, err := w.Vary(pinned)
	if err != nil {
		return hash.Sum{}, err
	}
	stages, err := v.Graph.Select(s.Stages, SelectOptions{})
	if err != nil {
		return hash.Sum{}, err
	}
	plan, err := v.Plan(ctx, stages, RunOptions{Options: Options{AllowMissing: true}})
	if err != nil {
		return hash.Sum{}, err
	}
	text := ""
	for _, step := range plan.Steps {
		text += step.Stage.decisive() + step.Entry.Environment.String() + "\n"
		deps := slices.DeleteFunc(slices.Clone(step.Entry.Deps), func(it lock.Item) bool { return len(v.Graph.Producers(it.Path)) > 0 })
		for _, it := range slices.Concat(step.Entry.Code, deps) {
			text += fmt.Sprintf("%q %v\n", it.Path, it.Node)
		}
	}
	return hash.Bytes([]byte(text)), nil
}

// decisive is a text of all that a parameter may change in a stage.
func (s *Stage) decisive() string {
	text := fmt.Sprintf("%q %q %q %q %q %q %v %v", s.Name, s.Cmd, s.Shell, s.Wdir, s.Code, s.Deps, s.Outs, s.Timeout)
	for _, p := range s.Params {
		text += fmt.Sprintf(" %s:%s=%s", p.File, p.Key, literal(p.Value))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		text += fmt.Sprintf(" %s=%q", name, s.Env[name])
	}
	if s.Seed.Value != nil {
		text += fmt.Sprint(" ", *s.Seed.Value)
	}
	return text + "\n"
}
