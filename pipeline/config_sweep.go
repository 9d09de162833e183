package pipeline

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/internal/suggest"
	"github.com/xtrepro/xt/internal/tomldoc"
	"github.com/xtrepro/xt/pipeline/sweep"
)

func (l *loader) readSweeps() {
	l.cfg.Sweeps = map[string]Sweep{}
	if table := l.doc.Root.Get("sweep"); l.ok(table) {
		for _, n := range table.Keys {
			if l.ok(n) {
				l.cfg.Sweeps[n.Key] = l.readSweep(n, place{where: fmt.Sprintf("sweep %q", n.Key)})
			}
		}
	}
}

const (
	defaultMaxFailures = 5
	// maxObjectives is how many are sought at once: with more, hardly any trial is
	// better than another, and to weigh them takes long.
	maxObjectives = 6
)

func (l *loader) readSweep(n *tomldoc.Node, p place) Sweep {
	s := Sweep{Name: n.Key, Sampler: "tpe", Jobs: 1, MaxFailures: defaultMaxFailures, Pos: l.pos(n.KeyAt)}
	for _, name := range slices.Concat([]*tomldoc.Node{n.Get("stage")}, l.each(n.Get("stages"))) {
		if l.sweepStage(name, p) {
			s.Stages = append(s.Stages, l.str(name))
		}
	}
	l.sweepObjectives(&s, n, p)
	if sampler := l.str(n.Get("sampler")); sampler != "" {
		s.Sampler = sampler
	}
	s.Trials, s.Jobs = int(l.num(n.Get("trials"))), max(1, int(l.num(n.Get("jobs"))))
	if most := int(l.num(n.Get("max_failures"))); most > 0 {
		s.MaxFailures = most
	}
	if t := n.Get("timeout"); l.ok(t) {
		var ok bool
		if s.Timeout, ok = parseDuration(l.str(t)); !ok {
			l.tell(t.At, p, `such as timeout = "2h"`, "timeout is %s, but must be a duration", l.quoted(t))
		}
	}
	if seed := n.Get("seed"); seed != nil {
		s.Seed = uint64(l.num(seed))
	} else if l.cfg.Seed.Value != nil {
		s.Seed = uint64(*l.cfg.Seed.Value)
	}
	l.sweepPruner(&s, n.Get("pruner"), p)
	l.sweepSpace(&s, n, p)
	return s
}

// sweepSpace reads the parameters, and sees that the sampler can search them.
func (l *loader) sweepSpace(s *Sweep, n *tomldoc.Node, p place) {
	params := n.Get("params")
	if !l.ok(params) {
		return
	}
	if len(params.Keys) == 0 {
		l.tell(params.KeyAt, p, "such as lr = { low = 1e-5, high = 1e-1 }", "no parameter varies")
		return
	}
	fine := true
	for _, child := range params.Keys {
		if !l.ok(child) {
			fine = false
			continue
		}
		sp, ok := l.sweepParam(child, p)
		s.Params, fine = append(s.Params, sp), fine && ok
	}
	if !fine {
		return
	}
	if err := s.MakeSpace(); err != nil {
		l.tell(params.KeyAt, p, "", "params: %v", err)
		return
	}
	if _, err := s.Problem().Sampler(s.Sampler); err != nil {
		at := params.KeyAt
		if sampler := n.Get("sampler"); sampler != nil {
			at = sampler.At
		}
		l.tell(at, p, "", "%v", err)
	}
}

func (l *loader) sweepStage(n *tomldoc.Node, p place) bool {
	if !l.ok(n) {
		return false
	}
	var known []string
	for _, s := range l.stages {
		if s.Name == l.str(n) || s.Base == l.str(n) {
			return true
		}
		known = append(known, s.Name)
	}
	l.tell(n.At, p, suggest.DidYouMean(l.str(n), known), "there is no stage %q", l.str(n))
	return false
}

