package pipeline

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// step is one step of the way to a parameter: a name, or an index if the name
// is empty.
type step struct {
	name  string
	index int
}

// keyPath is the way from the top to a parameter: train.layers[0].
type keyPath []step

var errKey = errors.New("not a key")

// parseKey reads a dotted key. A name with other characters than letters,
// digits, _ and - stands in double quotes.
func parseKey(s string) (keyPath, error) {
	var k keyPath
	for first := true; ; first = false {
		var st step
		var err error
		switch {
		case strings.HasPrefix(s, "[") && !first:
			st, s, err = parseIndex(s)
		case strings.HasPrefix(s, `"`):
			st, s, err = parseQuoted(s)
		default:
			n := strings.IndexAny(s, ".[")
			if n < 0 {
				n = len(s)
			}
			st, s = step{name: s[:n]}, s[n:]
			if !isBareKey(st.name) {
				err = errKey
			}
		}
		if err != nil {
			return nil, err
		}
		k = append(k, st)
		switch {
		case s == "":
			return k, nil
		case s[0] == '.':
			s = s[1:]
			if strings.HasPrefix(s, "[") {
				return nil, errKey
			}
		case s[0] != '[':
			return nil, errKey
		}
	}
}

func parseIndex(s string) (step, string, error) {
	digits, rest, ok := strings.Cut(s[1:], "]")
	i, err := strconv.Atoi(digits)
	if !ok || err != nil || i < 0 || strconv.Itoa(i) != digits {
		return step{}, "", errKey
	}
	return step{index: i}, rest, nil
}

func parseQuoted(s string) (step, string, error) {
	q, err := strconv.QuotedPrefix(s)
	if err != nil {
		return step{}, "", errKey
	}
	name, err := strconv.Unquote(q)
	if err != nil || name == "" {
		return step{}, "", errKey
	}
	return step{name: name}, s[len(q):], nil
}

func isBareKey(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' && r < 0x80 {
			return false
		}
	}
	return s != ""
}

// String writes the path in its one canonical form.
func (k keyPath) String() string {
	var b strings.Builder
	for i, st := range k {
		switch {
		case st.name == "":
			b.WriteString("[" + strconv.Itoa(st.index) + "]")
			continue
		case i > 0:
			b.WriteByte('.')
		}
		b.WriteString(spellKey(st.name))
	}
	return b.String()
}

// spellKey writes one name of a key, in quotes if need be.
func spellKey(name string) string {
	if isBareKey(name) {
		return name
	}
	return strconv.Quote(name)
}

// in returns what the path leads to.
func (k keyPath) in(v any) (any, bool) {
	for _, st := range k {
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[st.name]
			if !ok || st.name == "" {
				return nil, false
			}
			v = next
		case []any:
			if st.name != "" || st.index >= len(at) {
				return nil, false
			}
			v = at[st.index]
		default:
			return nil, false
		}
	}
	return v, true
}

// set replaces what the path leads to, which must exist.
func (k keyPath) set(root map[string]any, value any) {
	last := k[len(k)-1]
	parent, _ := k[:len(k)-1].in(root)
	switch at := parent.(type) {
	case map[string]any:
		at[last.name] = value
	case []any:
		at[last.index] = value
	}
}

// keysOf lists the dotted keys below a value, sorted, at most a thousand.
func keysOf(v map[string]any) []string {
	var all []string
	var walk func(k keyPath, v any)
	walk = func(k keyPath, v any) {
		if len(all) >= 1000 {
			return
		}
		if len(k) > 0 {
			all = append(all, k.String())
		}
		if m, ok := v.(map[string]any); ok {
			for _, name := range slices.Sorted(maps.Keys(m)) {
				walk(append(k[:len(k):len(k)], step{name: name}), m[name])
			}
		}
	}
	walk(nil, v)
	slices.Sort(all)
	return all
}
