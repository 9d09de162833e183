package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/suggest"
	"github.com/xtrepro/xt/lock"
)

// Evidence is what a commit says of an output, or of data, as a model.
type Evidence struct {
	lock.Item
	Stage   *Stage      // that makes it; nil for data
	Entry   *lock.Stage // of that stage; nil for data
	Lock    hash.Sum    // of the bytes of xt.lock
	Metrics map[string]float64
	Values  []Value // the metrics again, with their files
	// Problems say why the commit does not prove that it was made so: what is stale,
	// edited or forged, of the stage and of those that it needs.
	Problems []Finding
}

// Clean reports whether the code that made it was committed then, and nothing
// speaks against the rest.
func (m *Evidence) Clean() bool { return len(m.Problems) == 0 && (m.Entry == nil || !m.Entry.Dirty) }

// EvidenceAt returns what a commit says of the output or data at a path. Metrics that
// git does not have are read from the cache.
func (w *Workspace) EvidenceAt(ctx context.Context, rev, path string) (*Evidence, error) {
	s, err := OpenSnapshot(w.Root, rev)
	if err != nil {
		return nil, err
	}
	return s.evidence(ctx, path, &withCache{w, s})
}

// Evidence is [Workspace.EvidenceAt] where there is no cache.
func (s *Snapshot) Evidence(ctx context.Context, path string) (*Evidence, error) {
	return s.evidence(ctx, path, s)
}

func (s *Snapshot) evidence(ctx context.Context, path string, src Source) (*Evidence, error) {
	b, err := s.ReadFile(LockFile)
	if err != nil {
		return nil, &MisuseError{Msg: LockFile + " is not in git", Hint: "\"xt repro\" makes it; then git add and commit it"}
	}
	m := &Evidence{Item: lock.Item{Path: path}, Lock: hash.Bytes(b)}
	if d := s.Lock.Data[path]; d != nil {
		m.Item = d.Item
		if d.Conflicted {
			m.Problems = append(m.Problems, Finding{Rule: RuleConflict, Message: "two branches disagree about it"})
		}
	} else if err := s.output(m); err != nil {
		return nil, err
	}
	if m.Values, err = s.valuesOf(m, src); err != nil {
		return nil, err
	}
	m.Metrics = numbers(m.Values)
	if m.Stage != nil {
		m.Problems, err = s.problems(ctx, m.Stage)
	}
	return m, err
}

// output finds the stage that makes the model.
func (s *Snapshot) output(m *Evidence) error {
	var known []string
	for _, st := range s.Graph.Stages {
		for _, o := range st.Outs {
			if o.Path != m.Path {
				known = append(known, o.Path)
				continue
			}
			m.Stage, m.Entry = st, s.Lock.Stages[st.Name]
			if m.Entry != nil {
				if n, ok := nodeAt(m.Entry.Outs, o.Path); ok && !m.Entry.Conflicted {
					m.Node = n
					return nil
				}
			}
			return &UnprovenError{Path: m.Path, Problems: []Finding{{Rule: RuleStale, Message: fmt.Sprintf("%s has no result of stage %s", LockFile, st.Name)}}}
		}
	}
	known = slices.AppendSeq(known, maps.Keys(s.Lock.Data))
	e := &MisuseError{Msg: fmt.Sprintf("%s is no output of a stage, and no data that was added", m.Path), Hint: suggest.DidYouMean(m.Path, known)}
	for _, k := range known {
		if strings.HasPrefix(m.Path, k+"/") {
			e.Hint = "what xt.lock has is " + k + ", as a whole: register that"
		}
	}
	if e.Hint == "" && len(known) > 0 {
		slices.Sort(known)
		e.Hint = "there are " + strings.Join(known[:min(len(known), 10)], ", ")
	}
	return e
}

// valuesOf returns what the metrics files hold of the stage that makes the model,
// and of those that follow from it; of data, of those that read it.
func (s *Snapshot) valuesOf(m *Evidence, src Source) ([]Value, error) {
	files := map[string]bool{}
	for st := range s.following(m) {
		for _, o := range st.Outs {
			if o.Kind == Metric {
				files[o.Path] = true
			}
		}
	}
	return (&View{Graph: s.Graph, Lock: s.Lock, Source: src, only: files}).Metrics()
}

