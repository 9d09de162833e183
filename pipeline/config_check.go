package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/suggest"
	"github.com/xtrepro/xt/internal/tomldoc"
)

// checker compares a parsed xt.toml with [fileShape]. A node that is not what
// it must be is told once and put into bad, for all that read it later.
type checker struct {
	doc *tomldoc.Doc
	rep *report
	bad map[*tomldoc.Node]bool
}

// place is where in the file a node is, in words.
type place struct {
	where  string // `stage "train"`
	path   string // "resources.cpus"
	parent *shape // of the table around it
}

func (p place) sub(name string, s *shape) place {
	switch {
	case p.where == "":
		return place{where: "[" + name + "]"}
	case p.path == "":
		return place{p.where, name, s}
	}
	return place{p.where, p.path + "." + name, s}
}

func (c *checker) pos(offset int) Position {
	line, col := c.doc.Pos(offset)
	return Position{File: ConfigFile, Line: line, Col: col}
}

func (c *checker) tell(offset int, p place, hint, format string, args ...any) {
	if c.rep.full() {
		return // to find a position takes time too
	}
	c.rep.add(&ConfigError{Pos: c.pos(offset), Where: p.where, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// check tells what is wrong with a value and all that is below it.
func (c *checker) check(n *tomldoc.Node, s *shape, p place) {
	if c.rep.full() {
		return
	}
	if !s.kinds.has(n.Kind) {
		c.wrongKind(n, s, p)
		return
	}
	if s.rest == stageShape && c.nameless(n) {
		return
	}
	switch n.Kind {
	case tomldoc.Table:
		c.table(n, s, p)
	case tomldoc.List:
		if s.item != nil {
			for _, item := range n.Items {
				c.check(item, s.item, p)
			}
		}
	case tomldoc.String:
		c.text(n, s, p)
	case tomldoc.Integer:
		v := n.Value.(int64)
		if (s.min != 0 || s.max != 0) && (v < s.min || v > s.max) {
			c.reject(n, p, suchAs(p, s), "%s is %d, but must be %s", subject(p), v, s.want)
		}
	case tomldoc.Boolean:
		if s.only != nil && n.Value != *s.only {
			c.reject(n, p, suchAs(p, s), "%s is %v, but must be %s", subject(p), n.Value, s.want)
		}
	}
}

// nameless tells of a [stage] whose name was forgotten.
func (c *checker) nameless(n *tomldoc.Node) bool {
	for _, child := range n.Keys {
		if child.Kind != tomldoc.Table && stageShape.key(child.Key) != nil {
			c.bad[n] = true
			c.tell(n.KeyAt, place{}, "write [stage.NAME]", "the stage has no name")
			return true
		}
	}
	return false
}

func (c *checker) reject(n *tomldoc.Node, p place, hint, format string, args ...any) {
	c.bad[n] = true
	c.tell(n.At, p, hint, format, args...)
}

// subject is what a sentence about a value begins with.
func subject(p place) string {
	if p.path == "" {
		return "it"
	}
	return fmt.Sprintf("%q", p.path)
}

func suchAs(p place, s *shape) string {
	if s.example == "" || p.path == "" {
		return ""
	}
	return fmt.Sprintf("such as %s = %s", p.path[strings.LastIndexByte(p.path, '.')+1:], s.example)
}

func (c *checker) text(n *tomldoc.Node, s *shape, p place) {
	v := n.Value.(string)
	if s.words != nil && !slices.Contains(s.words, v) {
		hint := suggest.DidYouMean(v, s.words)
		if hint == "" && len(s.words) > 1 {
			hint = "one of " + strings.Join(s.words, ", ")
		}
		c.reject(n, p, hint, "%s is %s, but must be %s", subject(p), c.quoted(n), s.want)
		return
	}
	if s.pattern != nil && !(s.refs && strings.Contains(v, "${")) && !s.pattern.MatchString(v) {
		c.reject(n, p, suchAs(p, s), "%s is %s, but must be %s", subject(p), c.quoted(n), s.want)
	}
}

// quoted is a value as it stands in the file, cut if it is long.
func (c *checker) quoted(n *tomldoc.Node) string {
	text := strings.Join(strings.Fields(c.doc.Text[n.At:n.End]), " ")
	if r := []rune(text); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return text
}

func (c *checker) wrongKind(n *tomldoc.Node, s *shape, p place) {
	c.bad[n] = true
	found := n.Kind.String()
	switch n.Kind {
	case tomldoc.Table, tomldoc.List:
	default:
		found += " (" + c.quoted(n) + ")"
	}
	c.tell(n.At, p, c.kindHint(n, s, p), "%s is %s, but must be %s", subject(p), found, s.want)
}

// kindHint knows the mistakes that look like a wrong type.
func (c *checker) kindHint(n *tomldoc.Node, s *shape, p place) string {
	switch {
	case p.parent != nil && p.parent.rest == s && stageShape.key(n.Key) != nil && strings.HasPrefix(p.where, "stage "):
		table := strings.TrimSuffix(p.path, "."+n.Key)
		return fmt.Sprintf("%q is a key of the stage: move it above the table %s", n.Key, table)
	case p.path == "params" && n.Kind == tomldoc.Table && strings.HasPrefix(p.where, "stage "):
		return "a stage lists the keys of its parameters; their values stand in [params]"
	case n.Kind == tomldoc.List && p.path == "" && n.End == n.At:
		return "write its header in single brackets"
	case s == stageShape:
		return "a stage is a table: write [stage.NAME] above its keys"
	}
	return suchAs(p, s)
}

func (c *checker) table(n *tomldoc.Node, s *shape, p place) {
	for _, child := range n.Keys {
		if c.rep.full() {
			return
		}
		c.child(child, s, p)
	}
	for _, k := range s.keys {
		if k.required && n.Get(k.name) == nil {
			c.missing(n, &k, s, p)
		}
	}
}

func (c *checker) child(child *tomldoc.Node, s *shape, p place) {
	if k := s.key(child.Key); k != nil {
		c.check(child, k.shape, p.sub(child.Key, s))
		return
	}
	if s.rest == nil {
		c.unknown(child, s, p)
		return
	}
	if s.name != nil && !s.name.pattern.MatchString(child.Key) {
		c.badName(child, s, p)
		return
	}
	below := p.sub(child.Key, s)
	if s.name != nil && p.path == "" && s.rest.kinds == aTable {
		below = place{where: fmt.Sprintf("%s %q", s.name.what, child.Key)}
	}
	if s.rest.kinds != aAny {
		c.check(child, s.rest, below)
	}
}

func (c *checker) badName(child *tomldoc.Node, s *shape, p place) {
	c.bad[child] = true
	p.where = strings.Trim(p.where, "[]")
	if p.where == s.name.what {
		p.where = ""
	}
	c.tell(child.KeyAt, p, fmt.Sprintf("a name is made of %s", s.name.want), "%q cannot be the name of %s", child.Key, article(s.name.what))
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

func (c *checker) unknown(child *tomldoc.Node, s *shape, p place) {
	c.bad[child] = true
	what := "key"
	if s == fileShape {
		what = "table"
		if child.Kind != tomldoc.Table && child.Kind != tomldoc.List {
			what = "key"
		}
	}
	in := ""
	if p.path != "" {
		in = " in " + p.path
	}
	c.tell(child.KeyAt, p, c.unknownHint(child, s, p), "unknown %s %q%s", what, child.Key, in)
}

func (c *checker) unknownHint(child *tomldoc.Node, s *shape, p place) string {
	if k := s.synonym(child.Key); k != "" {
		return fmt.Sprintf("did you mean %q?", k)
	}
	if best := suggest.Nearest(child.Key, s.names()); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	switch {
	case s == fileShape && (child.Get("cmd") != nil || child.Get("outs") != nil):
		return fmt.Sprintf("did you mean [stage.%s]?", child.Key)
	case s == fileShape && stageShape.key(child.Key) != nil:
		return fmt.Sprintf("%q is a key of a stage: write it below [stage.NAME]", child.Key)
	case s == stageShape && (child.Key == "cache" || child.Key == "keep" || child.Key == "push"):
		return fmt.Sprintf(`it belongs to an output: outs = [{ path = "…", %s = %s }]`, child.Key, c.quoted(child))
	}
	return knownAre(s.names())
}

func (c *checker) missing(n *tomldoc.Node, k *key, s *shape, p place) {
	if n.Get(s.synonymIn(n, k)) != nil {
		return // it was told as an unknown key
	}
	hint := "add " + suchLine(k)
	for _, child := range n.Keys {
		if stray := child.Get(k.name); stray != nil && s == stageShape && !child.Inline {
			line, _ := c.doc.Pos(stray.KeyAt)
			hint = fmt.Sprintf("in line %d it is part of %s: move it above that table", line, child.Key)
		}
	}
	what := ""
	if p.path != "" {
		what = " in " + p.path
	}
	c.tell(n.KeyAt, p, hint, "%q is missing%s", k.name, what)
}

// synonymIn returns the key of the table that was likely meant to be k.
func (s *shape) synonymIn(n *tomldoc.Node, k *key) string {
	for _, child := range n.Keys {
		if s.key(child.Key) == nil && (s.synonym(child.Key) == k.name || suggest.Nearest(child.Key, []string{k.name}) != "") {
			return child.Key
		}
	}
	return ""
}

func suchLine(k *key) string {
	if k.shape.example == "" {
		return k.name
	}
	return k.name + " = " + k.shape.example
}
