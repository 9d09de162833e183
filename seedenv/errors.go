package seedenv

// MissingError says that something which has to be on the machine, or to be
// reachable from it, is not. Callers end with the exit code for missing things.
type MissingError struct {
	What string // what is missing, in words for people
	Hint string // what to do about it; may be empty
	Err  error  // the cause; may be nil
}

// Error implements error.
func (e *MissingError) Error() string {
	text := e.What
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *MissingError) Unwrap() error { return e.Err }

// Hints says what to do about it.
func (e *MissingError) Hints() []string { return []string{e.Hint} }
