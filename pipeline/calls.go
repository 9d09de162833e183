package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/replay"
	"github.com/xtrepro/xt/seedenv"
)

// Calls says that a stage's calls to language models are recorded.
type Calls struct {
	Mode replay.Mode // Record or Replay
	Dir  string      // of the recordings
}

// callsVar is the variable that overrides the mode of all stages that record.
const callsVar = "XT_LLM"

// noCalls is what a directory is that holds no recording: git keeps no empty one, so
// that it must be the same whether it is there or not.
var noCalls = hash.Tree(nil).Node()

// recordedCalls returns what xt.lock says of the recordings in a directory.
func recordedCalls(dir string, n hash.Node) []lock.Item {
	if n.IsZero() {
		n = noCalls
	}
	return []lock.Item{{Path: dir, Node: n}}
}

// usedCalls returns the recordings of an entry, if it has any.
func usedCalls(e *lock.Stage) []lock.Item {
	return slices.DeleteFunc(slices.Clone(e.Calls), func(it lock.Item) bool { return it.Same(noCalls) })
}

// callsMode returns what becomes of the calls of a stage that records.
func (w *Workspace) callsMode(s *Stage) (replay.Mode, error) {
	value, _ := seedenv.Lookup(w.environ, callsVar)
	switch mode := replay.Mode(value); mode {
	case "":
		return s.Calls.Mode, nil
	case replay.Record, replay.Replay:
		return mode, nil
	}
	return "", &MisuseError{Msg: fmt.Sprintf("%s is %q, but must be record or replay", callsVar, value),
		Hint: "calls that are neither would give a result that xt.lock cannot tell from a recorded one: for that the stage says llm = \"off\""}
}

// declaredNames returns the variables of the user that an isolated command gets:
// those that it declares, and the keys of language models that it may ask. Keys
// decide no answer, and so are no part of what the result was made from.
func (w *Workspace) declaredNames(s *Stage) []string {
	if s.Calls == nil {
		return slices.Concat(s.Pass, w.granted)
	}
	return slices.Concat(s.Pass, w.granted, replay.KeyVariables())
}

// SetCalls says where the calls of a command that is no stage are recorded, and
// how. The recordings have the name.
func (w *Workspace) SetCalls(opts *replay.Options, name string) error {
	llm := &w.Graph.Config.LLM
	s := &Stage{Name: name, Calls: &Calls{Mode: replay.Record, Dir: path.Join(llm.Dir, url.PathEscape(name))}}
	var err error
	if opts.Mode, err = w.callsMode(s); err != nil {
		return err
	}
	if err := w.staysInside(path.Join(s.Calls.Dir, "x")); err != nil {
		return err
	}
	opts.Dir, opts.Aside = w.path(s.Calls.Dir), w.state(path.Join("llm", url.PathEscape(name)))
	opts.Upstreams, opts.Errors = llm.Upstreams, llm.Errors
	return MakeStateDir(w.Root)
}

// startCalls begins to answer the calls of a command, and returns the environment
// in which it finds who does.
func (e *execution) startCalls(ctx context.Context) (env []string, err error) {
	w, s := e.w, e.step.Stage
	e.calls, e.res.Calls = nil, nil
	if s.Calls == nil {
		return e.env, nil
	}
	opts := replay.Options{Dir: w.path(s.Calls.Dir), Aside: w.state(path.Join("llm", s.Name)), Environ: e.env, Caller: w.declared(s),
		Upstreams: w.Graph.Config.LLM.Upstreams, Errors: w.Graph.Config.LLM.Errors}
	if opts.Mode, err = w.callsMode(s); err != nil {
		return nil, err
	}
	if e.verify {
		opts.Mode, opts.Dir = replay.Replay, e.room.path(s.Calls.Dir)
	}
	if opts.Mode == replay.Record {
		if err := w.staysInside(path.Join(s.Calls.Dir, "x")); err != nil {
			return nil, err
		}
	}
	if e.calls, err = replay.Start(ctx, opts); err != nil {
		return nil, fmt.Errorf("stage %s: %w", s.Name, err)
	}
	return e.calls.Environ(), nil
}

