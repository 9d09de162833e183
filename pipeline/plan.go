package pipeline

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// Facts is all that a plan is made from. The plan looks at nothing else, so
// that the same facts give the same plan, whoever gathered them: from the
// workspace, from a commit, or from the index of git.
type Facts struct {
	// Nodes is what stands at each path that a stage or xt.lock names. A path
	// that is absent has nothing there.
	Nodes map[string]hash.Node
	// Lock is xt.lock.
	Lock *lock.File
	// Recorded says that variables passed through are to be taken from xt.lock.
	Recorded bool
	// Variable returns an environment variable that a stage passes through.
	Variable func(name string) (value string, ok bool)
	// Environment returns the environment that a stage would run in; nil if it
	// is of no influence. Known is false where it has yet to be resolved.
	Environment func(s *Stage) (env *lock.Environment, known bool)
	// Stored reports whether the cache holds n whole.
	Stored func(n hash.Node) bool
	// Within returns what lies at the path sub inside a stored directory.
	Within func(dir hash.Node, sub string) (hash.Node, bool)
	// Past returns the outputs that a stage of this fingerprint once made, if
	// the run cache knows them.
	Past func(f hash.Fingerprint) ([]lock.Item, bool)
}

// Options say what a plan is to be made of and how eager it is.
type Options struct {
	Force        bool // execute even what is up to date
	AllowMissing bool // take xt.lock's word for data that is not there
	NoRunCache   bool // execute rather than restore an earlier result
}

// Action is what is to be done about a stage.
type Action uint8

// The actions.
const (
	UpToDate Action = iota // nothing
	Restore                // take the outputs from the cache
	Execute                // run the command
	Wait                   // it depends on a stage that will execute; decided after that
	Frozen                 // nothing, because xt.toml says so
	Blocked                // it cannot run: an input is missing
)

// String returns the action in the user's words.
func (a Action) String() string {
	return [...]string{"up to date", "restore", "run", "wait", "frozen", "blocked"}[a]
}

// Step is the decision about one stage.
type Step struct {
	Stage   *Stage
	Action  Action
	Reasons []Reason // why it is not up to date; sorted as a person would read them
	// Entry is what xt.lock would say of the stage. Its fingerprint is zero if
	// an input is not known yet. Its outputs are known for UpToDate, Restore and
	// Frozen; for others only their paths are.
	Entry *lock.Stage
	// Environment is what Entry.Environment names; nil for none.
	Environment *lock.Environment
	// Past says that a restore takes an earlier run's result, rather than what
	// xt.lock has.
	Past bool
}

// Stale reports whether the stage is not as xt.lock and xt.toml have it.
func (s *Step) Stale() bool { return s.Action != UpToDate && s.Action != Frozen }

// Plan is a decision for each stage, in an order in which they can be done. It
// is a plain value: making it changes nothing.
type Plan struct {
	Steps []*Step
}

// Stale returns the steps that are not up to date.
func (p *Plan) Stale() []*Step {
	return slices.DeleteFunc(slices.Clone(p.Steps), func(s *Step) bool { return !s.Stale() })
}

// NewPlan decides for each of the stages, which must be in an order in which
// they can be done. What is not among them is taken as it stands.
func NewPlan(g *Graph, stages []*Stage, facts *Facts, opts Options) *Plan {
	p := newPlanner(g, stages, facts, opts)
	plan := &Plan{}
	for _, s := range stages {
		step := p.step(s)
		p.settle(step)
		plan.Steps = append(plan.Steps, step)
	}
	return plan
}

// planner decides stage by stage. After a step has been decided, or done, settle
// tells it what the stage's outputs are.
type planner struct {
	graph   *Graph
	facts   *Facts
	opts    Options
	planned map[*Stage]bool
	known   map[string]hash.Node // outputs of settled stages, by path
	pending map[*Stage]bool      // stages whose outputs are not known yet
}

func newPlanner(g *Graph, stages []*Stage, facts *Facts, opts Options) *planner {
	p := &planner{graph: g, facts: facts, opts: opts, planned: map[*Stage]bool{}, known: map[string]hash.Node{}, pending: map[*Stage]bool{}}
	for _, s := range stages {
		p.planned[s] = true
	}
	return p
}

// settle notes what is known of the outputs after a step: what it leaves as it
// is, and what it restores. Those of an execution are known when it is done.
func (p *planner) settle(step *Step) {
	switch step.Action {
	case UpToDate, Restore, Frozen:
		delete(p.pending, step.Stage)
		for _, o := range step.Entry.Outs {
			p.known[o.Path] = o.Node
		}
	default:
		p.pending[step.Stage] = true
	}
}

