package lock

import (
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xtrepro/xt/hash"
)

// dataPath returns the path that names a table of data.
func (r *reader) dataPath(sec *section) string {
	path, ok := sec.name, true
	if strings.HasSuffix(sec.kind, bytesSuffix) {
		path, ok = readBytes(sec.name)
	}
	switch {
	case !ok:
		r.fail(sec.line, "", "not the spelling of text that is no UTF-8")
	case path == ".":
		r.fail(sec.line, "", "the whole project cannot be added")
	}
	r.checkPath(sec.line, "", path)
	return path
}

func (r *reader) data(sec *section, fields []field) {
	path := r.dataPath(sec)
	d := &Data{Item: Item{Path: path}, How: Committed}
	var node nodeReader
	for _, f := range fields {
		switch f.key {
		case "how":
			d.How = r.how(f)
		case "conflict":
			d.Conflicted = r.boolean(f)
		default:
			if !r.origin(&d.Origin, f) {
				node.field(r, f)
			}
		}
	}
	r.checkOrigin(sec.line, d)
	if !d.Conflicted || node != (nodeReader{}) {
		r.require(sec.line, "", fields, "blake3", "size")
		d.Node = node.node(r, sec.line, "")
	}
	if first := r.f.Data[path]; first != nil {
		d, r.mixed = first, true
	}
	if r.err == nil {
		d.Conflicted = d.Conflicted || r.mixed
		r.f.Data[path] = d
	}
}

// origin reads a field that says where data was imported from; ok is false for
// another field.
func (r *reader) origin(o *Origin, f field) (ok bool) {
	switch f.key {
	case "source":
		o.Source = r.text(f)
	case "source_path":
		o.Path = r.path(f)
	case "rev":
		o.Rev = r.text(f)
	case "commit":
		o.Commit = r.commit(f)
	case "version":
		o.Version = r.text(f)
	default:
		return false
	}
	return true
}

// checkOrigin refuses what cannot be an origin, but for one that two branches
// disagree about.
func (r *reader) checkOrigin(line int, d *Data) {
	o := d.Origin
	switch {
	case d.Conflicted || r.mixed:
	case o.Source == "" && o != (Origin{}):
		r.fail(line, "", "source is missing")
	case o.Path == "" && (o.Rev != "" || o.Commit != ""):
		r.fail(line, "", "source_path is missing")
	case o.Path != "" && (o.Commit == "" || o.Version != ""):
		r.fail(line, "", "what comes from a repository has a commit, and no version")
	}
}

// environment reads an environment. One that is not what its name says was mixed
// of two, and is left out: stages may name an environment that is not known.
func (r *reader) environment(sec *section, fields []field) {
	e := new(Environment)
	for _, f := range fields {
		switch f.key {
		case "os":
			e.OS = r.text(f)
		case "arch":
			e.Arch = r.text(f)
		case "python":
			e.Python = r.text(f)
		case "locked":
			e.Locked = r.sum(f)
		case "packages":
			e.Packages = unique(r, r.texts(f), strings.Compare)
		default:
			r.unknown(f)
		}
	}
	r.require(sec.line, "", fields, "os", "arch")
	if r.err != nil {
		return
	}
	if sum := e.Sum(); sum.String() == sec.name {
		r.f.Environments[sum] = e
	}
}

func (r *reader) stage(sec *section, fields []field) {
	if !validName(sec.name) {
		r.fail(sec.line, "", "%q is no name of a stage", sec.name)
	}
	s := &Stage{Name: sec.name, Shell: DefaultShell(), Wdir: "."}
	for _, f := range fields {
		if r.command(s, f) || r.inputs(s, f) || r.circumstances(s, f) {
			continue
		}
		switch f.key {
		case "fingerprint":
			s.Fingerprint = hash.Fingerprint(r.sum(f))
		case "how":
			s.How = r.how(f)
		case "outs":
			s.Outs = r.items(f)
			if len(s.Outs) > 0 && s.Outs[0].Path == "." {
				r.fail(f.val.line, f.key, "the whole project cannot be an output")
			}
		case "conflict":
			s.Conflicted = r.boolean(f)
		default:
			r.unknown(f)
		}
	}
	if !s.Conflicted {
		r.require(sec.line, "", fields, "how", "cmd")
	}
	if first := r.f.Stages[s.Name]; first != nil {
		s, r.mixed = first, true
	}
	if s.Conflicted = s.Conflicted || r.mixed; s.Conflicted {
		s.Fingerprint = hash.Fingerprint{}
	}
	if r.err == nil {
		r.f.Stages[s.Name] = s
	}
}

func validName(s string) bool {
	isControl := func(c rune) bool { return invisible(c) || c == '/' || c == '\\' }
	return s != "" && len(s) <= 1024 && utf8.ValidString(s) && !strings.ContainsFunc(s, isControl)
}

