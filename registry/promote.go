package registry

import (
	"context"
	"fmt"
	"strings"
)

// Promotion puts a version into a stage.
type Promotion struct {
	Model   string
	Version string // a word of [Model.Find]
	Stage   string // [None] takes it out of all
	// Archive has the versions that are in the stage moved to [Archived]. Without it
	// they stay there too, behind the new one.
	Archive bool
	// Keep leaves the version also in the stages that it is in.
	Keep bool
	// Check, if not nil, decides whether the version may be promoted; it is asked
	// again if the registry changes meanwhile. What it returns is noted.
	Check func(m *Model, v *Version) (Approval, error)
	// Comment is noted with the promotion, for people.
	Comment string
	Sign    Signing
}

// Approval is why a promotion was allowed.
type Approval struct {
	Require  []string // the rules that held
	Verified bool
}

// Promote puts a version into a stage. It leaves the stages that it was in, unless
// it is to keep them. If all is so already, no tag is made.
func (r *Registry) Promote(ctx context.Context, p Promotion) (*Change, error) {
	if !strings.EqualFold(p.Stage, None) {
		if err := CheckStage(p.Stage); err != nil {
			return nil, err
		}
	}
	ch := &Change{Model: p.Model}
	var err error
	ch.Tags, err = r.write(ctx, p.Model, p.Sign, func(s *State, m *Model) ([]draft, error) {
		v, err := m.active(p.Version)
		if err != nil {
			return nil, err
		}
		*ch = Change{Model: m.Name}
		if !p.Keep {
			ch.From = v.Stage()
		}
		ch.set(v)
		mv := &move{m: m, count: s.counter(m), ch: ch}
		if strings.EqualFold(p.Stage, None) {
			mv.leave(v, "")
			return mv.drafts, nil
		}
		ch.Stage = m.spelling(p.Stage)
		var why Approval
		if p.Check != nil && !m.Leads(v, p.Stage) {
			if why, err = p.Check(m, v); err != nil {
				return nil, err
			}
		}
		mv.promote(v, &p, why)
		return mv.drafts, nil
	})
	return ch, err
}

// Archive takes a version out of its stages and puts it into [Archived].
func (r *Registry) Archive(ctx context.Context, model, version string, sign Signing) (*Change, error) {
	return r.Promote(ctx, Promotion{Model: model, Version: version, Stage: Archived, Sign: sign})
}

// spelling returns how a stage is written: as it is there already, since to GTO
// "Prod" and "prod" are two, and else in small letters.
func (m *Model) spelling(stage string) string {
	for _, s := range m.Stages() {
		if strings.EqualFold(s, stage) {
			return s
		}
	}
	return strings.ToLower(stage)
}

// Leads reports whether a stage stands for the version. Any number may be archived.
func (m *Model) Leads(v *Version, stage string) bool {
	return m.Holder(stage) == v || strings.EqualFold(stage, Archived) && v.In(stage)
}

// move collects the events of one promotion. The one that puts the version into
// its stage is the first, so that GTO, too, sees it there whatever happens to the
// rest.
type move struct {
	m      *Model
	count  counter
	ch     *Change
	drafts []draft
}

func (mv *move) promote(v *Version, p *Promotion, why Approval) {
	var before []*Version
	for _, h := range mv.m.Holders(p.Stage) {
		if h != v {
			before = append(before, h)
		}
	}
	if p.Archive && !strings.EqualFold(p.Stage, Archived) {
		for _, h := range before {
			mv.ch.Replaced = append(mv.ch.Replaced, h.Name)
		}
	}
	if !mv.m.Leads(v, p.Stage) {
		n := v.claim()
		n.From, n.To, n.Replaces, n.Require, n.Verified = v.Stage(), mv.ch.Stage, mv.ch.Replaced, why.Require, why.Verified
		n.Comment = p.Comment
		mv.add(Assign, v, mv.ch.Stage, n, fmt.Sprintf("%s -> %s", stageWord(n.From), n.To))
	}
	if !p.Keep {
		mv.leave(v, p.Stage)
	}
	if len(mv.ch.Replaced) > 0 {
		for _, h := range before {
			mv.archive(h, p.Stage, v)
		}
	}
}

// archive takes a version out of a stage that another has now, and archives it
// unless it is in a further one.
func (mv *move) archive(v *Version, stage string, by *Version) {
	others := false
	for _, h := range v.Stages() {
		if strings.EqualFold(h.Stage, stage) {
			mv.add(Unassign, v, h.Stage, &Note{Version: v.Name, From: h.Stage}, fmt.Sprintf("left %s to %s", h.Stage, by.Short()))
		} else {
			others = true
		}
	}
	if !others {
		n := v.claim()
		n.From, n.To = stage, mv.m.spelling(Archived)
		mv.ch.Archived = append(mv.ch.Archived, v.Name)
		mv.add(Assign, v, n.To, n, fmt.Sprintf("%s -> %s", stage, n.To))
	}
}

// leave takes a version out of its stages but one.
func (mv *move) leave(v *Version, but string) {
	for _, h := range v.Stages() {
		if but == "" || !strings.EqualFold(h.Stage, but) {
			mv.add(Unassign, v, h.Stage, &Note{Version: v.Name, From: h.Stage}, "left "+h.Stage)
		}
	}
}

func (mv *move) add(a Action, v *Version, stage string, n *Note, what string) {
	name := TagName{Model: mv.m.Name, Action: a, Stage: stage, Counter: mv.count.next()}
	mv.drafts = append(mv.drafts, draft{name, v.Commit, fmt.Sprintf("%s %s: %s", mv.m.Name, v.Short(), what), *n})
}

// claim returns what a promotion repeats of the registration: what the model is.
func (v *Version) claim() *Note {
	n := v.Note()
	return &Note{Version: v.Name, Path: n.Path, Node: n.Node, Stage: n.Stage, Fingerprint: n.Fingerprint, Run: n.Run, Lock: n.Lock, Metrics: n.Metrics}
}

func stageWord(s string) string {
	if s == "" {
		return None
	}
	return s
}
