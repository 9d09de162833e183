package filter

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// parser reads one filter.
type parser struct {
	grammar *Grammar
	text    string
	tokens  []token
	at      int
}

func (p *parser) atEnd() bool { return p.at == len(p.tokens) }

func (p *parser) peek() token {
	if p.atEnd() {
		return token{kind: garbage}
	}
	return p.tokens[p.at]
}

// invalidClause is the error about the tokens from one to before another.
func (p *parser) invalidClause(from, to int) error {
	to = min(max(to, from+1), len(p.tokens))
	return invalid("Invalid clause(s) in filter string: '%s'", p.text[p.tokens[from].start:p.tokens[to-1].end])
}

// unit returns the end of the token at hand, or of what is in parentheses.
func (p *parser) unit() int {
	depth := 0
	for i := p.at; i < len(p.tokens); i++ {
		switch {
		case p.tokens[i].is(punctuation, "("):
			depth++
		case p.tokens[i].is(punctuation, ")"):
			depth--
		}
		if depth <= 0 {
			return i + 1
		}
	}
	return len(p.tokens)
}

func (p *parser) clause() (Clause, error) {
	start, left := p.at, p.peek()
	switch {
	case p.atEnd():
		return Clause{}, p.invalidClause(p.at-1, p.at)
	case left.kind > number || left.isWord("AND") || left.isWord("OR") || left.isWord("NOT"):
		return Clause{}, p.invalidClause(start, p.unit())
	}
	p.at++
	op, ok := p.op()
	if !ok {
		return Clause{}, p.invalidClause(start, start+1)
	}
	if left.kind != name {
		return Clause{}, invalid("Invalid comparison clause. Expected 'Identifier' found '%s'", left.raw)
	}
	kind, key, err := p.grammar.identify(left, p.grammar.attributes)
	if err != nil {
		return Clause{}, err
	}
	c := Clause{Kind: kind, Key: key, Op: op}
	if op == IsNull || op == IsNotNull {
		return c, p.grammar.checkOp(&c)
	}
	if p.atEnd() || p.peek().kind == operator || p.peek().kind == garbage {
		return c, p.invalidClause(start, p.at+1)
	}
	value, values, err := p.value(start)
	if err == nil {
		err = p.grammar.setValue(&c, value, values)
	}
	if err == nil {
		err = p.grammar.checkOp(&c)
	}
	return c, err
}

var symbols = []Op{Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual}

// op reads a comparison. One that nobody knows is left to checkOp.
func (p *parser) op() (Op, bool) {
	t := p.peek()
	words := func(ops ...string) bool {
		for i, w := range ops {
			if p.at+i >= len(p.tokens) || !p.tokens[p.at+i].isWord(w) {
				return false
			}
		}
		p.at += len(ops)
		return true
	}
	switch {
	case t.kind == operator:
		p.at++
		return Op(t.raw), true
	case words("IS", "NOT", "NULL"):
		return IsNotNull, true
	case words("IS", "NULL"):
		return IsNull, true
	case words("NOT", "IN"):
		return NotIn, true
	}
	for _, op := range []Op{In, Like, ILike, RLike} {
		if words(string(op)) {
			return op, true
		}
	}
	return "", false
}

// value reads a value, or a list of texts.
func (p *parser) value(start int) (token, []string, error) {
	t := p.peek()
	if !t.is(punctuation, "(") {
		p.at++
		if t.kind == punctuation {
			return t, nil, p.invalidClause(start, p.at)
		}
		return t, nil, nil
	}
	end := p.unit()
	items := p.tokens[p.at+1 : end]
	if len(items) == 0 || !items[len(items)-1].is(punctuation, ")") {
		return t, nil, p.invalidClause(start, end)
	}
	p.at = end
	values, err := readList(items[:len(items)-1])
	return t, values, err
}

func readList(items []token) ([]string, error) {
	if len(items) == 0 {
		return nil, invalid("While parsing a list in the query, expected a non-empty list of string values, but got empty list")
	}
	var values []string
	for i, t := range items {
		switch {
		case i%2 == 0 && (t.kind == text || t.kind == name && t.quoted):
			values = append(values, t.parts[0])
		case i%2 == 0 && t.kind == number:
			return nil, invalid("While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list: %s", t.raw)
		case i%2 == 0 || !t.is(punctuation, ","):
			return nil, invalid("While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.")
		}
	}
	return values, nil
}

// setValue checks a value against what the key takes, and sets it in c.
func (g *Grammar) setValue(c *Clause, t token, values []string) error {
	numeric := c.Kind == Metric || c.Kind == Attribute && slices.Contains(g.numeric, c.Key)
	switch {
	case values != nil:
		if numeric || c.Op != In && c.Op != NotIn || !g.takesList(c) {
			return g.noList(c, t)
		}
		c.List = values
		return nil
	case c.Op == In || c.Op == NotIn:
		return invalid("While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.")
	case numeric:
		return g.setNumber(c, t)
	case t.kind == number && (c.Kind == Feedback || c.Kind == Expectation):
		return g.setNumber(c, t)
	}
	return g.setText(c, t)
}

