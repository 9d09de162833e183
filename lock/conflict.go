package lock

import (
	"strings"

	"github.com/xtrepro/xt/hash"
)

// splitConflicts returns the two sides of a text that git left conflict markers
// in; ok is false if there are none. A third side, the common ancestor that
// merge.conflictStyle diff3 shows, is left out.
func splitConflicts(text string) (ours, theirs string, ok bool) {
	if !strings.HasPrefix(text, "<<<<<<<") && !strings.Contains(text, "\n<<<<<<<") {
		return "", "", false
	}
	var sp splitter
	for line := range strings.Lines(text) {
		sp.line(line)
	}
	return sp.ours.String(), sp.theirs.String(), sp.found
}

// splitter sorts lines to the side that they belong to.
type splitter struct {
	ours, theirs strings.Builder
	found        bool
	width        int // of the markers of the open conflict; 0 outside of one
	in           byte
}

// line takes the next line. Markers inside an ancestor, which git writes when
// that is a merge itself, are longer than those around them, and go with it.
func (sp *splitter) line(line string) {
	c, width := marker(line)
	switch {
	case c == '<' && sp.width == 0:
		sp.found, sp.width, sp.in = true, width, c
	case sp.width == 0:
		sp.ours.WriteString(line)
		sp.theirs.WriteString(line)
	case c == '>' && width == sp.width:
		sp.width = 0
	case (c == '|' || c == '=') && width == sp.width:
		sp.in = c
	case sp.in == '<':
		sp.ours.WriteString(line)
	case sp.in == '=':
		sp.theirs.WriteString(line)
	}
}

// marker returns the character and the width of a conflict marker; c is 0 if
// the line is none. No line that [File.Encode] writes is one.
func marker(line string) (c byte, width int) {
	if line == "" || !strings.Contains("<|=>", line[:1]) {
		return 0, 0
	}
	rest := strings.TrimLeft(line, line[:1])
	width = len(line) - len(rest)
	if width < 7 || rest != "" && rest[0] != ' ' && rest[0] != '\n' {
		return 0, 0
	}
	return line[0], width
}

// parseConflicted reads both sides of a lock with conflict markers. git merges
// lines, not entries, and where tables look alike it mixes them even outside
// of the markers: so what is broken in a side is in conflict, and a side that
// is no lock at all counts as empty. Only if neither is one is the file broken.
func parseConflicted(name, ours, theirs string) (*File, error) {
	a, errA := parseText(name, ours, true)
	b, errB := parseText(name, theirs, true)
	switch {
	case errA != nil && errB != nil:
		return nil, &Error{File: name, Msg: "has conflict markers, and neither side of them is a lock: " + errA.Error(), Hint: hintRestore}
	case errA != nil:
		a = New()
	case errB != nil:
		b = New()
	}
	return agreement(a, b), nil
}

// agreement holds all entries of both files. Those that are not the same in
// both are marked as conflicted: only one side having an entry may mean that
// the other has removed it.
func agreement(ours, theirs *File) *File {
	f := New()
	for name := range union(ours.Stages, theirs.Stages) {
		a, b := ours.Stages[name], theirs.Stages[name]
		if sameStage(a, b) {
			f.Stages[name] = a
			continue
		}
		f.Stages[name] = conflicted(a, b)
	}
	for path := range union(ours.Data, theirs.Data) {
		a, b := ours.Data[path], theirs.Data[path]
		if sameData(a, b) {
			f.Data[path] = a
			continue
		}
		f.Data[path] = conflictedData(a, b)
	}
	f.Environments = union(ours.Environments, theirs.Environments)
	return f
}

// conflicted returns ours, or theirs if ours is absent or broken, as a stage
// that is stale.
func conflicted(ours, theirs *Stage) *Stage {
	if ours == nil || ours.How == "" && theirs != nil {
		ours = theirs
	}
	s := *ours
	s.Fingerprint = hash.Fingerprint{}
	s.Conflicted = true
	return &s
}

// conflictedData returns ours, or theirs if ours is absent or broken, marked.
func conflictedData(ours, theirs *Data) *Data {
	if ours == nil || ours.IsZero() && theirs != nil {
		ours = theirs
	}
	d := *ours
	d.Conflicted = true
	return &d
}

// union returns the entries of all maps, the first one's where keys are equal.
func union[K comparable, V any](ms ...map[K]V) map[K]V {
	all := make(map[K]V)
	for _, m := range ms {
		for k, v := range m {
			if _, ok := all[k]; !ok {
				all[k] = v
			}
		}
	}
	return all
}
