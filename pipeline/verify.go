package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// Verdict is what came of running a stage, or of one of its outputs, once more.
type Verdict string

// The verdicts, from the best on.
const (
	Identical     Verdict = "identical"
	WithinLimits  Verdict = "within tolerance"
	Differs       Verdict = "differs"
	FailedAgain   Verdict = "failed"         // its command failed
	StaleEntry    Verdict = "stale"          // xt.lock is not of these inputs, so that there is nothing to compare with
	EditedEntry   Verdict = "edited"         // its entry in xt.lock was edited by hand
	InputsMissing Verdict = "inputs missing" // what it was made from is not here, nor on a remote
)

// Good reports whether the verdict proves the result.
func (v Verdict) Good() bool { return v == Identical || v == WithinLimits }

// VerifyOptions say how stages are verified.
type VerifyOptions struct {
	Times    int  // how often each is run; below 1 it is 1
	Jobs     int  // stages at a time; below 1 it is 1
	Pull     bool // fetch from the remotes what is missing of inputs and of recorded outputs
	Transfer Transfer
}

// Verified is what came of one stage.
type Verified struct {
	Stage    *Stage
	Entry    *lock.Stage // in xt.lock; nil if there is none
	Verdict  Verdict
	Outs     []OutVerdict
	Reasons  []Reason      // why it is stale
	Err      error         // why its command failed, or its inputs are missing
	Duration time.Duration // of the runs
	Ended    time.Time     // when the last of them did
	Log      string        // path of what its last run wrote
	// Undeclared are files of the project that it looked for and does not declare,
	// where that could be recorded.
	Undeclared []string
}

// OutVerdict is what came of one output.
type OutVerdict struct {
	Path    string
	Verdict Verdict
	Runs    bool // the runs differ from one another, and not only from xt.lock
	Diffs   []Difference
}

// Difference is the first difference between two contents of a file.
type Difference struct {
	Path  string // of the file, in a directory also below the output
	Where string // "key accuracy", "row 3, column loss", "byte 17"
	Want  string // what was recorded there; of two runs what the first made
	Got   string
}

// Verify runs each of the stages once more, or several times, from the inputs that
// xt.lock records, in a clean directory that holds nothing else, and compares the
// outputs with those that it records. Stages that xt.lock does not have yet are run
// at least twice and compared with themselves. The workspace stays as it is, and
// so does xt.lock. rep is told of the runs; done of each stage, one at a time.
func (w *Workspace) Verify(ctx context.Context, stages []*Stage, opts VerifyOptions, rep Reporter, done func(*Verified)) ([]*Verified, error) {
	trySandbox()
	facts, err := w.Facts(ctx, stages)
	if err != nil {
		return nil, err
	}
	if opts.Pull {
		e, err := w.newElsewhere(ctx, opts.Transfer)
		if err != nil {
			return nil, err
		}
		w.elsewhere = e
		defer func() { e.close(); w.elsewhere = nil }()
	}
	v := &verifier{w: w, opts: opts, rep: &oneAtATime{Reporter: rep}, facts: facts}
	results := make([]*Verified, len(stages))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, opts.Jobs))
	for i, s := range stages {
		g.Go(func() error {
			res, err := v.stage(gctx, s)
			if err != nil {
				return fmt.Errorf("verify stage %s: %w", s.Name, err)
			}
			results[i] = res
			v.rep.lock(func() { done(res) })
			return nil
		})
	}
	err = g.Wait()
	return results, errors.Join(err, w.SaveIndex())
}

// verifier is one verification.
type verifier struct {
	w     *Workspace
	opts  VerifyOptions
	rep   *oneAtATime
	facts *Facts
}

// stage verifies one stage. An error means that this could not be done.
func (v *verifier) stage(ctx context.Context, s *Stage) (res *Verified, err error) {
	old := v.facts.Lock.Stages[s.Name]
	res = &Verified{Stage: s, Entry: old}
	step, verdict := v.step(s, old)
	if verdict != "" {
		res.Verdict, res.Reasons = verdict, step.Reasons
		if verdict == InputsMissing {
			res.Err = &MissingInputsError{Inputs: missingInputs(step)}
		}
		return res, ctx.Err()
	}
	times := max(1, v.opts.Times)
	if old == nil {
		times = max(2, times)
	}
	var rooms []*room
	var results []*Result
	defer func() {
		for i, r := range rooms {
			v.w.endTracking(results[i], Dir(r.root), res, errors.Join(res.Err, err))
			res.Log = results[i].Log
			r.remove()
		}
	}()
	var made [][]lock.Item
	for range times {
		result := &Result{Step: step}
		r, items, err := v.again(ctx, result, res)
		if r != nil {
			rooms, results = append(rooms, r), append(results, result)
		}
		if err != nil {
			return res, v.failed(ctx, res, err)
		}
		made = append(made, items)
	}
	return res, v.compare(ctx, res, rooms, made)
}

