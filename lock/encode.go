package lock

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/xtrepro/xt/hash"
)

const preamble = `# Written by xt: what each stage was made from, and what it made. Commit this
# file, and do not edit it. After a conflict in a merge, run "xt repro".
version = 1
`

// Encode returns the text of f, which [Parse] reads back. It is the same to the
// byte for equal files on every system: sorted, one entry on a line, so that
// git merges what different stages changed. Environments that no stage uses are
// left out. Encode checks nothing: [Store.SetStage] does.
func (f *File) Encode() []byte {
	w := writer{b: make([]byte, 0, len(preamble)+f.estimate())}
	w.b = append(w.b, preamble...)
	for _, path := range slices.Sorted(maps.Keys(f.Data)) {
		w.data(f.Data[path])
	}
	used := f.used()
	bySum := func(a, b hash.Sum) int { return bytes.Compare(a[:], b[:]) }
	for _, sum := range slices.SortedFunc(maps.Keys(used), bySum) {
		w.environment(sum, used[sum])
	}
	for _, name := range slices.Sorted(maps.Keys(f.Stages)) {
		w.stage(f.Stages[name])
	}
	return w.b
}

// estimate returns about how many bytes f takes, to allocate them once.
func (f *File) estimate() int {
	n := 200 * len(f.Data)
	for _, s := range f.Stages {
		n += 400 + len(s.Cmd) + 160*(len(s.Code)+len(s.Deps)+len(s.Outs)) + 80*(len(s.Params)+len(s.Env)+len(s.Pass))
	}
	return n
}

// used returns the environments that stages of f refer to.
func (f *File) used() map[hash.Sum]*Environment {
	used := make(map[hash.Sum]*Environment)
	for _, s := range f.Stages {
		if e := f.EnvironmentOf(s); e != nil {
			used[s.Environment] = e
		}
	}
	return used
}

// writer appends the text of a lock.
type writer struct{ b []byte }

func (w *writer) raw(s string) { w.b = append(w.b, s...) }

// header begins a table.
func (w *writer) header(kind, name string) {
	if utf8.ValidString(name) {
		w.raw("\n[" + kind + ".")
	} else {
		w.raw("\n[" + kind + bytesSuffix + ".")
		name = spellBytes(name)
	}
	w.b = appendKey(w.b, name)
	w.raw("]\n")
}

// text writes a key and its text, without an end of line.
func (w *writer) text(key, s string) {
	w.raw(key)
	if !utf8.ValidString(s) {
		w.raw(bytesSuffix)
		s = spellBytes(s)
	}
	w.raw(" = ")
	w.b = appendString(w.b, s)
}

// The writers of a line: nothing is written for what is not there.

func (w *writer) textLine(key, s string) {
	if s != "" {
		w.text(key, s)
		w.raw("\n")
	}
}

func (w *writer) sumLine(key string, sum hash.Sum) {
	if !sum.IsZero() {
		w.sum(key, sum)
		w.raw("\n")
	}
}

func (w *writer) trueLine(key string, v bool) {
	if v {
		w.raw(key + " = true\n")
	}
}

func (w *writer) integer(key string, n int64) {
	w.raw(key + " = ")
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *writer) sum(key string, sum hash.Sum) {
	w.raw(key + ` = "`)
	w.b = appendHex(w.b, sum)
	w.raw(`"`)
}

func appendHex(b []byte, sum hash.Sum) []byte {
	const digits = "0123456789abcdef"
	for _, c := range sum {
		b = append(b, digits[c>>4], digits[c&15])
	}
	return b
}

func (w *writer) data(d *Data) {
	w.header("data", d.Path)
	if !d.IsZero() {
		w.node(d.Node, "\n")
		w.raw("\n")
	}
	if d.How != Committed {
		w.textLine("how", string(d.How))
	}
	w.origin(d.Origin)
	w.trueLine("conflict", d.Conflicted)
}

func (w *writer) origin(o Origin) {
	w.textLine("source", o.Source)
	w.textLine("source_path", o.Path)
	w.textLine("rev", o.Rev)
	w.textLine("commit", o.Commit)
	w.textLine("version", o.Version)
}

