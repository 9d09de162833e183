package lock

import (
	"fmt"
	"strings"
)

// Error is a mistake in the text of a lock.
type Error struct {
	File string // as given to [Parse]
	Line int    // from 1; 0 if not known
	Key  string // where it is in the file: "stage.train.deps"; "" if not known
	Msg  string // what is wrong
	Hint string // what to do; may be empty
}

// Error returns "file:line: key: what is wrong", without the hint.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Key != "" {
		b.WriteString(": " + e.Key)
	}
	return b.String() + ": " + e.Msg
}

// Hints says what to do.
func (e *Error) Hints() []string { return []string{e.Hint} }

// What to do about most mistakes: xt writes the file, so it was edited.
const (
	hintRestore = "xt.lock is written by xt: take it back from git with `git checkout -- xt.lock`, then run `xt repro`"
	hintUpgrade = "upgrade xt"
)

// joinKey returns the dotted key of parts, leaving out the empty ones.
func joinKey(parts ...string) string {
	var b []byte
	for _, p := range parts {
		if p == "" {
			continue
		}
		if len(b) > 0 {
			b = append(b, '.')
		}
		b = appendKey(b, p)
	}
	return string(b)
}
