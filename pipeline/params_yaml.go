package pipeline

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// yamlReader builds values of YAML 1.2. Scalars are resolved here, by the core
// schema and nothing more: "yes" is a text, 010 is ten, a date is a text.
type yamlReader struct {
	text    []byte
	anchors map[string]ast.Node
	open    map[string]bool // aliases that are being expanded
	nodes   int
}

func decodeYAML(b []byte) (m map[string]any, err error) {
	if at := deepYAML(b); at >= 0 {
		return nil, errorAt(b, at, "nested too deep", "")
	}
	// The parser is not ours, and the file may be hostile.
	defer func() {
		if p := recover(); p != nil {
			m, err = nil, &paramsError{msg: fmt.Sprintf("this is no YAML: %v", p)}
		}
	}()
	tokens := lexer.Tokenize(string(b))
	if t := keyBeyond(tokens, maxYAMLKeys); t != nil {
		return nil, &paramsError{t.Position.Line, t.Position.Column, fmt.Sprintf("there are more than %d keys", maxYAMLKeys), "JSON and TOML can have more"}
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, yamlSyntax(err)
	}
	r := &yamlReader{text: b, anchors: map[string]ast.Node{}, open: map[string]bool{}}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.DirectiveType || doc.Body.Type() == ast.CommentType {
			continue
		}
		if body != nil {
			return nil, r.fail(doc.Body, "there is more than one document", "")
		}
		body = doc.Body
	}
	if body == nil {
		return map[string]any{}, nil
	}
	v, err := r.value(body, 0)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case map[string]any:
		return v, nil
	case nil:
		return map[string]any{}, nil
	}
	return nil, r.fail(body, "a params file must be a mapping", "such as lr: 0.1")
}

// maxYAMLKeys bounds the keys of a YAML file: the parser copies a mapping for
// each of its keys.
const maxYAMLKeys = 10_000

// keyBeyond returns the first key that is more than limit, or nil.
func keyBeyond(tokens token.Tokens, limit int) *token.Token {
	for _, t := range tokens {
		if t.Type == token.MappingValueType {
			if limit--; limit < 0 {
				return t
			}
		}
	}
	return nil
}

func yamlSyntax(err error) error {
	var ye yaml.Error
	if !errors.As(err, &ye) {
		return &paramsError{msg: "this is no YAML: " + err.Error()}
	}
	e := &paramsError{msg: "this is no YAML: " + ye.GetMessage()}
	if strings.Contains(e.msg, "'\t'") {
		e.msg, e.hint = "YAML is not indented by tabs", "indent with spaces"
	}
	if t := ye.GetToken(); t != nil && t.Position != nil {
		e.line, e.col = t.Position.Line, t.Position.Column
	}
	return e
}

// deepYAML returns the offset where nesting goes too deep for the parser, which
// recurses, or -1. It looks at indentation and brackets only, and is generous.
func deepYAML(b []byte) int {
	const most = 500
	brackets, prefix, lead := 0, 0, true
	for i, c := range b {
		switch c {
		case '\n':
			prefix, lead = 0, true
			continue
		case '[', '{':
			brackets++
		case ']', '}':
			brackets = max(0, brackets-1)
		}
		switch {
		case !strings.ContainsRune(" -?:&!*|>\t", rune(c)):
			lead = false
		case lead || c != ' ':
			prefix++
		}
		if brackets > most || prefix > most {
			return i
		}
	}
	return -1
}

func (r *yamlReader) fail(n ast.Node, msg, hint string) error {
	e := &paramsError{msg: msg, hint: hint}
	if t := n.GetToken(); t != nil && t.Position != nil {
		e.line, e.col = t.Position.Line, t.Position.Column
	}
	return e
}

