package pipeline

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// inputs is what was found out about a stage's inputs.
type inputs struct {
	environment *lock.Environment
	unresolved  bool            // the environment is not known yet
	missing     []Reason        // inputs that are not there and that no stage makes
	waiting     []Reason        // stages that have yet to make an input, each once
	unmade      map[string]bool // the inputs that these make
}

func (in *inputs) waitFor(path, stage, text string) {
	if in.unmade == nil {
		in.unmade = map[string]bool{}
	}
	in.unmade[path] = true
	if !slices.ContainsFunc(in.waiting, func(r Reason) bool { return r.By == stage }) {
		in.waiting = append(in.waiting, Reason{Kind: Upstream, Name: path, By: stage, Text: text})
	}
}

// entry returns what xt.lock would say of the stage.
func (p *planner) entry(s *Stage, old *lock.Stage) (*lock.Stage, *inputs) {
	in := new(inputs)
	e := &lock.Stage{
		Name: s.Name, How: lock.Executed,
		Cmd: s.Cmd, Shell: s.Shell, Wdir: s.Wdir,
		Env: maps.Clone(s.Env), Seed: s.Seed.Value,
	}
	if s.Seed.Deterministic != lock.DeterministicOff {
		e.Deterministic, e.Threads = s.Seed.Deterministic, s.Seed.Threads
	}
	for _, path := range s.Code {
		e.Code = p.item(e.Code, path, in)
	}
	for _, path := range s.Deps {
		e.Deps = p.dep(e.Deps, path, s, old, in)
	}
	if s.Calls != nil {
		e.Calls = recordedCalls(s.Calls.Dir, p.facts.Nodes[s.Calls.Dir])
	}
	for _, o := range s.Outs {
		e.Outs = append(e.Outs, lock.Item{Path: o.Path})
	}
	for _, prm := range s.Params {
		e.Params = append(e.Params, lock.Param{File: prm.File, Key: prm.Key, Value: literal(prm.Value)})
	}
	p.passed(e, s, old)
	env, known := p.facts.Environment(s)
	in.environment, in.unresolved = env, !known
	if env != nil {
		e.Environment = env.Sum()
	}
	return e, in
}

// literal spells a parameter's value. Load has refused values that have no
// spelling, so that the fallback only has to be as distinct as the value.
func literal(v any) string {
	text, err := lock.Literal(v)
	if err != nil {
		return fmt.Sprintf("%#v", v)
	}
	return text
}

func (p *planner) passed(e *lock.Stage, s *Stage, old *lock.Stage) {
	if p.facts.Recorded {
		p.passRecorded(e, s, old)
		return
	}
	for _, name := range s.Pass {
		if v, ok := p.facts.Variable(name); ok {
			if e.Pass == nil {
				e.Pass = map[string]string{}
			}
			e.Pass[name] = guarded(name, v)
		} else {
			e.PassUnset = append(e.PassUnset, name)
		}
	}
}

// passRecorded takes the values of the variables from xt.lock. One that it does
// not have counts as unset, which it then has not either.
func (p *planner) passRecorded(e *lock.Stage, s *Stage, old *lock.Stage) {
	for _, name := range s.Pass {
		var value string
		known := false
		if old != nil {
			value, known = old.Pass[name]
		}
		if !known {
			e.PassUnset = append(e.PassUnset, name)
			continue
		}
		if e.Pass == nil {
			e.Pass = map[string]string{}
		}
		e.Pass[name] = value
	}
}

// secretName matches the names of variables whose values are not for xt.lock.
var secretName = regexp.MustCompile(`(?i)key|token|secret|passw|credential`)

// guarded returns what xt.lock is to say of a variable: its value, or only a
// digest of it if its name says that it is a secret. A change is seen either way.
func guarded(name, value string) string {
	if !secretName.MatchString(name) {
		return value
	}
	return "blake3:" + hash.Bytes([]byte(name+"="+value)).String()
}

// item appends an input that no stage makes.
func (p *planner) item(items []lock.Item, path string, in *inputs) []lock.Item {
	n, ok := p.facts.Nodes[path]
	if !ok {
		in.missing = append(in.missing, missing(path))
	}
	return append(items, lock.Item{Path: path, Node: n})
}

func missing(path string) Reason {
	return Reason{Kind: InputMissing, Name: path, Text: path + " is missing"}
}

// dep appends a dependency, which another stage may make.
func (p *planner) dep(items []lock.Item, path string, s *Stage, old *lock.Stage, in *inputs) []lock.Item {
	n, ok := p.made(path, in)
	if !ok {
		n, ok = p.facts.Nodes[path]
	}
	if !ok {
		// What the cache has is brought into the workspace when the stage runs.
		n, ok = p.recorded(path, old)
		ok = ok && (p.opts.AllowMissing || p.facts.Stored(n) || p.opts.Pull && p.available(lock.Item{Path: path, Node: n}))
	}
	if !ok && !in.unmade[path] {
		in.missing = append(in.missing, missing(path))
	}
	return append(items, lock.Item{Path: path, Node: n})
}

// made returns a dependency as the planned stages will leave it. It notes in
// waiting those that have yet to be made.
func (p *planner) made(path string, in *inputs) (hash.Node, bool) {
	for _, m := range p.graph.Producers(path) {
		if !p.planned[m.Stage] {
			continue
		}
		if p.pending[m.Stage] {
			in.waitFor(path, m.Stage.Name, "stage "+m.Stage.Name+", which makes "+m.Out.Path+", is to run")
			return hash.Node{}, false
		}
		n, ok := p.known[m.Out.Path]
		switch {
		case !ok:
			continue
		case m.Out.Path == path:
			return n, true
		case below(path, m.Out.Path):
			return p.facts.Within(n, path[len(m.Out.Path)+1:])
		case !p.facts.Nodes[m.Out.Path].Same(n):
			// An output inside the directory is to be restored: the directory is
			// known when that is done.
			in.waitFor(path, m.Stage.Name, "output "+m.Out.Path+" of stage "+m.Stage.Name+" is to be restored")
			return hash.Node{}, false
		}
	}
	return hash.Node{}, false
}

// recorded returns what xt.lock says of data that is not in the workspace.
func (p *planner) recorded(path string, old *lock.Stage) (hash.Node, bool) {
	if d, ok := p.facts.Lock.Data[path]; ok && !d.Conflicted {
		return d.Node, true
	}
	for _, m := range p.graph.Producers(path) {
		made := p.facts.Lock.Stages[m.Stage.Name]
		if made == nil || m.Out.Path != path {
			continue
		}
		if n, ok := nodeAt(made.Outs, path); ok {
			return n, true
		}
	}
	if old != nil {
		return nodeAt(old.Deps, path)
	}
	return hash.Node{}, false
}

// nodeAt returns what the items have at path.
func nodeAt(items []lock.Item, path string) (hash.Node, bool) {
	for _, it := range items {
		if it.Path == path {
			return it.Node, true
		}
	}
	return hash.Node{}, false
}