func (l *loader) sweepObjectives(s *Sweep, n *tomldoc.Node, p place) {
	const want = `such as objective = "build/metrics.json:val_loss"`
	list := l.each(n.Get("objective"))
	for _, o := range list {
		m, ok := l.metricKey(o, l.str(o), p, "objective", want)
		if ok && slices.ContainsFunc(s.Objectives, func(x Objective) bool { return x.MetricKey == m }) {
			l.tell(o.At, p, "", "objective %s is there twice", m)
		}
		s.Objectives = append(s.Objectives, Objective{MetricKey: m})
	}
	if o := n.Get("objective"); l.ok(o) && len(list) == 0 {
		l.tell(o.At, p, want, "there is no objective")
	}
	if len(list) > maxObjectives {
		l.tell(n.Get("objective").At, p, "make a constraint of what needs only to be good enough", "there are %d objectives, and a sweep has at most %d", len(list), maxObjectives)
	}
	for _, c := range l.each(n.Get("constraints")) {
		if l.ok(c) {
			s.Constraints = append(s.Constraints, l.constraint(c, p))
		}
	}
	ways := l.each(n.Get("direction"))
	if d := n.Get("direction"); l.ok(d) && len(ways) != len(list) && (d.Kind == tomldoc.List || len(ways) != 1) && len(list) > 0 {
		l.tell(d.At, p, "", "there are %d objectives, and %d directions", len(list), len(ways))
		return
	}
	for i := range s.Objectives {
		if len(ways) > 0 {
			s.Objectives[i].Maximize = l.str(ways[min(i, len(ways)-1)]) == "maximize"
		}
	}
}

// constraint reads "file:key <= number".
func (l *loader) constraint(n *tomldoc.Node, p place) (c Constraint) {
	const want = `such as constraints = ["build/metrics.json:size_mb <= 100"]`
	text := l.str(n)
	name, bound, ok := strings.Cut(text, "<=")
	if !ok {
		name, bound, c.AtLeast = strings.Cut(text, ">=")
	}
	var err error
	if c.Bound, err = strconv.ParseFloat(strings.TrimSpace(bound), 64); err != nil || math.IsNaN(c.Bound) {
		l.tell(n.At, p, want, "constraints has %s, but must have a metrics file, a colon, a key, <= or >= and a number", l.quoted(n))
		return c
	}
	c.MetricKey, _ = l.metricKey(n, strings.TrimSpace(name), p, "constraints", want)
	return c
}

// metricKey splits "file:key" and looks for the file among the outputs.
func (l *loader) metricKey(n *tomldoc.Node, text string, p place, what, want string) (m MetricKey, ok bool) {
	if !l.ok(n) {
		return m, false
	}
	m, err := ParseMetricKey(text)
	if err != nil {
		l.tell(n.At, p, want, "%s is %s, but must be a metrics file, a colon and a key", what, l.quoted(n))
		return MetricKey{}, false
	}
	var known []string
	for _, s := range l.stages {
		for _, o := range s.Outs {
			if o.Path == m.File {
				return m, true
			}
			if o.Kind == Metric {
				known = append(known, o.Path)
			}
		}
	}
	hint := suggest.DidYouMean(m.File, known)
	if hint == "" {
		hint = "list it under metrics of the stage that makes it"
	}
	l.tell(n.At, p, hint, "no stage makes %q", m.File)
	return MetricKey{}, false
}

func (l *loader) sweepPruner(s *Sweep, n *tomldoc.Node, p place) {
	if !l.ok(n) {
		return
	}
	kind := l.str(n)
	if n.Kind == tomldoc.Table {
		kind = l.str(n.Get("kind"))
	}
	o := sweep.PrunerOptions{
		Name: kind, Startup: int(l.num(n.Get("startup"))), Warmup: l.num(n.Get("warmup")), Interval: l.num(n.Get("interval")),
		Quantile: l.float(n.Get("quantile")), Reduction: int(l.num(n.Get("reduction"))),
	}
	s.Pruner = &SweepPruner{PrunerOptions: o, Metric: l.str(n.Get("metric"))}
	if q := n.Get("quantile"); l.ok(q) && !(o.Quantile > 0 && o.Quantile < 1) {
		l.tell(q.At, p, "such as quantile = 0.5", "pruner.quantile is %s, but must be between 0 and 1", l.quoted(q))
	}
	if len(s.Objectives) > 1 {
		l.tell(n.KeyAt, p, "leave the pruner out, or all objectives but one", "a pruner looks at one objective, and there are %d", len(s.Objectives))
	}
	file, _, ok := strings.Cut(s.Pruner.Metric, ":")
	if m := n.Get("metric"); ok && l.ok(m) && !slices.Contains([]string{".csv", ".tsv", ".json", ".yaml", ".yml", ".toml"}, path.Ext(file)) {
		l.tell(m.At, p, `such as metric = "build/loss.csv:val_loss"`, "pruner.metric is in %q, but must be in a CSV, TSV, JSON, YAML or TOML file", file)
	}
}

