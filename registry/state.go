package registry

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// State is what follows from the tags of a repository.
type State struct {
	Models  map[string]*Model
	Skipped []Skipped // tags with the name of an event that do not count

	counters map[string]uint64 // the highest of each model, of tags that do not count too
}

func newState() *State { return &State{Models: map[string]*Model{}, counters: map[string]uint64{}} }

// Names returns the names of the models that have an event, sorted.
func (s *State) Names() []string { return slices.Sorted(maps.Keys(s.Models)) }

// Model returns a model. One that nobody knows is a [*UnknownError].
func (s *State) Model(name string) (*Model, error) {
	if m := s.Models[name]; m != nil {
		return m, nil
	}
	return nil, &UnknownError{What: "model", Name: name, Known: s.Names()}
}

// counted notes the counter of a tag, whatever else is wrong with it: the name is
// taken.
func (s *State) counted(n TagName) { s.counters[n.Model] = max(s.counters[n.Model], n.Counter) }

func (s *State) add(e *Event) {
	m := s.Models[e.Model]
	if m == nil {
		m = &Model{Name: e.Model}
		s.Models[e.Model] = m
	}
	m.Events = append(m.Events, e)
}

func (s *State) fold() {
	for _, m := range s.Models {
		m.fold()
	}
}

// before is the order of events: time, then counter, then name.
func before(a, b *Event) int {
	return cmp.Or(a.By.Time.Compare(b.By.Time), cmp.Compare(a.Counter, b.Counter), strings.Compare(a.Tag, b.Tag))
}

// fold applies the events. As with GTO an assignment finds the version at its
// commit even if that was registered later, so that versions come first.
func (m *Model) fold() {
	slices.SortFunc(m.Events, before)
	m.byName = map[string]*Version{}
	for i, e := range m.Events {
		e.order = i
		switch e.Action {
		case Register:
			m.register(e)
		case Deregister:
			if v := m.byName[e.Version]; v != nil {
				v.Deregistered = true
				v.Events = append(v.Events, e)
			}
		}
	}
	m.number()
	for _, e := range m.Events {
		if e.Action == Assign || e.Action == Unassign {
			m.assign(e)
		}
		m.Deprecated = e.Action == Deprecate
	}
	for _, v := range m.byName {
		slices.SortFunc(v.Events, func(a, b *Event) int { return cmp.Compare(a.order, b.order) })
	}
}

// register applies a registration: of a version that is new, or that was taken
// out; else it says something more of the version.
func (m *Model) register(e *Event) {
	v := m.byName[e.Version]
	switch {
	case v == nil:
		v = &Version{Model: m.Name, Name: e.Version, Registered: e, Commit: e.Commit, Tags: map[string]string{}}
		m.byName[e.Version] = v
		m.Versions = append(m.Versions, v)
	case v.Deregistered:
		v.Deregistered, v.Registered, v.Commit = false, e, e.Commit
	case v.Commit != e.Commit:
		return // a version does not move
	}
	v.Events = append(v.Events, e)
	if e.Note != nil {
		m.describe(v, e.Note)
	}
}

// describe takes over what a note says of a version for people.
func (m *Model) describe(v *Version, n *Note) {
	if n.Description != nil {
		v.Description = *n.Description
	}
	for _, k := range n.Untag {
		delete(v.Tags, k)
	}
	maps.Copy(v.Tags, n.Tags)
	for _, other := range m.Versions {
		other.Aliases = slices.DeleteFunc(other.Aliases, func(a string) bool { return slices.Contains(n.Aliases, a) })
	}
	v.Aliases = slices.DeleteFunc(append(v.Aliases, n.Aliases...), func(a string) bool { return slices.Contains(n.Unalias, a) })
	slices.Sort(v.Aliases)
	v.Aliases = slices.Compact(v.Aliases)
}

// number gives the versions their numbers: the ones that they were registered
// with, and to the others the first that is free from their place in the order on.
// So a number stays when a tag is removed, or arrives late.
func (m *Model) number() {
	taken := map[int]bool{}
	for _, v := range m.Versions {
		if n := v.first().Note; n != nil && n.Number > 0 && !taken[n.Number] {
			v.Number, taken[n.Number] = n.Number, true
		}
	}
	for i, v := range m.Versions {
		for n := i + 1; v.Number == 0; n++ {
			if !taken[n] {
				v.Number, taken[n] = n, true
			}
		}
	}
	slices.SortFunc(m.Versions, func(a, b *Version) int { return cmp.Compare(a.Number, b.Number) })
}

// first returns the event that made the version.
func (v *Version) first() *Event { return v.Events[0] }

// assign applies an assignment, or takes one back.
func (m *Model) assign(e *Event) {
	v := m.at(e)
	e.of = v.Name
	v.Events = append(v.Events, e)
	at := slices.IndexFunc(v.stages, func(h *Holding) bool { return h.Stage == e.Stage })
	if at >= 0 {
		v.stages = slices.Delete(v.stages, at, at+1)
	}
	if e.Action == Assign {
		v.stages = append(v.stages, &Holding{Stage: e.Stage, Since: e})
	}
}

// at returns the version that an assignment is about: the one that its note names,
// if that is at the commit, or the last one there that was registered before, or
// any there. Without one it is the commit itself.
func (m *Model) at(e *Event) *Version {
	if e.Note != nil {
		if v := m.byName[e.Note.Version]; v != nil && v.Commit == e.Commit {
			return v
		}
	}
	var found *Version
	for _, v := range m.Versions {
		if v.Commit == e.Commit && (found == nil || v.Registered.order < e.order) {
			found = v
		}
	}
	if found != nil {
		return found
	}
	v := m.byName[e.Commit]
	if v == nil {
		v = &Version{Model: m.Name, Name: e.Commit, Commit: e.Commit, Tags: map[string]string{}}
		m.byName[e.Commit] = v
		m.Unregistered = append(m.Unregistered, v)
	}
	return v
}
