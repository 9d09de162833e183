package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/registry"
)

func (a *app) modelShowCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "show all that is known of a version, and whether its signatures are good",
		ArgsUsage: "NAME[@VERSION]",
		Description: "VERSION is as with \"xt model promote\". What the tag says is compared with xt.lock at its commit.\n\n" +
			"examples:\n   xt model show digits\n   xt model show digits@production --json",
		Flags:  []cli.Flag{jsonFlag()},
		Action: a.modelShow,
	}
}

// shownVersion is the JSON of xt model show.
type shownVersion struct {
	listedVersion
	Description string            `json:"description"`
	Tags        map[string]string `json:"tags"`
	Kind        string            `json:"kind,omitempty"`
	Size        int64             `json:"size,omitempty"`
	Files       int64             `json:"files,omitempty"`
	Stage       string            `json:"made_by,omitempty"`
	Fingerprint string            `json:"fingerprint,omitempty"`
	Run         string            `json:"run,omitempty"`
	Lock        string            `json:"lock,omitempty"`
	Proof       string            `json:"proof"` // see proof
	Forced      bool              `json:"forced"`
	Tag         string            `json:"tag,omitempty"`
	Signature   *shownSignature   `json:"signature,omitempty"`
	Problem     string            `json:"problem,omitempty"`
	Extra       map[string]any    `json:"extra,omitempty"`
}

type shownSignature struct {
	Trust git.Trust `json:"trust"`
	By    string    `json:"by,omitempty"`
	Key   string    `json:"key,omitempty"`
	Why   string    `json:"why,omitempty"`
}

func (a *app) modelShow(c *cli.Context) error {
	if c.NArg() != 1 {
		return &usageError{msg: "xt model show takes one version of a model", hints: []string{"such as xt model show NAME@v1.2.0; \"xt model list\" lists them"}}
	}
	m, err := a.openModels()
	if err != nil {
		return err
	}
	model, v, err := m.find(c.Args().First())
	if err != nil {
		return err
	}
	s := newShownVersion(model, v)
	s.Proof = a.proof(c, m, v)
	if v.Registered != nil {
		sig := m.Signature(c.Context, v.Registered)
		s.Signature = &shownSignature{sig.Trust, sig.By, sig.Key, sig.Why}
	}
	for i, h := range v.Stages() {
		s.Stages[i].Signed = string(m.Signature(c.Context, h.Since).Trust)
	}
	if c.Bool("json") {
		return a.writeJSON(s)
	}
	a.printVersion(s)
	return nil
}

func newShownVersion(m *registry.Model, v *registry.Version) *shownVersion {
	n := v.Note()
	s := &shownVersion{listedVersion: newListedVersion(m, v), Description: v.Description, Tags: v.Tags, Stage: n.Stage,
		Fingerprint: n.Fingerprint, Run: n.Run, Forced: n.Forced, Extra: n.Extra, Size: n.Node.Size, Files: n.Node.Files}
	if !n.Node.IsZero() {
		s.Kind = n.Node.Kind.String()
	}
	if !n.Lock.IsZero() {
		s.Lock = n.Lock.String()
	}
	if v.Registered != nil {
		s.Tag, s.Problem = v.Registered.Tag, v.Registered.Problem
	}
	return s
}

// The words of what xt.lock at the commit of a version says of its tag.
const (
	proofNone    = "none"    // the tag does not say what the model is, or no project is there
	proofMatches = "matches" // both say the same
	proofStale   = "stale"   // they do, but xt.lock does not prove how it was made
	proofDiffers = "differs" // they do not
)

// proof compares what a tag says with xt.lock at its commit.
func (a *app) proof(c *cli.Context, m *models, v *registry.Version) string {
	e, err := a.evidenceOf(c, m, v)
	return proofWord(v, e, err)
}

func proofWord(v *registry.Version, e *pipeline.Evidence, err error) string {
	n := v.Note()
	switch {
	case err != nil || e == nil:
		// Whatever is wrong there, the tag is not proved by it.
		return proofNone
	case !n.Node.Same(e.Node) || !n.Lock.IsZero() && n.Lock != e.Lock:
		return proofDiffers
	case len(e.Problems) > 0:
		return proofStale
	}
	return proofMatches
}

func (a *app) printVersion(s *shownVersion) {
	t := a.term
	title := s.Model + " " + shortCommit(s.Version)
	if s.Number > 0 {
		title += fmt.Sprintf(", number %d", s.Number)
	}
	if s.Deregistered {
		title += ", deregistered"
	}
	t.Printf("%s\n", t.Paint(term.Bold, title))
	for _, st := range s.Stages {
		behind := ""
		if !st.Leads {
			behind = ", behind another version"
		}
		a.fact("stage", fmt.Sprintf("%s, since %s by %s (%s, %s)%s", st.Stage, st.Since.Format("2006-01-02 15:04 -0700"), shown(st.By), st.Tag, st.Signed, behind))
	}
	for line := range strings.Lines(s.Description) {
		a.fact("description", shown(strings.TrimRight(line, "\r\n")))
	}
	a.fact("aliases", shown(strings.Join(s.Aliases, ", ")))
	for _, k := range slices.Sorted(maps.Keys(s.Tags)) {
		a.fact("tag", shown(k)+" = "+shown(s.Tags[k]))
	}
	a.printOrigin(s)
	for _, k := range slices.Sorted(maps.Keys(s.Metrics)) {
		a.fact("metric", shown(k)+" "+metricText(s.Metrics[k]))
	}
	a.fact("registered", fmt.Sprintf("%s by %s <%s>", s.Time.Format("2006-01-02 15:04 -0700"), shown(s.By), shown(s.Email)))
	a.fact("git tag", s.Tag)
	if s.Signature != nil {
		a.fact("signature", signatureWords(s.Signature))
	}
	a.fact("problem", shown(s.Problem))
}

// printOrigin tells what the model is, and how it was made.
func (a *app) printOrigin(s *shownVersion) {
	if s.Path != "" {
		what := fmt.Sprintf("%s %s", shown(s.Path), s.BLAKE3)
		if s.BLAKE3 != "" {
			what += fmt.Sprintf(" (%s, %s%s)", s.Kind, term.Bytes(s.Size), filesWords(s.Files))
		}
		a.fact("model", what)
	}
	if s.Stage != "" {
		a.fact("made by", fmt.Sprintf("stage %s, fingerprint %s", shown(s.Stage), shown(s.Fingerprint)))
	}
	a.fact("run", shown(s.Run))
	a.fact("commit", s.Commit)
	words := map[string]string{
		proofMatches: "says the same", proofStale: "says the same, and does not prove how it was made",
		proofDiffers: "says something else than the tag", proofNone: "is not there to compare with",
	}
	a.fact("xt.lock", words[s.Proof])
	if s.Forced {
		a.fact("forced", "it was registered although something spoke against it")
	}
}

// fact writes one line, unless there is nothing to say.
func (a *app) fact(name, text string) {
	if text != "" {
		a.term.Printf("  %-11s  %s\n", name, text)
	}
}

func signatureWords(s *shownSignature) string {
	words := string(s.Trust)
	if s.By != "" {
		words += ", by " + shown(s.By)
	}
	if s.Key != "" {
		words += ", " + shown(s.Key)
	}
	if s.Trust != git.Good && s.Trust != git.Unsigned {
		words += ": " + shown(cmp.Or(s.Why, "git does not accept it"))
	}
	return words
}
