package registry

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/xtrepro/xt/hash"
)

// encode writes the note: keys in a fixed order, those that have no value left
// out. No text of the user begins a line, so that none can pass for the signature
// that git puts at the end.
func (n *Note) encode() string {
	w := &noteWriter{}
	w.line("xt-model", strconv.Itoa(NoteVersion))
	w.text("version", n.Version)
	w.count("number", int64(n.Number))
	n.encodeOrigin(w)
	w.text("from", n.From)
	w.text("to", n.To)
	w.list("replaces", n.Replaces)
	w.list("require", n.Require)
	w.flag("verified", n.Verified)
	w.flag("forced", n.Forced)
	w.text("comment", n.Comment)
	if n.Description != nil {
		w.line("description", quote(*n.Description))
	}
	w.list("aliases", n.Aliases)
	w.list("unalias", n.Unalias)
	w.list("untag", n.Untag)
	for _, k := range slices.Sorted(maps.Keys(n.Extra)) {
		w.line(spell(k), literal(n.Extra[k]))
	}
	writeTable(w, "metrics", n.Metrics, func(v float64) string { return literal(v) })
	writeTable(w, "tags", n.Tags, quote)
	return w.String()
}

// encodeOrigin writes what the model is, and how it was made.
func (n *Note) encodeOrigin(w *noteWriter) {
	w.text("path", n.Path)
	if !n.Node.IsZero() {
		w.text("kind", kindWords[n.Node.Kind])
		w.text("blake3", n.Node.Sum.String())
		w.line("size", strconv.FormatInt(n.Node.Size, 10))
	}
	if n.Node.Kind == hash.Directory {
		w.line("files", strconv.FormatInt(n.Node.Files, 10))
	}
	w.text("stage", n.Stage)
	w.text("fingerprint", n.Fingerprint)
	w.text("run", n.Run)
	if !n.Lock.IsZero() {
		w.text("lock", n.Lock.String())
	}
}

// noteWriter writes lines of TOML.
type noteWriter struct{ strings.Builder }

func (w *noteWriter) line(key, value string) { w.WriteString(key + " = " + value + "\n") }

func (w *noteWriter) text(key, value string) {
	if value != "" {
		w.line(key, quote(value))
	}
}

func (w *noteWriter) count(key string, n int64) {
	if n != 0 {
		w.line(key, strconv.FormatInt(n, 10))
	}
}

func (w *noteWriter) flag(key string, set bool) {
	if set {
		w.line(key, "true")
	}
}

func (w *noteWriter) list(key string, list []string) {
	if len(list) == 0 {
		return
	}
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = quote(s)
	}
	w.line(key, "["+strings.Join(words, ", ")+"]")
}

func writeTable[T any](w *noteWriter, name string, table map[string]T, value func(T) string) {
	if len(table) == 0 {
		return
	}
	w.WriteString("\n[" + name + "]\n")
	for _, k := range slices.Sorted(maps.Keys(table)) {
		w.line(spell(k), value(table[k]))
	}
}

// spell writes a key, in quotes if need be.
func spell(key string) string {
	bare := func(r rune) bool {
		return r < 0x80 && (r == '_' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r))
	}
	if key != "" && strings.IndexFunc(key, func(r rune) bool { return !bare(r) }) < 0 {
		return key
	}
	return quote(key)
}

// quote writes a text on one line, with nothing in it that a terminal would take
// for more than text.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case !unicode.IsPrint(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08X`, r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// literal writes any value that a note may hold.
func literal(v any) string {
	switch v := v.(type) {
	case string:
		return quote(v)
	case float64:
		return float(v)
	case []any:
		words := make([]string, len(v))
		for i, item := range v {
			words[i] = literal(item)
		}
		return "[" + strings.Join(words, ", ") + "]"
	case map[string]any:
		var words []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			words = append(words, spell(k)+" = "+literal(v[k]))
		}
		return "{" + strings.Join(words, ", ") + "}"
	}
	return fmt.Sprint(v) // an integer or a boolean
}

// float writes a number so that it is read as the same one.
func float(v float64) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "-inf"
	case v == math.Trunc(v) && math.Abs(v) < 1<<53 && !(v == 0 && math.Signbit(v)):
		return strconv.FormatFloat(v, 'f', -1, 64) // an integer
	}
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}
