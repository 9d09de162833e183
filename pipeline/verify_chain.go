package pipeline

import (
	"maps"
	"path"
	"slices"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// disagreements says which of an entry's dependencies are not what xt.lock records
// where they come from. Without it, entries that do not belong together, as after a
// merge that went wrong, would each be proven, and yet nobody could make the last
// from the first. What cannot be said without data that is not here is left out.
func (v *verifier) disagreements(deps []lock.Item) []Reason {
	var rs []Reason
	for _, d := range deps {
		rs = append(rs, v.dataDisagree(d)...)
		for _, m := range v.w.Graph.Producers(d.Path) {
			e := v.facts.Lock.Stages[m.Stage.Name]
			if e == nil || e.Conflicted {
				continue
			}
			if n, ok := nodeAt(e.Outs, m.Out.Path); ok {
				rs = append(rs, v.disagree(d, lock.Item{Path: m.Out.Path, Node: n}, "the entry of stage "+m.Stage.Name)...)
			}
		}
	}
	return rs
}

// dataDisagree compares a dependency with the data that xt.lock has there, above it
// and in it.
func (v *verifier) dataDisagree(d lock.Item) (rs []Reason) {
	compare := func(data *lock.Data) {
		if data != nil && !data.Conflicted {
			rs = append(rs, v.disagree(d, data.Item, "the entry of "+data.Path)...)
		}
	}
	for p := d.Path; p != "."; p = path.Dir(p) {
		compare(v.facts.Lock.Data[p])
	}
	if d.Kind != hash.Directory {
		return rs
	}
	for _, p := range slices.Sorted(maps.Keys(v.facts.Lock.Data)) {
		if p != d.Path && below(p, d.Path) {
			compare(v.facts.Lock.Data[p])
		}
	}
	return rs
}

// disagree compares a dependency with what an entry has at the same path, in a
// directory that it is in, or in the directory that it is.
func (v *verifier) disagree(d, made lock.Item, who string) []Reason {
	within := v.facts.Within
	if v.w.elsewhere != nil {
		within = v.w.elsewhere.within
	}
	at, old, now, ok := d.Path, d.Node, made.Node, true
	switch {
	case d.Path == made.Path:
	case below(d.Path, made.Path):
		now, ok = within(made.Node, d.Path[len(made.Path)+1:])
	default:
		at = made.Path
		old, ok = within(d.Node, made.Path[len(d.Path)+1:])
	}
	if !ok || old.Same(now) {
		return nil
	}
	return []Reason{{
		Kind: ReasonKind(lock.KindDep), Name: at, Old: old.Sum.Short(), New: now.Sum.Short(), OldSum: old.Sum.String(), NewSum: now.Sum.String(),
		Text: "dependency " + at + " changed: " + old.Sum.Short() + " -> " + now.Sum.Short() + ", says " + who,
	}}
}
