package pipeline

import (
	"container/heap"
	"fmt"
	"slices"

	"github.com/xtrepro/xt/hash"
)

// Graph is the stages of a project and what they need of each other. It is not
// changed after [Load].
type Graph struct {
	Config    *Config
	Stages    []*Stage   // a stage comes after all that it needs; otherwise in the order of the file
	Overrides []Override // those that were applied, each with its file

	byName map[string]*Stage
	up     map[*Stage][]*Stage
	down   map[*Stage][]*Stage
	owners owners
	sums   map[string]hash.Sum // of xt.toml and the params files, as they were read
}

// maxEdges bounds the connections between stages: a few directories that
// contain everything could make them the square of the number of stages.
const maxEdges = 1_000_000

// connect makes the graph of stages, which are in the order of the file, and
// reports cycles and outputs that overlap.
func connect(cfg *Config, stages []*Stage, rep *report) *Graph {
	g := &Graph{Config: cfg, byName: make(map[string]*Stage, len(stages)), up: map[*Stage][]*Stage{}, down: map[*Stage][]*Stage{}, owners: newOwners(stages)}
	for _, s := range stages {
		if other := g.byName[s.Name]; other != nil {
			rep.add(&ConfigError{Pos: s.Pos, Msg: fmt.Sprintf("two stages are named %q", s.Name)})
		}
		g.byName[s.Name] = s
	}
	g.owners.check(rep)
	g.checkCode(stages, rep)
	if !g.link(stages, rep) {
		return g
	}
	g.Stages = g.sort(stages)
	if len(g.Stages) < len(stages) {
		g.tellCycles(stages, rep)
	}
	return g
}

// link finds the edges; false if there are too many.
func (g *Graph) link(stages []*Stage, rep *report) bool {
	edges := 0
	for _, s := range stages {
		seen := map[*Stage]bool{s: true}
		for _, dep := range s.Deps {
			for _, m := range g.owners.touching(dep) {
				if m.Stage == s {
					tellOwn(s, dep, m.Out.Path, rep)
				}
				if seen[m.Stage] {
					continue
				}
				seen[m.Stage] = true
				g.up[s] = append(g.up[s], m.Stage)
				g.down[m.Stage] = append(g.down[m.Stage], s)
				edges++
			}
			if edges > maxEdges {
				rep.add(&ConfigError{Pos: s.Pos, Msg: fmt.Sprintf("more than %d connections between stages", maxEdges), Hint: "name the outputs that are read, rather than the directory around all of them"})
				return false
			}
		}
	}
	return true
}

// sort returns the stages so that each comes after what it needs, and leaves
// out those that are in a cycle or behind one.
func (g *Graph) sort(stages []*Stage) []*Stage {
	place := make(map[*Stage]int, len(stages))
	waiting := make([]int, len(stages))
	ready := &intHeap{}
	for i, s := range stages {
		place[s] = i
		if waiting[i] = len(g.up[s]); waiting[i] == 0 {
			heap.Push(ready, i)
		}
	}
	var sorted []*Stage
	order := map[*Stage]int{}
	for ready.Len() > 0 {
		s := stages[heap.Pop(ready).(int)]
		order[s] = len(sorted)
		sorted = append(sorted, s)
		for _, next := range g.down[s] {
			i := place[next]
			if waiting[i]--; waiting[i] == 0 {
				heap.Push(ready, i)
			}
		}
	}
	for _, lists := range []map[*Stage][]*Stage{g.up, g.down} {
		for _, list := range lists {
			slices.SortFunc(list, func(a, b *Stage) int { return order[a] - order[b] })
		}
	}
	return sorted
}

// intHeap gives the smallest first, which keeps the order of the file among
// stages that are ready at the same time.
type intHeap []int

func (h intHeap) Len() int           { return len(h) }
func (h intHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h intHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *intHeap) Push(x any)        { *h = append(*h, x.(int)) }
func (h *intHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// Stage returns the stage of that name, or nil.
func (g *Graph) Stage(name string) *Stage { return g.byName[name] }

// Upstream returns the stages whose outputs s reads directly, in the order of
// the graph.
func (g *Graph) Upstream(s *Stage) []*Stage { return g.up[s] }

// Downstream returns the stages that read an output of s directly, in the order
// of the graph.
func (g *Graph) Downstream(s *Stage) []*Stage { return g.down[s] }

// Made is an output and the stage that makes it.
type Made struct {
	Stage *Stage
	Out   Out
}

// Producers returns every output that is path, contains it, or lies below it,
// sorted by path.
func (g *Graph) Producers(path string) []Made { return g.owners.touching(path) }