// endCalls ends what startCalls began, with the error of the command.
func (e *execution) endCalls(err error) {
	if e.calls == nil {
		return
	}
	e.calls.Close(err == nil)
	sum := e.calls.Summary()
	e.res.Calls = &sum
}

// unanswered reports whether calls of the command had no answer, which will be so
// the next time too.
func (e *execution) unanswered() bool {
	var incomplete *replay.IncompleteError
	return e.calls != nil && errors.As(e.calls.Err(), &incomplete) && incomplete.Mode == replay.Replay
}

// callsError adds to the outcome of a command that calls were not answered. A command
// that succeeded all the same made its result of something else.
func (e *execution) callsError(err error) error {
	if e.calls == nil {
		return err
	}
	calls := e.calls.Err()
	var failed *StageError
	switch {
	case calls == nil:
		return err
	case errors.As(err, &failed):
		failed.Calls = calls
		return err
	}
	return errors.Join(err, &CallsError{Stage: e.step.Stage, Err: calls})
}

// CallsError says that a stage's command succeeded, and its calls to language models
// did not, so that the result is not that of its recordings.
type CallsError struct {
	Stage *Stage
	Err   error
}

// Error says which stage and which calls.
func (e *CallsError) Error() string {
	return fmt.Sprintf("stage %s: its result is not recorded: %v", e.Stage.Name, e.Err)
}

// Unwrap returns what was wrong with the calls.
func (e *CallsError) Unwrap() error { return e.Err }

// Hints says what to do about it.
func (e *CallsError) Hints() []string { return callHints(e.Err) }

func callHints(err error) []string {
	var incomplete *replay.IncompleteError
	switch {
	case !errors.As(err, &incomplete):
		return nil
	case incomplete.Mode == replay.Replay:
		return []string{"\"XT_LLM=record xt repro\" asks what is not recorded, with a key in the environment; then git add the recordings and " + LockFile}
	}
	return []string{"run xt repro again: what was answered is kept, and is not asked again; errors = true under [llm] records an error that stays"}
}

// keepCalls makes the recordings part of what the result was made from: those that
// the command used, as they are now.
func (e *execution) keepCalls(ctx context.Context) error {
	if e.calls == nil {
		return nil
	}
	w, s, entry := e.w, e.step.Stage, e.step.Entry
	if err := e.calls.Keep(); err != nil {
		return fmt.Errorf("stage %s: %w", s.Name, err)
	}
	n, err := w.node(ctx, s.Calls.Dir)
	if err != nil {
		return err
	}
	calls := recordedCalls(s.Calls.Dir, n)
	if e.calls.Mode() == replay.Replay && !calls[0].Same(entry.Calls[0].Node) {
		return changedMeanwhile(s, s.Calls.Dir)
	}
	entry.Calls = calls
	if used := int64(e.calls.Used()); entry.Calls[0].Files < used {
		return &OutputError{Stage: s, Msg: fmt.Sprintf("%s holds %d recordings, of which %s leaves out some, so that a change of them would not be seen", s.Calls.Dir, used, hash.IgnoreFile),
			Hint: "write !/" + s.Calls.Dir + "/** below the other lines of " + hash.IgnoreFile}
	}
	entry.Fingerprint = Fingerprint(entry)
	return nil
}

// callsText says in one line how recorded answers changed.
func callsText(c lock.Change) string {
	switch {
	case c.Op == lock.Added:
		return "its calls to language models are recorded now"
	case c.Op == lock.Removed:
		return "its calls to language models are not recorded any more"
	case c.NewNode.Same(noCalls):
		return "the recorded answers in " + c.Name + " are gone"
	case c.OldNode.Same(noCalls):
		return "there are recorded answers in " + c.Name + ": " + c.New
	}
	return "recorded answers changed: " + c.Name + " " + c.Old + " -> " + c.New
}
