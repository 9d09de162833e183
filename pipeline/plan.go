package pipeline

import (
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
	// Remote reports whether a remote has n, which belongs at path. It is nil where
	// remotes are not asked.
	Remote func(path string, n hash.Node) bool
	// Hopeful says that what the run cache knows of and the cache lacks may be on a
	// remote, where the entry came from.
	Hopeful bool
	// Past returns the outputs that a stage of this fingerprint once made, if
	// the run cache knows them.
	Past func(f hash.Fingerprint) ([]lock.Item, bool)
}

// Options say what a plan is to be made of and how eager it is.
type Options struct {
	Force        bool // execute even what is up to date
	AllowMissing bool // take xt.lock's word for data that is not there
	NoRunCache   bool // execute rather than restore an earlier result
	Pull         bool // what a remote has need not be here unless a stage that is to run needs it
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
	case step.Stage.Always && !p.facts.Recorded: // a commit can only hold one of its results
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
				Text: "output " + o.Path + " was changed: " + nodeWords(o.Node) + " -> " + nodeWords(now)})
		}
		stored = stored && p.available(o)
	}
	step.Reasons = append(missing, changed...)
	switch {
	case len(step.Reasons) == 0:
		step.Action = UpToDate
	case len(changed) == 0 && (p.opts.AllowMissing || p.opts.Pull && stored):
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
		if !p.available(o) && !p.facts.Hopeful && !p.facts.Nodes[o.Path].Same(o.Node) {
			return
		}
	}
	step.Action, step.Past = Restore, true
	step.Entry.Outs, step.Entry.How = outs, lock.Restored
}

// available reports whether content can be had from the cache or from a remote.
func (p *planner) available(it lock.Item) bool {
	return p.facts.Stored(it.Node) || p.facts.Remote != nil && p.facts.Remote(it.Path, it.Node)
}

func samePaths(a, b []lock.Item) bool {
	return slices.EqualFunc(a, b, func(a, b lock.Item) bool { return a.Path == b.Path })
}