// failed tells an error of the stage from one of the verification.
func (v *verifier) failed(ctx context.Context, res *Verified, err error) error {
	var (
		command *StageError
		output  *OutputError
		missing *cache.MissingError
		inputs  *MissingInputsError
		calls   *CallsError
	)
	switch {
	case ctx.Err() != nil:
		return err
	case errors.As(err, &command), errors.As(err, &output), errors.As(err, &calls):
		res.Verdict = FailedAgain
	case errors.As(err, &missing), errors.As(err, &inputs):
		res.Verdict = InputsMissing
	default:
		return err
	}
	res.Err = err
	return nil
}

// verified is why a stage is run.
var verified = []Reason{{Kind: Forced, Text: "it is verified"}}

// step returns what is to be run: the stage with the inputs that xt.lock records.
// A verdict that is not empty says why there is nothing to be run.
func (v *verifier) step(s *Stage, old *lock.Stage) (*Step, Verdict) {
	facts := *v.facts
	facts.Nodes = map[string]hash.Node{}
	for path, n := range v.facts.Nodes {
		facts.Nodes[path] = n
	}
	if old != nil {
		for _, d := range old.Deps {
			facts.Nodes[d.Path] = d.Node
		}
		for _, c := range old.Calls {
			facts.Nodes[c.Path] = c.Node
		}
	}
	p := newPlanner(v.w.Graph, nil, &facts, Options{AllowMissing: true})
	entry, in := p.entry(s, old)
	step := &Step{Stage: s, Action: Execute, Entry: entry, Environment: in.environment, Reasons: verified}
	switch {
	case len(in.missing) > 0:
		step.Reasons = in.missing
		return step, InputsMissing
	case in.unresolved:
		step.Reasons = []Reason{{Kind: Unresolved, Text: "the Python requirements have changed and are to be resolved"}}
		return step, StaleEntry
	}
	entry.Fingerprint = Fingerprint(entry)
	switch {
	case old == nil:
		return step, ""
	case !old.Conflicted && Fingerprint(old) != old.Fingerprint:
		step.Reasons = []Reason{{Kind: Edited, Text: "its entry in xt.lock does not match its own fingerprint: it was edited by hand, or written by another version of xt"}}
		return step, EditedEntry
	case old.Conflicted || old.Fingerprint != entry.Fingerprint:
		step.Reasons = p.reasons(entry, old, step.Environment)
		return step, StaleEntry
	}
	if step.Reasons = v.disagreements(old.Deps); len(step.Reasons) > 0 {
		return step, StaleEntry
	}
	step.Reasons = verified
	return step, ""
}

// again runs the stage's command once in a room of its own, which the caller
// removes, and returns what it made.
func (v *verifier) again(ctx context.Context, result *Result, res *Verified) (*room, []lock.Item, error) {
	w, step := v.w, result.Step
	s := step.Stage
	r, err := w.newRoom(ctx, step)
	if err != nil {
		return r, nil, err
	}
	e := &execution{w: w, step: step, res: result, rep: v.rep, root: r.root, room: r, traced: true, verify: true}
	if e.env, err = w.isolatedEnv(ctx, s); err != nil {
		return r, nil, err
	}
	v.rep.Begin(step)
	err = e.attempts(ctx, func() error { return r.clear(s) })
	res.Duration += result.Duration
	res.Ended = result.Ended
	res.Log = result.Log
	if result.Seen != nil {
		res.Undeclared = result.Seen.Undeclared
	}
	if err == nil {
		err = w.pythonUnchanged(ctx, step)
	}
	if err != nil {
		return r, nil, r.explain(e, err)
	}
	items, err := r.outputs(ctx, s)
	return r, items, err
}

// outputs returns what the command made, which stays where it is.
func (r *room) outputs(ctx context.Context, s *Stage) ([]lock.Item, error) {
	var items []lock.Item
	for _, o := range s.Outs {
		n, err := r.scan.Scan(ctx, o.Path)
		if absent(err) {
			return nil, &OutputError{Stage: s, Msg: "its command succeeded but did not make its output " + o.Path}
		}
		if err != nil {
			return nil, err
		}
		items = append(items, lock.Item{Path: o.Path, Node: n})
	}
	return items, nil
}
