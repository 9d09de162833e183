package pipeline

import (
	"fmt"
	"strings"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/tomldoc"
)

const (
	maxStages = 10_000 // cells counted each
	maxPaths  = 1_000_000
	maxName   = 100 // bytes of the values in the name of a cell
)

// axis is one dimension of a matrix.
type axis struct {
	name   string
	values []any
	texts  []string // of the values; different from each other
}

// axes reads a stage's matrix, in the order of the file. It is false if there
// is a mistake in it.
func (l *loader) axes(n *tomldoc.Node, p place) ([]axis, bool) {
	if n == nil {
		return nil, true
	}
	if !l.ok(n) {
		return nil, false
	}
	p.path = "matrix"
	if len(n.Keys) == 0 {
		l.tell(n.At, p, `such as matrix = { split = ["val", "test"] }`, "the matrix has no axis")
		return nil, false
	}
	var all []axis
	fine := true
	for _, child := range n.Keys {
		a, ok := l.axis(child, p)
		all, fine = append(all, a), fine && ok
	}
	return all, fine
}

func (l *loader) axis(n *tomldoc.Node, p place) (axis, bool) {
	a := axis{name: n.Key}
	if !l.ok(n) {
		return a, false
	}
	if n.Kind == tomldoc.String {
		values, ok := l.axisParam(n, p)
		if !ok {
			return a, false
		}
		a.values = values
	}
	for _, item := range n.Items {
		if !l.ok(item) {
			return a, false
		}
		if s, ok := item.Value.(string); ok && strings.Contains(s, "${") {
			l.tell(item.At, p, fmt.Sprintf("to take all values from a parameter write %s = %q", n.Key, "${NAME}"), "a value of a matrix cannot name a parameter")
			return a, false
		}
		a.values = append(a.values, item.Value)
	}
	return a, l.checkAxis(&a, n, p)
}

// axisParam takes the values of an axis from a parameter.
func (l *loader) axisParam(n *tomldoc.Node, p place) ([]any, bool) {
	ref := n.Value.(string)
	if !strings.HasPrefix(ref, "${") || strings.IndexByte(ref, '}') != len(ref)-1 {
		l.tell(n.At, p, fmt.Sprintf("write %s = [%q]", n.Key, ref), "axis %q is a text, but must be a list of values, or a parameter that is one", n.Key)
		return nil, false
	}
	sc := scope{names: l.names}
	v, bad := sc.value(ref)
	if bad != nil {
		l.tell(n.At, p, bad.hint, "%s", bad.msg)
		return nil, false
	}
	list, ok := v.([]any)
	if !ok {
		l.tell(n.At, p, "", "axis %q: %s is %s, but must be a list", n.Key, ref, valueKind(v))
	}
	return list, ok
}

// checkAxis finds the texts of the values.
func (l *loader) checkAxis(a *axis, n *tomldoc.Node, p place) bool {
	if len(a.values) == 0 {
		l.tell(n.At, p, "an axis without values makes no stage at all", "axis %q has no values", a.name)
		return false
	}
	seen := map[string]bool{}
	for i, v := range a.values {
		text, ok := scalarText(v)
		at := n.At
		if i < len(n.Items) {
			at = n.Items[i].At
		}
		switch {
		case !ok:
			l.tell(at, p, "", "axis %q holds %s, but must hold texts, numbers or booleans", a.name, valueKind(v))
			return false
		case strings.ContainsRune(text, 0):
			l.tell(at, p, "", "axis %q holds a NUL byte", a.name)
			return false
		case seen[text]:
			l.tell(at, p, "", "axis %q has the value %s twice", a.name, text)
			return false
		}
		seen[text] = true
		a.texts = append(a.texts, text)
	}
	return true
}

// cell is one combination of the values of a matrix.
type cell struct {
	suffix string // of the stage's name; "" if there is no matrix
	values map[string]any
}

// cells returns all combinations, the last axis changing fastest; false if
// there are more than limit.
func cells(axes []axis, limit int) ([]cell, bool) {
	total := 1
	for _, a := range axes {
		total *= len(a.values)
		if total > limit {
			break // and does not overflow
		}
	}
	if total > limit {
		return nil, false
	}
	if len(axes) == 0 {
		return []cell{{}}, true
	}
	all := make([]cell, 0, total)
	exact := make([]string, 0, total)
	for i := range total {
		c := cell{values: make(map[string]any, len(axes))}
		texts := make([]string, len(axes))
		for j, rest := len(axes)-1, i; j >= 0; j-- {
			a := &axes[j]
			c.values[a.name], texts[j] = a.values[rest%len(a.values)], a.texts[rest%len(a.values)]
			rest /= len(a.values)
		}
		c.suffix = "@" + cellName(texts)
		all, exact = append(all, c), append(exact, strings.Join(texts, "\x00"))
	}
	setApart(all, exact)
	return all, true
}

// cellName joins values, in letters that a name may have.
func cellName(texts []string) string {
	parts := make([]string, len(texts))
	for i, t := range texts {
		if t == "" {
			t = "_"
		}
		parts[i] = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-", r) {
				return r
			}
			return '_'
		}, t)
	}
	name := strings.Join(parts, "-")
	return name[:min(len(name), maxName)]
}

// setApart adds a digest of the values to names that several cells have: their
// place in the list would not do, since it changes when a value is added.
func setApart(all []cell, exact []string) {
	count := map[string]int{}
	for _, c := range all {
		count[c.suffix]++
	}
	for i := range all {
		if count[all[i].suffix] > 1 {
			all[i].suffix += "-" + hash.Bytes([]byte(exact[i])).Short()
		}
	}
}
