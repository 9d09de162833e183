package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/registry"
)

// gate decides whether a version may be promoted: by the rules of xt.toml, and by
// what git has at its commit. What a tag says of itself does not count.
type gate struct {
	a     *app
	c     *cli.Context
	m     *models
	stage string

	verified *registry.Version // what was made again with the same bytes
	evidence map[string]*pipeline.Evidence
}

func (g *gate) check(model *registry.Model, v *registry.Version) (registry.Approval, error) {
	why := registry.Approval{Verified: g.verified != nil && g.verified.Commit == v.Commit}
	rules, err := g.rules(model.Name)
	if err != nil {
		return why, err
	}
	e, err := g.look(v)
	if err != nil {
		return why, err
	}
	if n := v.Note(); e != nil && !n.Node.IsZero() && !n.Node.Same(e.Node) {
		return why, &pipeline.UnprovenError{Path: n.Path, Hint: fmt.Sprintf("trust neither; \"git tag -d %s\" takes the tag away, and a new version can be registered", v.Registered.Tag), Problems: []pipeline.Finding{{Rule: pipeline.RuleEdited,
			Message: fmt.Sprintf("tag %s says %s, and xt.lock at its commit %s", v.Registered.Tag, n.Node.Sum.Short(), e.Node.Sum.Short())}}}
	}
	if len(rules) == 0 {
		return why, nil
	}
	why.Require, err = registry.CheckAll(rules, g.facts(v, e), model, v, g.stage)
	return why, err
}

// rules returns those of xt.toml for the stage: of the working tree, or, where
// there is none, of HEAD.
func (g *gate) rules(model string) ([]registry.Rule, error) {
	rules, err := g.allRules(model)
	return rules[strings.ToLower(g.stage)], err
}

// allRules returns the rules of xt.toml by stage.
func (g *gate) allRules(model string) (map[string][]registry.Rule, error) {
	prefix, name := project(model)
	var graph *pipeline.Graph
	var err error
	if g.m.repo.Top != "" {
		graph, err = pipeline.Load(pipeline.Dir(filepath.Join(g.m.repo.Top, filepath.FromSlash(prefix))))
	} else {
		var s *pipeline.Snapshot
		if s, err = pipeline.SnapshotOf(g.m.repo, prefix, "HEAD"); err == nil {
			graph = s.Graph
		}
	}
	var misuse *pipeline.MisuseError
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &misuse) {
		return nil, nil // no project, and so no rules
	}
	if err != nil {
		return nil, err
	}
	return graph.Config.Models[name].Promote, nil
}

// look returns what the commit of a version says of the model; nil if it is in no
// project.
func (g *gate) look(v *registry.Version) (*pipeline.Evidence, error) {
	if e, ok := g.evidence[v.Commit]; ok {
		return e, nil
	}
	e, err := g.a.evidenceOf(g.c, g.m, v)
	if g.evidence == nil {
		g.evidence = map[string]*pipeline.Evidence{}
	}
	g.evidence[v.Commit] = e
	return e, err
}

// evidenceOf returns what the commit of a version says of the model; nil if it is
// in no project, or the tag does not say what the model is.
func (a *app) evidenceOf(c *cli.Context, m *models, v *registry.Version) (*pipeline.Evidence, error) {
	prefix, _ := project(v.Model)
	path := v.Note().Path
	if path == "" {
		return nil, nil
	}
	var misuse *pipeline.MisuseError
	if m.repo.Top != "" {
		w, err := pipeline.Open(filepath.Join(m.repo.Top, filepath.FromSlash(prefix)), pipeline.OpenOptions{Settings: readSettings})
		if err == nil && w.Root == filepath.Join(m.repo.Top, filepath.FromSlash(prefix)) {
			e, err := w.EvidenceAt(c.Context, v.Commit, path)
			if errors.As(err, &misuse) {
				return nil, nil
			}
			return e, err
		}
	}
	s, err := pipeline.SnapshotOf(m.repo, prefix, v.Commit)
	if err == nil {
		var e *pipeline.Evidence
		if e, err = s.Evidence(c.Context, path); err == nil {
			return e, nil
		}
	}
	if errors.As(err, &misuse) {
		return nil, nil
	}
	return nil, err
}

