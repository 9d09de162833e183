package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/suggest"
	"github.com/xtrepro/xt/internal/tomldoc"
)

// namespace is the parameters that can be named without their file: those of
// [params] and of the files listed there.
type namespace struct {
	values map[string]any
	file   map[string]string // by first name; "" for xt.toml
	keys   []string          // all dotted keys, once they are needed
}

func newNamespace() *namespace {
	return &namespace{values: map[string]any{}, file: map[string]string{}}
}

func (ns *namespace) all() []string {
	if ns.keys == nil {
		ns.keys = keysOf(ns.values)
	}
	return ns.keys
}

// hint says what an unknown parameter may have been meant to be.
func (ns *namespace) hint(word string) string {
	all := ns.all()
	if hint := suggest.DidYouMean(word, all); hint != "" {
		return hint
	}
	if len(all) == 0 {
		return "there are no parameters: add them below [params]"
	}
	return knownAre(all)
}

// readParams fills the namespace. Overrides come first, so that everything that
// reads a parameter sees the same value.
func (l *loader) readParams() {
	table := l.doc.Root.Get("params")
	own := map[string]any{}
	if l.ok(table) {
		for _, n := range table.Keys {
			if n.Key != "files" {
				own[n.Key] = n.Plain()
				l.names.file[n.Key] = ""
			}
		}
		if n := table.Get("matrix"); n != nil {
			l.tell(n.KeyAt, place{where: "[params]"}, "give it another name", `"matrix" cannot be a parameter: ${matrix.AXIS} is a value of a matrix`)
		}
	}
	l.cfg.Params, l.cfg.Files, l.names.values = own, map[string]map[string]any{}, own
	if l.ok(table) && l.ok(table.Get("files")) {
		l.names.values = maps.Clone(own)
		for _, n := range table.Get("files").Items {
			l.shareFile(n, table)
		}
	}
	l.override()
}

// shareFile adds the keys of a params file to the namespace.
func (l *loader) shareFile(n, table *tomldoc.Node) {
	p := place{where: "[params]"}
	if !l.ok(n) {
		return
	}
	name, ok := l.path(n.At, p, "files", ".", n.Value.(string))
	if !ok {
		return
	}
	file := l.paramsFile(name, l.pos(n.At), p.where)
	l.cfg.Files[name] = file
	for _, k := range slices.Sorted(maps.Keys(file)) {
		other, taken := l.names.file[k]
		if !taken {
			l.names.file[k], l.names.values[k] = name, file[k]
			continue
		}
		if other == name {
			l.tell(n.At, p, "", "%s is listed twice", name)
			return
		}
		where := other
		if other == "" {
			where = l.pos(table.Get(k).KeyAt).String()
		}
		l.tell(n.At, p, fmt.Sprintf("rename one, or take %s out of files: a stage can still read %q", name, name+":"+k), "parameter %q is in %s and in %s", k, where, name)
	}
}

// paramsFile returns the content of a params file, read once; nothing if it
// cannot be read, which is told where it is first named.
func (l *loader) paramsFile(name string, at Position, where string) map[string]any {
	if file, ok := l.files[name]; ok {
		return file
	}
	l.files[name] = nil
	b, err := l.src.ReadFile(name)
	if err != nil {
		e := &ConfigError{Pos: at, Where: where, Msg: fmt.Sprintf("read params file %s: %v", name, err), Err: err}
		if errors.Is(err, fs.ErrNotExist) {
			e.Msg, e.Hint = fmt.Sprintf("there is no params file %s", name), l.fileHint(name)
		}
		l.rep.add(e)
		return nil
	}
	values, err := decodeParams(name, b)
	if err != nil {
		var pe *paramsError
		if !errors.As(err, &pe) {
			pe = &paramsError{msg: err.Error()}
		}
		pe.within(b)
		l.rep.add(&ConfigError{Pos: Position{name, pe.line, pe.col}, Msg: pe.msg, Hint: pe.hint})
		return nil
	}
	l.files[name] = values
	return values
}

// fileHint looks for a params file of the same name with the other ending.
func (l *loader) fileHint(name string) string {
	stem := strings.TrimSuffix(name, path.Ext(name))
	for _, ext := range []string{".yaml", ".yml", ".json", ".toml"} {
		if _, err := l.src.ReadFile(stem + ext); err == nil {
			return fmt.Sprintf("did you mean %q?", stem+ext)
		}
	}
	return "create it, or mend the path, which is relative to the project"
}

// isParamsFile reports whether a path has the ending of a params file.
func isParamsFile(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json", ".toml":
		return true
	}
	return false
}

// param resolves an entry of a stage's params.
func (l *loader) param(entry string, at int, p place) (Param, bool) {
	if file, key, ok := strings.Cut(entry, ":"); ok && isParamsFile(file) {
		return l.fileParam(file, key, at, p)
	}
	k, err := parseKey(entry)
	if err == nil {
		if v, ok := k.in(l.names.values); ok {
			return Param{File: l.names.file[k[0].name], Key: k.String(), Value: v}, true
		}
	}
	switch {
	case isParamsFile(entry):
		return l.fileParam(entry, "", at, p)
	case err != nil && strings.ContainsAny(entry, ":/"):
		l.tell(at, p, `write "FILE:KEY", with a file that ends in .yaml, .yml, .json or .toml`, "%q is no params file", entry)
	default:
		l.tell(at, p, l.names.hint(entry), "unknown parameter %q", entry)
	}
	return Param{}, false
}

func (l *loader) fileParam(file, key string, at int, p place) (Param, bool) {
	name, ok := l.path(at, p, "params", ".", file)
	if !ok {
		return Param{}, false
	}
	if name == ConfigFile {
		l.tell(at, p, fmt.Sprintf("write %q", key), "parameters of %s are named without the file", ConfigFile)
		return Param{}, false
	}
	values := l.paramsFile(name, l.pos(at), p.where)
	if values == nil {
		return Param{}, false
	}
	if key == "" {
		return Param{File: name, Value: values}, true
	}
	k, err := parseKey(key)
	if err == nil {
		if v, ok := k.in(values); ok {
			return Param{File: name, Key: k.String(), Value: v}, true
		}
	}
	known := keysOf(values)
	hint := suggest.DidYouMean(key, known)
	if hint == "" && len(known) > 0 {
		hint = knownAre(known)
	}
	l.tell(at, p, hint, "%s has no parameter %q", name, key)
	return Param{}, false
}
