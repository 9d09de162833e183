package origin

import "fmt"

// SourceError says that a source does not have what it should.
type SourceError struct {
	Source string // for people, without secrets
	Msg    string
	Hint   string // what to do about it; "" if there is nothing to say
	Err    error  // the cause; may be nil
}

// Error says which source it is and what is wrong.
func (e *SourceError) Error() string { return e.Source + ": " + e.Msg }

// Unwrap returns the cause.
func (e *SourceError) Unwrap() error { return e.Err }

// Hints says what to do about it.
func (e *SourceError) Hints() []string { return []string{e.Hint} }

func gone(src Source, msg string) error {
	return &SourceError{Source: src.Shown(), Msg: msg, Hint: "check the address"}
}

// AddressError says that a source makes no sense, or must not be written down.
type AddressError struct {
	Msg  string
	Hint string
}

// Error says what is wrong with it.
func (e *AddressError) Error() string { return e.Msg }

// Hints says what to give instead.
func (e *AddressError) Hints() []string { return []string{e.Hint} }

// TooBigError says that there is more than is allowed.
type TooBigError struct{ Size, Most int64 }

// Error says how much.
func (e *TooBigError) Error() string {
	return fmt.Sprintf("it has %d bytes, and %d are allowed", e.Size, e.Most)
}

// Hints says how to allow more.
func (e *TooBigError) Hints() []string { return []string{"allow more with --max-size"} }
