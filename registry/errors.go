package registry

import (
	"fmt"
	"strings"

	"github.com/xtrepro/xt/internal/suggest"
)

// UnknownError says that there is no model or version of a name.
type UnknownError struct {
	What  string // "model", "version"
	Name  string
	Known []string // what there is
}

// Error names it.
func (e *UnknownError) Error() string { return fmt.Sprintf("there is no %s %s", e.What, e.Name) }

// Hints says what comes near, or how to see what there is.
func (e *UnknownError) Hints() []string {
	name, word := SplitRef(e.Name)
	near := suggest.Nearest(word, e.Known)
	if e.What == "model" {
		near = suggest.Nearest(e.Name, e.Known)
	}
	switch {
	case near != "" && e.What == "model":
		return []string{fmt.Sprintf("did you mean %s?", near)}
	case near != "":
		return []string{fmt.Sprintf("did you mean %s@%s?", name, near)}
	case e.What == "version" && len(e.Known) == 0:
		return []string{fmt.Sprintf("\"xt model register %s PATH\" registers one", name)}
	case e.What == "version":
		return []string{fmt.Sprintf("\"xt model list %s\" lists what there is", name)}
	}
	return []string{"\"xt model list\" lists the models; \"git fetch --tags\" brings those of others"}
}

// ExistsError says that a version cannot be registered, because it is there, or
// because its commit has one.
type ExistsError struct {
	Model, Version string
	Commit         string // "" if it is the name that is taken
}

// Error says which it is.
func (e *ExistsError) Error() string {
	if e.Commit != "" {
		return fmt.Sprintf("commit %s is version %s of %s already", e.Commit[:min(10, len(e.Commit))], e.Version, e.Model)
	}
	return fmt.Sprintf("there is a version %s of %s already", e.Version, e.Model)
}

// Hints says what to do instead.
func (e *ExistsError) Hints() []string {
	if e.Commit != "" {
		return []string{"a commit has one version of a model: commit the new result first, or name another commit with --rev"}
	}
	return []string{"leave --version out for the next one; a version that was registered is never changed"}
}

// GoneError says that a version was taken out of the registry.
type GoneError struct{ Model, Version string }

// Error names it.
func (e *GoneError) Error() string {
	return fmt.Sprintf("version %s of %s was deregistered", e.Version, e.Model)
}

// RulesError says that rules of xt.toml forbid a promotion.
type RulesError struct {
	Model, Version, Stage string
	Failed                []Outcome // never empty
}

// Error names the rules that do not hold, and why.
func (e *RulesError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s may not be promoted to %s:", e.Model, e.Version, e.Stage)
	for _, o := range e.Failed {
		fmt.Fprintf(&b, "\n  %s: %s", o.Rule.Text, o.Why)
	}
	return b.String()
}

// Hints says what would make the rules hold.
func (e *RulesError) Hints() []string {
	var hints []string
	for _, o := range e.Failed {
		if o.Hint != "" {
			hints = append(hints, o.Hint)
		}
	}
	return append(hints, "the rules are in xt.toml, below [model]")
}
