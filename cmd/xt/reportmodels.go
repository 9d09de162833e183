package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/registry"
)

// modelChange says what a model is at two commits, and which version that is.
type modelChange struct {
	name, path, latest string
	stages             []string // each with the version that it means
	before, after      []string // digest and version
}

// modelChanges returns the models of the project.
func (a *app) modelChanges(c *cli.Context, old, new *pipeline.View) ([]modelChange, error) {
	m, err := a.openModels()
	if err != nil {
		return nil, err
	}
	state, err := m.Load()
	if err != nil {
		return nil, err
	}
	before, after := nodesIn(old.Lock), nodesIn(new.Lock)
	var list []modelChange
	for _, name := range state.Names() {
		model := state.Models[name]
		if prefix, _ := project(name); strings.TrimSuffix(prefix, "/") != m.dir || model.Deprecated {
			continue
		}
		ch := modelChange{name: name, latest: "none"}
		if v := model.Latest(); v != nil {
			ch.latest, ch.path = v.Short(), v.Note().Path
		}
		for _, stage := range model.Stages() {
			if v := model.Holder(stage); v != nil {
				ch.stages = append(ch.stages, stage+": "+v.Short())
			}
		}
		if ch.path != "" { // or else the model is in no commit
			ch.before, ch.after = modelWords(model, before[ch.path]), modelWords(model, after[ch.path])
			if v := versionOf(model, after[ch.path]); v != nil {
				ch.after = append(ch.after, matchWords(a.proof(c, m, v)))
			}
		}
		list = append(list, ch)
	}
	return list, nil
}

// modelWords says what a model is at a commit, and which version that is.
func modelWords(m *registry.Model, n hash.Node) []string {
	if n.IsZero() {
		return []string{"not there"}
	}
	version := "no version yet"
	if v := versionOf(m, n); v != nil {
		version = v.Short()
	}
	return []string{version + ", " + n.Sum.Short()}
}

// versionOf returns the newest version that is this file or directory; nil if none is.
func versionOf(m *registry.Model, n hash.Node) *registry.Version {
	var found *registry.Version
	for _, v := range m.All() {
		if !n.IsZero() && v.Active() && v.Note().Node.Same(n) {
			found = v
		}
	}
	return found
}

// matchWords says as the page does what xt.lock at the commit of a version says.
func matchWords(word string) string {
	if word == proofMatches {
		return "✓ matches xt.lock"
	}
	return "not proved: " + proofWords(word)
}