// numbers returns the numbers among metrics by their keys. One that several files
// have, or that has none, stands behind its file.
func numbers(values []Value) map[string]float64 {
	count := map[string]int{}
	for _, v := range values {
		count[v.Key]++
	}
	metrics := map[string]float64{}
	for _, v := range values {
		name := v.Key
		if count[name] > 1 || name == "" {
			name = v.Name()
		}
		if n, ok := v.Number(); ok {
			metrics[name] = n
		}
	}
	return metrics
}

// following returns the stages whose metrics tell of the model.
func (s *Snapshot) following(m *Evidence) map[*Stage]bool {
	stages := map[*Stage]bool{}
	for _, st := range s.Graph.Stages {
		if st == m.Stage || m.Stage == nil && slices.Contains(st.Deps, m.Path) {
			s.Graph.mark(st, SelectOptions{Downstream: true}, stages)
		}
	}
	return stages
}

// problems returns what speaks against the entry of a stage, and against those of
// the stages that it needs.
func (s *Snapshot) problems(ctx context.Context, of *Stage) ([]Finding, error) {
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
	needed := map[*Stage]bool{}
	s.Graph.mark(of, SelectOptions{}, needed)
	var list []Finding
	for _, f := range in.Findings {
		if f.Level == Error && f.Stage != "" && needed[s.Graph.Stage(f.Stage)] && f.Rule != RuleDirty && f.Rule != RuleSeed && f.Rule != RuleCommitted {
			list = append(list, f)
		}
	}
	return list, nil
}

// UnprovenError says that a commit does not prove how something was made.
type UnprovenError struct {
	Path     string
	Problems []Finding // never empty
	Hint     string    // what to do; "" for what helps against a stale entry
}

// Error says what speaks against it.
func (e *UnprovenError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "xt.lock does not prove how %s was made", e.Path)
	for _, f := range e.Problems {
		b.WriteString("\n  " + f.Message)
		for _, d := range f.Details {
			b.WriteString("\n    - " + d)
		}
	}
	return b.String()
}

// Hints says what to do.
func (e *UnprovenError) Hints() []string {
	if e.Hint != "" {
		return []string{e.Hint}
	}
	return []string{"\"xt repro\", then commit xt.lock and what else changed"}
}

// UncommittedError says that files decide about a result, and are not committed as
// they are.
type UncommittedError struct{ Paths []string }

// Error names the files.
func (e *UncommittedError) Error() string {
	return "not committed as it is: " + strings.Join(e.Paths, ", ")
}

// Hints says what to do.
func (e *UncommittedError) Hints() []string {
	return []string{"commit it first, since a version is a commit; --rev REV registers another one"}
}

// Uncommitted returns an [*UncommittedError] if the working tree differs from HEAD
// in xt.toml, xt.lock, or what decides about a stage, which may be nil: the code
// and the parameters of it and of the stages that it needs.
func (w *Workspace) Uncommitted(of string) error {
	if w.Repo == nil {
		return nil
	}
	paths := []string{ConfigFile, LockFile}
	if s := w.Graph.Stage(of); s != nil {
		needed := map[*Stage]bool{}
		w.Graph.mark(s, SelectOptions{}, needed)
		for st := range needed {
			paths = append(append(paths, st.Code...), st.paramFiles()...)
		}
	}
	slices.Sort(paths)
	dirty, err := w.Repo.Dirty(w.inTop(slices.Compact(paths)))
	if err != nil || len(dirty) == 0 {
		return err
	}
	for i, p := range dirty {
		dirty[i] = strings.TrimPrefix(p, w.prefix)
	}
	return &UncommittedError{dirty}
}

// Err returns an [*UnprovenError] if something speaks against it.
func (e *Evidence) Err() error {
	if len(e.Problems) == 0 {
		return nil
	}
	return &UnprovenError{Path: e.Path, Problems: e.Problems}
}
