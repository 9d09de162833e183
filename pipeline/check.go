package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/lock"
)

// Rule names a sort of finding. The names are part of what xt check prints for
// programs, and do not change.
type Rule string

// The rules.
const (
	RuleStale     Rule = "stale"
	RuleEdited    Rule = "edited"
	RuleConflict  Rule = "conflict"
	RuleMetric    Rule = "metric"
	RuleOrphan    Rule = "orphan"
	RuleCommitted Rule = "committed"
	RuleDirty     Rule = "dirty"
	RuleSeed      Rule = "seed"
	RuleLarge     Rule = "large-file"
	RuleSecret    Rule = "secret"
	RuleMissing   Rule = "missing-object"
)

// Rules returns all rules with what each looks for, in the order in which
// findings are told.
func Rules() []RuleInfo {
	return []RuleInfo{
		{RuleStale, "A stage whose inputs are not those of its entry in xt.lock"},
		{RuleEdited, "An entry of xt.lock that does not match its own fingerprint"},
		{RuleConflict, "An entry of xt.lock about which two branches disagree"},
		{RuleMetric, "An output in git that is not the one that xt.lock records"},
		{RuleOrphan, "An entry of xt.lock whose stage xt.toml does not have"},
		{RuleCommitted, "A result that xt did not make"},
		{RuleDirty, "A result of code that was not committed"},
		{RuleSeed, "A stage that trains without a seed"},
		{RuleLarge, "A large file that is new in git"},
		{RuleSecret, "A key or a password in a file of the project"},
		{RuleMissing, "Content that xt.lock names and the remote lacks"},
	}
}

// RuleInfo describes a rule.
type RuleInfo struct {
	Rule Rule
	Text string
}

// Finding is something that a check found.
type Finding struct {
	Rule    Rule     `json:"rule"`
	Level   Level    `json:"level"`
	File    string   `json:"file"`           // relative to the root of the project
	Line    int      `json:"line,omitempty"` // from 1; 0: of the file as a whole
	Stage   string   `json:"stage,omitempty"`
	Message string   `json:"message"`
	Details []string `json:"details,omitempty"`
	Hint    string   `json:"hint,omitempty"` // how to mend it
}

// Inspection is the outcome of a check.
type Inspection struct {
	Plan     *Plan
	Findings []Finding // sorted by rule, file and line

	graph *Graph
	file  *lock.File
	lines func() map[string]int // of the entries in xt.lock
}

// Count returns how many findings have a level.
func (in *Inspection) Count(l Level) int {
	n := 0
	for _, f := range in.Findings {
		if f.Level == l {
			n++
		}
	}
	return n
}

func newInspection(g *Graph, file *lock.File, plan *Plan, src Source) *Inspection {
	lines := sync.OnceValue(func() map[string]int {
		b, _ := src.ReadFile(LockFile) // without it there are no lines to tell
		return lock.StageLines(b)
	})
	return &Inspection{Plan: plan, Findings: []Finding{}, graph: g, file: file, lines: lines}
}

// Inspect checks the project as git has it: that xt.lock matches, and what the
// policy of xt.toml asks for. It needs no data and runs nothing.
func (s *Snapshot) Inspect(ctx context.Context) (*Inspection, error) {
	changed := sync.OnceValues(func() ([]git.File, error) { return s.files.Changed(s.dir()) })
	if s.Graph.Config.Check.LargeFiles != Ignore {
		go changed() // git takes its time: whoever wants the answer waits for the rest of it
	}
	plan, err := s.Check(ctx)
	if err != nil {
		return nil, err
	}
	in := newInspection(s.Graph, s.Lock, plan, s)
	kept, err := in.kept(s)
	if err != nil {
		return nil, err
	}
	in.inspectLock(kept)
	if err := errors.Join(in.largeFiles(s, changed), in.recordedSecrets(s)); err != nil {
		return nil, err
	}
	return in, in.finish(s)
}

// Inspect is [Snapshot.Inspect] for a project that is not in git: it checks the
// files as they are.
func (w *Workspace) Inspect(ctx context.Context) (*Inspection, error) {
	plan, err := w.Plan(ctx, w.Graph.Stages, RunOptions{Options: Options{AllowMissing: true}})
	if err != nil {
		return nil, err
	}
	in := newInspection(w.Graph, w.Lock.File(), plan, Dir(w.Root))
	in.inspectLock(nil)
	return in, in.finish(Dir(w.Root))
}

func (in *Inspection) finish(src Source) error {
	if err := in.secrets(src); err != nil {
		return err
	}
	in.sort()
	return nil
}

func (in *Inspection) sort() {
	order := map[Rule]int{}
	for i, r := range Rules() {
		order[r.Rule] = i
	}
	slices.SortStableFunc(in.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(order[a.Rule], order[b.Rule]), strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
}

// add takes a finding, unless it is of a level that is not looked for.
func (in *Inspection) add(f Finding) {
	if f.Level != Ignore {
		in.Findings = append(in.Findings, f)
	}
}

// atStage adds a finding about a stage in xt.toml.
func (in *Inspection) atStage(s *Stage, f Finding) {
	f.File, f.Line, f.Stage = s.Pos.File, s.Pos.Line, s.Name
	in.add(f)
}

// atEntry adds a finding about a stage's entry in xt.lock.
func (in *Inspection) atEntry(name string, f Finding) {
	f.File, f.Line, f.Stage = LockFile, in.lines()[name], name
	in.add(f)
}

// kept compares the outputs that git has with what xt.lock records of them. It
// returns the paths of those that differ.
func (in *Inspection) kept(s *Snapshot) (map[string]bool, error) {
	differ := map[string]bool{}
	for _, st := range in.graph.Stages {
		e := in.file.Stages[st.Name]
		if e == nil || e.Conflicted {
			continue
		}
		for _, o := range st.Outs {
			want, ok := nodeAt(e.Outs, o.Path)
			if !ok {
				continue
			}
			now, ok, err := s.node(o.Path, want)
			if err != nil {
				return nil, err
			}
			switch {
			case ok && !now.Same(want):
				differ[o.Path] = true
				in.notMade(st, o, want, now)
			case !ok && !o.Cache && o.Kind != PlainOut:
				in.atStage(st, Finding{Rule: RuleMetric, Level: Warning, Message: fmt.Sprintf("%s, which stage %s makes, is not in git", o.Path, st.Name), Hint: "git add it, or keep it in the cache with cache = true"})
			}
		}
	}
	return differ, nil
}

func (in *Inspection) notMade(s *Stage, o Out, want, now hash.Node) {
	in.add(Finding{
		Rule: RuleMetric, Level: Error, File: o.Path, Stage: s.Name,
		Message: fmt.Sprintf("%s in git is not what stage %s made: xt.lock records %s, git has %s", o.Path, s.Name, nodeWords(want), nodeWords(now)),
		Hint:    "\"xt repro\" makes it again; then git add it, and " + LockFile,
	})
}
