package registry

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/internal/suggest"
)

// Rule is something that must hold before a version may be promoted, such as
// "metrics.val_loss < 0.1", "verified" or "stage = staging".
type Rule struct {
	Text string // as it was written

	word   string  // "verified", "clean", "signed", "stage" or "metrics"
	metric string  // of "metrics"
	op     string  // of "metrics"
	limit  float64 // of "metrics"
	stage  string  // of "stage"
}

// ParseError says what is wrong with a rule.
type ParseError struct {
	At   int // byte offset
	Msg  string
	Hint string
}

// Error says what is wrong.
func (e *ParseError) Error() string { return e.Msg }

var (
	facts     = []string{"verified", "clean", "signed"}
	operators = []string{"<=", ">=", "==", "!=", "<", ">", "="}
)

const ruleHint = `such as "metrics.val_loss < 0.1", "verified", "clean", "signed" or "stage = staging"`

// maxRule is how long a rule may be.
const maxRule = 500

// ParseRule reads a rule. The error is a [*ParseError].
func ParseRule(text string) (Rule, error) {
	p := &ruleParser{text: text}
	r, err := p.rule()
	if err == nil && p.skip() < len(text) {
		err = p.fail(ruleHint, "unexpected %q", rest(text[p.at:]))
	}
	if err == nil && len(text) > maxRule {
		err = &ParseError{maxRule, fmt.Sprintf("it is longer than %d bytes", maxRule), ""}
	}
	r.Text = text
	return r, err
}

func rest(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

// ruleParser reads one rule from left to right.
type ruleParser struct {
	text string
	at   int
}

func (p *ruleParser) fail(hint, format string, args ...any) error {
	return &ParseError{p.at, fmt.Sprintf(format, args...), hint}
}

// skip passes over spaces, and returns where the text goes on.
func (p *ruleParser) skip() int {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
	return p.at
}

// word reads up to a space, an operator or the end; a text in quotes as a whole.
func (p *ruleParser) word() (string, error) {
	start := p.skip()
	var b strings.Builder
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			end := strings.IndexByte(p.text[p.at+1:], '"')
			if end < 0 {
				return "", p.fail("", "the quote is not closed")
			}
			b.WriteString(p.text[p.at+1 : p.at+1+end])
			p.at += end + 2
		case strings.IndexByte(" \t<>=!", c) >= 0:
			return b.String(), nil
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	if p.at == start {
		return "", p.fail(ruleHint, "it ends too early")
	}
	return b.String(), nil
}

func (p *ruleParser) operator() (string, error) {
	p.skip()
	for _, op := range operators {
		if strings.HasPrefix(p.text[p.at:], op) {
			p.at += len(op)
			return op, nil
		}
	}
	return "", p.fail("one of <, <=, >, >=, ==, !=", "there is no comparison")
}

func (p *ruleParser) rule() (Rule, error) {
	start := p.skip()
	word, err := p.word()
	if err != nil {
		return Rule{}, err
	}
	metric, isMetric := strings.CutPrefix(word, "metrics.")
	switch {
	case isMetric && metric != "":
		return p.comparison(metric)
	case word == "stage":
		return p.stage()
	case slices.Contains(facts, word):
		return Rule{word: word}, nil
	}
	p.at = start
	hint := suggest.DidYouMean(word, append([]string{"stage", "metrics." + word}, facts...))
	if p.compares(word) {
		hint = fmt.Sprintf("did you mean metrics.%s?", word)
	}
	if hint == "" {
		hint = ruleHint
	}
	return Rule{}, p.fail(hint, "unknown word %q", rest(word))
}

// compares reports whether an operator follows a word.
func (p *ruleParser) compares(word string) bool {
	behind := strings.TrimLeft(strings.TrimPrefix(p.text[p.at:], word), " \t")
	return behind != "" && strings.IndexByte("<>=!", behind[0]) >= 0
}

func (p *ruleParser) comparison(metric string) (Rule, error) {
	op, err := p.operator()
	if err != nil {
		return Rule{}, err
	}
	start := p.skip()
	word, err := p.word()
	if err != nil {
		return Rule{}, err
	}
	limit, err := strconv.ParseFloat(word, 64)
	if err != nil || math.IsNaN(limit) {
		p.at = start
		return Rule{}, p.fail("", "%q is not a number", rest(word))
	}
	if op == "=" {
		op = "=="
	}
	return Rule{word: "metrics", metric: metric, op: op, limit: limit}, nil
}

func (p *ruleParser) stage() (Rule, error) {
	op, err := p.operator()
	if err == nil && op != "=" && op != "==" {
		err = p.fail("stage = staging", "a stage can only be compared with =")
	}
	if err != nil {
		return Rule{}, err
	}
	start := p.skip()
	word, err := p.word()
	if err == nil && CheckStage(word) != nil {
		p.at = start
		err = p.fail(nameWant, "%q cannot be the name of a stage", rest(word))
	}
	return Rule{word: "stage", stage: word}, err
}

// Fact tells whether something is so, and if not, why and what to do.
type Fact func() (ok bool, why, hint string, err error)

// Facts are what rules are about. They are asked only for what a rule names.
type Facts struct {
	Metrics map[string]float64
	In      func(stage string) bool
	Words   map[string]Fact // "verified", "clean", "signed"
}

// Outcome is whether a rule holds.
type Outcome struct {
	Rule Rule
	OK   bool
	Why  string // it does not
	Hint string
}

// Check decides about a rule.
func (r Rule) Check(f *Facts) (Outcome, error) {
	o := Outcome{Rule: r}
	var err error
	switch r.word {
	case "metrics":
		o.OK, o.Why, o.Hint = r.compare(f.Metrics)
	case "stage":
		if o.OK = f.In(r.stage); !o.OK {
			o.Why, o.Hint = "it is not in "+r.stage, "promote it to "+r.stage+" first"
		}
	default:
		o.OK, o.Why, o.Hint, err = f.Words[r.word]()
	}
	return o, err
}

func (r Rule) compare(metrics map[string]float64) (ok bool, why, hint string) {
	v, found := metrics[r.metric]
	if !found {
		known := slices.Sorted(maps.Keys(metrics))
		hint = suggest.DidYouMean(r.metric, known)
		if i := slices.IndexFunc(known, func(k string) bool { return strings.HasSuffix(k, ":"+r.metric) }); i >= 0 {
			hint = "several files have it: write metrics." + known[i]
		}
		return false, fmt.Sprintf("there is no metric %s", r.metric), hint
	}
	switch r.op {
	case "<":
		ok = v < r.limit
	case "<=":
		ok = v <= r.limit
	case ">":
		ok = v > r.limit
	case ">=":
		ok = v >= r.limit
	case "==":
		ok = v == r.limit
	case "!=":
		ok = v != r.limit && !math.IsNaN(v)
	}
	return ok, fmt.Sprintf("%s is %s", r.metric, strconv.FormatFloat(v, 'g', 6, 64)), ""
}

// CheckAll decides about rules, and returns the texts of those that hold. If one
// does not, the error is a [*RulesError].
func CheckAll(rules []Rule, f *Facts, m *Model, v *Version, stage string) ([]string, error) {
	failed := &RulesError{Model: m.Name, Version: v.Short(), Stage: stage}
	var held []string
	for _, r := range rules {
		o, err := r.Check(f)
		switch {
		case err != nil:
			return nil, err
		case o.OK:
			held = append(held, r.Text)
		default:
			failed.Failed = append(failed.Failed, o)
		}
	}
	if len(failed.Failed) > 0 {
		return nil, failed
	}
	return held, nil
}
