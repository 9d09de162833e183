package lock

import (
	"maps"
	"slices"
)

// Merge merges two locks that descend from base, entry by entry. What only one
// side changed is taken from it. Where both arrived at the same result, ours is
// taken. Whatever is left is a conflict: the entry, ours if there is one, is
// kept but marked, so that a stage is stale and data is asked about. conflicts
// names these entries, as "stage train" or "data data/digits.csv", sorted.
func Merge(base, ours, theirs *File) (merged *File, conflicts []string) {
	stages := merger[*Stage]{word: "stage ", same: sameStage, alike: sameResult, both: conflicted}
	data := merger[*Data]{word: "data ", same: sameData, alike: sameContent, both: conflictedData}
	merged = &File{
		Stages:       stages.merge(base.Stages, ours.Stages, theirs.Stages),
		Data:         data.merge(base.Data, ours.Data, theirs.Data),
		Environments: union(ours.Environments, theirs.Environments, base.Environments),
	}
	merged.Environments = merged.used()
	return merged, slices.Sorted(slices.Values(append(stages.conflicts, data.conflicts...)))
}

// merger merges the entries of one kind. A nil entry is an absent one.
type merger[E interface {
	comparable
	*Stage | *Data
}] struct {
	word      string
	same      func(a, b E) bool      // nothing differs
	alike     func(a, b E) bool      // nothing differs that matters; neither is nil
	both      func(ours, theirs E) E // what to keep of a conflict
	conflicts []string
}

func (m *merger[E]) merge(base, ours, theirs map[string]E) map[string]E {
	merged := make(map[string]E)
	for _, name := range slices.Sorted(maps.Keys(union(ours, theirs))) {
		if e := m.entry(name, base[name], ours[name], theirs[name]); e != nil {
			merged[name] = e
		}
	}
	return merged
}

func (m *merger[E]) entry(name string, base, ours, theirs E) E {
	switch {
	case m.same(ours, theirs), m.same(theirs, base):
		return ours
	case m.same(ours, base):
		return theirs
	case ours != nil && theirs != nil && m.alike(ours, theirs):
		return ours
	}
	m.conflicts = append(m.conflicts, m.word+name)
	return m.both(ours, theirs)
}

// sameResult reports whether a and b are the same inputs with the same outputs.
// They may still differ in how they came to be, and at which commit.
func sameResult(a, b *Stage) bool {
	return !a.Conflicted && !b.Conflicted && !a.Fingerprint.IsZero() &&
		a.Fingerprint == b.Fingerprint && slices.Equal(
		sorted(a.Outs, compareItems), sorted(b.Outs, compareItems))
}

// sameContent reports whether a and b are the same data, wherever it came from.
func sameContent(a, b *Data) bool {
	return !a.Conflicted && !b.Conflicted && a.Node == b.Node
}
