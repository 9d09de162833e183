package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
)

// summary is what is said of a branch.
type summary struct {
	base, head string
	commit     string // of head
	noBase     string // why there is nothing to compare with; "" if there is
	stages     []stageChange
	metrics    []pipeline.Delta
	noMetrics  string // why they cannot be read; "" if they can
	params     []pipeline.Delta
	plots      []*drawing // that differ
	models     []modelChange
	check      *checked
	verdicts   []stageVerdict // of stages that were made again
	left       int            // how many stages were not
	remote     bool           // whether the project at head has one to fetch from
}

// stageChange says what became of a stage's entry in xt.lock.
type stageChange struct {
	stage, what string
	why         []string
	fingerprint string // at head; "" if it is gone
}

// stageVerdict says what came of making a stage again.
type stageVerdict struct {
	stage   string
	verdict pipeline.Verdict
	differs []string
}

func (a *app) ciSummary(c *cli.Context) error {
	if c.NArg() > 0 {
		return usageErrorf("xt ci summary takes no operands: --base REV says what to compare with")
	}
	w, err := a.open()
	if err != nil {
		return err
	}
	s, err := a.summarise(c, w)
	if err != nil {
		return err
	}
	return a.output(c, []byte(s.markdown(nil)))
}

// summarise finds out what HEAD changes against its base.
func (a *app) summarise(c *cli.Context, w *pipeline.Workspace) (*summary, error) {
	s := &summary{base: baseRevision(c, w), head: "HEAD"}
	report, err := a.readVerification(c.String("verify"))
	if err != nil {
		return nil, err
	}
	if s.check, err = a.inspect(c, s.head); err != nil {
		return nil, err
	}
	if s.commit, err = w.Repo.Head(); err != nil {
		return nil, err
	}
	old, new, err := s.views(w)
	if err != nil {
		return nil, err
	}
	s.remote = len(new.Graph.Config.Remotes) > 0
	if err := s.compare(old, new); err != nil {
		return nil, err
	}
	if s.models, err = a.modelChanges(c, old, new); err != nil {
		return nil, err
	}
	return s, a.addVerdicts(c, w, s, report, new)
}

// baseRevision returns what the summary compares with.
func baseRevision(c *cli.Context, w *pipeline.Workspace) string {
	base := c.String("base")
	if branch := os.Getenv("GITHUB_BASE_REF"); base == "" && branch != "" {
		base = "origin/" + branch
	}
	return cmp.Or(base, os.Getenv("CI_MERGE_REQUEST_DIFF_BASE_SHA"), forkPoint(w), "HEAD~1")
}

// forkPoint returns the commit where the branch left the main one; "" if it is that
// itself, or there is none.
func forkPoint(w *pipeline.Workspace) string {
	if w.Repo == nil {
		return ""
	}
	head, err := w.Repo.Head()
	if err != nil {
		return ""
	}
	for _, branch := range []string{"origin/HEAD", "main", "master"} {
		if base, err := w.Repo.MergeBase("HEAD", branch); err == nil && base != "" && base != head {
			return base[:min(10, len(base))]
		}
	}
	return ""
}

// readVerification reads the verdict, if there is one. A file that is absent or
// empty says that verify did not come so far.
func (a *app) readVerification(name string) (*verifyReport, error) {
	if name == "" {
		return nil, nil
	}
	full := name
	if !filepath.IsAbs(full) {
		full = filepath.Join(a.dir, full)
	}
	b, err := os.ReadFile(full)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(b) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v := new(verifyReport)
	if err := json.Unmarshal(b, v); err != nil {
		return nil, &usageError{msg: fmt.Sprintf("--verify: %s is not what xt verify --json writes: %v", name, err)}
	}
	return v, nil
}

// views returns the project at base and at head. A base that cannot be read has
// nothing in it, and noBase says why.
func (s *summary) views(w *pipeline.Workspace) (old, new *pipeline.View, err error) {
	if new, err = w.ViewAt(s.head); err != nil {
		return nil, nil, err
	}
	old, err = w.ViewAt(s.base)
	var (
		unknown *git.RevisionError
		misuse  *pipeline.MisuseError
		config  *pipeline.ConfigErrors
	)
	if errors.As(err, &unknown) || errors.As(err, &misuse) || errors.As(err, &config) {
		s.noBase = err.Error()
		return &pipeline.View{Name: s.base, Graph: &pipeline.Graph{Config: &pipeline.Config{}}, Lock: lock.New(), Source: new.Source}, new, nil
	}
	return old, new, err
}

