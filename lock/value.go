package lock

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// kind is the type of a value in a lock.
type kind uint8

const (
	kindNull kind = iota // only in parameters: TOML has none
	kindBool
	kindInt
	kindFloat
	kindString
	kindList
	kindTable
	kindOther // a date or time, which no entry has
)

func (k kind) String() string {
	return [...]string{"null", "a boolean", "an integer", "a float", "a string", "a list", "a table", "a date"}[k]
}

// value is a TOML value and the line that it begins on.
type value struct {
	kind  kind
	line  int
	bits  uint64 // of a boolean, integer or float
	str   string
	list  []value
	table []field
}

// field is a key of a table and its value.
type field struct {
	key string
	val value
}

// maxDepth bounds how deep lists and tables may nest.
const maxDepth = 64

var (
	errDepth = errors.New("nests too deeply")
	errDate  = errors.New("a date is no value of a parameter: write it as a string")
)

// Literal returns the one spelling of a parameter's value: a TOML literal with
// the keys of tables sorted, integers and floats told apart (1 and 1.0), and
// null for nil. The value is made of nil, bool, int, int64, float64, string,
// []any and map[string]any; another type, text that is not UTF-8, or nesting
// deeper than 64 is an error.
func Literal(v any) (string, error) {
	val, err := fromAny(v, 0)
	if err != nil {
		return "", err
	}
	if val.hasDate() {
		return "", errDate
	}
	return string(appendValue(nil, val)), nil
}

// fromAny returns v as a value, with the keys of tables sorted.
func fromAny(v any, depth int) (value, error) {
	if depth > maxDepth {
		return value{}, errDepth
	}
	switch v := v.(type) {
	case nil:
		return value{}, nil
	case bool:
		return boolValue(v), nil
	case int:
		return value{kind: kindInt, bits: uint64(v)}, nil
	case int64:
		return value{kind: kindInt, bits: uint64(v)}, nil
	case float64:
		return value{kind: kindFloat, bits: math.Float64bits(v)}, nil
	case string:
		return stringValue(v)
	case time.Time:
		return value{kind: kindOther}, nil
	case []any:
		return listFromAny(v, depth)
	case []map[string]any:
		return listFromAny(v, depth)
	case map[string]any:
		return tableFromAny(v, depth)
	}
	return value{}, fmt.Errorf("%T is no type of a parameter", v)
}

// hasDate reports whether v is or holds a date.
func (v *value) hasDate() bool {
	return v.kind == kindOther ||
		slices.ContainsFunc(v.list, func(e value) bool { return e.hasDate() }) ||
		slices.ContainsFunc(v.table, func(f field) bool { return f.val.hasDate() })
}

func boolValue(v bool) value {
	if v {
		return value{kind: kindBool, bits: 1}
	}
	return value{kind: kindBool}
}

func stringValue(s string) (value, error) {
	if !utf8.ValidString(s) {
		return value{}, fmt.Errorf("%q is not valid UTF-8", s)
	}
	return value{kind: kindString, str: s}, nil
}

func listFromAny[T any](v []T, depth int) (value, error) {
	list := value{kind: kindList}
	for _, e := range v {
		val, err := fromAny(e, depth+1)
		if err != nil {
			return value{}, err
		}
		list.list = append(list.list, val)
	}
	return list, nil
}

func tableFromAny(v map[string]any, depth int) (value, error) {
	table := value{kind: kindTable}
	for k, e := range v {
		if !utf8.ValidString(k) {
			return value{}, fmt.Errorf("key %q is not valid UTF-8", k)
		}
		val, err := fromAny(e, depth+1)
		if err != nil {
			return value{}, err
		}
		table.table = append(table.table, field{k, val})
	}
	slices.SortFunc(table.table, compareFields)
	return table, nil
}

func compareFields(a, b field) int { return cmp.Compare(a.key, b.key) }

// appendValue appends the one spelling of v. It sorts the keys of its tables.
func appendValue(b []byte, v value) []byte {
	switch v.kind {
	case kindBool:
		return strconv.AppendBool(b, v.bits != 0)
	case kindInt:
		return strconv.AppendInt(b, int64(v.bits), 10)
	case kindFloat:
		return appendFloat(b, math.Float64frombits(v.bits))
	case kindString:
		return appendString(b, v.str)
	case kindList:
		return appendList(b, v.list)
	case kindTable:
		return appendTable(b, v.table)
	}
	return append(b, "null"...)
}

// appendFloat appends the shortest text that reads as f and as no integer.
func appendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "nan"...)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'g', -1, 64)
	if slices.ContainsFunc(b[start:], func(c byte) bool { return c == '.' || c == 'e' }) {
		return b
	}
	return append(b, ".0"...)
}

func appendList(b []byte, list []value) []byte {
	b = append(b, '[')
	for i, e := range list {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendValue(b, e)
	}
	return append(b, ']')
}

func appendTable(b []byte, fields []field) []byte {
	if len(fields) == 0 {
		return append(b, "{}"...)
	}
	b = append(b, "{ "...)
	for i, f := range sorted(fields, compareFields) {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendKey(b, f.key)
		b = append(b, " = "...)
		b = appendValue(b, f.val)
	}
	return append(b, " }"...)
}
