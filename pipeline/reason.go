package pipeline

import (
	"slices"
	"strings"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/lock"
)

// ReasonKind says of what sort a reason is.
type ReasonKind string

// The reasons that are not a difference between xt.lock and now. For those
// that are, the kind is that of the [lock.Change].
const (
	NeverRun     ReasonKind = "new"
	Forced       ReasonKind = "forced"
	AlwaysRuns   ReasonKind = "always"
	Conflict     ReasonKind = "conflict"
	Edited       ReasonKind = "edited"
	Unresolved   ReasonKind = "unresolved"
	Upstream     ReasonKind = "upstream"
	InputMissing ReasonKind = "input-missing"
	OutMissing   ReasonKind = "out-missing"
	OutChanged   ReasonKind = "out-changed"
)

// Reason is one cause of a stage's not being up to date.
type Reason struct {
	Kind ReasonKind `json:"kind"`
	Name string     `json:"name,omitempty"` // the path, parameter or variable concerned
	Old  string     `json:"old,omitempty"`  // as in xt.lock, for people
	New  string     `json:"new,omitempty"`  // as now, for people
	By   string     `json:"by,omitempty"`   // the stage waited for
	// The digests of files and directories in full, for programs; "" for others.
	OldSum string `json:"old_blake3,omitempty"`
	NewSum string `json:"new_blake3,omitempty"`
	Text   string `json:"text"` // all of it in one line
}

// reasons returns why a stage with known inputs differs from its entry.
func (p *planner) reasons(entry, old *lock.Stage, env *lock.Environment) []Reason {
	switch {
	case old == nil:
		return []Reason{{Kind: NeverRun, Text: "it has not run yet"}}
	case old.Conflicted:
		return []Reason{{Kind: Conflict, Text: "two branches disagree about it in xt.lock"}}
	}
	inputs := *entry
	inputs.Outs, inputs.How = nil, "" // not known yet
	rs := outPathReasons(old.Outs, entry.Outs)
	for _, c := range lock.DiffStage(old, &inputs, p.facts.Lock.EnvironmentOf(old), env) {
		if c.Kind == lock.KindFingerprint && len(rs) > 0 {
			continue
		}
		r := Reason{Kind: ReasonKind(c.Kind), Name: c.Name, Old: c.Old, New: c.New, Text: ChangeText(c)}
		r.OldSum, r.NewSum = Digests(c)
		rs = append(rs, r)
	}
	return rs
}

// outPathReasons says which outputs a stage has begun or ceased to declare.
func outPathReasons(old, new []lock.Item) []Reason {
	var rs []Reason
	for _, o := range new {
		if _, ok := nodeAt(old, o.Path); !ok {
			rs = append(rs, Reason{Kind: OutMissing, Name: o.Path, Text: "output " + o.Path + " is new"})
		}
	}
	for _, o := range old {
		if _, ok := nodeAt(new, o.Path); !ok {
			rs = append(rs, Reason{Kind: OutChanged, Name: o.Path, Text: "output " + o.Path + " is no longer declared"})
		}
	}
	return rs
}

// ChangeText returns a change in one line: what, from what, to what.
func ChangeText(c lock.Change) string {
	what := string(c.Kind)
	switch c.Kind {
	case lock.KindCmd:
		old, new := differingWords(c.Old, c.New)
		return "command changed: " + old + " -> " + new
	case lock.KindWdir:
		what = "working directory"
	case lock.KindDep:
		what = "dependency"
	case lock.KindCalls:
		return callsText(c)
	case lock.KindOut:
		what = "output"
	case lock.KindParam:
		what = "parameter"
	case lock.KindEnv, lock.KindPass:
		what = "variable"
	case lock.KindFingerprint:
		return "nothing that xt.lock records differs, but its fingerprint does: another version of xt, or an edit by hand"
	case lock.KindConflict:
		if c.Op == lock.Removed {
			return "the conflict about it in xt.lock is settled"
		}
		return "two branches disagree about it in xt.lock"
	}
	if c.Name != "" {
		what += " " + c.Name
	}
	switch c.Op {
	case lock.Added:
		return what + " is new: " + c.New
	case lock.Removed:
		return what + " is gone; it was " + c.Old
	}
	return what + " changed: " + c.Old + " -> " + c.New
}

// differingWords shortens two commands to where they differ, with a word on
// either side to find the place by.
func differingWords(old, new string) (string, string) {
	a, b := strings.Fields(old), strings.Fields(new)
	if slices.Equal(a, b) {
		return old, new
	}
	head := 0
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < min(len(a), len(b))-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return around(a, head, tail), around(b, head, tail)
}

func around(words []string, head, tail int) string {
	from, to := max(0, head-1), min(len(words), len(words)-tail+1)
	text := strings.Join(words[from:to], " ")
	if from > 0 {
		text = "… " + text
	}
	if to < len(words) {
		text += " …"
	}
	return text
}

// Digests returns what a change of a file or directory was from and to, in full;
// "" for nothing, and for other changes.
func Digests(c lock.Change) (old, new string) {
	text := func(n hash.Node) string {
		if n.IsZero() {
			return ""
		}
		return n.Sum.String()
	}
	return text(c.OldNode), text(c.NewNode)
}

// nodeWords returns a node for people: its size and the start of its digest.
func nodeWords(n hash.Node) string {
	if n.IsZero() {
		return "nothing"
	}
	s := n.Sum.Short() + " (" + term.Bytes(n.Size)
	if n.Kind == hash.Directory {
		s += " in " + term.Count(n.Files) + " files"
	}
	return s + ")"
}
