package importer

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/xtrepro/xt/track"
)

// meta is a meta.yaml of MLflow: texts by key, as they are written, "" for null.
// Keys of mappings in it have the key of the mapping and a dot before them.
type meta map[string]string

// maxMetaTokens bounds a meta.yaml, which has a dozen keys.
const maxMetaTokens = 10_000

// parseMeta reads what MLflow writes: a mapping of scalars, lists, and mappings of
// scalars. Scalars stay as they are written, since YAML's libraries do not agree
// on which are numbers.
func parseMeta(b []byte) (meta, error) {
	root, err := parseYAML(b)
	if err != nil {
		return nil, err
	}
	m := meta{}
	if !m.add("", root) {
		return nil, errors.New("no mapping")
	}
	return m, nil
}

func parseYAML(b []byte) (root ast.Node, err error) {
	// The parser is not ours, and the file may be hostile.
	defer func() {
		if p := recover(); p != nil {
			root, err = nil, fmt.Errorf("no YAML: %v", p)
		}
	}()
	tokens := lexer.Tokenize(string(b))
	if err := checkTokens(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, yamlError(err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, errors.New("no mapping")
	}
	return file.Docs[0].Body, nil
}

// metaError is what is wrong in a line of a file.
type metaError struct {
	line int
	msg  string
}

func (e *metaError) Error() string { return e.msg }

func yamlError(err error) error {
	var ye yaml.Error
	if !errors.As(err, &ye) || ye.GetToken() == nil || ye.GetToken().Position == nil {
		return errors.New("no YAML")
	}
	return &metaError{ye.GetToken().Position.Line, "no YAML: " + ye.GetMessage()}
}

// checkTokens refuses what could make the parser work forever, none of which
// MLflow writes.
func checkTokens(tokens token.Tokens) error {
	if len(tokens) > maxMetaTokens {
		return errors.New("is too long")
	}
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType, token.TagType:
			return &metaError{t.Position.Line, "anchors and tags are not taken"}
		case token.MappingStartType, token.SequenceStartType, token.SequenceEntryType, token.MappingKeyType:
			depth++
		}
		if depth > 1000 || t.Position.Column > 1000 && t.Type == token.MappingValueType {
			return &metaError{t.Position.Line, "nested too deep"}
		}
	}
	return nil
}

// add reads a mapping, and is false if n is none.
func (m meta) add(prefix string, n ast.Node) bool {
	values, ok := mapping(n)
	if !ok {
		return false
	}
	for _, v := range values {
		key := prefix + scalar(v.Key)
		if prefix == "" && m.add(key+".", v.Value) {
			continue
		}
		m[key] = scalar(v.Value)
	}
	return true
}

func mapping(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func scalar(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.NullNode:
		return ""
	case *ast.MappingKeyNode:
		return scalar(n.Value)
	case ast.ScalarNode:
		return n.GetToken().Value
	}
	return ""
}

// number returns a number, 0 if there is none.
func (m meta) number(key string) int64 {
	n, _ := parseNumber(m[key])
	return n
}

// parseNumber reads a whole number, which some write as one that is not.
func parseNumber(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// below returns the pairs of a mapping in it.
func (m meta) below(key string) []track.Tag {
	var tags []track.Tag
	for k, v := range m {
		if name, ok := strings.CutPrefix(k, key+"."); ok {
			tags = append(tags, track.Tag{Key: name, Value: v})
		}
	}
	return tags
}

// parsePoint reads a line of a file of metrics: TIME VALUE [STEP [DATASET DIGEST]].
func parsePoint(line string) (m track.Metric, err error) {
	f := strings.Fields(line)
	if len(f) != 2 && len(f) != 3 && len(f) != 5 {
		return m, fmt.Errorf("%d words, not TIME VALUE STEP", len(f))
	}
	if m.Time, err = strconv.ParseInt(f[0], 10, 64); err != nil {
		return m, errors.New("the time is no number")
	}
	if m.Value, err = parseValue(f[1]); err != nil {
		return m, err
	}
	if len(f) > 2 {
		if m.Step, err = strconv.ParseInt(f[2], 10, 64); err != nil {
			return m, errors.New("the step is no number")
		}
	}
	if len(f) == 5 {
		m.DatasetName, m.DatasetDigest = f[3], f[4]
	}
	return m, nil
}

// parseValue reads a number as Python writes it. One that is too big is infinite.
func parseValue(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if errors.Is(err, strconv.ErrRange) {
		err = nil
	}
	if err != nil {
		return 0, errors.New("the value is no number")
	}
	return unclamp(v), nil
}

// unclamp returns the infinity that MLflow keeps as the greatest number.
func unclamp(v float64) float64 {
	if math.Abs(v) == math.MaxFloat64 {
		return math.Copysign(math.Inf(1), v)
	}
	return v
}

var statuses = map[string]track.Status{
	"1": track.Running, "2": track.Scheduled, "3": track.Finished, "4": track.Failed, "5": track.Killed,
	"RUNNING": track.Running, "SCHEDULED": track.Scheduled, "FINISHED": track.Finished, "FAILED": track.Failed, "KILLED": track.Killed,
}

// statusOf returns the state of a run; one that is not known is Running, as in
// MLflow.
func statusOf(s string) track.Status {
	if status, ok := statuses[s]; ok {
		return status
	}
	return track.Running
}

// modelStatusOf returns the state of a logged model from its number or name.
func modelStatusOf(s string) track.ModelStatus {
	switch strings.TrimPrefix(s, "LOGGED_MODEL_") {
	case "2", "READY":
		return track.ModelReady
	case "3", "UPLOAD_FAILED", "FAILED":
		return track.ModelFailed
	}
	return track.ModelPending
}

func lifecycleOf(s string) track.Lifecycle {
	if s == "deleted" {
		return track.Deleted
	}
	return track.Active
}
