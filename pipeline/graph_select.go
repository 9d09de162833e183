package pipeline

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/suggest"
)

// SelectOptions says what [Graph.Select] takes besides the targets.
type SelectOptions struct {
	Single     bool // the targets only
	Downstream bool // the targets and all that depends on them, rather than all that they need
}

// Select returns the stages that targets name, with all that they need, in the
// order of the graph; all stages if there are no targets. A target is a name, a
// name without its cell ("evaluate" for all of its cells), a pattern of names
// as of [path.Match], or the path of an output, relative to the project. For
// each that names nothing there is a [*TargetError] in the error.
func (g *Graph) Select(targets []string, opts SelectOptions) ([]*Stage, error) {
	if len(targets) == 0 {
		return g.Stages, nil
	}
	wanted := map[*Stage]bool{}
	var errs []error
	for _, t := range targets {
		found := g.target(t)
		if len(found) == 0 {
			errs = append(errs, &TargetError{Target: t, Hint: g.targetHint(t)})
		}
		for _, s := range found {
			g.mark(s, opts, wanted)
		}
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	return slices.DeleteFunc(slices.Clone(g.Stages), func(s *Stage) bool { return !wanted[s] }), nil
}

// mark adds a stage, and those that follow from it.
func (g *Graph) mark(s *Stage, opts SelectOptions, wanted map[*Stage]bool) {
	wanted[s] = true
	switch {
	case opts.Single:
		return
	case opts.Downstream:
		for t := range reach(s, g.down) {
			wanted[t] = true
		}
	default:
		for t := range reach(s, g.up) {
			wanted[t] = true
		}
	}
}

// target returns the stages that one target names.
func (g *Graph) target(t string) []*Stage {
	if s := g.byName[t]; s != nil {
		return []*Stage{s}
	}
	var found []*Stage
	for _, s := range g.Stages {
		matched, _ := path.Match(t, s.Name)
		if s.Base == t || matched {
			found = append(found, s)
		}
	}
	if found != nil {
		return found
	}
	for _, m := range g.owners.touching(path.Clean(t)) {
		found = append(found, m.Stage)
	}
	return found
}

func (g *Graph) targetHint(t string) string {
	var names []string
	for _, s := range g.Stages {
		names = append(names, s.Name, s.Base)
	}
	if hint := suggest.DidYouMean(t, names); hint != "" {
		return hint
	}
	clean := path.Clean(t)
	for _, s := range g.Stages {
		if slices.Contains(s.Deps, clean) || slices.Contains(s.Code, clean) {
			return fmt.Sprintf("%s is an input of stage %s: name that", clean, s.Name)
		}
	}
	var paths []string
	for _, m := range g.owners {
		paths = append(paths, m.Out.Path)
	}
	if hint := suggest.DidYouMean(clean, paths); hint != "" {
		return hint
	}
	if len(names) == 0 {
		return "xt.toml has no stages"
	}
	slices.Sort(names)
	return "stages are " + some(slices.Compact(names))
}

// TargetError is a target that names no stage.
type TargetError struct {
	Target string
	Hint   string // what may have been meant; "" if nothing is near
}

// Error says which target it is.
func (e *TargetError) Error() string {
	if strings.Contains(e.Target, "/") {
		return fmt.Sprintf("no stage makes %q", e.Target)
	}
	return fmt.Sprintf("there is no stage %q", e.Target)
}

// Hints says what may have been meant.
func (e *TargetError) Hints() []string { return []string{e.Hint} }
