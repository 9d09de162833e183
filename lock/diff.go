package lock

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/hash"
)

// Op says what happened to the thing that a [Change] is about.
type Op uint8

// The values of [Op].
const (
	Changed Op = iota
	Added
	Removed
)

// String returns "changed", "added" or "removed".
func (o Op) String() string { return [...]string{"changed", "added", "removed"}[o] }

// ChangeKind says what a [Change] is about.
type ChangeKind string

// The kinds of change. The last group decides no stage's result.
const (
	KindStage         ChangeKind = "stage" // the whole entry was added or removed
	KindCmd           ChangeKind = "cmd"
	KindShell         ChangeKind = "shell"
	KindWdir          ChangeKind = "wdir"
	KindCode          ChangeKind = "code"  // Name is the path
	KindDep           ChangeKind = "dep"   // Name is the path
	KindCalls         ChangeKind = "calls" // recorded answers of language models; Name is their directory
	KindParam         ChangeKind = "param" // Name is the key, or file:key
	KindEnv           ChangeKind = "env"   // Name is the variable
	KindPass          ChangeKind = "pass"  // Name is the variable
	KindSeed          ChangeKind = "seed"
	KindDeterministic ChangeKind = "deterministic"
	KindThreads       ChangeKind = "threads"
	KindEnvironment   ChangeKind = "environment" // the whole, where the parts are not known
	KindPlatform      ChangeKind = "platform"    // operating system and architecture
	KindPython        ChangeKind = "python"
	KindRequirements  ChangeKind = "requirements" // the resolved requirements file
	KindPackage       ChangeKind = "package"      // Name is the package
	KindFingerprint   ChangeKind = "fingerprint"  // it differs and nothing recorded does: another version of xt

	KindData     ChangeKind = "data"   // Name is the path
	KindSource   ChangeKind = "source" // of data that was imported; Name is the path
	KindOut      ChangeKind = "out"    // Name is the path
	KindHow      ChangeKind = "how"
	KindConflict ChangeKind = "conflict" // two branches disagree (Added), or no more do; Name is the path of data
)

// Input reports whether a change of this kind is a reason to run a stage again.
func (k ChangeKind) Input() bool {
	switch k {
	case KindData, KindSource, KindOut, KindHow:
		return false
	}
	return true
}

// Change is one thing that differs between two entries.
type Change struct {
	Stage string // "" for data
	Kind  ChangeKind
	Op    Op
	Name  string // which one of its kind; "" where there is only one

	// Old and New are for people to read, on one line each; empty if there is
	// none.
	Old, New string
	// OldNode and NewNode are what Old and New tell of, where it is a path.
	OldNode, NewNode hash.Node
}

// Diff returns what differs between two locks: data first, then stages, each
// sorted by name.
func Diff(a, b *File) []Change {
	var d differ
	for _, path := range slices.Sorted(maps.Keys(union(a.Data, b.Data))) {
		d.data(path, a.Data[path], b.Data[path])
	}
	for _, name := range slices.Sorted(maps.Keys(union(a.Stages, b.Stages))) {
		old, new := a.Stages[name], b.Stages[name]
		d.changes = append(d.changes, DiffStage(old, new, a.EnvironmentOf(old), b.EnvironmentOf(new))...)
	}
	return d.changes
}

// DiffStage returns what differs between two entries of a stage, say the one in
// the lock and the one that the present files give. Either may be nil, for
// none; then the one change is that the stage was added or removed. The
// environments are those that the entries name, or nil if not known. Provenance
// (the commit) is not compared, and the outputs and how only where both entries
// have them, since a stage that has not run yet has none.
func DiffStage(old, new *Stage, oldEnv, newEnv *Environment) []Change {
	d := differ{stage: cmp.Or(old, new, &Stage{}).Name}
	switch {
	case old == nil && new == nil:
		return nil
	case old == nil:
		d.add(Change{Kind: KindStage, Op: Added, New: brief(hash.Sum(new.Fingerprint))})
		return d.changes
	case new == nil:
		d.add(Change{Kind: KindStage, Op: Removed, Old: brief(hash.Sum(old.Fingerprint))})
		return d.changes
	}
	d.command(old, new)
	d.files(old, new)
	d.params(old.Params, new.Params)
	d.variables(old, new)
	d.seed(old, new)
	d.environment(old, new, oldEnv, newEnv)
	d.fingerprint(old, new)
	d.results(old, new)
	return d.changes
}