// command reads a field that says what is run; ok is false for another field.
func (r *reader) command(s *Stage, f field) (ok bool) {
	switch f.key {
	case "cmd":
		s.Cmd = r.text(f)
	case "shell":
		s.Shell = r.texts(f)
		if len(s.Shell) == 0 {
			r.fail(f.val.line, f.key, "empty")
		}
	case "wdir":
		s.Wdir = r.path(f)
	default:
		return false
	}
	return true
}

// inputs reads a field that says what a stage reads.
func (r *reader) inputs(s *Stage, f field) (ok bool) {
	switch f.key {
	case "code":
		s.Code = r.items(f)
	case "deps":
		s.Deps = r.items(f)
	case "calls":
		s.Calls = r.items(f)
	case "params":
		s.Params = r.params(f)
	case "commit":
		s.Commit = r.commit(f)
	case "dirty":
		s.Dirty = r.boolean(f)
	default:
		return false
	}
	return true
}

// circumstances reads a field that says what surrounds the command.
func (r *reader) circumstances(s *Stage, f field) (ok bool) {
	switch f.key {
	case "env":
		s.Env, _ = r.variables(f, false)
	case "pass":
		s.Pass, s.PassUnset = r.variables(f, true)
	case "environment":
		s.Environment = r.sum(f)
	case "seed":
		n := r.integer(f, -1<<63)
		s.Seed = &n
	case "deterministic":
		s.Deterministic = r.deterministic(f)
	case "threads":
		s.Threads = int(r.integer(f, 1))
	default:
		return false
	}
	return true
}

func (r *reader) deterministic(f field) string {
	s := r.text(f)
	if !slices.Contains([]string{DeterministicOff, DeterministicOn, DeterministicWarn}, s) {
		r.fail(f.val.line, f.key, "%q is not one of off, on, warn", s)
	}
	return s
}

// commit reads a git object name, SHA-1 or SHA-256.
func (r *reader) commit(f field) string {
	s := r.text(f)
	_, err := hex.DecodeString(s)
	if err != nil || len(s) != 40 && len(s) != 64 || s != strings.ToLower(s) {
		r.fail(f.val.line, f.key, "%.80q is no git commit", s)
	}
	return s
}

func (r *reader) items(f field) []Item {
	items := make([]Item, 0, len(f.val.list))
	r.tables(f, func(line int, fields []field) {
		var it Item
		var node nodeReader
		for _, g := range fields {
			if g.key == "path" {
				it.Path = r.path(g)
				continue
			}
			node.field(r, g)
		}
		r.require(line, f.key, fields, "path", "blake3", "size")
		it.Node = node.node(r, line, f.key)
		items = append(items, it)
	})
	return unique(r, items, compareItems)
}

// nodeReader collects the fields of a node, whose kind the keys tell.
type nodeReader struct {
	n          hash.Node
	isDir      bool
	executable bool
	isLink     bool
}

func (nr *nodeReader) field(r *reader, f field) {
	switch f.key {
	case "blake3":
		nr.n.Sum = r.sum(f)
	case "size":
		nr.n.Size = r.integer(f, 0)
	case "files":
		nr.n.Files, nr.isDir = r.integer(f, 0), true
	case "exec":
		nr.executable = r.boolean(f)
	case "link":
		nr.n.Target, nr.isLink = r.text(f), true
	default:
		r.unknown(f)
	}
}

func (nr *nodeReader) node(r *reader, line int, key string) hash.Node {
	n := nr.n
	switch {
	case nr.isLink && (nr.isDir || nr.executable), nr.isDir && nr.executable:
		r.fail(line, key, "files, exec and link exclude each other")
	case nr.isLink && (n.Target == "" || n.Sum != hash.Bytes([]byte(n.Target)) || n.Size != int64(len(n.Target))):
		r.fail(line, key, "blake3 and size are not those of the link's target")
	}
	switch {
	case nr.isLink:
		n.Kind = hash.Symlink
	case nr.isDir:
		n.Kind = hash.Directory
	case nr.executable:
		n.Kind = hash.Executable
	default:
		n.Kind = hash.File
	}
	return n
}

// unique sorts a list and leaves out what is there again. An empty list is nil.
func unique[T any](r *reader, list []T, compare func(a, b T) int) []T {
	if len(list) == 0 {
		return nil
	}
	if !slices.IsSortedFunc(list, compare) {
		slices.SortStableFunc(list, compare)
	}
	n := len(list)
	list = slices.CompactFunc(list, func(a, b T) bool { return compare(a, b) == 0 })
	r.mixed = r.mixed || len(list) < n
	return list
}