// node writes the fields of a node with a separator between them.
func (w *writer) node(n hash.Node, sep string) {
	w.sum("blake3", n.Sum)
	w.raw(sep)
	w.integer("size", n.Size)
	switch n.Kind {
	case hash.Directory:
		w.raw(sep)
		w.integer("files", n.Files)
	case hash.Executable:
		w.raw(sep + "exec = true")
	case hash.Symlink:
		w.raw(sep)
		w.text("link", n.Target)
	}
}

func (w *writer) environment(sum hash.Sum, e *Environment) {
	w.header("environment", sum.String())
	w.text("os", e.OS)
	w.raw("\n")
	w.text("arch", e.Arch)
	w.raw("\n")
	w.textLine("python", e.Python)
	w.sumLine("locked", e.Locked)
	writeList(w, "packages", sorted(e.Packages, cmp.Compare[string]), func(p string) {
		w.b = appendString(w.b, p)
	})
}

// writeList writes a list with one entry on a line, or nothing if it is empty.
func writeList[T any](w *writer, key string, list []T, entry func(T)) {
	if len(list) == 0 {
		return
	}
	w.raw(key + " = [\n")
	for _, e := range list {
		w.raw("  ")
		entry(e)
		w.raw(",\n")
	}
	w.raw("]\n")
}

func (w *writer) stage(s *Stage) {
	w.header("stage", s.Name)
	w.trueLine("conflict", s.Conflicted)
	if !s.Conflicted {
		w.sumLine("fingerprint", hash.Sum(s.Fingerprint))
	}
	w.textLine("how", string(s.How))
	w.text("cmd", s.Cmd)
	w.raw("\n")
	w.shell(s.Shell)
	if s.Wdir != "." {
		w.textLine("wdir", s.Wdir)
	}
	w.textLine("commit", s.Commit)
	w.trueLine("dirty", s.Dirty)
	w.sumLine("environment", s.Environment)
	if s.Seed != nil {
		w.integer("seed", *s.Seed)
		w.raw("\n")
	}
	w.textLine("deterministic", s.Deterministic)
	if s.Threads > 0 {
		w.integer("threads", int64(s.Threads))
		w.raw("\n")
	}
	w.items("code", s.Code)
	w.items("deps", s.Deps)
	w.items("calls", s.Calls)
	w.params(s.Params)
	w.variables("env", s.Env, nil)
	w.variables("pass", s.Pass, s.PassUnset)
	w.items("outs", s.Outs)
}

// shell writes the words on one line, and the default not at all.
func (w *writer) shell(words []string) {
	if len(words) == 0 || slices.Equal(words, DefaultShell()) {
		return
	}
	list := value{kind: kindList}
	for _, word := range words {
		list.list = append(list.list, value{kind: kindString, str: word})
	}
	w.raw("shell = ")
	w.b = appendValue(w.b, list)
	w.raw("\n")
}

func (w *writer) items(key string, items []Item) {
	writeList(w, key, sorted(items, compareItems), func(it Item) {
		w.raw("{ ")
		w.text("path", it.Path)
		w.raw(", ")
		w.node(it.Node, ", ")
		w.raw(" }")
	})
}

func (w *writer) params(params []Param) {
	writeList(w, "params", sorted(params, compareParams), func(p Param) {
		w.raw("{ ")
		if p.File != "" {
			w.text("file", p.File)
			w.raw(", ")
		}
		if p.Key != "" {
			w.text("key", p.Key)
			w.raw(", ")
		}
		if isLiteral(p.Value) {
			w.raw("value = " + p.Value)
		} else {
			w.text("text", p.Value)
		}
		w.raw(" }")
	})
}

func (w *writer) variables(key string, set map[string]string, unset []string) {
	names := slices.AppendSeq(slices.Clone(unset), maps.Keys(set))
	slices.Sort(names)
	writeList(w, key, names, func(name string) {
		w.raw("{ ")
		w.text("name", name)
		w.raw(", ")
		if v, ok := set[name]; ok {
			w.text("value", v)
		} else {
			w.raw("unset = true")
		}
		w.raw(" }")
	})
}

// sameStage reports whether a and b are written alike.
func sameStage(a, b *Stage) bool {
	if a == nil || b == nil || a == b {
		return a == b
	}
	var x, y writer
	x.stage(a)
	y.stage(b)
	return bytes.Equal(x.b, y.b)
}

// sameData reports whether a and b are written alike.
func sameData(a, b *Data) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