// sweepParam reads a parameter that varies, and reports whether it can.
func (l *loader) sweepParam(n *tomldoc.Node, p place) (sp SweepParam, ok bool) {
	low, high, step := n.Get("low"), n.Get("high"), n.Get("step")
	sp = SweepParam{Name: n.Key, Low: l.float(low), High: l.float(high), Step: l.float(step), Log: l.flag(n.Get("log"), false)}
	sp.Param, ok = l.param(n.Key, n.KeyAt, p) // which tells what is wrong with it
	for _, c := range l.each(n.Get("choices")) {
		sp.Choices = append(sp.Choices, c.Plain())
	}
	isInteger := func(n *tomldoc.Node) bool { return n != nil && n.Kind == tomldoc.Integer }
	_, isFloat := sp.Param.Value.(float64)
	sp.Integer = isInteger(low) && isInteger(high) && (step == nil || isInteger(step)) && !isFloat
	if sp.Integer && sp.Step == 0 {
		sp.Step = 1
	}
	if w := n.Get("when"); l.ok(w) {
		ok = l.sweepCondition(&sp, w, p) && ok
	}
	msg := sweepMistake(n, &sp)
	if msg == "" && ok {
		msg = sp.misfit()
	}
	if msg != "" {
		l.tell(n.KeyAt, p, "such as { low = 1e-5, high = 1e-1, log = true } or { choices = [32, 64] }", "params.%s: %s", n.Key, msg)
	}
	return sp, ok && msg == ""
}

func (l *loader) sweepCondition(sp *SweepParam, n *tomldoc.Node, p place) bool {
	if len(n.Keys) != 1 || !l.ok(n.Keys[0]) {
		l.tell(n.KeyAt, p, `such as when = { model = "cnn" }`, "params.%s: when names one other parameter, not %d", sp.Name, len(n.Keys))
		return false
	}
	sp.When = &SweepCondition{Name: n.Keys[0].Key}
	if n.Keys[0].Kind == tomldoc.List {
		for _, v := range n.Keys[0].Items {
			sp.When.Values = append(sp.When.Values, v.Plain())
		}
	} else {
		sp.When.Values = []any{n.Keys[0].Plain()}
	}
	if len(sp.When.Values) == 0 {
		l.tell(n.KeyAt, p, `such as when = { model = "cnn" }`, "params.%s: there is no value of %s with which it varies", sp.Name, sp.When.Name)
		return false
	}
	return true
}

// misfit says why values cannot be those of the parameter.
func (sp *SweepParam) misfit() string {
	was := valueKind(sp.Param.Value)
	switch sp.Param.Value.(type) {
	case map[string]any, []any:
		return "it is " + was + ", of which a sweep can vary the parts"
	case int64, float64, nil:
	default:
		if sp.Choices == nil {
			return "it is " + was + ", and needs choices"
		}
	}
	return ""
}

func sweepMistake(n *tomldoc.Node, sp *SweepParam) string {
	ranged := slices.ContainsFunc(n.Keys, func(c *tomldoc.Node) bool { return c.Key != "choices" && c.Key != "when" })
	choices := n.Get("choices")
	switch {
	case choices != nil && ranged:
		return "choices and a range exclude each other"
	case choices != nil && len(choices.Items) == 0:
		return "there are no choices"
	case choices != nil:
		return ""
	case n.Get("low") == nil || n.Get("high") == nil:
		return "a range needs low and high"
	case !(sp.Low < sp.High):
		return "low must be below high"
	case sp.Log && sp.Low <= 0:
		return "low must be positive on a logarithmic scale"
	case n.Get("step") != nil && !(sp.Step > 0):
		return "step must be positive"
	case sp.Log && n.Get("step") != nil:
		return "log and step exclude each other"
	}
	return ""
}
