package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// Kind is what sort of trouble an [Error] is about.
type Kind int

// The kinds of trouble.
const (
	Other         Kind = iota
	NotFound           // there is no such blob
	Exists             // there is a blob already
	NoBucket           // there is no such bucket or container
	Denied             // the credentials are wrong or do not suffice
	NoCredentials      // there are none
	Skewed             // the clocks of the two sides are too far apart
	Unreachable        // there was no connection
	HostKey            // the SSH host is unknown, or not the one that was known
	Temporary          // the server or the connection broke down
	Full               // there is no room left
)

var kindNames = [...]string{
	"other", "not found", "exists", "no bucket", "denied", "no credentials",
	"clock skewed", "unreachable", "host key", "temporary", "full",
}

func (k Kind) String() string { return kindNames[k] }

// Error is why an operation of a [Store] failed.
type Error struct {
	Op   string // such as "read"
	URL  string // of the store, without secrets and parameters
	Key  string // of the blob; "" if it is about the store
	Kind Kind
	Err  error // its text is one short line

	hints []string
}

func (e *Error) Error() string {
	where := e.URL
	if e.Key != "" {
		where += "/" + e.Key
	}
	return fmt.Sprintf("%s %s: %v", e.Op, where, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Is makes a missing blob [fs.ErrNotExist], and one too many [fs.ErrExist],
// whatever the store called it.
func (e *Error) Is(target error) bool {
	return e.Kind == NotFound && target == fs.ErrNotExist || e.Kind == Exists && target == fs.ErrExist
}

// Hints says what the user can do about it.
func (e *Error) Hints() []string {
	if e.hints != nil {
		return e.hints
	}
	if hint, ok := hints[e.Kind]; ok {
		return []string{hint}
	}
	return nil
}

var hints = map[Kind]string{
	NoBucket:      "check the name in the address, or create it: xt does not",
	Denied:        "check the credentials that are in use, and what they are allowed to do",
	NoCredentials: "set them up as the tools of the store do; xt takes them from the environment and from their files",
	Skewed:        "set the clock of this machine, such as with timedatectl set-ntp true",
	Unreachable:   "check the address, the network and the proxy settings",
	Temporary:     "try again later: what has been transferred is kept",
	Full:          "make room there, such as with xt gc --remote",
}

// trouble is an error whose kind is known where it happens.
type trouble struct {
	kind  Kind
	text  string
	hints []string
	err   error // may be nil
}

func (t *trouble) Error() string { return t.text }

// Unwrap lets a cause through, but for one that would be taken for an answer
// about a blob.
func (t *trouble) Unwrap() error {
	if t.kind != NotFound && errors.Is(t.err, fs.ErrNotExist) || t.kind != Exists && errors.Is(t.err, fs.ErrExist) {
		return nil
	}
	return t.err
}

// explain makes an [Error] of what a transport answered.
func explain(ctx context.Context, url, op, key string, err error) *Error {
	if cause := ctx.Err(); cause != nil {
		return &Error{Op: op, URL: url, Key: key, Err: cause}
	}
	t := classify(err)
	return &Error{Op: op, URL: url, Key: key, Kind: t.kind, Err: t, hints: t.hints}
}
