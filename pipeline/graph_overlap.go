package pipeline

import "fmt"

// check tells of outputs that are, or contain, each other. Since what lies in a
// directory follows it, the outputs that contain the one at hand are a stack.
func (all owners) check(rep *report) {
	var around []Made
	for _, m := range all {
		for len(around) > 0 && !below(m.Out.Path, around[len(around)-1].Out.Path) {
			around = around[:len(around)-1]
		}
		if len(around) > 0 {
			tellOverlap(around[len(around)-1], m, rep)
		}
		around = append(around, m)
	}
}

// tellOverlap reports two outputs at the one that comes later in the file.
func tellOverlap(outer, inner Made, rep *report) {
	first, second := outer, inner
	if a, b := outer.Stage.pathPos(outer.Out.Path), inner.Stage.pathPos(inner.Out.Path); a.Line > b.Line || a.Line == b.Line && a.Col > b.Col {
		first, second = inner, outer
	}
	e := &ConfigError{Pos: second.Stage.pathPos(second.Out.Path), Where: fmt.Sprintf("stage %q", second.Stage.Base)}
	line := first.Stage.pathPos(first.Out.Path).Line
	same := outer.Out.Path == inner.Out.Path
	switch {
	case same && outer.Stage.Base == inner.Stage.Base && outer.Stage != inner.Stage:
		e.Msg = fmt.Sprintf("%q is an output of every cell of the matrix", inner.Out.Path)
		e.Hint = "put ${matrix.AXIS} of each axis into the path"
		if inner.Stage.at == nil {
			e.Hint = ""
		}
	case same:
		e.Msg = fmt.Sprintf("%q is an output of stage %q too (line %d)", second.Out.Path, first.Stage.Base, line)
		e.Hint = "only one stage can make a file: leave it out of one of them, or give it another name"
	case outer.Stage == inner.Stage:
		e.Msg = fmt.Sprintf("output %q is inside of output %q (line %d)", inner.Out.Path, outer.Out.Path, line)
		e.Hint = "list the directory, or the files in it"
	default:
		e.Msg = fmt.Sprintf("output %q %s output %q of stage %q (line %d)", second.Out.Path, relation(second, outer), first.Out.Path, first.Stage.Base, line)
		e.Hint = "only one stage can make what is in a directory: let each have its own"
	}
	rep.add(e)
}

func relation(m, outer Made) string {
	if m == outer {
		return "contains"
	}
	return "is inside of"
}

// tellOwn reports a stage that reads what it makes.
func tellOwn(s *Stage, dep, out string, rep *report) {
	e := &ConfigError{Pos: s.pathPos(out), Where: fmt.Sprintf("stage %q", s.Base)}
	e.Msg = fmt.Sprintf("output %q is inside of the dependency %q", out, dep)
	if below(dep, out) {
		e.Msg = fmt.Sprintf("output %q contains the dependency %q", out, dep)
	}
	e.Hint = "a stage cannot read what it makes: write the result to another path"
	rep.add(e)
}

// checkCode tells of code that a stage makes.
func (g *Graph) checkCode(stages []*Stage, rep *report) {
	for _, s := range stages {
		for _, path := range s.Code {
			if made := g.owners.touching(path); len(made) > 0 {
				m := made[0]
				e := &ConfigError{Pos: s.pathPos(path), Where: fmt.Sprintf("stage %q", s.Base)}
				e.Msg = fmt.Sprintf("code %q holds %q, an output of stage %q", path, m.Out.Path, m.Stage.Base)
				e.Hint = "name the source files, or make the output elsewhere"
				if below(path, m.Out.Path) {
					e.Msg = fmt.Sprintf("code %q is made by stage %q", path, m.Stage.Base)
					e.Hint = "code is what people write and git keeps: list this under deps"
				}
				rep.add(e)
			}
		}
	}
}