// step decides about one stage.
func (p *planner) step(s *Stage) *Step {
	old := p.facts.Lock.Stages[s.Name]
	step := &Step{Stage: s}
	if s.Frozen {
		return p.frozen(step, old)
	}
	entry, in := p.entry(s, old)
	step.Entry, step.Environment = entry, in.environment
	switch {
	case len(in.missing) > 0:
		step.Action, step.Reasons = Blocked, in.missing
	case len(in.waiting) > 0:
		step.Action, step.Reasons = Wait, in.waiting
	case in.unresolved:
		step.Action, step.Reasons = Execute, []Reason{{Kind: Unresolved, Text: "the Python requirements have changed and are to be resolved"}}
	default:
		entry.Fingerprint = Fingerprint(entry)
		p.compare(step, old)
	}
	return step
}

// frozen takes the outputs as they are, whatever the inputs.
func (p *planner) frozen(step *Step, old *lock.Stage) *Step {
	step.Action = Frozen
	if old != nil && !old.Conflicted {
		step.Entry = old
		step.Environment = p.facts.Lock.EnvironmentOf(old)
		return step
	}
	step.Entry = &lock.Stage{Name: step.Stage.Name}
	for _, o := range step.Stage.Outs {
		if n, ok := p.facts.Nodes[o.Path]; ok {
			step.Entry.Outs = append(step.Entry.Outs, lock.Item{Path: o.Path, Node: n})
		}
	}
	return step
}

// compare decides about a stage whose inputs are all known.
func (p *planner) compare(step *Step, old *lock.Stage) {
	entry := step.Entry
	same := old != nil && !old.Conflicted && old.Fingerprint == entry.Fingerprint
	switch {
	case p.opts.Force:
		step.Action, step.Reasons = Execute, []Reason{{Kind: Forced, Text: "forced"}}
	case step.Stage.Always:
		step.Action, step.Reasons = Execute, []Reason{{Kind: AlwaysRuns, Text: "it is to run each time (always = true)"}}
	case same && Fingerprint(old) != old.Fingerprint:
		// Cannot be: entry and old have one fingerprint, so old was edited.
		step.Action, step.Reasons = Execute, []Reason{{Kind: Edited, Text: "its entry in xt.lock was edited by hand"}}
	case same:
		p.compareOuts(step, old)
	default:
		step.Reasons = p.reasons(entry, old, step.Environment)
		p.restoreOrExecute(step)
	}
}

// compareOuts decides about a stage whose inputs are those of xt.lock.
func (p *planner) compareOuts(step *Step, old *lock.Stage) {
	keepProvenance(step.Entry, old)
	var missing, changed []Reason
	stored := true
	for _, o := range old.Outs {
		now := p.facts.Nodes[o.Path]
		switch {
		case now.Same(o.Node):
			continue
		case now.IsZero():
			missing = append(missing, Reason{Kind: OutMissing, Name: o.Path, Text: "output " + o.Path + " is missing"})
		default:
			changed = append(changed, Reason{Kind: OutChanged, Name: o.Path, Old: o.Sum.Short(), New: now.Sum.Short(),
				Text: "output " + o.Path + " was changed: " + describe(o.Node) + " -> " + describe(now)})
		}
		stored = stored && p.facts.Stored(o.Node)
	}
	step.Reasons = append(missing, changed...)
	switch {
	case len(step.Reasons) == 0:
		step.Action = UpToDate
	case p.opts.AllowMissing && len(changed) == 0:
		step.Action, step.Reasons = UpToDate, nil
	case stored:
		step.Action = Restore
	default:
		p.restoreOrExecute(step)
	}
}

// keepProvenance carries over what tells of the run that made the outputs.
func keepProvenance(entry, old *lock.Stage) {
	entry.How, entry.Commit, entry.Dirty, entry.Outs = old.How, old.Commit, old.Dirty, old.Outs
}

// restoreOrExecute takes an earlier run's result where there is one.
func (p *planner) restoreOrExecute(step *Step) {
	step.Action = Execute
	if p.opts.NoRunCache {
		return
	}
	outs, ok := p.facts.Past(step.Entry.Fingerprint)
	if !ok || !samePaths(outs, step.Entry.Outs) {
		return
	}
	for _, o := range outs {
		if !p.facts.Stored(o.Node) && !p.facts.Nodes[o.Path].Same(o.Node) {
			return
		}
	}
	step.Action, step.Past = Restore, true
	step.Entry.Outs, step.Entry.How = outs, lock.Restored
}

func samePaths(a, b []lock.Item) bool {
	return slices.EqualFunc(a, b, func(a, b lock.Item) bool { return a.Path == b.Path })
}

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
		if old != nil {
			e.Pass, e.PassUnset = old.Pass, old.PassUnset
		}
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
		ok = ok && (p.opts.AllowMissing || p.facts.Stored(n))
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
		if made := p.facts.Lock.Stages[m.Stage.Name]; made != nil && m.Out.Path == path {
			for _, o := range made.Outs {
				if o.Path == path {
					return o.Node, true
				}
			}
		}
	}
	if old != nil {
		for _, d := range old.Deps {
			if d.Path == path {
				return d.Node, true
			}
		}
	}
	return hash.Node{}, false
}
