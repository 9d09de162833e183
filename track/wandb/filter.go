package wandb

import (
	"cmp"
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/xtrepro/xt/track"
)

// fields is what a filter looks at, such as a run.
type fields interface {
	// value returns what a key is about; nil if there is nothing.
	value(key string) any
}

// filter is a condition, written as MongoDB's are.
type filter func(fields) bool

func (f filter) matches(x fields) bool { return f == nil || f(x) }

// inOrder sorts by keys such as "-created_at,+name".
func inOrder[T fields](list []T, order string) {
	keys := strings.Fields(strings.ReplaceAll(order, ",", " "))
	slices.SortStableFunc(list, func(x, y T) int {
		for _, key := range keys {
			sign, name := 1, strings.TrimPrefix(key, "+")
			if rest, ok := strings.CutPrefix(key, "-"); ok {
				sign, name = -1, rest
			}
			if n := compare(x.value(name), y.value(name)); n != 0 {
				return sign * n
			}
		}
		return 0
	})
}

// maxFilterDepth is how deep conditions may lie in one another.
const maxFilterDepth = 50

// parseFilter reads a filter; "" finds all.
func parseFilter(text string) (filter, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return nil, track.Errorf(track.InvalidParameter, "the filter is no JSON: %v", err)
	}
	return filterOf(v, 0)
}

