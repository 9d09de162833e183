package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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
	noBase     string // why there is nothing to compare with; "" if there is
	stages     []stageChange
	metrics    []pipeline.Delta
	params     []pipeline.Delta
	plots      []*drawing // that differ
	check      *checked
	verified   *verification // nil: not verified
}

// stageChange says what became of a stage's entry in xt.lock.
type stageChange struct {
	stage, what string
	why         []string
}

// verification is what "xt verify --json" has written.
type verification struct {
	Stages []struct {
		Stage   string `json:"stage"`
		Verdict string `json:"verdict"`
		Error   string `json:"error"`
		Outputs []struct {
			Path    string `json:"path"`
			Verdict string `json:"verdict"`
			Where   string `json:"where"`
			Want    string `json:"want"`
			Got     string `json:"got"`
		} `json:"outputs"`
	} `json:"stages"`
	OK bool `json:"ok"`
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
func (a *app) summarise(c *cli.Context, w *pipeline.Workspace) (s *summary, err error) {
	s = &summary{base: baseRevision(c, w), head: "HEAD"}
	if s.verified, err = a.readVerification(c.String("verify")); err != nil {
		return nil, err
	}
	if s.check, err = a.inspect(c, s.head); err != nil {
		return nil, err
	}
	return s, s.compare(w)
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
func (a *app) readVerification(name string) (*verification, error) {
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
	v := new(verification)
	if err := json.Unmarshal(b, v); err != nil {
		return nil, &usageError{msg: fmt.Sprintf("--verify: %s is not what xt verify --json writes: %v", name, err)}
	}
	return v, nil
}

// compare finds out what differs between the two commits.
func (s *summary) compare(w *pipeline.Workspace) error {
	new, err := w.ViewAt(s.head)
	if err != nil {
		return err
	}
	old, err := w.ViewAt(s.base)
	var (
		unknown *git.RevisionError
		misuse  *pipeline.MisuseError
		config  *pipeline.ConfigErrors
	)
	switch {
	case errors.As(err, &unknown), errors.As(err, &misuse), errors.As(err, &config):
		s.noBase = err.Error()
		old = &pipeline.View{Name: s.base, Graph: &pipeline.Graph{Config: &pipeline.Config{}}, Lock: lock.New(), Source: new.Source}
	case err != nil:
		return err
	}
	s.stages = stageChanges(old.Lock, new.Lock)
	s.params = pipeline.DiffValues(old.Params(), new.Params(), false)
	if s.plots, err = changedPlots(old, new, s.noBase != ""); err != nil {
		return err
	}
	s.metrics, err = valueReader((*pipeline.View).Metrics).diff(old, new, false)
	if misuse := (*pipeline.MisuseError)(nil); errors.As(err, &misuse) {
		return nil // a metrics file that is no such thing stops no comment
	}
	return err
}

// changedPlots draws the plots whose files differ; all if there is nothing to compare
// with.
func changedPlots(old, new *pipeline.View, alone bool) ([]*drawing, error) {
	r := &plotReader{views: []*pipeline.View{old, new}}
	if alone {
		r.views = r.views[1:]
	}
	var names []string
	for _, p := range new.PlotPlans() {
		if alone || slices.ContainsFunc(p.Files, func(f string) bool { return old.PlotSum(f) != new.PlotSum(f) }) {
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
	return slices.DeleteFunc(all, func(s stageChange) bool { return s.what == "ran again" && len(s.why) == 0 })
}
