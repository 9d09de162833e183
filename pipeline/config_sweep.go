package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/suggest"
	"github.com/xtrepro/xt/internal/tomldoc"
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

func (l *loader) readSweep(n *tomldoc.Node, p place) Sweep {
	s := Sweep{Stage: l.str(n.Get("stage")), Sampler: "tpe", Pos: l.pos(n.KeyAt)}
	s.Maximize = l.str(n.Get("direction")) == "maximize"
	s.Trials = int(l.num(n.Get("trials")))
	if sampler := l.str(n.Get("sampler")); sampler != "" {
		s.Sampler = sampler
	}
	l.sweepStage(n.Get("stage"), p)
	if o := n.Get("objective"); l.ok(o) {
		s.File, s.Key = l.objective(o, p)
	}
	if params := n.Get("params"); l.ok(params) {
		if len(params.Keys) == 0 {
			l.tell(params.KeyAt, p, "such as lr = { low = 1e-5, high = 1e-1 }", "no parameter varies")
		}
		for _, child := range params.Keys {
			if l.ok(child) {
				s.Params = append(s.Params, l.sweepParam(child, p))
			}
		}
	}
	return s
}

func (l *loader) sweepStage(n *tomldoc.Node, p place) {
	if !l.ok(n) {
		return
	}
	var known []string
	for _, s := range l.stages {
		if s.Name == l.str(n) || s.Base == l.str(n) {
			return
		}
		known = append(known, s.Name)
	}
	l.tell(n.At, p, suggest.DidYouMean(l.str(n), known), "there is no stage %q", l.str(n))
}

// objective splits "file:key" and looks for the file among the outputs.
func (l *loader) objective(n *tomldoc.Node, p place) (file, key string) {
	file, key, ok := strings.Cut(l.str(n), ":")
	if !ok || file == "" || key == "" {
		l.tell(n.At, p, `such as objective = "build/metrics.json:val_loss"`, "objective is %s, but must be a metrics file, a colon and a key", l.quoted(n))
		return "", ""
	}
	var known []string
	for _, s := range l.stages {
		for _, o := range s.Outs {
			if o.Path == file {
				return file, key
			}
			if o.Kind == Metric {
				known = append(known, o.Path)
			}
		}
	}
	hint := suggest.DidYouMean(file, known)
	if hint == "" {
		hint = "list it under metrics of the stage that makes it"
	}
	l.tell(n.At, p, hint, "no stage makes %q", file)
	return file, key
}

func (l *loader) sweepParam(n *tomldoc.Node, p place) SweepParam {
	low, high, step := n.Get("low"), n.Get("high"), n.Get("step")
	sp := SweepParam{Low: l.float(low), High: l.float(high), Step: l.float(step), Log: l.flag(n.Get("log"), false)}
	sp.Param, _ = l.param(n.Key, n.KeyAt, p) // which tells what is wrong with it
	for _, c := range l.each(n.Get("choices")) {
		sp.Choices = append(sp.Choices, c.Value)
	}
	sp.Integer = low != nil && high != nil && low.Kind == tomldoc.Integer && high.Kind == tomldoc.Integer
	if msg := sweepMistake(n, &sp); msg != "" {
		l.tell(n.KeyAt, p, "such as { low = 1e-5, high = 1e-1, log = true } or { choices = [32, 64] }", "params.%s: %s", n.Key, msg)
	}
	return sp
}

func sweepMistake(n *tomldoc.Node, sp *SweepParam) string {
	ranged := slices.ContainsFunc(n.Keys, func(c *tomldoc.Node) bool { return c.Key != "choices" })
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
