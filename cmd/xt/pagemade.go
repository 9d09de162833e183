package main

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/web"
)

// rebuild returns the commands that make a run again in a clone of the repository,
// with what people must know of them behind #. pull says that there is a remote to fetch
// from.
func rebuild(r *track.Run, e *lock.Stage, pull bool) []string {
	o := originOf(r)
	var lines []string
	if o.Commit != "" {
		lines = append(lines, switchTo(o.Commit))
	}
	switch {
	case o.Dirty && o.Diff != "":
		lines = append(lines, "xt runs show "+shortID(r.ID)+" --patch | git apply    # what was not committed")
	case o.Dirty:
		lines = append(lines, "# the code had changes that were not committed, and they were not kept")
	}
	if o.Stage == "" {
		return append(lines, "xt run -- "+strings.ReplaceAll(e.Cmd, "\n", " "))
	}
	if len(e.Params) > 0 {
		lines = append(lines, "xt runs apply --params-only "+shortID(r.ID))
	}
	return append(lines, remake(pull, madeStage{o.Stage, o.Fingerprint})...)
}

func switchTo(commit string) string { return "git switch --detach " + brief(commit) }

// madeStage is a stage with the fingerprint of what it was made from.
type madeStage struct{ name, fingerprint string }

// remake returns the commands that make stages again in the workspace, and then compare;
// all stages, if none is named.
func remake(pull bool, stages ...madeStage) []string {
	var names, notes []string
	for _, s := range stages {
		names = append(names, s.name)
		notes = append(notes, "# xt why "+s.name+" must then say fingerprint "+short12(s.fingerprint))
	}
	repro, verify := []string{"xt repro"}, []string{"xt verify"}
	if pull {
		repro, verify = append(repro, "--pull"), append(verify, "--pull")
	}
	if repro = append(repro, "--force"); len(names) > 0 {
		repro = append(repro, "--single-item")
	}
	return slices.Concat([]string{strings.Join(append(repro, names...), " ")}, notes, []string{strings.Join(append(verify, names...), " ")})
}

func short12(s string) string { return s[:min(12, len(s))] }

// conditions tells what else decided about a result.
func conditions(e *lock.Stage, env *lock.Environment) []web.Fact {
	facts := []web.Fact{}
	add := func(name, text string) {
		if text != "" {
			facts = append(facts, web.Fact{Name: name, Text: text})
		}
	}
	if !e.Fingerprint.IsZero() {
		add("fingerprint", e.Fingerprint.String())
	}
	add("how", string(e.How))
	add("command", e.Cmd)
	for _, name := range slices.Sorted(maps.Keys(e.Env)) {
		add(name, e.Env[name])
	}
	for _, name := range slices.Sorted(maps.Keys(e.Pass)) {
		add(name+" (passed through)", e.Pass[name])
	}
	if e.Seed != nil {
		add("seed", strconv.FormatInt(*e.Seed, 10)+", deterministic "+e.Deterministic)
	}
	if env != nil {
		add("machine", env.OS+"/"+env.Arch)
		add("interpreter", cmp.Or(env.Python, "none"))
		add("packages", packagesWords(env))
	}
	return facts
}