func (r *yamlReader) value(n ast.Node, depth int) (any, error) {
	if r.nodes++; r.nodes > maxParamsNodes {
		return nil, r.fail(n, "there are too many values", "aliases count each time that they are used")
	}
	if depth > maxParamsDepth {
		return nil, r.fail(n, "nested too deep", "")
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return r.mapping(n, n.Values, depth)
	case *ast.MappingValueNode:
		return r.mapping(n, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		return r.sequence(n, depth)
	case *ast.AnchorNode:
		r.anchors[n.Name.String()] = n.Value
		return r.value(n.Value, depth+1)
	case *ast.AliasNode:
		return r.alias(n, depth)
	case *ast.TagNode:
		return r.tag(n, depth)
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.StringNode:
		if n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType {
			return n.Value, nil
		}
		return r.plain(n, n.Value)
	case *ast.NullNode:
		return nil, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return r.plain(n, n.GetToken().Value)
	}
	return nil, r.fail(n, "this is not a value", "")
}

func (r *yamlReader) sequence(n *ast.SequenceNode, depth int) (any, error) {
	l := make([]any, 0, len(n.Values))
	for _, item := range n.Values {
		v, err := r.value(item, depth+1)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	return l, nil
}

func (r *yamlReader) mapping(n ast.Node, values []*ast.MappingValueNode, depth int) (any, error) {
	m := make(map[string]any, len(values))
	merged := map[string]any{}
	for _, pair := range values {
		if pair.Key.Type() == ast.MergeKeyType {
			if err := r.merge(pair.Value, merged, depth); err != nil {
				return nil, err
			}
			continue
		}
		key, err := r.key(pair.Key)
		if err != nil {
			return nil, err
		}
		if _, twice := m[key]; twice {
			return nil, r.fail(pair.Key, fmt.Sprintf("%q is given twice", key), "")
		}
		if m[key], err = r.value(pair.Value, depth+1); err != nil {
			return nil, err
		}
	}
	for k, v := range merged {
		if _, own := m[k]; !own {
			m[k] = v
		}
	}
	return m, nil
}

// merge adds the mappings of a merge key, the first of which wins.
func (r *yamlReader) merge(n ast.Node, into map[string]any, depth int) error {
	v, err := r.value(n, depth+1)
	if err != nil {
		return err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, one := range list {
		m, ok := one.(map[string]any)
		if !ok {
			return r.fail(n, "<< takes a mapping, or a list of mappings", "")
		}
		for k, v := range m {
			if _, have := into[k]; !have {
				into[k] = v
			}
		}
	}
	return nil
}

// key returns the name of a key. Only scalars can be keys, and are their text.
func (r *yamlReader) key(n ast.MapKeyNode) (string, error) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.NullNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, nil
	}
	return "", r.fail(n, "a key must be a plain text", "")
}

func (r *yamlReader) alias(n *ast.AliasNode, depth int) (any, error) {
	name := n.Value.String()
	target, ok := r.anchors[name]
	switch {
	case !ok:
		return nil, r.fail(n, fmt.Sprintf("there is no anchor &%s above", name), "")
	case r.open[name]:
		return nil, r.fail(n, fmt.Sprintf("anchor &%s contains itself", name), "")
	}
	r.open[name] = true
	defer delete(r.open, name)
	return r.value(target, depth+1)
}

func (r *yamlReader) tag(n *ast.TagNode, depth int) (any, error) {
	switch n.Start.Value {
	case "!!str":
		if s, ok := n.Value.(ast.ScalarNode); ok {
			if str, ok := s.(*ast.StringNode); ok {
				return str.Value, nil
			}
			return s.GetToken().Value, nil
		}
	case "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		if n.Value != nil {
			return r.value(n.Value, depth+1)
		}
	}
	return nil, r.fail(n, fmt.Sprintf("xt does not know the tag %s", n.Start.Value), "write the value without a tag")
}

var (
	yamlOctal = regexp.MustCompile(`^0o[0-7]+$`)
	yamlHex   = regexp.MustCompile(`^0x[0-9a-fA-F]+$`)
	yamlInt   = regexp.MustCompile(`^[-+]?[0-9]+$`)
	yamlFloat = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
)

// plain resolves an unquoted scalar by the core schema of YAML 1.2.
func (r *yamlReader) plain(n ast.Node, s string) (any, error) {
	if v, ok := yamlWords[s]; ok {
		return v, nil
	}
	var v any
	var err error
	switch {
	case s == "":
		return nil, nil
	case yamlOctal.MatchString(s):
		v, err = strconv.ParseInt(s[2:], 8, 64)
	case yamlHex.MatchString(s):
		v, err = strconv.ParseInt(s[2:], 16, 64)
	case yamlInt.MatchString(s):
		v, err = strconv.ParseInt(s, 10, 64)
	case yamlFloat.MatchString(s):
		v, err = strconv.ParseFloat(s, 64)
	default:
		return s, nil
	}
	if err != nil {
		return nil, r.fail(n, fmt.Sprintf("%s is too large for a number", s), "put it in quotes")
	}
	return v, nil
}

var yamlWords = map[string]any{
	"~": nil, "null": nil, "Null": nil, "NULL": nil,
	"true": true, "True": true, "TRUE": true, "false": false, "False": false, "FALSE": false,
	".inf": math.Inf(1), ".Inf": math.Inf(1), ".INF": math.Inf(1), "+.inf": math.Inf(1), "+.Inf": math.Inf(1), "+.INF": math.Inf(1),
	"-.inf": math.Inf(-1), "-.Inf": math.Inf(-1), "-.INF": math.Inf(-1),
	".nan": math.NaN(), ".NaN": math.NaN(), ".NAN": math.NaN(),
}
