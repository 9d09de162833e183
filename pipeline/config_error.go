package pipeline

import (
	"fmt"
	"strings"
)

// ConfigError is one mistake in xt.toml or in a file that it names.
type ConfigError struct {
	Pos   Position
	Where string // the table concerned, such as `stage "train"`; "" for none
	Msg   string // what is wrong
	Hint  string // what to do; "" if there is nothing more to say
	Err   error  // the cause, for [errors.Is]; nil for a mistake in the text
}

// Error returns the position, the table and the message, without the hint.
func (e *ConfigError) Error() string {
	var b strings.Builder
	if pos := e.Pos.String(); pos != "" {
		b.WriteString(pos + ": ")
	}
	if e.Where != "" {
		b.WriteString(e.Where + ": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

// Unwrap returns the cause.
func (e *ConfigError) Unwrap() error { return e.Err }

// Hints says what to do.
func (e *ConfigError) Hints() []string { return []string{e.Hint} }

// ConfigErrors are all the mistakes found, in the order of the text.
type ConfigErrors struct {
	List []*ConfigError // never empty
	More int            // how many more were found before the search was given up
}

// Error returns a line for each mistake.
func (e *ConfigErrors) Error() string {
	lines := make([]string, 0, len(e.List)+1)
	for _, one := range e.List {
		lines = append(lines, one.Error())
	}
	if e.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more mistakes", e.More))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the single mistakes.
func (e *ConfigErrors) Unwrap() []error {
	errs := make([]error, len(e.List))
	for i, one := range e.List {
		errs[i] = one
	}
	return errs
}