// compare finds out what differs between the two commits.
func (s *summary) compare(old, new *pipeline.View) (err error) {
	s.stages = stageChanges(old.Lock, new.Lock)
	s.params = pipeline.DiffValues(old.Params(), new.Params(), false)
	if s.plots, err = changedPlots(old, new, s.noBase != ""); err != nil {
		return err
	}
	s.metrics, err = valueReader((*pipeline.View).Metrics).diff(old, new, false)
	if misuse := (*pipeline.MisuseError)(nil); errors.As(err, &misuse) {
		s.noMetrics, err = misuse.Error(), nil // which stops no comment
	}
	return err
}

// addVerdicts tells what came of making stages again: what "xt verify --json" wrote, or
// else what is known of runs here.
func (a *app) addVerdicts(c *cli.Context, w *pipeline.Workspace, s *summary, report *verifyReport, head *pipeline.View) (err error) {
	if report != nil {
		for i := range report.Stages {
			s.verdicts = append(s.verdicts, newStageVerdict(&report.Stages[i]))
		}
	} else if s.verdicts, err = knownVerdicts(c.Context, w, head.Lock); err != nil {
		return err
	}
	for _, st := range head.Graph.Stages {
		if !slices.ContainsFunc(s.verdicts, func(v stageVerdict) bool { return v.stage == st.Name }) {
			s.left++
		}
	}
	return nil
}

func newStageVerdict(v *verifiedStage) stageVerdict {
	out := stageVerdict{stage: v.Stage, verdict: v.Verdict}
	for i := range v.Outputs {
		if o := &v.Outputs[i]; o.Want != "" || o.Got != "" {
			out.differs = append(out.differs, diffWords(&pipeline.OutVerdict{Runs: o.Runs}, &pipeline.Difference{Path: cmp.Or(o.File, o.Path), Where: o.Where, Want: o.Want, Got: o.Got}))
		}
	}
	if v.Error != "" {
		out.differs = append(out.differs, v.Error)
	}
	return out
}

// knownVerdicts returns what the runs of the workspace say of what xt.lock records. That
// something was not there to be made again says nothing of it.
func knownVerdicts(ctx context.Context, w *pipeline.Workspace, f *lock.File) (list []stageVerdict, err error) {
	if _, err := os.Stat(runsFile(w.Root)); err != nil {
		return nil, nil
	}
	place, err := placeOfRuns(w)
	if err != nil {
		return nil, err
	}
	s, err := place.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, name := range slices.Sorted(maps.Keys(f.Stages)) {
		r, err := verification(ctx, s, f.Stages[name].Fingerprint.String())
		if err != nil {
			return nil, err
		}
		if r == nil {
			continue
		}
		if v := pipeline.Verdict(tagOf(r, verdictTag)); v.Good() || v == pipeline.Differs || v == pipeline.FailedAgain {
			list = append(list, stageVerdict{name, v, differencesOf(r)})
		}
	}
	return list, nil
}

// changedPlots draws the plots whose files differ; all if there is nothing to compare
// with.
func changedPlots(old, new *pipeline.View, alone bool) ([]*drawing, error) {
	r := &plotReader{views: []*pipeline.View{old, new}}
	if alone {
		r.views = r.views[1:]
	}
	var names []string
	for _, p := range r.plans() {
		if alone || slices.ContainsFunc(p.Files, func(f string) bool { return !pipeline.SamePlot(old, new, f) }) {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	return r.read(names)
}

// stageChanges says which stages ran again, and why.
func stageChanges(old, new *lock.File) []stageChange {
	var all []stageChange
	for _, ch := range lock.Diff(old, new) {
		if ch.Stage == "" {
			continue
		}
		if len(all) == 0 || all[len(all)-1].stage != ch.Stage {
			all = append(all, stageChange{stage: ch.Stage, what: "ran again"})
		}
		last := &all[len(all)-1]
		switch {
		case ch.Kind == lock.KindStage && ch.Op == lock.Added:
			last.what = "new"
		case ch.Kind == lock.KindStage:
			last.what = "gone"
		case ch.Kind == lock.KindHow:
		default:
			last.why = append(last.why, pipeline.ChangeText(ch))
		}
	}
	all = slices.DeleteFunc(all, func(s stageChange) bool { return s.what == "ran again" && len(s.why) == 0 })
	for i := range all {
		if e := new.Stages[all[i].stage]; e != nil {
			all[i].fingerprint = e.Fingerprint.String()
		}
	}
	return all
}
