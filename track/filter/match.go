package filter

import (
	"regexp"
	"slices"
	"strings"
)

// Value is what something has under the key of a clause.
type Value struct {
	Text   string
	Number float64 // for clauses that are Numeric
}

// Match reports whether all clauses hold for something that is in no database.
// get returns what it has; a clause about what it does not have is false, unless
// it asks for that.
func Match(clauses []Clause, get func(c *Clause) (Value, bool)) bool {
	for i := range clauses {
		c := &clauses[i]
		v, ok := get(c)
		if !c.holds(v, ok) {
			return false
		}
	}
	return true
}

func (c *Clause) holds(v Value, ok bool) bool {
	switch {
	case c.Op == IsNull || c.Op == IsNotNull:
		return ok == (c.Op == IsNotNull)
	case !ok:
		return false
	case c.Op == In || c.Op == NotIn:
		return slices.Contains(c.List, v.Text) == (c.Op == In)
	case c.Numeric:
		return compare(c.Op, v.Number, c.Number)
	}
	switch c.Op {
	case Equal:
		return v.Text == c.Text
	case NotEqual:
		return v.Text != c.Text
	case Like:
		return like(c.Text, v.Text)
	case ILike:
		return like(strings.ToLower(c.Text), strings.ToLower(v.Text))
	case RLike:
		re, err := regexp.Compile(c.Text)
		return err == nil && re.MatchString(v.Text)
	}
	return false
}

func compare(op Op, a, b float64) bool {
	switch op {
	case Equal:
		return a == b
	case NotEqual:
		return a != b
	case Less:
		return a < b
	case LessEqual:
		return a <= b
	case Greater:
		return a > b
	case GreaterEqual:
		return a >= b
	}
	return false
}

// like reports whether a text is like a pattern of SQL, in which % stands for any
// text and _ for any character.
func like(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	i, j, star, mark := 0, 0, -1, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '%':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '_' || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '%' {
		i++
	}
	return i == len(p)
}
