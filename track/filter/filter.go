// Package filter reads what MLflow's clients search and order by: comparisons
// joined by AND, such as
//
//	metrics.loss < 0.1 AND params."optimizer" LIKE 'ad%' AND tags.`my key` IS NOT NULL
//
// and keys such as "metrics.loss DESC". A [Grammar] says which words are known
// for what is searched. What is returned has been checked against it; messages
// of errors are those of MLflow's server, with the clause in question.
package filter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xtrepro/xt/track"
)

// Kind is what a key belongs to.
type Kind uint8

// The kinds.
const (
	Attribute Kind = iota
	Metric
	Param
	Tag
	Dataset     // of a run
	Origin      // of a run: what xt knows of its execution
	Metadata    // of a trace
	Span        // of a trace
	Feedback    // an assessment of a trace
	Expectation // an assessment of a trace
	Issue       // an assessment of a trace
)

var kindNames = [...]string{"attribute", "metric", "parameter", "tag", "dataset", "origin", "request_metadata", "span", "feedback", "expectation", "issue"}

// String returns the word for the kind that messages have.
func (k Kind) String() string { return kindNames[k] }

// Op is a comparison.
type Op string

// The comparisons.
const (
	Equal        Op = "="
	NotEqual     Op = "!="
	Less         Op = "<"
	LessEqual    Op = "<="
	Greater      Op = ">"
	GreaterEqual Op = ">="
	Like         Op = "LIKE"
	ILike        Op = "ILIKE" // in any case
	RLike        Op = "RLIKE" // a regular expression
	In           Op = "IN"
	NotIn        Op = "NOT IN"
	IsNull       Op = "IS NULL"
	IsNotNull    Op = "IS NOT NULL"
)

// Clause is one comparison.
type Clause struct {
	Kind    Kind
	Key     string
	Op      Op
	Numeric bool     // whether the value is Number
	Number  float64  // of a metric or a numeric attribute
	Text    string   // else, unless the comparison takes a list or nothing
	List    []string // of In and NotIn, not empty
}

// AboutPrompts reports whether the clause is about the tag that prompts have.
func (c *Clause) AboutPrompts() bool { return c.Kind == Tag && c.Key == track.PromptTag }

// LinksPrompt reports whether the clause is about a prompt that a trace used.
func (c *Clause) LinksPrompt() bool {
	return c.Kind == Tag && c.Key == track.LinkedPromptsTag && c.Op != IsNull && c.Op != IsNotNull
}

// WantsPrompts reports whether a search is one for prompts, which are left out
// otherwise.
func WantsPrompts(clauses []Clause) bool {
	return slices.ContainsFunc(clauses, func(c Clause) bool {
		return c.AboutPrompts() && (c.Op == Equal && strings.EqualFold(c.Text, "true") || c.Op == NotEqual && strings.EqualFold(c.Text, "false"))
	})
}

// Order is one key that results are ordered by.
type Order struct {
	Kind Kind
	Key  string
	Desc bool
}

// Parse reads a filter. "" has no clauses.
func (g *Grammar) Parse(text string) ([]Clause, error) {
	p := parser{grammar: g, text: text, tokens: scan(text)}
	if i := slices.IndexFunc(p.tokens, func(t token) bool { return t.is(punctuation, ";") }); i >= 0 {
		if i < len(p.tokens)-1 {
			return nil, invalid("Search filter contained multiple expression '%s'. Provide AND-ed expression list.", text)
		}
		p.tokens = p.tokens[:i]
	}
	var clauses []Clause
	for !p.atEnd() {
		if len(clauses) > 0 {
			if !p.peek().isWord("AND") {
				return nil, p.invalidClause(p.at, p.unit())
			}
			p.at++
		}
		c, err := p.clause()
		if err != nil {
			return nil, err
		}
		clauses = append(clauses, c)
	}
	return clauses, nil
}

// ParseOrder reads keys to order by.
func (g *Grammar) ParseOrder(texts []string) ([]Order, error) {
	var orders []Order
	for _, text := range texts {
		o, err := g.parseOrder(text)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(orders, func(p Order) bool { return p.Kind == o.Kind && p.Key == o.Key }) {
			return nil, invalid("`order_by` contains duplicate fields: %s", list(texts))
		}
		orders = append(orders, o)
	}
	return orders, nil
}

func (g *Grammar) parseOrder(text string) (Order, error) {
	tokens := scan(text)
	if len(tokens) == 0 || len(tokens) > 2 || tokens[0].kind != name || len(tokens) == 2 && tokens[1].kind != name {
		return Order{}, invalid("Invalid order_by clause '%s'. Could not be parsed.", text)
	}
	desc := false
	if len(tokens) == 2 {
		desc = tokens[1].isWord("DESC")
		if !desc && !tokens[1].isWord("ASC") {
			return Order{}, invalid("Invalid ordering key in order_by clause '%s'.", text)
		}
	}
	kind, key, err := g.identify(tokens[0], g.orders)
	if err == nil && !slices.Contains(g.orderKinds, kind) {
		err = invalid("Invalid order_by entity: %s", kind)
	}
	return Order{Kind: kind, Key: key, Desc: desc}, err
}

// identify resolves an identifier.
func (g *Grammar) identify(t token, attributes map[string]string) (Kind, string, error) {
	kind, key := Attribute, t.parts[0]
	if len(t.parts) > 1 {
		var ok bool
		if kind, ok = g.kinds[t.parts[0]]; !ok {
			return 0, "", invalid(g.badEntity, t.parts[0])
		}
		key = strings.Join(t.parts[1:], ".")
	}
	switch kind {
	case Attribute:
		to, ok := attributes[key]
		if !ok {
			return 0, "", invalid(g.badAttribute, key, set(attributes))
		}
		key = to
	case Span:
		if _, named := strings.CutPrefix(key, "attributes."); g.moves != nil && !named && !slices.Contains(fixedKeys[kind], key) {
			return 0, "", invalid("Invalid span attribute '%s'. Supported attributes: name, status, type, attributes.<attribute_name>.", key)
		}
	case Dataset, Origin, Issue:
		if !slices.Contains(fixedKeys[kind], key) {
			return 0, "", invalid("Invalid %s key '%s' specified. Valid keys are '{%s}'", kind, key, quoted(fixedKeys[kind]))
		}
	}
	if move, ok := g.moves[key]; ok && kind == Attribute {
		kind, key = move.Kind, move.Key
	}
	return kind, key, nil
}

var fixedKeys = map[Kind][]string{
	Dataset: {"context", "digest", "name"},
	Origin:  {"command", "commit", "fingerprint", "kind", "stage"},
	Issue:   {"id"},
	Span:    {"content", "name", "status", "type"},
}

func invalid(format string, args ...any) error {
	// A format may have fewer verbs than there are things to say.
	if n := strings.Count(format, "%"); n < len(args) {
		args = args[:n]
	}
	return track.Errorf(track.InvalidParameter, format, args...)
}

func set(m map[string]string) string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return "{" + quoted(keys) + "}"
}

func list(texts []string) string { return "[" + quoted(texts) + "]" }

func quoted(texts []string) string {
	q := make([]string, len(texts))
	for i, t := range texts {
		q[i] = fmt.Sprintf("'%s'", t)
	}
	return strings.Join(q, ", ")
}