// differ collects changes.
type differ struct {
	stage   string
	changes []Change
}

func (d *differ) add(c Change) {
	c.Stage = d.stage
	d.changes = append(d.changes, c)
}

// text adds a change if two texts differ, of which an empty one means none.
func (d *differ) text(kind ChangeKind, old, new string) {
	if old != new {
		d.add(Change{Kind: kind, Op: opOf(old != "", new != ""), Old: printable(old), New: printable(new)})
	}
}

func opOf(hadOld, hasNew bool) Op {
	switch {
	case !hadOld:
		return Added
	case !hasNew:
		return Removed
	}
	return Changed
}

// named adds a change for each name whose text differs or that only one side
// has.
func (d *differ) named(kind ChangeKind, old, new map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(union(old, new))) {
		a, inOld := old[name]
		b, inNew := new[name]
		if inOld != inNew || a != b {
			d.add(Change{Kind: kind, Op: opOf(inOld, inNew), Name: name, Old: printable(a), New: printable(b)})
		}
	}
}

// conflict adds a change if one of two entries is conflicted.
func (d *differ) conflict(name string, old, new bool) {
	if old != new {
		d.add(Change{Kind: KindConflict, Op: opOf(old, new), Name: name})
	}
}

func (d *differ) command(old, new *Stage) {
	d.conflict("", old.Conflicted, new.Conflicted)
	d.text(KindCmd, old.Cmd, new.Cmd)
	d.text(KindShell, shellText(old), shellText(new))
	d.text(KindWdir, cmp.Or(old.Wdir, "."), cmp.Or(new.Wdir, "."))
}

func shellText(s *Stage) string {
	if len(s.Shell) == 0 {
		return strings.Join(DefaultShell(), " ")
	}
	return strings.Join(s.Shell, " ")
}

func (d *differ) files(old, new *Stage) {
	d.items(KindCode, old.Code, new.Code)
	d.items(KindDep, old.Deps, new.Deps)
	d.items(KindCalls, old.Calls, new.Calls)
}

func (d *differ) items(kind ChangeKind, old, new []Item) {
	before, after := byPath(old), byPath(new)
	for _, path := range slices.Sorted(maps.Keys(union(before, after))) {
		d.node(kind, path, before[path], after[path])
	}
}

func byPath(items []Item) map[string]hash.Node {
	m := make(map[string]hash.Node, len(items))
	for _, it := range items {
		m[it.Path] = it.Node
	}
	return m
}

func (d *differ) node(kind ChangeKind, path string, old, new hash.Node) {
	if old.Same(new) {
		return
	}
	withKind := old.Kind != new.Kind && !old.IsZero() && !new.IsZero()
	d.add(Change{
		Kind: kind, Op: opOf(!old.IsZero(), !new.IsZero()), Name: path,
		Old: nodeText(old, withKind), New: nodeText(new, withKind), OldNode: old, NewNode: new,
	})
}

func nodeText(n hash.Node, withKind bool) string {
	if n.IsZero() {
		return ""
	}
	if withKind {
		return n.Kind.String() + " " + n.Sum.Short()
	}
	return n.Sum.Short()
}

func (d *differ) data(path string, old, new *Data) {
	old, new = cmp.Or(old, &Data{}), cmp.Or(new, &Data{})
	d.conflict(path, old.Conflicted, new.Conflicted)
	d.node(KindData, path, old.Node, new.Node)
	if old.Origin != new.Origin {
		a, b := old.Origin.String(), new.Origin.String()
		d.add(Change{Kind: KindSource, Op: opOf(a != "", b != ""), Name: path, Old: printable(a), New: printable(b)})
	}
}

func (d *differ) params(old, new []Param) {
	d.named(KindParam, paramTexts(old), paramTexts(new))
}

