package main

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/registry"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/web"
)

// pageModels tells the page about the models in git. It implements [web.Models].
type pageModels struct {
	a     *app
	store track.Store

	mu     sync.Mutex
	proofs map[string]proofOf // by version and commit, which never change
}

// proofOf is what the commit of a version says of it.
type proofOf struct {
	word     string
	evidence *pipeline.Evidence
}

// Models implements [web.Models].
func (p *pageModels) Models(ctx context.Context) ([]web.Model, error) {
	m, err := p.a.openModels()
	if err != nil {
		return nil, asked(err)
	}
	s, err := m.Load()
	if err != nil {
		return nil, err
	}
	list := []web.Model{}
	for _, name := range s.Names() {
		model, err := p.model(ctx, m, s.Models[name])
		if err != nil {
			return nil, err
		}
		list = append(list, model)
	}
	return list, nil
}

func (p *pageModels) model(ctx context.Context, m *models, model *registry.Model) (web.Model, error) {
	out := web.Model{Name: model.Name, Deprecated: model.Deprecated, Versions: []web.ModelVersion{}, History: []web.ModelEvent{}, Rules: []web.StageRules{}}
	for _, e := range slices.Backward(model.Events) {
		past := newPastEvent(e)
		comment := past.Comment
		past.Comment = "" // it is told beside
		out.History = append(out.History, web.ModelEvent{Time: past.Time, Version: past.Version, Text: past.words(), By: past.By, Tag: past.Tag, Message: comment, Signed: past.Signed})
	}
	g := &gate{a: p.a, c: contextOf(ctx), m: m}
	rules, err := p.rules(g, model.Name)
	if err != nil {
		return out, err
	}
	for _, stage := range slices.Sorted(maps.Keys(rules)) {
		r := web.StageRules{Stage: stage, Rules: []string{}}
		for _, rule := range rules[stage] {
			r.Rules = append(r.Rules, rule.Text)
		}
		out.Rules = append(out.Rules, r)
	}
	for _, v := range slices.Backward(model.All()) {
		version, err := p.version(ctx, g, model, v, rules)
		if err != nil {
			return out, err
		}
		out.Versions = append(out.Versions, version)
	}
	return out, nil
}

// contextOf is a context of the command line for what was written to be called from
// one.
func contextOf(ctx context.Context) *cli.Context {
	c := cli.NewContext(nil, nil, nil)
	c.Context = ctx
	return c
}

// rules returns those of all stages, for a model.
func (p *pageModels) rules(g *gate, model string) (map[string][]registry.Rule, error) {
	rules, err := g.allRules(model)
	return rules, asked(err)
}

func (p *pageModels) version(ctx context.Context, g *gate, model *registry.Model, v *registry.Version, rules map[string][]registry.Rule) (web.ModelVersion, error) {
	s := newShownVersion(model, v)
	out := web.ModelVersion{
		Version: s.Version, Number: s.Number, Commit: s.Commit, Aliases: s.Aliases, Time: s.Time, By: s.By, Description: s.Description, Deregistered: s.Deregistered,
		Path: s.Path, Digest: s.BLAKE3, Size: s.Size, Run: s.Run, Stage: s.Stage, Tag: s.Tag, Stages: []string{}, Behind: []string{},
		Metrics: map[string]web.Value{}, Tags: []web.Fact{}, Lineage: []web.Input{}, Rules: []web.RuleOutcome{},
	}
	for _, h := range s.Stages {
		if h.Leads {
			out.Stages = append(out.Stages, h.Stage)
		} else {
			out.Behind = append(out.Behind, h.Stage)
		}
	}
	for k, f := range v.Note().Metrics {
		out.Metrics[k] = web.Value(f)
	}
	for _, k := range slices.Sorted(maps.Keys(s.Tags)) {
		out.Tags = append(out.Tags, web.Fact{Name: k, Text: s.Tags[k]})
	}
	if out.Run == "" {
		r, err := runBehind(ctx, p.store, s.Fingerprint)
		if err != nil {
			return out, err
		}
		out.Run = r.ID
	}
	if v.Registered != nil {
		out.Signature = string(g.m.Signature(ctx, v.Registered).Trust)
	}
	proof := p.proof(g, v)
	out.Proof, out.Proved = proofWords(proof.word), proof.word == proofMatches
	if e := proof.evidence; e != nil && e.Entry != nil {
		out.Lineage = webInputs(e.Entry)
	}
	return out, p.outcomes(g, model, v, proof.evidence, rules, &out)
}

// outcomes says of each rule whether it holds for the version.
func (p *pageModels) outcomes(g *gate, model *registry.Model, v *registry.Version, e *pipeline.Evidence, rules map[string][]registry.Rule, out *web.ModelVersion) error {
	facts := g.facts(v, e)
	for _, stage := range slices.Sorted(maps.Keys(rules)) {
		for _, rule := range rules[stage] {
			o, err := rule.Check(facts)
			if err != nil {
				return err
			}
			why := o.Why
			if o.Hint != "" {
				why += "; " + o.Hint
			}
			out.Rules = append(out.Rules, web.RuleOutcome{Stage: stage, Rule: rule.Text, OK: o.OK, Why: why})
		}
	}
	return nil
}

// proof returns what the commit of a version says of it, which is looked up once.
func (p *pageModels) proof(g *gate, v *registry.Version) proofOf {
	key := v.Model + "@" + v.Name + " " + v.Commit + " " + v.Note().Path
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.proofs[key]; ok {
		return known
	}
	e, err := g.look(v)
	found := proofOf{proofWord(v, e, err), e}
	if p.proofs == nil {
		p.proofs = map[string]proofOf{}
	}
	p.proofs[key] = found
	return found
}

func proofWords(word string) string {
	return map[string]string{
		proofMatches: "xt.lock at its commit says the same", proofStale: "xt.lock says the same, and does not prove how it was made",
		proofDiffers: "xt.lock at its commit says something else", proofNone: "there is no xt.lock to compare with",
	}[word]
}

// Promote implements [web.Models].
func (p *pageModels) Promote(ctx context.Context, want web.Promotion) (string, error) {
	m, err := p.a.openModels()
	if err != nil {
		return "", asked(err)
	}
	g := &gate{a: p.a, c: contextOf(ctx), m: m, stage: want.Stage}
	ch, err := m.Promote(ctx, registry.Promotion{Model: want.Model, Version: want.Version, Stage: want.Stage, Archive: true, Check: g.check, Comment: want.Comment})
	if err != nil {
		return "", asked(err)
	}
	return promotionWords(ch), nil
}

var _ web.Models = (*pageModels)(nil)
