package pipeline

import (
	"maps"
	"slices"
	"strconv"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// fingerprintVersion changes when the same inputs must no longer be taken for
// the same result: it makes every stage stale.
const fingerprintVersion = "xt-fingerprint 1"

// Describe returns the text whose digest is the fingerprint of a stage: each
// input of e, and the paths of its outputs, on a line of its own. It reads
// nothing but e, so that an entry of xt.lock can be checked against its own
// fingerprint. What only tells of the run is not in it: the name of the stage,
// the commit, how the outputs came to be, and the outputs' content.
func Describe(e *lock.Stage) *hash.Text {
	t := new(hash.Text)
	t.Line(fingerprintVersion)
	t.Line("cmd", e.Cmd)
	shell := e.Shell
	if len(shell) == 0 {
		shell = lock.DefaultShell()
	}
	t.Line("shell", shell...)
	t.Line("wdir", wdirOf(e))
	describeItems(t, "code", e.Code)
	describeItems(t, "dep", e.Deps)
	describeItems(t, "calls", e.Calls)
	for _, p := range e.Params {
		t.Line("param", p.File, p.Key, p.Value)
	}
	describeVariables(t, e)
	describeSeed(t, e)
	if !e.Environment.IsZero() {
		t.Line("environment", e.Environment.String())
	}
	for _, o := range e.Outs {
		t.Line("out", o.Path)
	}
	return t
}

// Fingerprint returns the digest of [Describe].
func Fingerprint(e *lock.Stage) hash.Fingerprint { return Describe(e).Fingerprint() }

func wdirOf(e *lock.Stage) string {
	if e.Wdir == "" {
		return "."
	}
	return e.Wdir
}

func describeItems(t *hash.Text, label string, items []lock.Item) {
	for _, it := range items {
		t.Line(label, it.Path, it.Kind.String(), it.Sum.String())
	}
}

func describeVariables(t *hash.Text, e *lock.Stage) {
	for _, k := range slices.Sorted(maps.Keys(e.Env)) {
		t.Line("env", k, e.Env[k])
	}
	for _, k := range slices.Sorted(maps.Keys(e.Pass)) {
		t.Line("pass", k, e.Pass[k])
	}
	for _, k := range e.PassUnset {
		t.Line("pass-unset", k)
	}
}

func describeSeed(t *hash.Text, e *lock.Stage) {
	if e.Seed != nil {
		t.Line("seed", strconv.FormatInt(*e.Seed, 10))
	}
	if e.Deterministic != "" {
		t.Line("deterministic", e.Deterministic)
		t.Line("threads", strconv.Itoa(e.Threads))
	}
}