func paramTexts(params []Param) map[string]string {
	m := make(map[string]string, len(params))
	for _, p := range params {
		name := p.Key
		if p.File != "" {
			name = p.File + ":" + p.Key
		}
		addLeaves(m, strings.TrimSuffix(name, ":"), p.Value)
	}
	return m
}

// addLeaves adds a parameter's value under its name; of a table each value in
// it, so that a change is told of the one that changed.
func addLeaves(m map[string]string, name, text string) {
	sc := scanner{s: text, null: true}
	v, ok := sc.value()
	if !ok || v.kind != kindTable || len(v.table) == 0 {
		m[name] = text
		return
	}
	for _, f := range v.table {
		addLeaves(m, name+"."+string(appendKey(nil, f.key)), string(appendValue(nil, f.val)))
	}
}

func (d *differ) variables(old, new *Stage) {
	d.named(KindEnv, old.Env, new.Env)
	d.named(KindPass, passTexts(old), passTexts(new))
}

// passTexts gives variables that are unset a text that differs from any value:
// values are quoted.
func passTexts(s *Stage) map[string]string {
	m := make(map[string]string, len(s.Pass)+len(s.PassUnset))
	for name, v := range s.Pass {
		m[name] = strconv.Quote(v)
	}
	for _, name := range s.PassUnset {
		m[name] = "unset"
	}
	return m
}

func (d *differ) seed(old, new *Stage) {
	d.text(KindSeed, seedText(old), seedText(new))
	d.text(KindDeterministic, old.Deterministic, new.Deterministic)
	d.text(KindThreads, threadsText(old), threadsText(new))
}

func seedText(s *Stage) string {
	if s.Seed == nil {
		return ""
	}
	return strconv.FormatInt(*s.Seed, 10)
}

func threadsText(s *Stage) string {
	if s.Threads == 0 {
		return ""
	}
	return strconv.Itoa(s.Threads)
}

func (d *differ) environment(old, new *Stage, oldEnv, newEnv *Environment) {
	if old.Environment == new.Environment {
		return
	}
	if oldEnv == nil || newEnv == nil {
		d.text(KindEnvironment, brief(old.Environment), brief(new.Environment))
		return
	}
	d.text(KindPlatform, oldEnv.OS+"/"+oldEnv.Arch, newEnv.OS+"/"+newEnv.Arch)
	d.text(KindPython, oldEnv.Python, newEnv.Python)
	d.text(KindRequirements, brief(oldEnv.Locked), brief(newEnv.Locked))
	d.named(KindPackage, versions(oldEnv.Packages), versions(newEnv.Packages))
}

// versions returns the packages by name. One that is there in several versions
// has them all.
func versions(packages []string) map[string]string {
	m := make(map[string]string, len(packages))
	for _, p := range packages {
		name, version, _ := strings.Cut(p, "==")
		if v, ok := m[name]; ok {
			version = v + ", " + version
		}
		m[name] = version
	}
	return m
}

// fingerprint adds a change if the fingerprints differ and no input does.
func (d *differ) fingerprint(old, new *Stage) {
	isInput := func(c Change) bool { return c.Kind.Input() }
	if slices.ContainsFunc(d.changes, isInput) {
		return
	}
	d.text(KindFingerprint, brief(hash.Sum(old.Fingerprint)), brief(hash.Sum(new.Fingerprint)))
}

func (d *differ) results(old, new *Stage) {
	if len(old.Outs) > 0 && len(new.Outs) > 0 {
		d.items(KindOut, old.Outs, new.Outs)
	}
	if old.How != "" && new.How != "" {
		d.text(KindHow, string(old.How), string(new.How))
	}
}

// brief returns the first digits of a digest, and nothing for the zero Sum.
func brief(sum hash.Sum) string {
	if sum.IsZero() {
		return ""
	}
	return sum.Short()
}

// printable returns s, quoted if it would not show on one line as it is.
func printable(s string) string {
	isOdd := func(r rune) bool { return !strconv.IsPrint(r) }
	if strings.ContainsFunc(s, isOdd) {
		return strconv.Quote(s)
	}
	return s
}
