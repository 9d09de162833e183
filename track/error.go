package track

import (
	"errors"
	"fmt"
)

// Code is what kind of mistake an [*Error] is about.
type Code uint8

// The codes.
const (
	Internal         Code = iota // not the caller's fault
	NotFound                     // what was named is not there
	AlreadyExists                // the name is taken
	InvalidParameter             // the arguments break a rule
	InvalidState                 // not in the state that what was named is in
	Unavailable                  // the database cannot be reached now; trying again may help
)

var codeNames = [...]string{"internal error", "not found", "already exists", "invalid parameter", "invalid state", "unavailable"}

// String returns the code in words.
func (c Code) String() string { return codeNames[c] }

// Error is an error with a code that a caller can branch on.
type Error struct {
	Code    Code
	Message string // for the user, as MLflow's server words it
	Err     error  // the cause, or nil
}

// Error returns the message, and the cause if there is one.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an [*Error] with a message.
func Errorf(code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of an error: Internal if it has none.
func CodeOf(err error) Code {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
