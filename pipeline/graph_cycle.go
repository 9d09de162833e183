package pipeline

import (
	"fmt"
	"slices"
	"strings"
)

// tellCycles reports each knot of stages that need each other once, by a
// shortest cycle in it.
func (g *Graph) tellCycles(stages []*Stage, rep *report) {
	left := map[*Stage]bool{}
	for _, s := range stages {
		left[s] = true
	}
	for _, s := range g.Stages {
		delete(left, s)
	}
	for _, s := range stages {
		if !left[s] {
			continue
		}
		cycle := g.cycle(s)
		if cycle == nil {
			continue // it is only behind a cycle
		}
		g.tellCycle(cycle, rep)
		for _, c := range g.knot(s) {
			delete(left, c)
		}
	}
}

// cycle returns the stages of a shortest cycle through s, from s to s in the
// direction of the data, or nil.
func (g *Graph) cycle(s *Stage) []*Stage {
	from := map[*Stage]*Stage{}
	queue := []*Stage{s}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, next := range g.down[at] {
			if _, seen := from[next]; seen {
				continue
			}
			from[next] = at
			if next == s {
				return walkBack(s, from)
			}
			queue = append(queue, next)
		}
	}
	return nil
}

func walkBack(s *Stage, from map[*Stage]*Stage) []*Stage {
	cycle := []*Stage{s}
	for at := from[s]; at != s; at = from[at] {
		cycle = append(cycle, at)
	}
	slices.Reverse(cycle[1:])
	return append(cycle, s)
}

// knot returns all stages that need s and that s needs.
func (g *Graph) knot(s *Stage) []*Stage {
	before, after := reach(s, g.up), reach(s, g.down)
	var both []*Stage
	for t := range before {
		if after[t] {
			both = append(both, t)
		}
	}
	return both
}

func reach(s *Stage, edges map[*Stage][]*Stage) map[*Stage]bool {
	seen := map[*Stage]bool{}
	todo := []*Stage{s}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, next := range edges[at] {
			if !seen[next] {
				seen[next] = true
				todo = append(todo, next)
			}
		}
	}
	return seen
}

func (g *Graph) tellCycle(cycle []*Stage, rep *report) {
	const most = 4
	names := make([]string, len(cycle))
	var why []string
	for i, s := range cycle {
		names[i] = s.Name
		if i > 0 && i <= most {
			why = append(why, fmt.Sprintf("%s reads %s of %s", s.Name, g.between(s, cycle[i-1]), cycle[i-1].Name))
		}
	}
	if len(names) > 20 {
		names = append(append(names[:10:10], "…"), names[len(names)-9:]...)
	}
	rep.add(&ConfigError{
		Pos:  cycle[0].Pos,
		Msg:  "the stages are a cycle: " + strings.Join(names, " -> "),
		Hint: strings.Join(why, ", "),
	})
}

// between returns the first dependency of s that other makes.
func (g *Graph) between(s, other *Stage) string {
	for _, dep := range s.Deps {
		for _, m := range g.owners.touching(dep) {
			if m.Stage == other {
				return dep
			}
		}
	}
	return ""
}