// facts are what the rules are about.
func (g *gate) facts(v *registry.Version, e *pipeline.Evidence) *registry.Facts {
	f := &registry.Facts{In: v.In, Words: map[string]registry.Fact{"verified": g.isVerified(v), "clean": isClean(e), "signed": g.isSigned(v)}}
	if e != nil {
		f.Metrics = maps.Clone(e.Metrics)
		for _, value := range e.Values { // a rule may always name the file
			if n, ok := value.Number(); ok {
				f.Metrics[value.Name()] = n
			}
		}
	}
	return f
}

func (g *gate) isVerified(v *registry.Version) registry.Fact {
	return func() (bool, string, string, error) {
		ok := g.verified != nil && g.verified.Commit == v.Commit
		return ok, "it was not made again", "--verify makes it again first, and compares the bytes", nil
	}
}

func isClean(e *pipeline.Evidence) registry.Fact {
	return func() (bool, string, string, error) {
		switch {
		case e == nil:
			return false, "the tag does not say which output it is", "register it with \"xt model register\"", nil
		case len(e.Problems) > 0:
			return false, e.Problems[0].Message, "\"xt repro\", commit, and register a new version", nil
		}
		return e.Clean(), "the code was not committed when it ran", "commit the code, \"xt repro -f\", commit xt.lock, and register a new version", nil
	}
}

func (g *gate) isSigned(v *registry.Version) registry.Fact {
	return func() (bool, string, string, error) {
		if v.Registered == nil {
			return false, "no tag registers it", "", nil
		}
		s := g.m.Signature(g.c.Context, v.Registered)
		why := "tag " + v.Registered.Tag + " is not signed"
		if s.Trust != git.Unsigned {
			why = fmt.Sprintf("the signature of tag %s is %s: %s", v.Registered.Tag, s.Trust, cmp.Or(s.Why, "git does not accept it"))
		}
		return s.Trust == git.Good, why, "\"git verify-tag " + v.Registered.Tag + "\" says more", nil
	}
}

// verify makes the model of a version again. It needs the workspace to be at that
// version, since it is the workspace's stages that are run.
func (g *gate) verify(v *registry.Version) error {
	e, err := g.look(v)
	if err != nil {
		return err
	}
	if e == nil || e.Stage == nil {
		return &pipeline.MisuseError{Msg: fmt.Sprintf("%s %s cannot be made again: no stage makes it", v.Model, v.Short())}
	}
	w, err := g.a.open()
	if err != nil {
		return err
	}
	stage := w.Graph.Stage(e.Stage.Name)
	now := w.Lock.File().Stages[e.Stage.Name]
	if stage == nil || now == nil || now.Fingerprint != e.Entry.Fingerprint || !sameOut(now.Outs, e) {
		return &pipeline.MisuseError{Msg: fmt.Sprintf("--verify: the workspace is not at %s %s, so that it cannot make it again", v.Model, v.Short()),
			Hint: fmt.Sprintf("git switch --detach %s && xt checkout; then promote it from there", v.Commit[:10])}
	}
	unlock, err := g.a.lockWorkspace(g.c, w)
	if err != nil {
		return err
	}
	defer unlock()
	progress := g.a.watch(w, "hashing")
	defer progress.Done()
	rep := &reporter{a: g.a, json: g.c.Bool("json"), hashing: progress}
	results, err := w.Verify(g.c.Context, []*pipeline.Stage{stage}, pipeline.VerifyOptions{}, rep, func(r *pipeline.Verified) { g.a.verdict(r) })
	if err != nil {
		return err
	}
	for _, r := range results {
		if !r.Verdict.Good() {
			return &unverified{fmt.Sprintf("%s %s was not promoted: stage %s %s", v.Model, v.Short(), stage.Name, verdictWords(r.Verdict))}
		}
	}
	g.verified = v
	return nil
}

func verdictWords(v pipeline.Verdict) string {
	if v == pipeline.FailedAgain || v == pipeline.Differs {
		return string(v)
	}
	return "could not be verified: " + string(v)
}

func sameOut(outs []lock.Item, e *pipeline.Evidence) bool {
	for _, o := range outs {
		if o.Path == e.Path {
			return o.Node.Same(e.Node)
		}
	}
	return false
}

// unverified says that a model was not made again with the same bytes.
type unverified struct{ msg string }

func (e *unverified) Error() string { return e.msg }
