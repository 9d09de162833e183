package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/registry"
)

func (a *app) modelPromoteCommand() *cli.Command {
	return &cli.Command{
		Name:      "promote",
		Usage:     "put a version into a stage, such as production",
		ArgsUsage: "NAME[@VERSION] STAGE",
		Description: "VERSION is a version, a number, a stage, an alias or \"latest\", which it is by default. The version\n" +
			"leaves the stages that it was in, and those that were in STAGE are archived. Rules in xt.toml,\n" +
			"below [model.NAME.promote.STAGE], must hold. STAGE \"none\" takes it out of all stages.\n\n" +
			"examples:\n   xt model promote digits staging\n   xt model promote digits@v1.2.0 production --verify\n" +
			"   xt model promote digits@staging production --push\n   xt model promote digits@3 production --archive-previous=false",
		Flags: append([]cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "archive-previous", Value: true, Usage: "archive the versions that are in the stage; --archive-previous=false leaves them there, behind this one"},
			&cli.BoolFlag{Name: "keep", Usage: "leave the version also in the stages that it is in"},
			&cli.StringFlag{Name: "comment", Aliases: []string{"m"}, Usage: "note `TEXT` with the promotion"},
			&cli.BoolFlag{Name: "verify", Usage: "make the model again first, as \"xt verify\" does, and promote it only if the same comes out"},
		}, signFlags()...),
		Action: a.modelPromote,
	}
}

func (a *app) modelPromote(c *cli.Context) error {
	if c.NArg() != 2 {
		return &usageError{msg: "xt model promote takes a version of a model and a stage", hints: []string{"such as xt model promote NAME@v1.2.0 production"}}
	}
	sign, err := signing(c)
	if err != nil {
		return err
	}
	m, err := a.openModels()
	if err != nil {
		return err
	}
	stage := c.Args().Get(1)
	model, v, err := m.find(c.Args().First())
	if err != nil {
		return err
	}
	gate := &gate{a: a, c: c, m: m, stage: stage}
	if c.Bool("verify") {
		if err := gate.verify(v); err != nil {
			return err
		}
	}
	_, word, err := m.ref(c.Args().First())
	if err != nil {
		return err
	}
	ch, err := m.Promote(c.Context, registry.Promotion{Model: model.Name, Version: word, Stage: stage,
		Archive: c.Bool("archive-previous"), Keep: c.Bool("keep"), Check: gate.check, Comment: c.String("comment"), Sign: sign})
	if err != nil {
		return err
	}
	return a.changed(c, m, ch, promotionWords(ch))
}

// promotionWords tells people what a promotion did.
func promotionWords(ch *registry.Change) string {
	words := fmt.Sprintf("%s %s", ch.Model, shortCommit(ch.Version))
	switch {
	case len(ch.Tags) == 0 && ch.Stage == "":
		return words + " is in no stage"
	case len(ch.Tags) == 0:
		return words + " is in " + ch.Stage + " already"
	case ch.Stage == "":
		return words + " left " + ch.From
	case ch.From == "" || strings.EqualFold(ch.From, ch.Stage):
		words += " is in " + ch.Stage
	default:
		words += fmt.Sprintf(" went from %s to %s", ch.From, ch.Stage)
	}
	for i, v := range ch.Replaced {
		words += []string{", instead of ", ", "}[min(i, 1)] + shortCommit(v)
		if slices.Contains(ch.Archived, v) {
			words += " (archived)"
		}
	}
	return words
}

// shortCommit shortens what is no version but a commit.
func shortCommit(version string) string {
	if !strings.HasPrefix(version, "v") && len(version) >= 40 {
		return version[:10]
	}
	return version
}

func (a *app) modelArchiveCommand() *cli.Command {
	return &cli.Command{
		Name:        "archive",
		Usage:       "take a version out of its stages, and mark it as archived",
		ArgsUsage:   "NAME@VERSION",
		Description: "VERSION is as with \"xt model promote\", and must be given.\n\nexamples:\n   xt model archive digits@v1.0.0\n   xt model archive digits@production --push",
		Flags:       append([]cli.Flag{jsonFlag()}, signFlags()...),
		Action:      a.modelArchive,
	}
}

func (a *app) modelArchive(c *cli.Context) error {
	if c.NArg() != 1 {
		return &usageError{msg: "xt model archive takes one version of a model", hints: []string{"such as xt model archive NAME@v1.2.0"}}
	}
	sign, err := signing(c)
	if err != nil {
		return err
	}
	m, err := a.openModels()
	if err != nil {
		return err
	}
	name, word, err := m.ref(c.Args().First())
	if err != nil {
		return err
	}
	if word == "" {
		return &usageError{msg: "xt model archive: say which version", hints: []string{fmt.Sprintf("such as %s@latest; \"xt model list %s\" lists them", c.Args().First(), c.Args().First())}}
	}
	ch, err := m.Archive(c.Context, name, word, sign)
	if err != nil {
		return err
	}
	return a.changed(c, m, ch, promotionWords(ch))
}
