package pipeline

// SelectOptions says what [Graph.Select] takes besides the targets.
type SelectOptions struct {
	Single     bool // the targets only
	Downstream bool // the targets and all that depends on them, rather than all that they need
}

// Select returns the stages that targets name, with all that they need, in the
// order of the graph; all stages if there are no targets. A target is a name, a
// name without its cell ("evaluate" for all of its cells), a pattern of names
// as of [path.Match], or the path of an output. One that names nothing is a
// [*TargetError].
func (g *Graph) Select(targets []string, opts SelectOptions) ([]*Stage, error) {
	if len(targets) == 0 {
		return g.Stages, nil
	}
	wanted := map[*Stage]bool{}
	for _, t := range targets {
		found := g.target(t)
		if len(found) == 0 {
			return nil, &TargetError{Target: t}
		}
		for _, s := range found {
			g.mark(s, opts, wanted)
		}
	}
	var out []*Stage
	for _, s := range g.Stages {
		if wanted[s] {
			out = append(out, s)
		}
	}
	return out, nil
}

func (g *Graph) mark(s *Stage, opts SelectOptions, wanted map[*Stage]bool) {
	if wanted[s] {
		return
	}
	wanted[s] = true
	next := g.up
	switch {
	case opts.Single:
		return
	case opts.Downstream:
		next = g.down
	}
	for _, n := range next[s] {
		g.mark(n, opts, wanted)
	}
}

func (g *Graph) target(t string) []*Stage {
	if s := g.byName[t]; s != nil {
		return []*Stage{s}
	}
	var found []*Stage
	for _, s := range g.Stages {
		if s.Base == t {
			found = append(found, s)
		}
	}
	return found
}

// TargetError is a target that names no stage.
type TargetError struct {
	Target string
	Hint   string // what may have been meant; "" if nothing is near
}

// Error says which target it is.
func (e *TargetError) Error() string { return "no stage or output is named " + e.Target }
