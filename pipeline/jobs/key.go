package jobs

import (
	"maps"
	"slices"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
)

// inputs returns what stands at the paths that the entry of a step names.
func inputs(step *pipeline.Step) map[string]hash.Node {
	nodes := map[string]hash.Node{}
	for _, it := range slices.Concat(step.Entry.Code, step.Entry.Deps, step.Entry.Calls) {
		if !it.IsZero() {
			nodes[it.Path] = it.Node
		}
	}
	return nodes
}

// keys returns the keys of the steps' jobs, by stage.
func (x *Executor) keys(work *pipeline.Work) map[string]string {
	k := &keyer{graph: work.Workspace.Graph, entries: maps.Clone(work.Workspace.Lock.File().Stages), done: map[string]string{}}
	for _, step := range work.Steps {
		k.entries[step.Stage.Name] = step.Entry
	}
	keys := map[string]string{}
	for _, step := range work.Steps {
		keys[step.Stage.Name] = k.key(step.Stage)
	}
	return keys
}

// keyer makes keys.
type keyer struct {
	graph   *pipeline.Graph
	entries map[string]*lock.Stage // as they are or are to be
	done    map[string]string
}

// key returns a digest of a stage's own inputs, those that no stage makes, and of the
// keys of the stages that make the others.
func (k *keyer) key(s *pipeline.Stage) string {
	if key, ok := k.done[s.Name]; ok {
		return key
	}
	t := new(hash.Text)
	t.Line("xt job 1", s.Name)
	if e := k.entries[s.Name]; e != nil {
		made := slices.DeleteFunc(slices.Clone(s.Deps), func(dep string) bool { return len(k.graph.Producers(dep)) == 0 })
		t.Line("inputs", pipeline.Describe(partial(e, made)).String())
	}
	for _, o := range s.Outs {
		t.Line("out", o.Path)
	}
	for _, up := range k.graph.Upstream(s) {
		t.Line("after", up.Name, k.key(up))
	}
	k.done[s.Name] = t.Fingerprint().String()
	return k.done[s.Name]
}
