package lock

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xtrepro/xt/hash"
)

// reader turns a document into a File. It keeps the first mistake, and its
// methods return zero values from then on.
type reader struct {
	file    string
	f       *File
	lenient bool
	err     *Error
	kind    string // the section being read
	name    string
	// mixed says that the section has something twice. No xt writes that, nor
	// would a person: git did, merging the changes of two branches line by line.
	// Its entry is in conflict, although there are no markers.
	mixed bool
}

// read returns what a document says. Lenient, it takes a broken entry for a
// conflicted one.
func read(name string, doc document, lenient bool) (*File, error) {
	r := &reader{file: name, f: New(), lenient: lenient}
	r.version(doc.top)
	for i := range doc.sections {
		r.section(&doc.sections[i])
	}
	if r.err != nil {
		return nil, r.err
	}
	return r.f, nil
}

// fail records a mistake at a line and below a key of the present section.
func (r *reader) fail(line int, key, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{File: r.file, Line: line, Key: joinKey(r.kind, r.name, key), Msg: fmt.Sprintf(format, args...), Hint: hintRestore}
	}
}

// version comes first, so that a newer format is not taken for a broken one.
func (r *reader) version(top []field) {
	v := lookup(top, "version")
	if v == nil {
		r.fail(1, "version", "missing")
		return
	}
	switch n := r.integer(field{"version", *v}, math.MinInt64); {
	case n > Version:
		r.err = &Error{File: r.file, Line: v.line, Msg: fmt.Sprintf("has version %d, this xt reads %d", n, Version), Hint: hintUpgrade}
	case n < 1:
		r.fail(v.line, "version", "%d is no version", n)
	}
	for _, f := range top {
		if f.key != "version" {
			r.unknown(f)
		}
	}
}

func (r *reader) unknown(f field) { r.fail(f.val.line, f.key, "unknown key") }

func (r *reader) section(sec *section) {
	if r.err != nil {
		return
	}
	r.kind, r.name, r.mixed = sec.kind, sec.name, false
	fields := r.firsts(r.spelled(sec.fields))
	switch sec.kind {
	case "data", "data" + bytesSuffix:
		r.data(sec, fields)
	case "environment":
		r.environment(sec, fields)
	case "stage":
		r.stage(sec, fields)
	default:
		r.fail(sec.line, "", "unknown table")
	}
	if r.err != nil && r.lenient {
		r.err = nil
		r.broken(sec)
	}
}

// broken keeps the name of a broken entry, and that it is in conflict.
func (r *reader) broken(sec *section) {
	switch sec.kind {
	case "data", "data" + bytesSuffix:
		if path := r.dataPath(sec); r.err == nil {
			r.f.Data[path] = &Data{Item: Item{Path: path}, How: Committed, Conflicted: true}
		}
	case "stage":
		if validName(sec.name) {
			r.f.Stages[sec.name] = &Stage{Name: sec.name, Shell: DefaultShell(), Wdir: ".", Conflicted: true}
		}
	}
	r.err = nil
}

// spelled returns the fields of a table with text that is not UTF-8 read back,
// and its keys without their suffix.
func (r *reader) spelled(fields []field) []field {
	for i := range fields {
		f := &fields[i]
		key, ok := strings.CutSuffix(f.key, bytesSuffix)
		if !ok {
			continue
		}
		s, ok := readBytes(r.text(*f))
		if !ok {
			r.fail(f.val.line, f.key, "not the spelling of text that is no UTF-8")
		}
		f.key, f.val.str = key, s
	}
	return fields
}

// firsts returns the first field of each key.
func (r *reader) firsts(fields []field) []field {
	if distinctKeys(fields) {
		return fields
	}
	r.mixed = true
	var firsts []field
	for _, f := range fields {
		if lookup(firsts, f.key) == nil {
			firsts = append(firsts, f)
		}
	}
	return firsts
}

// The readers of one value.

func (r *reader) want(f field, k kind) bool {
	if f.val.kind != k {
		r.fail(f.val.line, f.key, "want %v, not %v", k, f.val.kind)
	}
	return f.val.kind == k
}

func (r *reader) text(f field) string {
	if !r.want(f, kindString) {
		return ""
	}
	return f.val.str
}

func (r *reader) boolean(f field) bool { return r.want(f, kindBool) && f.val.bits != 0 }

func (r *reader) integer(f field, least int64) int64 {
	n := int64(f.val.bits)
	if !r.want(f, kindInt) {
		return 0
	}
	if n < least {
		r.fail(f.val.line, f.key, "%d is less than %d", n, least)
	}
	return n
}

func (r *reader) sum(f field) hash.Sum {
	text := r.text(f)
	if r.err != nil {
		return hash.Sum{}
	}
	sum, err := hash.ParseSum(text)
	switch {
	case err != nil:
		r.fail(f.val.line, f.key, "%v", err)
	case sum.IsZero():
		r.fail(f.val.line, f.key, "the digest of nothing")
	}
	return sum
}

func (r *reader) path(f field) string {
	p := r.text(f)
	r.checkPath(f.val.line, f.key, p)
	return p
}

func (r *reader) checkPath(line int, key, p string) {
	if r.err != nil {
		return
	}
	if err := checkPath(p); err != nil {
		r.fail(line, key, "%q: %v", p, err)
	}
}

func (r *reader) how(f field) How {
	how := How(r.text(f))
	if !slices.Contains([]How{Executed, Restored, Committed, Imported}, how) {
		r.fail(f.val.line, f.key, "%q is not one of executed, restored, committed, imported", how)
	}
	return how
}

func (r *reader) texts(f field) []string {
	if !r.want(f, kindList) {
		return nil
	}
	list := make([]string, 0, len(f.val.list))
	for _, v := range f.val.list {
		list = append(list, r.text(field{f.key, v}))
	}
	return list
}

// tables calls each with the fields of each table of a list.
func (r *reader) tables(f field, each func(line int, fields []field)) {
	if !r.want(f, kindList) {
		return
	}
	for _, v := range f.val.list {
		if !r.want(field{f.key, v}, kindTable) || r.err != nil {
			return
		}
		each(v.line, r.firsts(r.spelled(v.table)))
	}
}

// require reports each of keys that fields lack.
func (r *reader) require(line int, in string, fields []field, keys ...string) {
	for _, k := range keys {
		if r.err == nil && lookup(fields, k) == nil {
			r.fail(line, in, "%s is missing", k)
		}
	}
}
