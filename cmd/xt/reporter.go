package main

import (
	"errors"
	"io"
	"strings"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/replay"
)

// reporter writes what a run does, as it does it.
type reporter struct {
	a       *app
	json    bool           // standard output is for JSON alone
	hashing *term.Progress // shown until the first stage begins

	undeclared pipeline.Level // of what is traced
}

func (r *reporter) Begin(s *pipeline.Step) {
	t := r.a.term
	r.hashing.Done()
	if s.Action != pipeline.Execute {
		return
	}
	var why []string
	for _, reason := range s.Reasons {
		why = append(why, reason.Text)
	}
	if len(why) > 3 {
		why = append(why[:3], "and more")
	}
	t.Sayf("%s: running, because %s", t.PaintErr(term.Bold, s.Stage.Name), strings.Join(why, "; "))
}

func (r *reporter) Output(s *pipeline.Stage) (stdout, stderr io.Writer, end func()) {
	t := r.a.term
	if t.Quiet {
		return io.Discard, io.Discard, func() {}
	}
	prefix := t.PaintErr(term.Dim, s.Name+" | ")
	to := t.Out
	if r.json {
		to = t.Err
	}
	out, err := t.Prefixed(to, prefix), t.Prefixed(t.Err, prefix)
	return out, err, func() { out.Flush(); err.Flush() }
}

func (r *reporter) End(res *pipeline.Result) {
	t, s := r.a.term, res.Step
	name := t.PaintErr(term.Bold, s.Stage.Name)
	for _, k := range res.Kept {
		t.Warnf("%s was in no cache and no commit: its old content was kept in the cache before stage %s replaced it, in %s", k.Path, s.Stage.Name, k.At)
	}
	switch {
	case res.Err != nil:
		r.failed(res)
	case res.Skipped != "":
		t.Sayf("%s: not run: %s", name, res.Skipped)
	case s.Action == pipeline.Execute:
		t.Sayf("%s: %s in %s%s", name, t.PaintErr(term.Green, "done"), term.Duration(res.Duration), memoryWords(res.Memory))
	case s.Action == pipeline.Restore:
		t.Sayf("%s: %s", name, t.PaintErr(term.Green, restoreWords(s)))
	}
	if res.Calls != nil && res.Calls.Calls > 0 {
		t.Sayf("%s: %s", name, callWords(res.Calls))
	}
	if res.Seen != nil && res.Err == nil {
		r.traced(s.Stage, res.Seen)
	}
	for _, p := range res.Unstable {
		t.Warnf("stage %s is not deterministic: %s differs from last time although no input changed", s.Stage.Name, p)
	}
}

// traced tells of what a command did with files of the project that its stage does
// not declare.
func (r *reporter) traced(s *pipeline.Stage, seen *pipeline.Seen) {
	t := r.a.term
	if r.undeclared == pipeline.Ignore {
		return
	}
	for _, p := range seen.Undeclared {
		t.Warnf("stage %s reads %s and does not declare it: add it to code or deps", s.Name, shown(p))
	}
	for _, p := range seen.Stray {
		t.Warnf("stage %s writes %s, which is none of its outputs", s.Name, shown(p))
	}
	for _, note := range seen.Notes {
		t.Warnf("stage %s: not every file could be seen: %s", s.Name, note)
	}
}

func (r *reporter) failed(res *pipeline.Result) {
	t := r.a.term
	t.Sayf("%s: %s: %s", t.PaintErr(term.Bold, res.Step.Stage.Name), t.PaintErr(term.Red, "failed"), failureWords(res.Err))
	var failed *pipeline.StageError
	if t.Quiet && errors.As(res.Err, &failed) && failed.Tail != "" {
		// Its output was not shown as it came.
		w := t.Prefixed(t.Err, failed.Stage.Name+" | ")
		_, _ = io.WriteString(w, failed.Tail) // a Prefixer never fails
		w.Flush()
	}
}

// failureWords says what went wrong in a stage whose name has been said. With
// --keep-going there may be several such, and only the first ends up in the
// error at the end.
func failureWords(err error) string {
	var (
		failed *pipeline.StageError
		output *pipeline.OutputError
		calls  *pipeline.CallsError
	)
	switch {
	case errors.As(err, &failed):
		return failed.What
	case errors.As(err, &output):
		return output.Msg
	case errors.As(err, &calls):
		return calls.Err.Error()
	}
	return err.Error()
}

func memoryWords(bytes int64) string {
	if bytes == 0 {
		return ""
	}
	return ", at most " + term.Bytes(bytes) + " of memory"
}

// callWords says what became of calls to language models.
func callWords(c *replay.Summary) string {
	words := plural(c.Calls, "call") + " to language models: " + term.Count(int64(c.Replayed)) + " replayed, " + term.Count(int64(c.Recorded)) + " recorded"
	if c.Tokens > 0 {
		words += ", " + term.Count(c.Tokens) + " tokens"
	}
	return words
}

func restoreWords(s *pipeline.Step) string {
	if s.Past {
		return "restored from the run cache"
	}
	return "outputs restored from the cache"
}
