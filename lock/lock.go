// Package lock is xt.lock: what each stage was made from and what it made,
// read strictly, written stably to the byte, compared and merged entry by
// entry.
package lock

import (
	"cmp"
	"slices"

	"github.com/xtrepro/xt/hash"
)

// Version is the version of the format that [File.Encode] writes, and the
// newest that [Parse] reads.
const Version = 1

// How says how recorded content came to be where it is.
type How string

// The values of [How].
const (
	Executed  How = "executed"  // the stage's command was run
	Restored  How = "restored"  // taken from the run cache instead of running
	Committed How = "committed" // the user vouched for it: xt add, or a stage accepted as it is
	Imported  How = "imported"  // brought in from elsewhere: a URL, another tool's lock file
)

// The values of [Stage.Deterministic]; empty if the stage does not say.
const (
	DeterministicOff  = "off"
	DeterministicOn   = "on"
	DeterministicWarn = "warn" // nondeterministic operations are reported, not refused
)

// Item is a path and what stands there. Paths are clean slash paths relative
// to the project root.
type Item struct {
	Path string
	hash.Node
}

// Param is one parameter and the value that a stage read.
type Param struct {
	File  string // "" for [params] in xt.toml, else the path of a params file
	Key   string // dotted; "" for a whole file
	Value string // as [Literal] writes it: equal values have equal text
}

// Stage is everything that decided a stage's result, and the result. Items,
// parameters and names are sorted and without duplicates. A Stage that is part
// of a [File] is shared: treat it as immutable.
type Stage struct {
	Name        string
	Fingerprint hash.Fingerprint // zero: not known, so the stage is stale
	How         How

	Cmd   string
	Shell []string // the words before Cmd; empty stands for [DefaultShell]
	Wdir  string   // empty stands for "."

	Code   []Item
	Commit string // the git commit that was checked out: provenance, not identity; "" if none
	Dirty  bool   // whether Code differed from Commit
	Deps   []Item
	Outs   []Item
	// Calls is the directory of the recorded answers of language models that the
	// stage used; nil if it does not record its calls.
	Calls []Item

	Params    []Param
	Env       map[string]string // set for the command
	Pass      map[string]string // passed through from the caller
	PassUnset []string          // to be passed through, but not set

	Seed          *int64 // nil: unseeded
	Deterministic string
	Threads       int // 0: not said

	Environment hash.Sum // key into [File.Environments]; zero: none

	// Conflicted says that two branches disagree about this entry. Such a stage
	// has no fingerprint, and may lack everything but its name: it is stale until
	// xt has made it again.
	Conflicted bool
}

// Environment is the interpreter and the packages that a stage ran with. It
// holds nothing that names a machine.
type Environment struct {
	OS       string   // as GOOS
	Arch     string   // as GOARCH
	Python   string   // implementation and version, "cpython 3.11.7"; "" if none
	Locked   hash.Sum // digest of the resolved requirements file; zero if none
	Packages []string // "name==version", sorted, without duplicates
}

// Data is a file or directory that was added to xt rather than made by a stage.
type Data struct {
	Item
	How    How    // Committed unless it says otherwise
	Origin Origin // of what was imported

	// Conflicted says that two branches recorded different content. The content
	// here, which may be missing, is not to be relied on until the path is added
	// again.
	Conflicted bool
}

// Origin says where data was imported from. The zero Origin is that of data that
// was not, or of which this is not known.
type Origin struct {
	Source  string // a URL, without secrets
	Path    string // where in the git repository Source; "" if that is none
	Rev     string // what of the repository was asked for; "" for its default branch
	Commit  string // the commit that it was; "" if Source is no repository
	Version string // what the server calls what was brought, such as its ETag; "" if it does not
}

// String returns the origin as one text, for people.
func (o Origin) String() string {
	s := o.Source
	if o.Path != "" {
		s += " " + o.Path
	}
	switch {
	case o.Commit != "":
		s += " at " + o.Commit[:min(len(o.Commit), 10)]
	case o.Version != "":
		s += " at " + o.Version
	}
	return s
}

// File is the content of xt.lock. The zero File is an empty one.
type File struct {
	Stages       map[string]*Stage
	Data         map[string]*Data // by path
	Environments map[hash.Sum]*Environment
}

// New returns an empty File whose maps can be written to.
func New() *File {
	return &File{
		Stages:       make(map[string]*Stage),
		Data:         make(map[string]*Data),
		Environments: make(map[hash.Sum]*Environment),
	}
}

// DefaultShell returns the words that run a command where a stage names no
// shell. They are part of the format: they can change only with [Version].
func DefaultShell() []string { return []string{"sh", "-e", "-c"} }

// Sum returns the digest that names e in [File.Environments].
func (e *Environment) Sum() hash.Sum {
	var t hash.Text
	t.Line("xt-environment", "1")
	t.Line("os", e.OS)
	t.Line("arch", e.Arch)
	t.Line("python", e.Python)
	if !e.Locked.IsZero() {
		t.Line("locked", e.Locked.String())
	}
	for _, p := range sorted(e.Packages, cmp.Compare[string]) {
		t.Line("package", p)
	}
	return hash.Sum(t.Fingerprint())
}

// EnvironmentOf returns the environment that s ran with, or nil if it has none
// or f does not hold it.
func (f *File) EnvironmentOf(s *Stage) *Environment {
	if s == nil || s.Environment.IsZero() {
		return nil
	}
	return f.Environments[s.Environment]
}

// sorted returns s in order: s itself if it is so already, else a copy.
func sorted[T any](s []T, compare func(a, b T) int) []T {
	if slices.IsSortedFunc(s, compare) {
		return s
	}
	s = slices.Clone(s)
	slices.SortFunc(s, compare)
	return s
}

func compareItems(a, b Item) int { return cmp.Compare(a.Path, b.Path) }

func compareParams(a, b Param) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Key, b.Key))
}
