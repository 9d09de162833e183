package pipeline

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/xtrepro/xt/lock"
)

// inspectLock finds what xt.lock and the plan tell. kept are outputs in git of
// which it is told already that they differ.
func (in *Inspection) inspectLock(kept map[string]bool) {
	for _, step := range in.Plan.Steps {
		in.stale(step, kept)
		in.seed(step.Stage)
	}
	declared := map[string]*Stage{}
	for _, s := range in.graph.Stages {
		declared[s.Name] = s
	}
	for _, name := range slices.Sorted(maps.Keys(in.file.Stages)) {
		in.entry(in.file.Stages[name], declared[name])
	}
	for _, p := range slices.Sorted(maps.Keys(in.file.Data)) {
		if in.file.Data[p].Conflicted {
			in.add(Finding{Rule: RuleConflict, Level: Error, File: LockFile, Message: fmt.Sprintf("two branches disagree about the data %s", p), Hint: "put the right data there, and \"xt add " + p + "\""})
		}
	}
}

// stale tells of a stage that is not up to date, but for what is told of it by
// another rule.
func (in *Inspection) stale(step *Step, kept map[string]bool) {
	if !step.Stale() {
		return
	}
	var details []string
	old := in.file.Stages[step.Stage.Name]
	same := old != nil && step.Entry != nil && old.Fingerprint == step.Entry.Fingerprint
	for _, r := range step.Reasons {
		if r.Kind == Edited || r.Kind == Conflict || r.Kind == OutChanged && kept[r.Name] {
			continue
		}
		if r.Kind == OutMissing && same && kept != nil {
			continue // git does not have data
		}
		details = append(details, r.Text)
	}
	if len(details) > 0 {
		in.atStage(step.Stage, Finding{Rule: RuleStale, Level: Error, Message: step.Stage.Name + " is stale", Details: details, Hint: "run \"xt repro\", then \"git add " + LockFile + "\" and what it names"})
	}
}

// entry looks at an entry of xt.lock. The stage is nil if xt.toml has none.
func (in *Inspection) entry(e *lock.Stage, s *Stage) {
	policy := in.graph.Config.Check
	switch {
	case s == nil:
		in.atEntry(e.Name, Finding{Rule: RuleOrphan, Level: Warning, Message: fmt.Sprintf("xt.lock has an entry for stage %s, which xt.toml does not have", e.Name), Hint: "\"xt remove " + e.Name + "\" takes it out"})
		return
	case e.Conflicted:
		in.atEntry(e.Name, Finding{Rule: RuleConflict, Level: Error, Message: fmt.Sprintf("two branches disagree about stage %s", e.Name), Hint: "\"xt repro " + e.Name + "\" settles it; then git add " + LockFile})
		return
	case Fingerprint(e) != e.Fingerprint:
		in.atEntry(e.Name, Finding{Rule: RuleEdited, Level: Error, Message: fmt.Sprintf("the entry of stage %s does not match its own fingerprint: it was edited by hand, or written by another version of xt", e.Name), Hint: "\"git checkout -- " + LockFile + "\" takes the edit back, \"xt repro " + e.Name + "\" makes the entry anew"})
	case s.Frozen && !declares(s, e):
		in.atEntry(e.Name, Finding{Rule: RuleEdited, Level: Error, Message: fmt.Sprintf("the entry of the frozen stage %s has other outputs than xt.toml declares", e.Name), Hint: "thaw the stage, and \"xt repro " + e.Name + "\""})
	}
	if e.How != lock.Executed && e.How != lock.Restored {
		in.atEntry(e.Name, Finding{Rule: RuleCommitted, Level: policy.Committed, Message: fmt.Sprintf("the outputs of stage %s are %s, not executed by xt", e.Name, e.How), Hint: "\"xt repro -f " + e.Name + "\" executes it"})
	}
	if e.Dirty {
		in.atEntry(e.Name, Finding{Rule: RuleDirty, Level: policy.Dirty, Message: fmt.Sprintf("stage %s ran with code that was not committed", e.Name), Hint: "commit the code, then \"xt repro -f " + e.Name + "\""})
	}
}

// declares reports whether the outputs of an entry are those that the stage has.
func declares(s *Stage, e *lock.Stage) bool {
	for _, o := range s.Outs {
		if _, ok := nodeAt(e.Outs, o.Path); !ok {
			return false
		}
	}
	return len(s.Outs) == len(e.Outs)
}

// seed tells of a stage that trains, and may give another result each time.
func (in *Inspection) seed(s *Stage) {
	policy := in.graph.Config.Check
	if policy.Seed == Ignore || s.Seed.Value != nil {
		return
	}
	needs := Trains(s)
	if policy.SeedStages != nil {
		needs = slices.Contains(policy.SeedStages, s.Name) || slices.Contains(policy.SeedStages, s.Base)
	}
	if needs {
		in.atStage(s, Finding{Rule: RuleSeed, Level: policy.Seed, Message: fmt.Sprintf("stage %s trains without a seed", s.Name), Hint: "write seed = 42 below the stage, or [seed] value = 42 for all; seed_stages under [check] names the stages that need one"})
	}
}

var trainWord = regexp.MustCompile(`(?i)(^|[^a-z])((pre|re)?train(ing|er)?|(re)?fit(ting)?|fine[_-]?tun(e|ing))([^a-z]|$)`)

// Trains guesses whether a stage trains something: whether its name says so, or
// the program, the module, the script or the subcommand that its command runs.
func Trains(s *Stage) bool {
	if trains(s.Base) {
		return true
	}
	words := strings.Fields(s.Cmd)
	for i, w := range words {
		w = strings.Trim(w, `"'`)
		isScript := slices.Contains([]string{".py", ".r", ".jl", ".sh", ".ipynb", ".m"}, strings.ToLower(path.Ext(w)))
		isModule := i > 0 && words[i-1] == "-m"
		isWord := !strings.ContainsAny(w, "/.=$-") // a program or a subcommand
		if isScript {
			w = strings.TrimSuffix(path.Base(w), path.Ext(w))
		}
		if (isScript || isModule || isWord) && trains(w) {
			return true
		}
	}
	return false
}

// trains reports whether a name speaks of training. One that speaks of splitting
// data, as train_test_split, does not.
func trains(name string) bool {
	lower := strings.ToLower(name)
	has := func(s string) bool { return strings.Contains(lower, s) }
	maybe := has("train") || has("fit") || has("tun") // most names are none of the slow search
	return maybe && trainWord.MatchString(name) && !has("split")
}
