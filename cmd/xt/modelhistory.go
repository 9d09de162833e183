package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/registry"
)

func (a *app) modelHistoryCommand() *cli.Command {
	return &cli.Command{
		Name:        "history",
		Usage:       "show what happened to a model, the newest first",
		ArgsUsage:   "NAME[@VERSION]",
		Description: "Of the whole model, or of one version.\n\nexamples:\n   xt model history digits\n   xt model history digits@v1.2.0 --json",
		Flags:       []cli.Flag{jsonFlag(), mdFlag(), &cli.IntFlag{Name: "n", Usage: "the newest `N`; all by default"}},
		Action:      a.modelHistory,
	}
}

// pastEvent is the JSON of something that happened to a model.
type pastEvent struct {
	Time     time.Time       `json:"time"`
	Action   registry.Action `json:"action"`
	Model    string          `json:"model"`
	Version  string          `json:"version,omitempty"`
	Stage    string          `json:"stage,omitempty"`
	From     string          `json:"from,omitempty"`
	Replaces []string        `json:"replaces,omitempty"`
	Require  []string        `json:"require,omitempty"`
	Verified bool            `json:"verified,omitempty"`
	By       string          `json:"by"`
	Email    string          `json:"email"`
	Tag      string          `json:"tag"`
	Commit   string          `json:"commit"`
	Signed   bool            `json:"signed"`
	Message  string          `json:"message"`
	Comment  string          `json:"comment,omitempty"`
	Problem  string          `json:"problem,omitempty"`
}

func newPastEvent(e *registry.Event) pastEvent {
	p := pastEvent{Time: e.By.Time, Action: e.Action, Model: e.Model, Version: e.Of(), Stage: e.Stage, By: e.By.Name, Email: e.By.Email,
		Tag: e.Tag, Commit: e.Commit, Signed: e.Signed, Message: e.Subject, Problem: e.Problem}
	if n := e.Note; n != nil {
		p.From, p.Replaces, p.Require, p.Verified, p.Comment = n.From, n.Replaces, n.Require, n.Verified, n.Comment
	}
	return p
}

func (a *app) modelHistory(c *cli.Context) error {
	if c.NArg() != 1 {
		return &usageError{msg: "xt model history takes one model", hints: []string{"\"xt model list\" lists them"}}
	}
	m, err := a.openModels()
	if err != nil {
		return err
	}
	name, word, err := m.ref(c.Args().First())
	if err != nil {
		return err
	}
	s, err := m.Load()
	if err != nil {
		return err
	}
	model, err := s.Model(name)
	if err != nil {
		return err
	}
	events := model.Events
	if word != "" {
		v, err := model.Find(word)
		if err != nil {
			return err
		}
		events = v.Events
	}
	list := []pastEvent{}
	for _, e := range slices.Backward(events) {
		if n := c.Int("n"); n > 0 && len(list) == n {
			break
		}
		list = append(list, newPastEvent(e))
	}
	if c.Bool("json") {
		return a.writeJSON(list)
	}
	rows := [][]string{{"when", "version", "what", "who", "tag"}}
	for _, p := range list {
		rows = append(rows, []string{p.Time.Format("2006-01-02 15:04"), shortCommit(p.Version), p.words(), shown(p.By), p.Tag})
	}
	a.table(rows, c.Bool("md"))
	return nil
}

// words tells people what happened.
func (p *pastEvent) words() string {
	words := string(p.Action)
	switch p.Action {
	case registry.Register:
		words = "registered"
		if strings.Contains(p.Tag, "#") {
			words = "described"
		}
	case registry.Deregister:
		words = "deregistered"
	case registry.Deprecate:
		words = "the model is deprecated"
	case registry.Unassign:
		words = "left " + p.Stage
	case registry.Assign:
		words = "into " + p.Stage
		if p.From != "" && p.From != p.Stage {
			words = fmt.Sprintf("from %s to %s", shown(p.From), p.Stage)
		}
		if len(p.Replaces) > 0 {
			words += ", instead of " + shown(strings.Join(p.Replaces, ", "))
		}
		if p.Verified {
			words += ", verified"
		}
	}
	if p.Signed {
		words += ", signed"
	}
	if p.Comment != "" {
		words += ": " + shown(p.Comment)
	}
	return words
}
