package pipeline

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/internal/suggest"
)

// scope is what ${…} can name in a stage.
type scope struct {
	names  *namespace
	axes   []string       // of the matrix, in the order of the file; nil for a stage without one
	values map[string]any // of the cell
}

// reference is a ${…} that cannot be replaced.
type reference struct {
	text      string // as it is written
	msg, hint string
}

// expand replaces each ${…} in a text; $${ stands for ${ itself. A list is
// joined by spaces if lists says so.
func (sc *scope) expand(text string, lists bool) (string, []reference) {
	if !strings.Contains(text, "${") {
		return text, nil
	}
	var b strings.Builder
	var bad []reference
	for {
		i := strings.Index(text, "${")
		if i < 0 || len(bad) >= maxShown {
			b.WriteString(text)
			return b.String(), bad
		}
		if i > 0 && text[i-1] == '$' {
			b.WriteString(text[:i-1] + "${")
			text = text[i+2:]
			continue
		}
		b.WriteString(text[:i])
		end := strings.IndexByte(text[i:], '}')
		if end < 0 {
			return "", append(bad, reference{text[i:], `"${" is not closed`, "close it with }, or write $${ for the shell to see it"})
		}
		ref := text[i : i+end+1]
		text = text[i+end+1:]
		s, r := sc.replace(ref, lists)
		if r != nil {
			bad = append(bad, *r)
		}
		b.WriteString(s)
	}
}

// value looks up what a reference names.
func (sc *scope) value(ref string) (any, *reference) {
	inner := strings.TrimSpace(ref[2 : len(ref)-1])
	k, err := parseKey(inner)
	if err != nil {
		return nil, &reference{ref, fmt.Sprintf("%s names no parameter", ref), fmt.Sprintf("for the shell to see it write $%s", ref)}
	}
	if k[0].name == "matrix" {
		return sc.matrix(ref, k)
	}
	v, ok := k.in(sc.names.values)
	if !ok {
		return nil, &reference{ref, fmt.Sprintf("unknown parameter %q", inner), sc.unknown(inner)}
	}
	return v, nil
}

var shellVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (sc *scope) unknown(name string) string {
	hint := suggest.DidYouMean(name, sc.names.all())
	if hint == "" && suggest.Nearest(name, sc.axes) != "" {
		hint = fmt.Sprintf("did you mean ${matrix.%s}?", suggest.Nearest(name, sc.axes))
	}
	if hint == "" {
		hint = sc.names.hint(name)
		if shellVariable.MatchString(name) {
			hint = fmt.Sprintf("a shell variable is written $%s or $${%s}; %s", name, name, hint)
		}
	}
	return hint
}

func (sc *scope) matrix(ref string, k keyPath) (any, *reference) {
	if sc.axes == nil {
		return nil, &reference{ref, fmt.Sprintf("%s is used, but the stage has no matrix", ref), `add matrix = { axis = ["a", "b"] }`}
	}
	if len(k) == 1 {
		return nil, &reference{ref, fmt.Sprintf("%s names no axis", ref), fmt.Sprintf("write ${matrix.%s}", sc.axes[0])}
	}
	if len(k) == 2 {
		if v, ok := sc.values[k[1].name]; ok {
			return v, nil
		}
	}
	hint := knownAre(sc.axes)
	if near := suggest.Nearest(k[1:].String(), sc.axes); near != "" {
		hint = fmt.Sprintf("did you mean ${matrix.%s}?", near)
	}
	return nil, &reference{ref, fmt.Sprintf("the matrix has no axis %q", k[1:].String()), hint}
}

// replace returns the text that stands for a reference.
func (sc *scope) replace(ref string, lists bool) (string, *reference) {
	v, bad := sc.value(ref)
	if bad != nil {
		return "", bad
	}
	switch v := v.(type) {
	case []any:
		if !lists {
			return "", &reference{ref, fmt.Sprintf("%s is a list, and only cmd can hold one", ref), fmt.Sprintf("name one of its values: %s[0]}", strings.TrimSuffix(ref, "}"))}
		}
		words := make([]string, len(v))
		for i, item := range v {
			s, ok := scalarText(item)
			if !ok {
				return "", &reference{ref, fmt.Sprintf("%s is a list that holds %s, which has no text", ref, valueKind(item)), "name a value in it"}
			}
			words[i] = s
		}
		return strings.Join(words, " "), nil
	case nil:
		return "", &reference{ref, fmt.Sprintf("%s is null", ref), "give it a value"}
	case map[string]any:
		hint := "name a key in it"
		if keys := slices.Sorted(maps.Keys(v)); len(keys) > 0 {
			hint = fmt.Sprintf("name a key in it: %s.%s}", strings.TrimSuffix(ref, "}"), keys[0])
		}
		return "", &reference{ref, fmt.Sprintf("%s is a table", ref), hint}
	}
	s, _ := scalarText(v)
	return s, nil
}

// scalarText returns the text of a value as Python would print it, except that
// booleans are lower case; false for null, a list or a table.
func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return floatText(v), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func floatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(f, 'g', -1, 64)), "+")
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// valueText writes a scalar for a message, in parentheses.
func valueText(v any) string {
	if s, ok := v.(string); ok {
		return " (" + strconv.Quote(s) + ")"
	}
	if s, ok := scalarText(v); ok {
		return " (" + s + ")"
	}
	return ""
}
