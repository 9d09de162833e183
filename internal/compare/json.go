package compare

import (
	"bytes"
	"fmt"
	"strings"
)

// Bounds of what is read into memory, or gone through again.
const (
	maxJSON = 256 << 20 // bytes of a file
	maxKeys = 4 << 20   // of an object whose keys are in another order
	maxPath = 200       // bytes of a path that is shown
)

func compareJSON(t *tally, p *pair) error {
	if p.want.Size() > maxJSON || p.got.Size() > maxJSON {
		return errFormat
	}
	want, err := p.want.all()
	if err != nil {
		return err
	}
	got, err := p.got.all()
	if err != nil {
		return err
	}
	return compareJSONText(t, want, got)
}

func compareJSONText(t *tally, want, got []byte) error {
	w := &jsonWalk{t: t, want: jsonText{src: want}, got: jsonText{src: got}}
	if !w.want.valid() || !w.got.valid() {
		return errFormat
	}
	w.budget = 16*int64(len(want)+len(got)) + 1<<20
	return w.value()
}

// jsonWalk goes through two valid texts side by side. There is no tree: what is
// kept is where it stands, and the keys of objects that are in another order.
type jsonWalk struct {
	t         *tally
	want, got jsonText
	path      []step
	budget    int64 // bytes to read again in search of keys
	values    int
}

// step is a part of a path.
type step struct {
	key   []byte // as it is written; nil in a list
	index int
}

func (w *jsonWalk) value() error {
	if w.values++; w.values%(1<<16) == 0 {
		if err := w.t.ctx.Err(); err != nil {
			return err
		}
	}
	a, b := w.want.peek(), w.got.peek()
	switch {
	case a == '{' && b == '{':
		return w.object()
	case a == '[' && b == '[':
		return w.list()
	}
	want, got := w.want.take(), w.got.take()
	if !w.same(want, got) && w.t.first() {
		x, y := showJSONs(want, got)
		w.t.say(w.where(), x, y)
	}
	return nil
}

// same compares two values that are not both lists or objects.
func (w *jsonWalk) same(want, got []byte) bool {
	if bytes.Equal(want, got) {
		return true
	}
	if want[0] == '"' || got[0] == '"' {
		return sameString(want, got)
	}
	a, ok := parseNumber(string(want))
	if !ok {
		return false
	}
	b, ok := parseNumber(string(got))
	return ok && w.t.nearNumbers(a, b)
}

// sameString compares two strings or keys, however they are escaped.
func sameString(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	return a[0] == b[0] && (bytes.IndexByte(a, '\\') >= 0 || bytes.IndexByte(b, '\\') >= 0) && unquote(a) == unquote(b)
}

// at compares the next values under a step of the path.
func (w *jsonWalk) at(s step) error {
	w.path = append(w.path, s)
	err := w.value()
	w.path = w.path[:len(w.path)-1]
	return err
}

func (w *jsonWalk) list() error {
	w.want.i++
	w.got.i++
	for n := 0; ; n++ {
		a, b := w.want.more(']'), w.got.more(']')
		if !a || !b {
			w.listEnd(n+w.want.count(a), n+w.got.count(b))
			return nil
		}
		if err := w.at(step{index: n}); err != nil {
			return err
		}
	}
}

// count reads the rest of a list, if there is more of it.
func (j *jsonText) count(more bool) (n int) {
	for ; more; more = j.more(']') {
		j.skip(0)
		n++
	}
	return n
}

func (w *jsonWalk) listEnd(want, got int) {
	if want == got {
		return
	}
	if w.t.first() {
		w.t.say(fmt.Sprintf("%s has %s instead of %d", w.where(), plural(got, "item"), want), "", "")
	}
	w.t.count += int64(max(want-got, got-want) - 1)
}

func (w *jsonWalk) object() error {
	w.want.i++
	w.got.i++
	for {
		a, b := w.want.more('}'), w.got.more('}')
		if !a && !b {
			return nil
		}
		if !a || !b {
			return w.unordered(a, b)
		}
		i, k := w.want.i, w.got.i
		key := w.want.key()
		if !sameString(key, w.got.key()) {
			w.want.i, w.got.i = i, k
			return w.unordered(true, true)
		}
		if err := w.at(step{key: key}); err != nil {
			return err
		}
	}
}

// member is a key of an object, and where its value is.
type member struct {
	key []byte // as it is written
	id  memberID
	at  int
}

// memberID tells apart what an object holds: a key that comes again is one more.
type memberID struct {
	key   string
	again int
}

// members reads the rest of an object, if there is more of it.
func (w *jsonWalk) members(j *jsonText, more bool) ([]member, error) {
	var all []member
	seen := map[string]int{}
	for start := j.i; more; more = j.more('}') {
		key := j.key()
		name := unquote(key)
		all = append(all, member{key, memberID{name, seen[name]}, j.i})
		seen[name]++
		j.skip(0)
		w.budget -= int64(j.i - start)
		start = j.i
		if len(all) > maxKeys || w.budget < 0 {
			return nil, errFormat
		}
	}
	return all, nil
}

// unordered compares the rest of two objects key by key.
func (w *jsonWalk) unordered(moreWant, moreGot bool) error {
	want, err := w.members(&w.want, moreWant)
	if err != nil {
		return err
	}
	got, err := w.members(&w.got, moreGot)
	if err != nil {
		return err
	}
	endWant, endGot := w.want.i, w.got.i
	places := make(map[memberID]int, len(got))
	for _, m := range got {
		places[m.id] = m.at
	}
	for _, m := range want {
		w.want.i = m.at
		at, ok := places[m.id]
		if !ok {
			w.alone(m, &w.want, "missing")
			continue
		}
		delete(places, m.id)
		w.got.i = at
		if err := w.at(step{key: m.key}); err != nil {
			return err
		}
	}
	for _, m := range got {
		if _, left := places[m.id]; left {
			w.got.i = m.at
			w.alone(m, &w.got, "new")
		}
	}
	w.want.i, w.got.i = endWant, endGot
	return nil
}

// alone says that only one of the files has a key.
func (w *jsonWalk) alone(m member, j *jsonText, state string) {
	if !w.t.first() {
		return
	}
	w.path = append(w.path, step{key: m.key})
	where := w.where()
	w.path = w.path[:len(w.path)-1]
	value, _ := showJSONs(j.take(), nil)
	if state == "new" {
		w.t.say(where+" is new", "", value)
	} else {
		w.t.say(where+" is missing", value, "")
	}
}

// where names the place: "key a.b[3].c", or "item [3].c" of a list.
func (w *jsonWalk) where() string {
	if len(w.path) == 0 {
		return "the value"
	}
	var b strings.Builder
	for i, s := range w.path {
		if b.Len() > maxPath {
			fmt.Fprintf(&b, "… (%d more)", len(w.path)-i)
			break
		}
		if s.key == nil {
			fmt.Fprintf(&b, "[%d]", s.index)
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(showName(unquote(s.key), ".[] "))
	}
	if w.path[0].key == nil {
		return "item " + b.String()
	}
	return "key " + b.String()
}

// showJSONs shows two values; either may be nil.
func showJSONs(want, got []byte) (string, string) {
	if len(want) > 0 && len(got) > 0 && want[0] == '"' && got[0] == '"' {
		return showTexts(unquote(want), unquote(got))
	}
	one := func(v []byte) string {
		if len(v) > 0 && v[0] == '"' {
			return showText(unquote(v), 0)
		}
		return showPlain(string(v[:min(len(v), 8*shownAll)]))
	}
	return one(want), one(got)
}