func filterOf(v any, depth int) (filter, error) {
	m, ok := v.(map[string]any)
	if v == nil {
		return nil, nil
	}
	if !ok || depth > maxFilterDepth {
		return nil, track.Errorf(track.InvalidParameter, "a condition of a filter is an object such as {\"state\": \"finished\"}")
	}
	var all []filter
	for key, want := range m {
		f, err := conditionOf(key, want, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return func(x fields) bool {
		return !slices.ContainsFunc(all, func(f filter) bool { return !f.matches(x) })
	}, nil
}

func conditionOf(key string, want any, depth int) (filter, error) {
	if !strings.HasPrefix(key, "$") {
		return fieldCondition(key, want)
	}
	if key == "$not" {
		f, err := filterOf(want, depth+1)
		return func(x fields) bool { return !f.matches(x) }, err
	}
	list, ok := want.([]any)
	if !ok {
		return nil, track.Errorf(track.InvalidParameter, "%s wants a list of conditions", key)
	}
	var parts []filter
	for _, v := range list {
		f, err := filterOf(v, depth+1)
		if err != nil {
			return nil, err
		}
		parts = append(parts, f)
	}
	some := func(x fields) bool {
		return slices.ContainsFunc(parts, func(f filter) bool { return f.matches(x) })
	}
	switch key {
	case "$and":
		return func(x fields) bool {
			return !slices.ContainsFunc(parts, func(f filter) bool { return !f.matches(x) })
		}, nil
	case "$or":
		return some, nil
	case "$nor":
		return func(x fields) bool { return !some(x) }, nil
	}
	return nil, track.Errorf(track.InvalidParameter, "filters have no %s", key)
}

// fieldCondition compares a field with a value, or in the way that operators say.
func fieldCondition(key string, want any) (filter, error) {
	ops, ok := want.(map[string]any)
	if !ok {
		return func(x fields) bool { return equals(x.value(key), want) }, nil
	}
	all, err := operators(ops)
	if err != nil {
		return nil, err
	}
	return func(x fields) bool { return all(x.value(key)) }, nil
}

// operators returns whether a value passes all of several operators.
func operators(ops map[string]any) (func(any) bool, error) {
	var all []func(any) bool
	flags, _ := ops["$options"].(string)
	for op, arg := range ops {
		if text, is := arg.(string); op == "$regex" && is && flags != "" {
			arg = "(?" + flags + ")" + text
		}
		if op == "$options" && ops["$regex"] != nil {
			continue
		}
		test, err := operator(op, arg)
		if err != nil {
			return nil, err
		}
		all = append(all, test)
	}
	return func(v any) bool {
		return !slices.ContainsFunc(all, func(test func(any) bool) bool { return !test(v) })
	}, nil
}

func operator(op string, arg any) (func(any) bool, error) {
	in := func(v any) bool {
		list, _ := arg.([]any)
		return slices.ContainsFunc(list, func(want any) bool { return equals(v, want) })
	}
	by := func(is func(int) bool) func(any) bool {
		return func(v any) bool {
			return v != nil && ordered(v, arg) && is(compare(v, arg))
		}
	}
	switch op {
	case "$eq":
		return func(v any) bool { return equals(v, arg) }, nil
	case "$ne":
		return func(v any) bool { return !equals(v, arg) }, nil
	case "$in":
		return in, nil
	case "$nin":
		return func(v any) bool { return !in(v) }, nil
	case "$gt":
		return by(func(n int) bool { return n > 0 }), nil
	case "$gte":
		return by(func(n int) bool { return n >= 0 }), nil
	case "$lt":
		return by(func(n int) bool { return n < 0 }), nil
	case "$lte":
		return by(func(n int) bool { return n <= 0 }), nil
	case "$exists":
		want, _ := arg.(bool)
		return func(v any) bool { return (v != nil) == want }, nil
	case "$all":
		list, _ := arg.([]any)
		return func(v any) bool {
			return len(list) > 0 && !slices.ContainsFunc(list, func(want any) bool { return !equals(v, want) })
		}, nil
	case "$size":
		n, ok := number(arg)
		return func(v any) bool {
			list, is := v.([]any)
			return ok && is && float64(len(list)) == n
		}, nil
	case "$elemMatch":
		ops, _ := arg.(map[string]any)
		all, err := operators(ops)
		return func(v any) bool {
			list, _ := v.([]any)
			return slices.ContainsFunc(list, all)
		}, err
	case "$regex":
		text, _ := arg.(string)
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, track.Errorf(track.InvalidParameter, "%q is no regular expression: %v", text, err)
		}
		return func(v any) bool {
			s, ok := v.(string)
			return ok && re.MatchString(s)
		}, nil
	case "$not":
		ops, ok := arg.(map[string]any)
		if !ok {
			return nil, track.Errorf(track.InvalidParameter, "$not wants operators")
		}
		all, err := operators(ops)
		if err != nil {
			return nil, err
		}
		return func(v any) bool { return !all(v) }, nil
	}
	return nil, track.Errorf(track.InvalidParameter, "filters have no operator %s", op)
}

// equals compares as MongoDB does: a list is equal to what is in it.
func equals(v, want any) bool {
	if list, ok := v.([]any); ok {
		if _, whole := want.([]any); !whole {
			return slices.ContainsFunc(list, func(v any) bool { return equals(v, want) })
		}
	}
	if ordered(v, want) {
		return compare(v, want) == 0
	}
	return reflect.DeepEqual(v, want)
}

// ordered reports whether two values have an order between them.
func ordered(a, b any) bool {
	return kindOf(a) == kindOf(b) && kindOf(a) != ' ' || isTime(a) && isTime(b)
}

func kindOf(v any) byte {
	switch v.(type) {
	case float64, int64:
		return 'n'
	case string:
		return 's'
	}
	return ' '
}

func isTime(v any) bool { _, ok := asTime(v); return ok }

// asTime reads a time as filters write it.
func asTime(v any) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case string:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
			if t, err := time.Parse(layout, v); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// compare orders values: nothing first, then numbers, texts, times.
func compare(a, b any) int {
	if _, is := a.(time.Time); is {
		x, _ := asTime(a)
		y, ok := asTime(b)
		if ok {
			return x.Compare(y)
		}
	}
	x, isX := number(a)
	y, isY := number(b)
	switch {
	case isX && isY:
		return compareNumbers(x, y)
	case isX != isY:
		return map[bool]int{true: 1, false: -1}[isX]
	}
	s, _ := a.(string)
	t, _ := b.(string)
	return strings.Compare(s, t)
}

func compareNumbers(x, y float64) int {
	switch {
	case math.IsNaN(x) && math.IsNaN(y):
		return 0
	case math.IsNaN(x):
		return -1
	case math.IsNaN(y):
		return 1
	}
	return cmp.Compare(x, y)
}