func (g *Grammar) setNumber(c *Clause, t token) error {
	raw := t.raw
	if g.quotedNumbers && t.kind == text {
		raw = t.parts[0]
	} else if t.kind != number {
		if c.Kind == Metric {
			return invalid("Expected numeric value type for metric. Found %s", t.raw)
		}
		return invalid("Expected numeric value type for numeric attribute: %s. Found %s", c.Key, t.raw)
	}
	n, err := strconv.ParseFloat(raw, 64)
	if err != nil && !math.IsInf(n, 0) || g.wholeNumbers && c.Kind == Attribute && n != math.Trunc(n) {
		return invalid("Invalid value for numeric attribute '%s': '%s'", c.Key, raw)
	}
	c.Numeric, c.Number = true, n
	return nil
}

func (g *Grammar) setText(c *Clause, t token) error {
	if t.kind == text || t.kind == name && t.quoted {
		c.Text = t.parts[0]
		return nil
	}
	isConstant := slices.ContainsFunc([]string{"true", "false", "null"}, t.isWord)
	switch {
	case t.kind == name && !isConstant:
		return invalid("Parameter value is either not quoted or unidentified quote types used for string value %s. Use either single or double quotes.", t.raw)
	case c.Kind == Attribute && t.kind == number && g.quotedNumbers:
		return invalid("Only the '{%s}' attributes support comparison with numeric values.", quoted(g.numeric))
	case c.Kind == Attribute:
		return invalid(g.badText, t.raw)
	case c.Kind == Dataset:
		return invalid("Expected a quoted string value for dataset attributes. Got value %s", t.raw)
	}
	return invalid("Expected a quoted string value for %s (e.g. 'my-value'). Got value %s", c.Kind, t.raw)
}

// takesList reports whether the key can be compared with a list.
func (g *Grammar) takesList(c *Clause) bool {
	switch c.Kind {
	case Attribute:
		return g.lists == nil || slices.Contains(g.lists, c.Key)
	case Dataset, Span, Origin:
		return true
	case Param:
		return g.anyList
	case Tag, Metadata:
		return g.anyList || len(g.moves) > 0
	}
	return false
}

func (g *Grammar) noList(c *Clause, t token) error {
	if c.Kind == Attribute && !slices.Contains(g.numeric, c.Key) {
		return invalid("Only [%s] attributes support comparison with a list of quoted string values.", quoted(g.lists))
	}
	if c.Kind == Metric {
		return invalid("Expected numeric value type for metric. Found %s", t.raw)
	}
	return invalid("Expected a quoted string value for %s (e.g. 'my-value'). Got value %s", c.Kind, t.raw)
}

// checkOp reports whether the key can be compared in this way.
func (g *Grammar) checkOp(c *Clause) error {
	ops := g.ops[c.Kind]
	if c.Kind == Attribute && slices.Contains(g.numeric, c.Key) {
		ops = symbols
	}
	if c.Kind == Span && c.Key == "content" {
		ops = []Op{Like, ILike}
	}
	if c.Numeric && (c.Kind == Feedback || c.Kind == Expectation) && (c.Op == Equal || c.Op == NotEqual) {
		return invalid("Expected a quoted string value for %s (e.g. 'my-value'). Got value %v", c.Kind, c.Number)
	}
	if _, ok := g.moves["prompt"]; ok && c.LinksPrompt() {
		return checkLinkedPrompt(c)
	}
	if slices.Contains(ops, c.Op) && (c.Kind != Attribute || c.Op != In && c.Op != NotIn || g.takesList(c)) {
		return nil
	}
	if c.Op == IsNull || c.Op == IsNotNull {
		return invalid(g.badNull, c.Kind, c.Key)
	}
	names := make([]string, len(ops))
	for i, op := range ops {
		names[i] = string(op)
	}
	return invalid(strings.ReplaceAll(g.badOp, "KIND", c.Kind.String()), c.Op, "{"+quoted(names)+"}")
}

// checkLinkedPrompt reports whether a comparison names a version of a prompt.
func checkLinkedPrompt(c *Clause) error {
	switch {
	case c.Op != Equal:
		return invalid("Invalid comparator '%s' for prompts filter. Only '=' is supported with format: prompt = \"name/version\"", c.Op)
	case strings.Count(c.Text, "/") != 1:
		return invalid("Invalid prompts filter value '%s'. Expected format: prompt = \"name/version\"", c.Text)
	}
	return nil
}
