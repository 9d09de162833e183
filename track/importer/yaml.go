package importer

import (
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// maxDepth is how deep what is read may be nested: YAML, and folders of artifacts.
const maxDepth = 100

// yamlJSON returns what a file of YAML says as JSON. Scalars are what PyYAML takes
// them for, with which MLflow writes.
func yamlJSON(b []byte) ([]byte, error) {
	root, err := parseYAML(b)
	if err != nil {
		return nil, err
	}
	v, err := valueOf(root, 0)
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func valueOf(n ast.Node, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deep")
	}
	if values, ok := mapping(n); ok {
		m := make(map[string]any, len(values))
		for _, v := range values {
			var err error
			if m[scalar(v.Key)], err = valueOf(v.Value, depth+1); err != nil {
				return nil, err
			}
		}
		return m, nil
	}
	if seq, ok := n.(*ast.SequenceNode); ok {
		list := make([]any, len(seq.Values))
		for i, v := range seq.Values {
			var err error
			if list[i], err = valueOf(v, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return scalarValue(n), nil
}

// The numbers of PyYAML: 1e5 is none.
var (
	yamlInt   = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	yamlFloat = regexp.MustCompile(`^[-+]?[0-9]+\.[0-9]*([eE][-+][0-9]+)?$`)
)

func scalarValue(n ast.Node) any {
	s := scalar(n)
	if _, ok := n.(*ast.LiteralNode); ok {
		return s
	}
	if t := n.GetToken(); t != nil && (t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType) {
		return s
	}
	switch {
	case yamlInt.MatchString(s):
		return json.Number(strings.TrimPrefix(s, "+"))
	case yamlFloat.MatchString(s):
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f
		}
	}
	if v, ok := yamlWords[strings.ToLower(s)]; ok {
		return v
	}
	return s
}

// yamlWords are scalars that are no texts. The numbers that JSON does not have are
// texts there, as Python names them.
var yamlWords = map[string]any{
	"": nil, "~": nil, "null": nil, "true": true, "false": false,
	".nan": "NaN", ".inf": "Infinity", "+.inf": "Infinity", "-.inf": "-Infinity",
}
