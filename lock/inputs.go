package lock

import (
	"slices"
	"strings"
	"unicode/utf8"
)

func (r *reader) params(f field) []Param {
	var params []Param
	r.tables(f, func(line int, fields []field) {
		var p Param
		for _, g := range fields {
			switch g.key {
			case "file":
				p.File = r.path(g)
			case "key":
				p.Key = r.text(g)
			case "value":
				p.Value = r.literal(g)
			case "text":
				p.Value = r.literalText(g)
			default:
				r.unknown(g)
			}
		}
		if (lookup(fields, "value") == nil) == (lookup(fields, "text") == nil) {
			r.fail(line, f.key, "want value, or text if TOML cannot hold it")
		}
		if p.File == "" && p.Key == "" {
			r.fail(line, f.key, "key is missing")
		}
		params = append(params, p)
	})
	return unique(r, params, compareParams)
}

func (r *reader) literal(f field) string {
	if f.val.hasDate() {
		r.fail(f.val.line, f.key, "%v", errDate)
	}
	return string(appendValue(nil, f.val))
}

// literalText reads the spelling of a value that TOML cannot hold.
func (r *reader) literalText(f field) string {
	text := r.text(f)
	if spelling, ok := scanLiteral(text, true); r.err == nil && (!ok || spelling != text || isLiteral(text)) {
		r.fail(f.val.line, f.key, "%.80q is not the spelling of a value that TOML cannot hold", text)
	}
	return text
}

// scanLiteral reads a parameter's value and returns its one spelling.
func scanLiteral(text string, null bool) (spelling string, ok bool) {
	sc := scanner{s: text, null: null}
	v, ok := sc.value()
	if !ok || sc.pos != len(text) || !utf8.ValidString(text) {
		return "", false
	}
	return string(appendValue(nil, v)), true
}

// isLiteral reports whether text is a value's spelling in TOML.
func isLiteral(text string) bool {
	spelling, ok := scanLiteral(text, false)
	return ok && spelling == text
}

// variables reads environment variables. Those that are unset come second, and
// are an error unless allowed.
func (r *reader) variables(f field, mayUnset bool) (set map[string]string, unset []string) {
	seen := make(map[string]bool)
	r.tables(f, func(line int, fields []field) {
		v := r.variable(line, f.key, fields)
		switch {
		case seen[v.name]:
			r.mixed = true
		case v.unset && !mayUnset:
			r.fail(line, f.key, "%s cannot be unset", v.name)
		case v.unset:
			unset = append(unset, v.name)
		case set == nil:
			set = map[string]string{v.name: v.value}
		default:
			set[v.name] = v.value
		}
		seen[v.name] = true
	})
	slices.Sort(unset)
	return set, unset
}

type variable struct {
	name, value string
	unset       bool
}

func (r *reader) variable(line int, key string, fields []field) (v variable) {
	for _, f := range fields {
		switch f.key {
		case "name":
			v.name = r.text(f)
		case "value":
			v.value = r.text(f)
		case "unset":
			v.unset = r.boolean(f)
		default:
			r.unknown(f)
		}
	}
	if v.name == "" || strings.ContainsAny(v.name, "=\x00") {
		r.fail(line, key, "%q is no name of a variable", v.name)
	}
	if v.unset == (lookup(fields, "value") != nil) {
		r.fail(line, key, "want value or unset for %s", v.name)
	}
	return v
}
