package pipeline

import (
	"fmt"
	"strings"
)

// MissingInput is an input that a stage declares and that is not there.
type MissingInput struct {
	Stage *Stage
	Path  string
}

// MissingInputsError says that stages cannot run because inputs are not there
// and no stage makes them.
type MissingInputsError struct {
	Inputs []MissingInput // never empty
}

// Error names the first few inputs.
func (e *MissingInputsError) Error() string {
	var b strings.Builder
	for i, in := range e.Inputs {
		if i == 10 {
			fmt.Fprintf(&b, "\nand %d more", len(e.Inputs)-i)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s: stage %q needs %s, which is missing", in.Stage.pathPos(in.Path), in.Stage.Name, in.Path)
	}
	return b.String()
}

// Hints says where the inputs may come from.
func (e *MissingInputsError) Hints() []string {
	return []string{"put it there, or bring back what the cache has with \"xt checkout\", and what a remote has with \"xt pull\", or correct the path in xt.toml"}
}

// StageError says that a stage's command failed.
type StageError struct {
	Stage    *Stage
	ExitCode int    // of the command; -1 if it was ended by a signal or never started
	What     string // "exit status 3", "timed out after 10 s"
	Tail     string // the last lines that it wrote
	Log      string // path of all that it wrote
	Kept     bool   // whether that is kept with the runs
	// Undeclared are files that it seems to have looked for, which the stage does not
	// declare, so that an isolated command does not find them.
	Undeclared []string
	Calls      error  // why calls to language models were not answered; nil if they were
	Hint       string // what else to do about it; "" if there is nothing to say
}

// Error says which stage failed and how.
func (e *StageError) Error() string {
	return fmt.Sprintf("stage %s failed: %s", e.Stage.Name, e.What)
}

// Hints says where all that the command wrote is, and what it may lack.
func (e *StageError) Hints() []string {
	hints := []string{"its output is in " + e.Log}
	if e.Kept {
		hints[0] = "\"xt logs " + e.Stage.Name + "\" shows all that it wrote"
	}
	if e.Hint != "" {
		hints = append([]string{e.Hint}, hints...)
	}
	if e.Calls != nil {
		hints = append([]string{e.Calls.Error()}, append(callHints(e.Calls), hints...)...)
	}
	if len(e.Undeclared) > 0 {
		hints = append([]string{fmt.Sprintf("stage %s does not declare %s: add to [stage.%s] in xt.toml, under code if git keeps it, else under deps: %s",
			e.Stage.Name, strings.Join(e.Undeclared, ", "), e.Stage.Base, quotedList(e.Undeclared))}, hints...)
	}
	return hints
}

// quotedList spells paths as a list in xt.toml.
func quotedList(paths []string) string {
	var words []string
	for _, p := range paths {
		words = append(words, fmt.Sprintf("%q", p))
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// OutputError says that a stage's command did not do what xt.toml says of it.
type OutputError struct {
	Stage *Stage
	Msg   string
	Hint  string // what to do about it; "" if there is nothing to say
}

// Error says which stage it is and what is wrong.
func (e *OutputError) Error() string { return fmt.Sprintf("stage %s: %s", e.Stage.Name, e.Msg) }

// Hints says what to do about it.
func (e *OutputError) Hints() []string { return []string{e.Hint} }

// TrackedError says that outputs, or data, which belong in the cache are in git.
type TrackedError struct {
	Paths []string
	Outs  bool // they are outputs of stages, rather than data to be added
}

// Error names the paths.
func (e *TrackedError) Error() string {
	return "git tracks " + strings.Join(e.Paths, ", ") + ", which xt is to keep in its cache"
}

// Hints says how to have them in one place only.
func (e *TrackedError) Hints() []string {
	h := "take it out of git, not off the disk, with \"git rm -r --cached " + e.Paths[0] + "\""
	if e.Outs {
		h += ", or leave it to git with { path = …, cache = false }"
	}
	return []string{h}
}

// MisuseError says that what was asked for makes no sense for this project.
type MisuseError struct {
	Msg  string
	Hint string // what to do instead; "" if there is nothing to say
}

// Error says what makes no sense.
func (e *MisuseError) Error() string { return e.Msg }

// Hints says what to do instead.
func (e *MisuseError) Hints() []string { return []string{e.Hint} }

// MissingPathError says that there is nothing at a path that the user gave.
type MissingPathError struct{ Path string }

// Error names the path.
func (e *MissingPathError) Error() string { return e.Path + " does not exist" }

// lostError says that what was to be restored is not in the cache.
type lostError struct{ error }

func (e *lostError) Unwrap() error { return e.error }
