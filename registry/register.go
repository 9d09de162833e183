package registry

import (
	"cmp"
	"context"
	"fmt"
)

// Registration is a version to be registered.
type Registration struct {
	Model   string
	Version string // "": the next one
	Bump    Bump   // which part of the version before is raised; "": the last
	Commit  string // in full
	Note    Note   // version and number are filled in
	Sign    Signing
}

// Register makes a version of a model at a commit. A version that is there, and a
// commit that has one, is an [*ExistsError].
func (r *Registry) Register(ctx context.Context, reg Registration) (*Change, error) {
	if err := CheckModel(reg.Model); err != nil {
		return nil, err
	}
	if reg.Version != "" {
		if err := CheckVersion(reg.Version); err != nil {
			return nil, err
		}
	}
	ch := &Change{Model: reg.Model, Commit: reg.Commit}
	var err error
	ch.Tags, err = r.write(ctx, reg.Model, reg.Sign, func(s *State, m *Model) ([]draft, error) {
		d, err := reg.draft(s, m)
		ch.Version, ch.Number = d.note.Version, d.note.Number
		return []draft{d}, err
	})
	return ch, err
}

func (reg *Registration) draft(s *State, m *Model) (draft, error) {
	for _, v := range m.Versions {
		if v.Active() && v.Commit == reg.Commit {
			return draft{}, &ExistsError{m.Name, v.Name, v.Commit}
		}
	}
	version, err := reg.choose(m)
	if err != nil {
		return draft{}, err
	}
	d := draft{TagName: TagName{Model: m.Name, Action: Register, Version: version}, commit: reg.Commit, note: reg.Note}
	d.note.Version, d.note.Number = version, 1
	for _, v := range m.Versions {
		d.note.Number = max(d.note.Number, v.Number+1)
	}
	if old := m.byName[version]; old != nil { // it was taken out, and comes back
		c := s.counter(m)
		d.note.Number, d.Counter = old.Number, c.next()
	}
	d.subject = fmt.Sprintf("%s %s: registered", m.Name, version)
	if d.note.Path != "" {
		d.subject += fmt.Sprintf(", %s %s", quoteSubject(d.note.Path), d.note.Node.Sum.Short())
	}
	return d, nil
}

// quoteSubject spells a path so that it stays on its line.
func quoteSubject(path string) string {
	if q := quote(path); q != `"`+path+`"` {
		return q
	}
	return path
}

// choose returns the version that is meant.
func (reg *Registration) choose(m *Model) (string, error) {
	if reg.Version != "" {
		if old := m.byName[reg.Version]; old != nil && old.Active() {
			return "", &ExistsError{Model: m.Name, Version: reg.Version}
		}
		return reg.Version, nil
	}
	last := ""
	for _, v := range m.Versions { // also after one that was taken out: its name is used up
		if last == "" || CompareVersions(v.Name, last) > 0 {
			last = v.Name
		}
	}
	return Bumped(last, cmp.Or(reg.Bump, Patch))
}

// Annotation changes what a version says of itself for people.
type Annotation struct {
	Model   string
	Version string // a word of [Model.Find]
	Note    Note   // of which description, tags and aliases are taken
	Sign    Signing
}

// Annotate says something more of a version, with another tag that registers it.
func (r *Registry) Annotate(ctx context.Context, a Annotation) (*Change, error) {
	ch := &Change{Model: a.Model}
	var err error
	ch.Tags, err = r.write(ctx, a.Model, a.Sign, func(s *State, m *Model) ([]draft, error) {
		v, err := m.active(a.Version)
		if err != nil {
			return nil, err
		}
		if v.Registered == nil {
			return nil, &UnknownError{What: "version", Name: m.Name + "@" + a.Version}
		}
		ch.set(v)
		c := s.counter(m)
		n := Note{Version: v.Name, Description: a.Note.Description, Tags: a.Note.Tags, Untag: a.Note.Untag, Aliases: a.Note.Aliases, Unalias: a.Note.Unalias}
		return []draft{{TagName{m.Name, Register, v.Name, "", c.next()}, v.Commit, fmt.Sprintf("%s %s: described", m.Name, v.Name), n}}, nil
	})
	return ch, err
}

// Deregister takes a version out of the registry. Its number is not given again.
func (r *Registry) Deregister(ctx context.Context, model, version string, sign Signing) (*Change, error) {
	ch := &Change{Model: model}
	var err error
	ch.Tags, err = r.write(ctx, model, sign, func(s *State, m *Model) ([]draft, error) {
		v, err := m.active(version)
		if err != nil {
			return nil, err
		}
		if v.Registered == nil {
			return nil, &UnknownError{What: "version", Name: m.Name + "@" + version}
		}
		ch.set(v)
		name := TagName{Model: m.Name, Action: Deregister, Version: v.Name}
		if v.Registered.Counter > 0 { // the name without a counter is taken
			c := s.counter(m)
			name.Counter = c.next()
		}
		return []draft{{name, v.Commit, fmt.Sprintf("%s %s: deregistered", m.Name, v.Name), Note{Version: v.Name}}}, nil
	})
	return ch, err
}

func (c *Change) set(v *Version) { c.Version, c.Number, c.Commit = v.Name, v.Number, v.Commit }

// active returns a version that was not taken out.
func (m *Model) active(word string) (*Version, error) {
	if len(m.Events) == 0 {
		return nil, &UnknownError{What: "model", Name: m.Name}
	}
	v, err := m.Find(word)
	if err == nil && v.Deregistered {
		return nil, &GoneError{m.Name, v.Name}
	}
	return v, err
}
