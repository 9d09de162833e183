package registry

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The stages that MLflow has.
const (
	None       = "none" // no stage at all; never written
	Staging    = "staging"
	Production = "production"
	Archived   = "archived"
)

// Model is all that is known of one model.
type Model struct {
	Name         string
	Versions     []*Version // by number, those that were taken out among them
	Unregistered []*Version // commits that are in a stage and have no version
	Events       []*Event   // the oldest first
	Deprecated   bool

	byName map[string]*Version
}

// Version is one version of a model.
type Version struct {
	Model        string
	Name         string // "v1.2.0"; of a commit without a version the commit
	Number       int    // 1, 2, … in the order of registration; 0 for a commit without a version
	Commit       string
	Registered   *Event // nil for a commit without a version
	Deregistered bool
	Events       []*Event // the oldest first

	Description string
	Tags        map[string]string
	Aliases     []string // sorted

	stages []*Holding // the oldest first
}

// Holding says that a version is in a stage.
type Holding struct {
	Stage string // as it was typed
	Since *Event
}

// Note returns what the registration says; an empty note if it says nothing.
func (v *Version) Note() *Note {
	if v.Registered == nil || v.Registered.Note == nil {
		return &Note{}
	}
	return v.Registered.Note
}

// Active reports whether the version counts: whether it was not taken out.
func (v *Version) Active() bool { return !v.Deregistered }

// Short returns the name, of a commit without a version shortened.
func (v *Version) Short() string {
	if v.Registered == nil {
		return v.Name[:min(10, len(v.Name))]
	}
	return v.Name
}

// Stages returns the stages that the version is in, the newest first.
func (v *Version) Stages() []*Holding {
	list := slices.Clone(v.stages)
	slices.Reverse(list)
	return list
}

// Stage returns the stage that the version came into last; "" if it is in none.
// It is the only one that MLflow knows.
func (v *Version) Stage() string {
	if len(v.stages) == 0 {
		return ""
	}
	return v.stages[len(v.stages)-1].Stage
}

// In reports whether the version is in a stage, in whatever case it is written.
func (v *Version) In(stage string) bool { return v.since(stage) != nil }

// since returns the newest event that put the version into a stage.
func (v *Version) since(stage string) *Event {
	for _, h := range slices.Backward(v.stages) {
		if strings.EqualFold(h.Stage, stage) {
			return h.Since
		}
	}
	return nil
}

// All returns the versions, and then the commits in stages without one.
func (m *Model) All() []*Version { return slices.Concat(m.Versions, m.Unregistered) }

// Holders returns the versions that are in a stage, the newest assignment first.
// More than one is there if a version was promoted without archiving the one
// before. The first is what the stage stands for.
func (m *Model) Holders(stage string) []*Version {
	var list []*Version
	for _, v := range m.All() {
		if v.Active() && v.In(stage) {
			list = append(list, v)
		}
	}
	slices.SortFunc(list, func(a, b *Version) int { return b.since(stage).order - a.since(stage).order })
	return list
}

// Holder returns what a stage stands for; nil if it is empty.
func (m *Model) Holder(stage string) *Version {
	if list := m.Holders(stage); len(list) > 0 {
		return list[0]
	}
	return nil
}

// Stages returns the stages that a version is in, as their newest assignments
// spell them, sorted.
func (m *Model) Stages() []string {
	newest := map[string]*Holding{}
	for _, v := range m.All() {
		for _, h := range v.stages {
			key := strings.ToLower(h.Stage)
			if old := newest[key]; v.Active() && (old == nil || old.Since.order < h.Since.order) {
				newest[key] = h
			}
		}
	}
	var names []string
	for _, h := range newest {
		names = append(names, h.Stage)
	}
	slices.Sort(names)
	return names
}

// Latest returns the greatest version that was not taken out; nil if there is
// none.
func (m *Model) Latest() *Version {
	var latest *Version
	for _, v := range m.Versions {
		if v.Active() && (latest == nil || CompareVersions(v.Name, latest.Name) > 0) {
			latest = v
		}
	}
	return latest
}

// Find returns the version that a word means: a version, a number, "latest", a
// stage, an alias, or the beginning of a commit that is in a stage without a version. An
// empty word means the latest one. What is not there is a [*UnknownError].
func (m *Model) Find(word string) (*Version, error) {
	v := m.find(word)
	if v == nil && (word == "" || strings.EqualFold(word, "latest")) {
		return nil, &UnknownError{What: "version", Name: m.Name + "@latest"}
	}
	if v == nil {
		return nil, &UnknownError{What: "version", Name: m.Name + "@" + word, Known: m.words()}
	}
	return v, nil
}

func (m *Model) find(word string) *Version {
	switch {
	case word == "" || strings.EqualFold(word, "latest") || strings.EqualFold(word, "greatest"):
		return m.Latest()
	case versionPattern.MatchString(word):
		if v := m.byName[word]; v != nil {
			return v
		}
		return nil
	case isNumber(word) && len(word) < 7:
		return m.numbered(word)
	}
	if v := m.Holder(word); v != nil {
		return v
	}
	for _, v := range m.Versions {
		if v.Active() && slices.Contains(v.Aliases, word) {
			return v
		}
	}
	for _, v := range m.Unregistered {
		if len(word) >= 7 && strings.HasPrefix(v.Commit, word) {
			return v
		}
	}
	return nil
}

func (m *Model) numbered(word string) *Version {
	n, err := strconv.Atoi(word)
	for _, v := range m.Versions {
		if err == nil && v.Number == n {
			return v
		}
	}
	return nil
}

// words returns what may stand behind NAME@.
func (m *Model) words() []string {
	words := m.Stages()
	for _, v := range m.Versions {
		if v.Active() {
			words = append(append(words, v.Name, fmt.Sprint(v.Number)), v.Aliases...)
		}
	}
	return words
}

// SplitRef takes "NAME", "NAME@WORD" or, as GTO writes stages, "NAME#STAGE"
// apart.
func SplitRef(ref string) (name, word string) {
	if i := strings.IndexAny(ref, "@#"); i >= 0 {
		return ref[:i], ref[i+1:]
	}
	return ref, ""
}
