package mlflow

import (
	"math"
	"net/url"
	"strconv"
	"strings"
)

// args are the arguments of a request, or of a part of it: the fields of a
// message of MLflow's, as its JSON names them. Names that nothing asks for are
// ignored. A getter that finds another type than it asks for notes an error, and
// the first one is in err; handlers look at it before they act.
type args struct {
	members []member
	at      string // where in the request they are, as "metrics"; "" for all of it
	element int    // and as which element, from 1; 0 if that is no list
	inQuery bool   // all are texts, and a list is a name that is repeated
	err     error
}

// where returns the place of a field in the request, as "metrics[3].key".
func (a *args) where(name string) string {
	switch {
	case a.at == "":
		return name
	case a.element == 0:
		return a.at + "." + name
	}
	return a.at + "[" + strconv.Itoa(a.element-1) + "]." + name
}

// add adds a text.
func (a *args) add(name, text string) {
	var e encoder
	e.text(text)
	a.members = append(a.members, member{[]byte(name), e.b})
}

// query adds what a query says.
func (a *args) query(raw string) {
	a.inQuery = true
	values, _ := url.ParseQuery(raw) // what can be read counts, as upstream
	for name, list := range values {
		for _, text := range list {
			a.add(name, text)
		}
	}
}

// parse adds the fields of a JSON object. A text that is none has no fields; one
// that is a string has those of the object in the string.
func (a *args) parse(text []byte) {
	if members, ok := appendObject(a.members, text); ok {
		a.members = members
		return
	}
	s := scanner{text: text}
	if s.space(); s.at < len(text) && text[s.at] == '"' {
		inner := s.str()
		if s.space(); !s.bad && s.at == len(text) {
			a.members, _ = appendObject(a.members, []byte(unquote(inner)))
		}
	}
}

// get returns a field, nil if it is not there or null. The last of a name counts.
// A run may be named as clients did before 1.0.
func (a *args) get(name string) value {
	v := a.last(name)
	if v == nil && name == "run_id" {
		v = a.last("run_uuid")
	}
	return v
}

func (a *args) last(name string) value {
	for i := len(a.members) - 1; i >= 0; i-- {
		if string(a.members[i].name) == name && !a.members[i].value.isNull() {
			return a.members[i].value
		}
	}
	return nil
}

func (a *args) note(err error) {
	if a.err == nil && err != nil {
		a.err = err
	}
}

func (a *args) mistyped(name string, v value) { a.note(mistyped(a.where(name), v)) }

// need notes an error if a field is not there, or an empty text.
func (a *args) need(name string) {
	if v := a.get(name); v == nil || string(v) == `""` {
		a.note(missing(a.where(name)))
	}
}

// check notes an error if a field is of another type than the endpoint takes. It
// is for fields that handlers read when they act; elements of lists and objects
// are checked as they are read.
func (a *args) check(f field) {
	switch f.kind {
	case "string":
		if v := a.get(f.name); v != nil && v[0] != '"' {
			a.mistyped(f.name, v)
		}
	case "integer":
		a.int(f.name, 0)
	case "number":
		a.float(f.name)
	}
}

// text returns a text, "" without one.
func (a *args) text(name string) string {
	v := a.get(name)
	switch {
	case v == nil:
		return ""
	case v[0] == '"':
		return unquote(v[1 : len(v)-1])
	}
	a.mistyped(name, v)
	return ""
}

// optional returns a text, nil without one.
func (a *args) optional(name string) *string {
	if a.get(name) == nil {
		return nil
	}
	text := a.text(name)
	return &text
}

// inner returns the text of a number, which may be between quotes.
func (v value) inner() []byte {
	if v[0] == '"' {
		return v[1 : len(v)-1]
	}
	return v
}

// int returns an integer, or otherwise.
func (a *args) int(name string, otherwise int64) int64 {
	v := a.get(name)
	if v == nil {
		return otherwise
	}
	text := string(v.inner())
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<63 && isNumber([]byte(text)) {
		return int64(f)
	}
	a.mistyped(name, v)
	return otherwise
}

// float returns a number, which may be written NaN or Infinity.
func (a *args) float(name string) float64 {
	v := a.get(name)
	if v == nil {
		return 0
	}
	text := v.inner()
	switch string(text) {
	case "NaN":
		return math.NaN()
	case "Infinity":
		return math.Inf(1)
	case "-Infinity":
		return math.Inf(-1)
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if isNumber(text) && (err == nil || math.IsInf(f, 0)) {
		return f
	}
	a.mistyped(name, v)
	return 0
}

// bool returns whether something is true, as JSON or Python write it.
func (a *args) bool(name string) bool {
	v := a.get(name)
	if v == nil {
		return false
	}
	switch strings.ToLower(string(v.inner())) {
	case "true":
		return true
	case "false":
		return false
	}
	a.mistyped(name, v)
	return false
}

// enum returns the name of a value of an enumeration, of which number i is
// names[i]. What is none of them is "".
func (a *args) enum(name string, names ...string) string {
	v := a.get(name)
	if v == nil {
		return ""
	}
	text := string(v.inner())
	if i, err := strconv.Atoi(text); err == nil && i >= 0 && i < len(names) {
		return names[i]
	}
	for _, n := range names {
		if n == text {
			return n
		}
	}
	return ""
}

// texts returns a list of texts: an array, or a name that a query repeats.
func (a *args) texts(name string) (list []string) {
	for i := range a.members {
		m := &a.members[i]
		if string(m.name) != name || m.value.isNull() {
			continue
		}
		switch {
		case m.value[0] == '"' && a.inQuery:
			list = append(list, unquote(m.value.inner()))
		case !elements(m.value, func(v value) {
			if v[0] != '"' {
				a.mistyped(name, m.value)
				return
			}
			list = append(list, unquote(v.inner()))
		}):
			a.mistyped(name, m.value)
		}
	}
	return list
}

// part returns the arguments in a field that is an object; none without it.
func (a *args) part(name string) *args {
	p := &args{at: a.where(name)}
	v := a.get(name)
	if v == nil {
		return p
	}
	var ok bool
	if p.members, ok = appendObject(nil, v); !ok {
		a.mistyped(name, v)
	}
	return p
}

// each calls f with each object of a list.
func (a *args) each(name string, f func(*args)) {
	v := a.get(name)
	if v == nil {
		return
	}
	part := args{at: a.where(name)}
	ok := elements(v, func(v value) {
		part.element++
		var ok bool
		if part.members, ok = appendObject(part.members[:0], v); !ok {
			a.mistyped(name, v)
			return
		}
		f(&part)
	})
	a.note(part.err)
	if !ok {
		a.mistyped(name, v)
	}
}
